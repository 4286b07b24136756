"""HTTP/1 where mitmproxy breaks at what it allows, or keeps what has no end: interim answers, lengths, heads."""

from __future__ import annotations

import re
from typing import Any

from h11 import Data, EndOfMessage, ProtocolError, RemoteProtocolError
from h11._readers import ChunkedReader
from h11._receivebuffer import ReceiveBuffer
from mitmproxy.connection import ConnectionState
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers.http import _http1
from mitmproxy.proxy.layers.http._base import ReceiveHttp
from mitmproxy.proxy.layers.http._events import ErrorCode, ResponseProtocolError

LARGEST_HEAD = 256 * 1024
"""Bytes of a head, of trailers, of the line before a chunk: what Chromium takes, too."""

_INTERIM = re.compile(rb"(?:HTTP/1\.\d 1(?!01)\d\d\b[^\n]*\n(?:[^\r\n][^\n]*\n)*\r?\n)+")
"""Answers before the answer (100 Continue, 103 Early Hints); 101 is an answer."""


class Client(_http1.Http1Client):
    """Speaks HTTP/1 with a service. mitmproxy takes an interim answer for the answer, and keeps any head."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.buf = _Buffer()
        self._is_kept = False
        """Whether this connection was kept after an answer, and nothing came of the next one yet."""

    def read_headers(self, event: events.ConnectionEvent) -> layer.CommandGenerator[None]:
        if self.request and (interim := _INTERIM.match(bytes(self.buf))):
            self.buf.maybe_extract_at_most(interim.end())
            self._is_kept = False
        if self._is_kept and self.stream_id and not self.buf and isinstance(event, events.ConnectionClosed):
            yield from self._hang_up(self.stream_id)
            return
        yield from super().read_headers(event)
        if self.stream_id and self.state == self.read_headers and len(self.buf) > LARGEST_HEAD:
            yield commands.CloseConnection(self.conn)
            told = "The head of the answer has no end"
            yield ReceiveHttp(ResponseProtocolError(self.stream_id, told, ErrorCode.GENERIC_SERVER_ERROR))

    def mark_done(self, *, request: bool = False, response: bool = False) -> layer.CommandGenerator[None]:
        self._is_kept = self._is_kept or response
        yield from super().mark_done(request=request, response=response)

    def _hang_up(self, stream_id: int) -> layer.CommandGenerator[None]:
        """
        Do as the service did, which ended a kept connection just when it was asked.

        Browsers know that from kept connections and ask again. Of our answer in its place (502) they would not, and if
        we asked again, a question might be asked twice by whose client would not do that.
        """
        if self.conn.state & ConnectionState.CAN_WRITE:
            yield commands.CloseConnection(self.conn)
        yield ReceiveHttp(ResponseProtocolError(stream_id, "The service hung up", ErrorCode.PASSTHROUGH_CLOSE))


class _Buffer(ReceiveBuffer):
    """Holds what a service says. Of lengths that are told twice mitmproxy makes an error, where browsers read on."""

    def maybe_extract_lines(self) -> list[bytearray] | None:
        lines = super().maybe_extract_lines()
        return lines if lines is None else _with_one_length(lines)


def _with_one_length(lines: list[bytearray]) -> list[bytearray]:
    """
    Return the lines of a head with its length told once, as RFC 9112 (6.3) has a proxy do.

    The same length told again goes; a length goes where chunks tell it; chunks are not told of where no body can be.
    """
    lengths, chunked = _named(b"content-length", lines), _named(b"transfer-encoding", lines)
    if chunked and re.match(rb"HTTP/1\.\d (?:1\d\d|204)\b", lines[0]):
        return [line for line in lines if line not in chunked]
    if chunked:
        return [line for line in lines if line not in lengths]
    told = [number.strip() for line in lengths for number in line.partition(b":")[2].split(b",")]
    if len(told) < 2 or len({bytes(number) for number in told}) > 1:
        return lines
    return [*(line for line in lines if line not in lengths), bytearray(b"content-length: " + told[0])]


def _named(name: bytes, lines: list[bytearray]) -> list[bytearray]:
    return [line for line in lines if line[: len(name) + 1].lower() == name + b":"]


class Chunks(ChunkedReader):
    """
    Reads a chunked body. mitmproxy breaks at trailers, which nobody behind a proxy may count on: they go.

    Chunks that came together go on as one: thousands of tiny ones would hold up all other chats.
    """

    def __init__(self) -> None:
        super().__init__()
        self._next: EndOfMessage | ProtocolError | None = None

    def __call__(self, buf: Any) -> Data | EndOfMessage | None:
        if self._next is not None:
            return self._give_next()
        event = self._read(buf)
        if not isinstance(event, Data) or len(buf) <= len(b"\r\n"):
            return event
        pieces = [event.data]
        try:
            while isinstance(more := self._read(buf), Data):
                pieces.append(more.data)
            self._next = more
        except ProtocolError as error:  # after what came before it
            self._next = error
        return Data(data=b"".join(pieces)) if len(pieces) > 1 else event

    def _give_next(self) -> EndOfMessage | None:
        given, self._next = self._next, None
        if isinstance(given, ProtocolError):
            raise given
        return given

    def _read(self, buf: Any) -> Data | EndOfMessage | None:
        event = super().__call__(buf)
        if event is None and len(buf) > LARGEST_HEAD:
            raise RemoteProtocolError("a line without an end")
        return EndOfMessage() if isinstance(event, EndOfMessage) else event
