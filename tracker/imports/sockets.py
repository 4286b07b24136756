"""
Sockets of a recording, heard message by message as time passes.

A recording tells of a socket where it was opened (or closed), with all that was ever said on it. Its messages belong
between the other requests: an answer there is to a question that was asked elsewhere, after the page opened it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from addon.exchange import Exchange, Message
from addon.reader import Reader
from addon.reading import NOTHING, Reading
from addon.socket_reader import SocketReader

ROOM = 2**26
"""How many bytes of messages may be held back for later; what is more is heard at once."""


@dataclass
class _Held:
    exchange: Exchange
    socket: SocketReader
    messages: deque[tuple[datetime, Message]]
    size: int


class Sockets:
    """Reads exchanges in the order of a recording, and what sockets say in the order of time."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._held: list[_Held] = []

    def read(self, exchange: Exchange) -> Reading:
        """Read an exchange, after all that was said on sockets before it began."""
        reading = self._hear(exchange.started_at)
        socket = self._reader.open_socket(exchange) if exchange.messages and exchange.status < 300 else None
        if socket is None:
            return reading + self._reader.read(exchange)
        self._held.append(_hold(exchange, socket))
        if sum(held.size for held in self._held) > ROOM:
            reading += self.finish()
        return reading

    def finish(self) -> Reading:
        """Hear what is left on all sockets, and close them."""
        reading = self._hear(None)
        self._held.clear()
        return reading

    def _hear(self, until: datetime | None) -> Reading:
        reading = NOTHING
        while self._held:
            earliest = min(self._held, key=lambda held: held.messages[0][0])
            if until is not None and earliest.messages[0][0] >= until:
                break
            _, message = earliest.messages.popleft()
            reading += earliest.socket.hear(message)
            if not earliest.messages:
                exchange, last_ms = earliest.exchange, message.at_ms
                reading += earliest.socket.close(exchange.ending, exchange.ended_ms if last_ms is None else last_ms)
                self._held.remove(earliest)
        return reading


def _hold(exchange: Exchange, socket: SocketReader) -> _Held:
    """Return the socket with the moment of each message; one without a time came with the one before it."""
    messages: deque[tuple[datetime, Message]] = deque()
    at_ms = size = 0
    for message in exchange.messages:
        at_ms = at_ms if message.at_ms is None else max(at_ms, message.at_ms)
        size += len(message.data)
        messages.append((exchange.started_at + timedelta(milliseconds=at_ms), message))
    return _Held(exchange, socket, messages, size)
