"""Events that differ from the one before in nothing but the text they add become one event before they are read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from addon.framing.runs import Run, begin, noise_in
from addon.framing.splitter import Piece

_END = b"\x1e"
"""What is put after a text that has no end of its own: no JSON has it."""

_EARLY, _EARLY_BYTES = 20, 16 * 1024
"""Noise that is in an answer is in one of its first so many pieces, or in one that begins within so many bytes."""

_GROUP_BYTES = 16 * 1024
"""So many bytes are looked at together, for most often all events in them are alike."""

_LARGEST_PIECE = 1024 * 1024
"""Bytes; a larger piece passes as it is, so that cutting it up never takes much memory."""

_MOST_MISSES = 9
"""More events in a row that were not worth joining are counted as so many."""


def join_alike(pieces: Iterable[Piece], delimiter: bytes, adds: re.Pattern[bytes]) -> Iterator[Piece]:
    """
    Yield the same bytes, but with each run of like events as one event, which came when the first of them came.

    ``adds`` is what stands in an event up to the first letter of a text that adds to the text before. The insides of
    two JSON strings, one after the other, are the inside of one, so nothing is decoded here. What belongs to no whole
    event passes as it is.
    """
    joiner = _Joiner(delimiter, adds)
    group: list[Piece] = []
    size, between = 0, True
    for piece in _between_events(pieces, delimiter):
        data = piece[1]
        begins, between = between, data.endswith(delimiter)
        if begins and between and len(data) <= _LARGEST_PIECE:
            group.append(piece)
            size += len(data)
            if size < _GROUP_BYTES:
                continue
            yield from joiner.take(group)
        else:
            yield from joiner.take(group)
            yield from joiner.end()
            yield piece
        group, size = [], 0
    yield from joiner.take(group)
    yield from joiner.end()


class _Joiner:
    """Takes whole events in groups of pieces and gives them back, joined where they are alike."""

    def __init__(self, delimiter: bytes, adds: re.Pattern[bytes]) -> None:
        self._delimiter, self._adds = delimiter, adds
        self._run: Run | None = None
        self._noises: list[re.Pattern[bytes]] = []
        self._misses = 0
        self._unseen = 0
        """How many more events or pieces pass without a look."""
        self._taken = 0
        self._taken_bytes = 0

    def take(self, group: list[Piece]) -> list[Piece]:
        """Return what is ready once these came."""
        ready: list[Piece] = []
        at = 0
        tried: Run | None = None
        while at < len(group):
            run = self._run
            if unseen := group[at : at + self._unseen]:
                ready += unseen
                self._unseen -= len(unseen)
                at += len(unseen)
            elif run is not None and run is not tried and run.is_worth_it and len(group) - at > 1:
                tried = run
                if self._take_all(run, group[at:]):
                    break
            else:
                ready += self._take_piece(*group[at])
                at += 1
        return ready

    def _take_all(self, run: Run, group: list[Piece]) -> bool:
        """Take pieces if all are like those before, as most are: to see so at once takes a fifth of the time."""
        data = self._without_noise(b"".join([data for _, data in group]))
        return run.take_all(data[: -len(self._delimiter)], self._delimiter, group[-1][0])

    def end(self) -> Iterable[Piece]:
        """Return what was joined so far: no event before is like what follows."""
        run, self._run = self._run, None
        return () if run is None else run.pieces(self._delimiter)

    def _take_piece(self, at_ms: int | None, data: bytes) -> Iterable[Piece]:
        if self._taken < _EARLY and self._taken_bytes < _EARLY_BYTES:
            self._taken += 1
            self._taken_bytes += len(data)
            self._noises += [noise for noise in noise_in(data) if noise not in self._noises]
        events = self._without_noise(data)[: -len(self._delimiter)]
        if self._run is not None and self._run.take_all(events, self._delimiter, at_ms):
            return ()
        return self._take_events(at_ms, events.split(self._delimiter))

    def _take_events(self, at_ms: int | None, events: list[bytes]) -> Iterator[Piece]:
        loose: list[bytes] = []
        for event in events:
            run = self._run
            if run is not None:
                if run.take(event, at_ms):
                    continue
                yield from self.end()
                self._misses = 0 if run.is_worth_it else self._misses + 1
                self._unseen = _unseen(self._misses)
            if self._unseen:
                self._unseen -= 1
            elif (begun := begin(event, at_ms, self._adds)) is None:
                self._misses += 1
                self._unseen = _unseen(self._misses)
            else:
                self._run = begun
                if loose:
                    yield at_ms, self._delimiter.join([*loose, b""])
                    loose = []
                continue
            loose.append(event)
        if loose:
            yield at_ms, self._delimiter.join([*loose, b""])

    def _without_noise(self, data: bytes) -> bytes:
        for noise in self._noises:
            data = noise.sub(b"", data)
        return data


def join_texts(texts: Iterable[Piece], adds: re.Pattern[bytes] | None) -> Iterator[Piece]:
    """Yield JSON texts that came one by one, those in a row that are alike as one: ``join_alike`` without a framing."""
    if adds is None:
        yield from texts
        return
    joiner = _Joiner(_END, adds)
    group: list[Piece] = []
    size = 0
    for at_ms, text in texts:
        is_plain = _END not in text
        if is_plain:
            group.append((at_ms, text + _END))
            size += len(text)
        if size >= _GROUP_BYTES or not is_plain:
            yield from _without_end(joiner.take(group))
            group, size = [], 0
        if not is_plain:
            yield from _without_end(joiner.end())
            yield at_ms, text
    yield from _without_end(joiner.take(group))
    yield from _without_end(joiner.end())


def _without_end(texts: Iterable[Piece]) -> list[Piece]:
    return [(at_ms, text[: -len(_END)]) for at_ms, text in texts]


def _between_events(pieces: Iterable[Piece], delimiter: bytes) -> Iterator[Piece]:
    """
    Yield the same bytes, but cut where events end: the network cuts anywhere.

    The beginning of an event waits for the next piece, which may have its end, and for no other.
    """
    waiting: Piece = (None, b"")
    is_within = False
    for at_ms, data in pieces:
        came, rest = waiting
        waiting = (None, b"")
        if not rest and not is_within and data.endswith(delimiter):
            yield at_ms, data
            continue
        whole = rest + data
        end = whole.rfind(delimiter) + len(delimiter)
        if end < len(delimiter) or len(data) > _LARGEST_PIECE:
            if rest:
                yield came, rest
            yield at_ms, data
            is_within = not data.endswith(delimiter)
            continue
        begin = whole.find(delimiter) + len(delimiter) if is_within else 0
        for part in (whole[:begin], whole[begin:end]):
            if part:
                yield at_ms, part
        waiting, is_within = (at_ms, whole[end:]), False
    if waiting[1]:
        yield waiting


def _unseen(misses: int) -> int:
    """Return how many events or pieces pass without a look: twice as many after each miss, none after the first few."""
    return (1 << min(misses, _MOST_MISSES)) // 8
