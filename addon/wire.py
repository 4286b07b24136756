"""Where mitmproxy breaks at what HTTP allows, or keeps what has no end: interim answers, trailers, heads, messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from h11 import Data, EndOfMessage, RemoteProtocolError
from h11._readers import ChunkedReader
from mitmproxy.connection import Connection
from mitmproxy.proxy import commands, events, layer, mode_servers
from mitmproxy.proxy.layers import http, websocket
from mitmproxy.proxy.layers.http import _http1
from mitmproxy.proxy.layers.http._base import ReceiveHttp
from mitmproxy.proxy.layers.http._events import ErrorCode, ResponseProtocolError
from wsproto.events import CloseConnection, Event, Message
from wsproto.frame_protocol import CloseReason

LARGEST_HEAD = 256 * 1024
"""Bytes of a head, of trailers, of the line before a chunk: what Chromium takes, too."""
LARGEST_MESSAGE = 32 * 1024 * 1024
"""Bytes of a socket's message, inflated, that mitmproxy keeps until its last part has come."""
PART_OVERHEAD = 200
"""What a part costs beside its bytes, as bytes: there may be a million without any."""

_INTERIM = re.compile(rb"(?:HTTP/1\.\d 1(?!01)\d\d\b[^\n]*\n(?:[^\r\n][^\n]*\n)*\r?\n)+")
"""Answers before the answer (100 Continue, 103 Early Hints); 101 is an answer."""


def bear_more() -> None:
    """Have mitmproxy use these in place of its own; it has no other way in."""
    vars(http)["Http1Client"] = _Client
    vars(_http1)["ChunkedReader"] = _Chunks
    vars(websocket)["WebsocketConnection"] = _Socket
    vars(mode_servers)["ProxyConnectionHandler"] = _Handler


class _Client(_http1.Http1Client):
    """Speaks HTTP/1 with a service. mitmproxy takes an interim answer for the answer, and keeps any head."""

    def read_headers(self, event: events.ConnectionEvent) -> layer.CommandGenerator[None]:
        if self.request and (interim := _INTERIM.match(bytes(self.buf))):
            self.buf.maybe_extract_at_most(interim.end())
        yield from super().read_headers(event)
        if self.stream_id and self.state == self.read_headers and len(self.buf) > LARGEST_HEAD:
            yield commands.CloseConnection(self.conn)
            told = "The head of the answer has no end"
            yield ReceiveHttp(ResponseProtocolError(self.stream_id, told, ErrorCode.GENERIC_SERVER_ERROR))


class _Chunks(ChunkedReader):
    """Reads a chunked body. mitmproxy breaks at trailers, which nobody behind a proxy may count on: they go."""

    def __call__(self, buf: Any) -> Data | EndOfMessage | None:
        event = super().__call__(buf)
        if event is None and len(buf) > LARGEST_HEAD:
            raise RemoteProtocolError("a line without an end")
        return EndOfMessage() if isinstance(event, EndOfMessage) else event


class _Socket(websocket.WebsocketConnection):
    """One side of a WebSocket. mitmproxy keeps a message until it is whole: one without end is ended here."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._kept = 0
        self._pieces: list[Any] = []

    def events(self) -> Iterator[Event]:
        for event in super().events():
            if not isinstance(event, Message):
                yield event
                continue
            self._kept = 0 if event.message_finished else self._kept + len(event.data) + PART_OVERHEAD
            if self._kept > LARGEST_MESSAGE:
                self._pieces, self.frame_buf = [], [b""]
                yield CloseConnection(CloseReason.MESSAGE_TOO_BIG)
                return
            if not event.frame_finished:
                self._pieces.append(event.data)  # mitmproxy would copy all that came so far for each piece that comes
            elif self._pieces:
                whole = type(event.data)().join([*self._pieces, event.data])
                self._pieces = []
                yield replace(event, data=whole)
            else:
                yield event  # as most messages come: in one frame, and that in one piece


class _Handler(mode_servers.ProxyConnectionHandler):
    """Reads from both sides. mitmproxy forgets to close a connection that still speaks when it is given up."""

    async def handle_connection(self, connection: Connection) -> None:
        try:
            await super().handle_connection(connection)
        finally:
            left = self.transports.pop(connection, None)
            if left is not None and left.writer is not None:
                left.writer.close()
