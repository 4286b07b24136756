"""Bytes become events: every content coding and framing that chat services use, within bounds, never raising."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from itertools import chain

from addon.coding import Budget, CodingError, Decoder, TooLarge
from addon.exchange import Exchange
from addon.framing.alike import join_alike
from addon.framing.binary import FrameSplitter
from addon.framing.choice import FRAMINGS, HEAD_BYTES, choose
from addon.framing.json_values import JsonSplitter
from addon.framing.lines import SignalrSplitter
from addon.framing.patches import Patches, join_patches
from addon.framing.request import read_request
from addon.framing.snapshots import Repeats, skip_superseded
from addon.framing.splitter import DelimitedSplitter, Piece, Splitter
from addon.framing.sse import SseSplitter
from addon.framing.values import LARGEST_EVENT, NOT_JSON, parse_or_none, scan_at
from addon.service import Event

__all__ = ["FRAMINGS", "Events", "parse_or_none", "read_events", "read_request", "split_messages"]

_GROUP_BYTES = 16 * 1024
"""So many bytes are taken apart at once; of fewer each event costs more, and of more, too, for all are in memory."""

_LARGEST_GROUP = 16 * _GROUP_BYTES

_TEXT_STARTS = (b"{", b"[", b"data:", b"event:", b":", b")]}'", b"id:")


class Events:
    """The events of one response, in order. ``problems`` fills while they are read; reading never raises."""

    def __init__(
        self,
        exchange: Exchange,
        framing: str,
        adds: re.Pattern[bytes] | None,
        repeats: Repeats | None,
        patches: Patches | None,
    ) -> None:
        self.problems: list[str] = []
        self.heard = False
        """Whether there was any event so far."""
        self.splitter: Splitter | None = None
        """What takes the bytes apart, once enough of them came to choose it."""
        self._exchange = exchange
        self._framing = framing
        self._adds, self._repeats, self._patches = adds, repeats, patches

    def __iter__(self) -> Iterator[Event]:
        self.problems.clear()
        pieces = self._decoded(self._exchange.response_header("content-encoding"))
        head = self._choose(pieces, self._exchange.response_header("content-type"))
        if self.splitter is not None:
            yield from self._read(self.splitter, head, pieces)
        if self._exchange.truncated:
            self._note("truncated")

    def _read(self, splitter: Splitter, head: Piece, rest: Iterable[Piece]) -> Iterator[Event]:
        pieces: Iterable[Piece] = chain([head], rest)
        if self._adds and isinstance(splitter, DelimitedSplitter):
            pieces = join_alike(pieces, splitter.delimiter, self._adds)
        elif isinstance(splitter, FrameSplitter):
            splitter.adds = self._adds
        if self._repeats and isinstance(splitter, DelimitedSplitter):
            pieces = skip_superseded(pieces, splitter.delimiter, self._repeats, splitter.length)
        if self._patches and isinstance(splitter, SseSplitter):
            pieces = join_patches(pieces, self._patches, returns=b"\r" in head[1])
        at_ms: int | None = None
        for group in _grouped(pieces, cut_up=isinstance(splitter, DelimitedSplitter)):
            events = splitter.take(group)
            at_ms = group[-1][0]
            self.heard = self.heard or bool(events)
            yield from events
        for value, name in splitter.finish():
            self.heard = True
            yield Event(value, name, at_ms)

    def _choose(self, pieces: Iterator[Piece], content_type: str) -> Piece:
        """Choose the splitter by the first bytes and return these; no splitter if there are none."""
        self.splitter = None
        head = b""
        at_ms: int | None = None
        for came, data in pieces:
            at_ms, head = came, head + data
            if len(head.lstrip()) >= HEAD_BYTES or len(head) >= Budget().limit:
                break
        if head:
            self.splitter = choose(self._framing, content_type, head, self.problems)
            if isinstance(self.splitter, SseSplitter):
                head = head.removeprefix(codecs.BOM_UTF8)
        return at_ms, head

    def _decoded(self, encoding: str) -> Iterator[Piece]:
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

    def _as_stored(self) -> Iterator[Piece]:
        for chunk in self._exchange.chunks:
            yield chunk.at_ms, chunk.data

    def _note(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)


def _grouped(pieces: Iterable[Piece], *, cut_up: bool) -> Iterator[list[Piece]]:
    """Yield the pieces, several at a time, for that costs less; and parts of the large ones, if they may be cut up."""
    group: list[Piece] = []
    size = 0
    for piece in pieces:
        size += len(piece[1])
        group.append(piece)
        if size >= _GROUP_BYTES:
            yield from _cut_up(group) if cut_up and size > _LARGEST_GROUP else (group,)
            group, size = [], 0
    if group:
        yield group


def _cut_up(group: list[Piece]) -> Iterator[list[Piece]]:
    for at_ms, data in group:
        for start in range(0, len(data), _GROUP_BYTES):
            yield [(at_ms, data[start : start + _GROUP_BYTES])]


def read_events(
    exchange: Exchange,
    framing: str = "auto",
    adds: re.Pattern[bytes] | None = None,
    repeats: Repeats | None = None,
    patches: Patches | None = None,
) -> Events:
    """
    Return the events of the response. ``framing`` is a name from ``FRAMINGS``; ``auto`` goes by content type.
    Events that are alike but for a text after ``adds`` come as one (``Service.adds``); of those that say again what
    was said, and more, the first and the last come (``Service.repeats``); those that go on with ``patches`` to the same
    things come as one (``Service.patches``).

    ``problems``: ``truncated``, ``bad-coding``, ``bad-json``, ``bad-frame``, ``bad-checksum``, ``too-large``.
    ``json_array`` gives each element of the outer array; so does ``auto`` for a JSON body that is an array.
    """
    return Events(exchange, framing, adds, repeats, patches)


def split_messages(data: bytes, framing: str = "json", at_ms: int | None = None) -> list[Event]:
    """
    Return the events in one socket message: JSON, several JSON values, or SignalR's, each an event.

    A message that is not JSON is one event with its text, or with its bytes if it is not text. Never raises.
    """
    if data.startswith((b"{", b"[")) and len(data) <= LARGEST_EVENT:
        try:
            text = data.decode()
            value, end = scan_at(text, 0)
            if end == len(text) or text[end:] == "\x1e":
                return [Event(value, None, at_ms)]  # as most messages come
        except NOT_JSON:
            pass  # something broken; below, what has several values, too
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
