"""Of events in a row that say again all that was said, and more, the first and the last are enough."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from addon.framing.splitter import Piece

TEXT = re.compile(rb'[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+')
"""The inside of a JSON string."""

INNER_TEXT = re.compile(
    rb'[^"\\\x00-\x1f]*+(?:'
    rb'(?:\\u(?!00(?:[01][0-9a-fA-F]|22|5[cC]))[0-9a-fA-F]{4}|\\/|\\\\(?:\\["\\]|[/bfnrt]|u[0-9a-fA-F]{4}))'
    rb'[^"\\\x00-\x1f]*+)*+'
)
"""The inside of a JSON string in JSON that is a string itself: no letter of it ends either."""

_MOST_TEXTS = 16
"""An event with more texts is compared with none."""

_MOST_SELDOM = 64
"""Where no event is like the one before, every so many are compared."""

_SLACK = 64
"""Bytes that may have been added before the beginning is kept anew: to look at fewer again costs less."""

_LARGEST_PIECE = 1024 * 1024
"""Bytes; a larger piece passes as it is."""

_MOST_HELD = 3
"""Lengths behind an event."""


@dataclass(frozen=True, slots=True)
class Repeats:
    """How a service says again all that was said. To have read the last time is to have read all but when it began."""

    before: re.Pattern[bytes]
    """What stands in an event up to the first letter of a text that is whole each time."""
    unless: bytes | None = None
    """What is in an event that does not only say again what was said."""
    text: re.Pattern[bytes] = TEXT


class Snapshots:
    """
    Tells which events differ from one before in nothing but more of its texts.

    Nothing is decoded for that: what was there is there in the same letters, and what is new is within a text. Which
    letters are new does not matter: a text may lose the last of them again.
    """

    __slots__ = ("_last", "_match", "_most", "_parts", "_repeats", "_vain")

    def __init__(self, repeats: Repeats) -> None:
        self._repeats, self._match = repeats, repeats.text.match
        self._parts: Sequence[bytes] = ()
        """The event to compare with, cut where each of its texts ends, …"""
        self._last = b""
        """… and what stands behind them."""
        self._most = self._vain = 0

    def begin(self, event: bytes) -> None:
        """Compare with this one from now on; more and more seldom, where none is like the one before."""
        self.forget()
        self._vain += 1
        if self._vain & (self._vain - 1) and self._vain % _MOST_SELDOM:  # neither 1 nor 2, 4, 8 …
            return
        unless = self._repeats.unless
        if b"\r" in event or (unless is not None and unless in event):
            return  # returns end server-sent events, too
        ends = [0]
        for place in self._repeats.before.finditer(event):
            text = self._match(event, place.end())
            if text is None or len(ends) > _MOST_TEXTS:
                return
            if text[0]:  # when another one begins is told
                ends.append(text.end())
        if len(ends) > 1 and event.rstrip().endswith((b"}", b"]", b"\x1e")):  # no line in the middle of a value
            self._keep(event, ends)

    def forget(self) -> None:
        """Compare with none until another begins."""
        self._parts = ()

    def end_of_next(self, data: bytes, start: int = 0) -> int:
        """Return where the event ends that begins at a position, if it is a later snapshot; 0 if it is not."""
        if not self._parts:
            return 0
        at = start
        for part in self._parts:
            if not data.startswith(part, at):
                return 0
            at = self._match(data, at + len(part)).end()  # type: ignore[union-attr]  # it may match nothing
        if not data.startswith(self._last, at):
            return 0
        if at - start > self._most:
            ends = [start]
            for part in self._parts:
                ends.append(self._match(data, ends[-1] + len(part)).end())  # type: ignore[union-attr]  # as above
            self._keep(data[: at + len(self._last)], ends)
        self._vain = 0
        return at + len(self._last)

    def _keep(self, event: bytes, ends: list[int]) -> None:
        self._parts = [event[start:end] for start, end in pairwise(ends)]
        self._last = event[ends[-1] :]
        self._most = ends[-1] - ends[0] + _SLACK


def skip_superseded(
    pieces: Iterable[Piece], delimiter: bytes, repeats: Repeats, length: re.Pattern[bytes] | None = None
) -> Iterator[Piece]:
    """
    Yield the same bytes without the events of which the next is a later snapshot, but with the first of each run.

    ``length`` is what may stand before an event and says nothing. What belongs to no whole event passes as it is.
    """
    snapshots = Snapshots(repeats)
    held: list[Piece] = []
    behind = 0
    """Where in ``held`` the lengths behind its event begin: they are the next event's."""
    between = True
    for at_ms, data in _cut_between(pieces, delimiter):
        if between and snapshots.end_of_next(data) == len(data) > 0:
            held = [*held[behind:], (at_ms, data)]  # as most come
            behind = len(held)
            continue
        begins, between = between, data.endswith(delimiter)
        if not (begins and between) or len(data) > _LARGEST_PIECE:
            yield from held
            held = []
            snapshots.forget()
            yield at_ms, data
            continue
        start = passed = 0
        while start < len(data):
            if end := snapshots.end_of_next(data, start):
                if passed < start:
                    yield at_ms, data[passed:start]
                held = [*held[behind:], (at_ms, data[start:end])]
                behind = len(held)
                start = passed = end
            elif length and (number := length.match(data, start)) and len(held) - behind < _MOST_HELD:
                start = number.end()
                if held:
                    held.append((at_ms, number[0]))
                    passed = start
            else:
                yield from held
                held = []
                end = data.find(delimiter, start) + len(delimiter)
                event = data[start : end if end > start else None]
                snapshots.begin(event)
                start += len(event)
        if passed < start:
            yield at_ms, data[passed:]
    yield from held


def _cut_between(pieces: Iterable[Piece], delimiter: bytes) -> Iterator[Piece]:
    """Yield the same bytes, but cut where events end: the beginning of one waits for the rest, if that is not large."""
    waiting: list[Piece] = []
    size = 0
    for piece in pieces:
        at_ms, data = piece
        if not waiting and data.endswith(delimiter):
            yield piece
            continue
        edge = waiting[-1][1][1 - len(delimiter) :] if waiting and len(delimiter) > 1 else b""
        end = (edge + data).rfind(delimiter)
        size += len(data)
        if end >= 0:
            end += len(delimiter) - len(edge)
            yield at_ms, b"".join([*(begin for _, begin in waiting), data[:end]])
            waiting, size = [(at_ms, data[end:])] if end < len(data) else [], len(data) - end
        elif size > _LARGEST_PIECE:
            yield from waiting
            yield piece
            waiting, size = [], 0
        else:
            waiting.append(piece)
    yield from waiting
