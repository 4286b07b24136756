"""WebSockets where mitmproxy keeps a message without end, and passes on what was broken off as well ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from mitmproxy.proxy.layers import websocket
from wsproto.connection import ConnectionState
from wsproto.events import CloseConnection, Event, Message, Ping, Pong
from wsproto.frame_protocol import CloseReason

LARGEST_MESSAGE = 32 * 1024 * 1024
"""Bytes of a socket's message, inflated, that mitmproxy keeps until its last part has come."""
PART_OVERHEAD = 200
"""What a part costs beside its bytes, as bytes: there may be a million without any."""
SMALLEST_PART = 4000
"""Bytes of a part that goes on as it came; mitmproxy passes on all parts at once, and a million would hold up all."""


class Socket(websocket.WebsocketConnection):
    """One side of a WebSocket."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._kept = self._in_part = 0
        self._pieces: list[Any] = []

    def send(self, event: Event) -> bytes:
        """A socket that was cut goes on cut: told of a normal end, a page would not open another."""
        if isinstance(event, CloseConnection) and event.code == CloseReason.ABNORMAL_CLOSURE:
            self._state = ConnectionState.CLOSED
            return b""
        sent: bytes = super().send(event)
        return sent

    def events(self) -> Iterator[Event]:
        """Give what came, of a row of pings or pongs the last (RFC 6455, 5.5.3)."""
        echo: Ping | Pong | None = None
        for event in super().events():
            if echo is not None and type(event) is not type(echo):
                yield echo
                echo = None
            if isinstance(event, Ping | Pong):
                echo = event
            elif isinstance(event, Message):
                yield from self._take(event)
            else:
                yield event
        if echo is not None:
            yield echo

    def _take(self, event: Message[Any]) -> Iterator[Event]:
        """Give a part when it is whole and not tiny; end what has no end."""
        size = len(event.data)
        self._kept = 0 if event.message_finished else self._kept + size + PART_OVERHEAD
        if self._kept > LARGEST_MESSAGE:
            self._pieces, self.frame_buf = [], [b""]
            yield CloseConnection(CloseReason.MESSAGE_TOO_BIG)
        elif not event.message_finished and (not event.frame_finished or self._in_part + size < SMALLEST_PART):
            self._pieces.append(event.data)  # mitmproxy would copy all that came so far for each piece that comes
            self._in_part += size
        elif self._pieces:
            whole = type(event.data)().join([*self._pieces, event.data])
            self._pieces, self._in_part = [], 0
            yield replace(event, data=whole)
        else:
            yield event  # as most messages come: in one frame, and that in one piece
