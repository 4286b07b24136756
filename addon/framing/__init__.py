"""Bytes become events: every content coding and framing that chat services use, within bounds, never raising."""

from __future__ import annotations

from collections.abc import Iterator

from addon.coding import Budget, CodingError, Decoder, TooLarge
from addon.exchange import Exchange
from addon.framing.choice import FRAMINGS, HEAD_BYTES, choose
from addon.framing.lines import SignalrSplitter
from addon.framing.request import read_request
from addon.framing.splitter import JsonSplitter, Splitter, Unit
from addon.framing.values import LARGEST_EVENT, NotJson, parse, parse_or_none
from addon.service import Event

__all__ = ["FRAMINGS", "Events", "parse_or_none", "read_events", "read_request", "split_messages"]

_TEXT_STARTS = (b"{", b"[", b"data:", b"event:", b":", b")]}'", b"id:")


class Events:
    """The events of one response, in order. ``problems`` fills while they are read; reading never raises."""

    def __init__(self, exchange: Exchange, framing: str) -> None:
        self.problems: list[str] = []
        self.heard = False
        """Whether there was any event so far."""
        self.splitter: Splitter | None = None
        """What takes the bytes apart, once enough of them came to choose it."""
        self._exchange = exchange
        self._framing = framing

    def __iter__(self) -> Iterator[Event]:
        self.problems.clear()
        headers = {name.lower(): value for name, value in self._exchange.response_headers.items()}
        content_type = headers.get("content-type", "")
        splitter = self.splitter = None
        head = b""
        at_ms: int | None = None
        for at_ms, data in self._decoded(headers.get("content-encoding", "")):
            if splitter is None:
                head += data
                if len(head.lstrip()) < HEAD_BYTES and len(head) < Budget().limit:
                    continue
                splitter = self.splitter = choose(self._framing, content_type, head, self.problems)
                data = head  # noqa: PLW2901 - the first piece is all that came so far
            for value, name in splitter.feed(data):
                self.heard = True
                yield Event(value, name, at_ms)
        rest: list[Unit] = []
        if splitter is None and head:
            splitter = self.splitter = choose(self._framing, content_type, head, self.problems)
            rest.extend(splitter.feed(head))
        if splitter:
            rest.extend(splitter.finish())
        for value, name in rest:
            self.heard = True
            yield Event(value, name, at_ms)
        if self._exchange.truncated:
            self._note("truncated")

    def _decoded(self, encoding: str) -> Iterator[tuple[int | None, bytes]]:
        try:
            decoder = Decoder(encoding, Budget())
        except CodingError:
            self._note("bad-coding")
            return
        if decoder.is_plain:
            yield from self._as_stored()
            return
        produced = False
        try:
            for chunk in self._exchange.chunks:
                data = decoder.feed(chunk.data)
                if data:
                    produced = True
                    yield chunk.at_ms, data
            decoder.finish()
        except TooLarge:
            self._note("too-large")
        except CodingError:
            head = b"".join(chunk.data for chunk in self._exchange.chunks[:HEAD_BYTES])
            if produced or not head.lstrip().startswith(_TEXT_STARTS):
                self._note("truncated" if self._exchange.ending != "complete" else "bad-coding")
                return
            # An archive that kept the header of a body it had decoded.
            yield from self._as_stored()

    def _as_stored(self) -> Iterator[tuple[int | None, bytes]]:
        for chunk in self._exchange.chunks:
            yield chunk.at_ms, chunk.data

    def _note(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)


def read_events(exchange: Exchange, framing: str = "auto") -> Events:
    """
    Return the events of the response. ``framing`` is a name from ``FRAMINGS``; ``auto`` goes by content type.

    ``problems``: ``truncated``, ``bad-coding``, ``bad-json``, ``bad-frame``, ``bad-checksum``, ``too-large``.
    ``json_array`` gives each element of the outer array; so does ``auto`` for a JSON body that is an array.
    """
    return Events(exchange, framing)


def split_messages(data: bytes, framing: str = "json", at_ms: int | None = None) -> list[Event]:
    """
    Return the events in one socket message: JSON, several JSON values, or SignalR's, each an event.

    A message that is not JSON is one event with its text, or with its bytes if it is not text. Never raises.
    """
    if data[:1] in {b"{", b"["} and len(data) <= LARGEST_EVENT:
        try:
            return [Event(parse(data.removesuffix(b"\x1e").decode()), None, at_ms)]  # as most messages come
        except (NotJson, UnicodeDecodeError):
            pass  # several values, or something broken
    problems: list[str] = []
    if framing == "signalr" or data.endswith(b"\x1e"):
        splitter: Splitter = SignalrSplitter(problems)
    else:
        splitter = JsonSplitter(problems)
    units = [*splitter.feed(data), *splitter.finish()]
    if units and (not problems or framing == "signalr"):
        return [Event(value, name, at_ms) for value, name in units]
    if not data or "too-large" in problems:
        return []
    try:
        return [Event(data.decode(), None, at_ms)]
    except UnicodeDecodeError:
        return [Event(data, None, at_ms)]
