"""What all framings share: a splitter takes bytes cut anywhere and returns the events they complete."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

from addon.framing.values import LARGEST_EVENT, NOT_JSON, scan_at
from addon.turn import Event

type Unit = tuple[Any, str | None]
"""An event's data and name, before it gets its time."""

type Piece = tuple[int | None, bytes]
"""When it came, in milliseconds, and what."""

new_event: Callable[[type[Event], tuple[Any, str | None, int | None]], Event] = tuple.__new__
"""Make an event, as ``Event(...)`` does at twice the cost."""


class Splitter:
    """Base of all framings. ``problems`` is the list that ``Events`` shows; each kind is noted once."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems

    def take(self, pieces: Sequence[Piece]) -> list[Event]:
        """Return what ``pieces`` complete, each event with the time of the piece that completed it."""
        raise NotImplementedError

    def feed(self, data: bytes) -> list[Unit]:
        """Return what one piece completes."""
        return [(event.data, event.name) for event in self.take([(None, data)])]

    def finish(self) -> list[Unit]:
        """Nothing more comes: return what can be read of the rest."""
        return []

    def note(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)


def times_of(ends: list[int], pieces: Sequence[Piece]) -> list[int | None]:
    """Return when each of ``ends``, counted in bytes from the first of ``pieces``, had come."""
    times = [at_ms for at_ms, _ in pieces]
    edges = list(accumulate([len(data) for _, data in pieces]))
    if ends == edges:
        return times  # as most come: each by itself
    return [times[bisect_left(edges, end)] for end in ends]


class DelimitedSplitter(Splitter):
    """
    Units that end in a fixed delimiter. Search only new bytes, join once, drop units above the bound.

    A unit of JSON in the plainest form, as nearly all are, is read at once: ``plain`` is what stands before the value,
    its group the event's name. All others go the long way, ``read``, which would read the plain ones just so.
    """

    delimiter = b"\n"
    plain: re.Pattern[bytes] | None = re.compile(b"()")
    length: re.Pattern[bytes] | None = None
    """What stands between units and says nothing."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems)
        self._delimiters = re.compile(re.escape(self.delimiter))  # finds "\n\n" in a third of what ``split`` takes
        self._rest = bytearray()
        self._dropping = False
        self._head: bytes | None = None
        self._name: str | None = None

    def take(self, pieces: Sequence[Piece]) -> list[Event]:
        kept, width = len(self._rest), len(self.delimiter)
        came = b"".join([data for _, data in pieces])
        if (idle := 64 * self.delimiter) in came:
            pieces = [(at_ms, data.replace(idle, self.delimiter)) for at_ms, data in pieces]
            came = b"".join([data for _, data in pieces])
        if kept:
            self._rest += came
            if self._delimiters.search(self._rest, max(0, kept - width + 1)) is None:
                self._bound()
                return []
            came = bytes(self._rest)
        blocks = self._delimiters.split(came)
        self._rest = bytearray(blocks.pop())
        if not blocks:
            self._bound()
            return []
        ends = list(accumulate([len(block) + width for block in blocks], initial=-kept))[1:]
        if self._dropping:
            self._dropping = False
            blocks[0] = b""
        events = self._read_all(blocks, times_of(ends, pieces))
        self._bound()
        return events

    def finish(self) -> list[Unit]:
        rest, self._rest = bytes(self._rest), bytearray()
        units: list[Unit] = []
        if rest and not self._dropping:
            self.read_last(rest, units)
        return units

    def read(self, block: bytes, units: list[Unit]) -> None:
        """Append what one whole block means."""
        raise NotImplementedError

    def read_last(self, block: bytes, units: list[Unit]) -> None:
        """Append what the block without its delimiter means."""
        self.read(block, units)

    def _read_all(self, blocks: list[bytes], times: list[int | None]) -> list[Event]:
        """Return what whole blocks mean, which were complete at these times."""
        events: list[Event] = []
        units: list[Unit] = []
        skip = len(self._head or b"")
        for block, at_ms in zip(blocks, times, strict=True):
            if not block:
                continue
            if self._head is None or not block.startswith(self._head):  # most begin as the one before did
                skip = self._begin(block)
            if self._head is not None and len(block) <= LARGEST_EVENT:
                try:
                    text = block[skip:].decode()
                    value, end = scan_at(text, 0)
                    if end == len(text) and "\n" not in text:
                        events.append(new_event(Event, (value, self._name, at_ms)))
                        continue
                except NOT_JSON:
                    pass  # the long way tells what it is
            if len(block) > LARGEST_EVENT:
                self.note("too-large")
            else:
                self.read(block, units)
                events += [Event(value, name, at_ms) for value, name in units]
                units.clear()
        return events

    def _begin(self, block: bytes) -> int:
        """Remember what stands before the value of a plain block; return how long it is."""
        found = self.plain.match(block) if self.plain else None
        self._head = found[0] if found else None
        self._name = (found[1] or b"").decode("utf-8", "replace") or None if found else None
        return len(self._head or b"")

    def _bound(self) -> None:
        if self._dropping or len(self._rest) > LARGEST_EVENT:
            self.note("too-large")
            self._dropping = True
            # The last bytes may be the first of a delimiter.
            self._rest = self._rest[-(len(self.delimiter) - 1) :] if len(self.delimiter) > 1 else bytearray()
