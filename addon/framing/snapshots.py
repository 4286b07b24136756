"""Of events in a row that say again all that was said, and more, the first and the last are enough."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

from addon.framing.cutting import cut_between
from addon.framing.splitter import Piece
from addon.framing.values import TEXT

INNER_TEXT = re.compile(
    rb'[^"\\\x00-\x1f]*+(?:'
    rb'(?:\\u(?!00(?:[01][0-9a-fA-F]|22|5[cC]))[0-9a-fA-F]{4}|\\/|\\\\(?:\\["\\]|[/bfnrt]|u[0-9a-fA-F]{4}))'
    rb'[^"\\\x00-\x1f]*+)*+'
)
"""The inside of a JSON string in JSON that is a string itself: no letter of it ends either."""

_NUMBER = re.compile(rb"\d*+")

_MOST_TEXTS = 16
"""An event with more texts is compared with none."""

_MOST_SELDOM = 64

_SLACK = 128
"""Bytes that may have been added before the beginning is kept anew: to look at fewer again costs less."""

_MOST_WAITING = 1000
"""An event in more pieces passes as it is."""

_MOST_LENGTHS = 3
"""Between two events."""


@dataclass(frozen=True, slots=True)
class Repeats:
    """How a service says again all that was said. To have read the last time is to have read all but when it began."""

    before: re.Pattern[bytes]
    """What stands in an event up to the first letter of a text that is whole each time."""
    unless: bytes | None = None
    """What is in an event that does not only say again what was said."""
    counter: re.Pattern[bytes] | None = None
    """What stands before a number that is another one each time and says nothing."""
    text: re.Pattern[bytes] = TEXT


class Snapshots:
    """
    Tells which events differ from one before in nothing but more of its texts.

    Nothing is decoded for that: what was there is there in the same letters, and what is new is within a text. Which
    letters are new does not matter: a text may lose the last of them again.
    """

    __slots__ = ("_last", "_most", "_parts", "_repeats", "_vain")

    def __init__(self, repeats: Repeats | None) -> None:
        self._repeats = repeats
        self._parts: Sequence[tuple[bytes, re.Pattern[bytes]]] = ()
        """The event to compare with, cut where something else may stand in another, and what that may be, …"""
        self._last = b""
        """… and the rest of it."""
        self._most = self._vain = 0

    def begin(self, event: bytes) -> None:
        """Compare with this one from now on; more and more seldom, where none is like the one before."""
        self.forget()
        self._vain += 1
        repeats = self._repeats
        if repeats is None or is_passed_over(self._vain):
            return
        if b"\r" in event or (repeats.unless is not None and repeats.unless in event):
            return  # returns end server-sent events, too
        cuts: list[tuple[int, re.Pattern[bytes]]] = []
        for place in repeats.before.finditer(event):
            text = repeats.text.match(event, place.end())
            if text is None or len(cuts) == _MOST_TEXTS:
                return
            if text[0]:  # when another one begins is told
                cuts.append((text.end(), repeats.text))
        if not cuts or not event.rstrip().endswith((b"}", b"]", b"\x1e")):  # a line in the middle of a value
            return
        if repeats.counter:
            cuts += [(place.end(), _NUMBER) for place in repeats.counter.finditer(event)][:_MOST_TEXTS]
            cuts.sort(key=itemgetter(0))
        self._keep(event, 0, cuts)

    def forget(self) -> None:
        """Compare with none until another begins."""
        self._parts = ()

    def end_of_next(self, data: bytes, start: int = 0) -> int:
        """Return where the event ends that begins at a position, if it is a later snapshot; 0 if it is not."""
        if not self._parts:
            return 0
        at = start
        for part, other in self._parts:
            if not data.startswith(part, at):
                return 0
            at = other.match(data, at + len(part)).end()  # type: ignore[union-attr]  # it may match nothing
        if not data.startswith(self._last, at):
            return 0
        if at - start > self._most:
            self._keep_anew(data, start)
        self._vain = 0
        return at + len(self._last)

    def _keep_anew(self, data: bytes, start: int) -> None:
        at, cuts = start, []
        for part, other in self._parts:
            at += len(part)
            end = other.match(data, at).end()  # type: ignore[union-attr]  # as above
            cuts.append((at if other is _NUMBER else end, other))
            at = end
        self._keep(data[: at + len(self._last)], start, cuts)

    def _keep(self, event: bytes, start: int, cuts: Sequence[tuple[int, re.Pattern[bytes]]]) -> None:
        """Keep an event cut at these places."""
        parts = []
        for cut, other in cuts:
            parts.append((event[start:cut], other))
            start = other.match(event, cut).end()  # type: ignore[union-attr]  # as above
        self._parts, self._last, self._most = parts, event[start:], sum(len(part) for part, _ in parts) + _SLACK


def is_passed_over(vain: int) -> bool:
    """Whether this try is left out, counted since the last that was not in vain: 1, 2, 4, 8 … and each 64th are not."""
    return bool(vain & (vain - 1) and vain % _MOST_SELDOM)


def skip_superseded(
    pieces: Iterable[Piece], delimiter: bytes, repeats: Repeats, length: re.Pattern[bytes] | None = None
) -> Iterator[Piece]:
    """
    Yield the same bytes without the events of which the next is a later snapshot, but with the first of each run.

    ``length`` is what may stand before an event and says nothing. What belongs to no whole event passes as it is.
    """
    snapshots = Snapshots(repeats)
    held: list[Piece] = []
    """The latest snapshot, behind the latest lengths (which end what is broken before them), …"""
    lengths: list[Piece] = []
    """… and those behind it: they are the next event's."""
    for piece, is_whole in cut_between(pieces, delimiter, _MOST_WAITING):
        at_ms, data = piece
        if is_whole and snapshots.end_of_next(data) == len(data):
            held, lengths = [*(lengths or held[:-1]), piece], []  # as most come
            continue
        if not is_whole:
            yield from (*held, *lengths, piece)
            held, lengths = [], []
            snapshots.forget()
            continue
        start = passed = 0
        while start < len(data):
            if end := snapshots.end_of_next(data, start):
                if passed < start:
                    yield at_ms, data[passed:start]
                held, lengths = [*(lengths or held[:-1]), (at_ms, data[start:end])], []
                start = passed = end
            elif length and (number := length.match(data, start)) and len(lengths) < _MOST_LENGTHS:
                start = number.end()
                if held:
                    lengths.append((at_ms, number[0]))
                    passed = start
            else:
                yield from (*held, *lengths)
                held, lengths = [], []
                end = data.find(delimiter, start) + len(delimiter)
                event = data[start : end if end > start else None]
                snapshots.begin(event)
                start += len(event)
        if passed < start:
            yield at_ms, data[passed:]
    yield from (*held, *lengths)
