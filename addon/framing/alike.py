"""Events that differ from the one before in nothing but the text they add become one event before they are read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from addon.framing.cutting import cut_between
from addon.framing.runs import Run, begin, noise_in
from addon.framing.splitter import Piece

_END = b"\x1e"
"""What is put after a text that has no end of its own: no JSON has it."""

_EARLY, _EARLY_BYTES = 20, 8 * 1024
"""Noise that is in an answer is in one of its first so many pieces, and within so many bytes."""

_GROUP_BYTES = 16 * 1024
"""So many bytes are looked at together, for most often all events in them are alike."""

_FEW = 5
"""After so many events of a piece, which may have begun a run, the rest of it is looked at together again."""

_MOST_MISSES = 9
"""More events in a row that were not worth joining are counted as so many."""


def join_alike(pieces: Iterable[Piece], delimiter: bytes, adds: re.Pattern[bytes]) -> Iterator[Piece]:
    """
    Yield the same bytes, but with each run of like events as one event, which came when the first of them came.

    ``adds`` is what stands in an event up to the first letter of a text that adds to the text before. The insides of
    two JSON strings, one after the other, are the inside of one, so nothing is decoded here. What belongs to no whole
    event passes as it is; the beginning of one waits for the next piece, and for no other.
    """
    return _join(cut_between(pieces, delimiter, most_waiting=0), delimiter, adds)


def join_texts(texts: Iterable[Piece], adds: re.Pattern[bytes] | None) -> Iterator[Piece]:
    """Yield JSON texts that came one by one, those in a row that are alike as one: ``join_alike`` without a framing."""
    if adds is None:
        yield from texts
        return
    pieces = (((at_ms, text + _END), _END not in text) for at_ms, text in texts)
    for at_ms, joined in _join(pieces, _END, adds):
        yield at_ms, joined[: -len(_END)]


def _join(pieces: Iterable[tuple[Piece, bool]], delimiter: bytes, adds: re.Pattern[bytes]) -> Iterator[Piece]:
    """Join where a piece is whole events; any other passes as it is."""
    joiner = _Joiner(delimiter, adds)
    group: list[Piece] = []
    size = 0
    for piece, is_whole in pieces:
        if is_whole:
            group.append(piece)
            size += len(piece[1])
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

    def _take_piece(self, at_ms: int | None, data: bytes) -> Iterator[Piece]:
        if self._taken < _EARLY and self._taken_bytes < _EARLY_BYTES:
            early = data[: _EARLY_BYTES - self._taken_bytes]
            self._noises += [noise for noise in noise_in(early) if noise not in self._noises]
            self._taken += 1
            self._taken_bytes += len(data)
        data = self._without_noise(data)[: -len(self._delimiter)]
        if self._run is not None and self._run.take_all(data, self._delimiter, at_ms):
            return
        *events, rest = data.split(self._delimiter, _FEW)
        yield from self._take_events(at_ms, events)
        if not events or self._run is None or not self._run.take_all(rest, self._delimiter, at_ms):
            yield from self._take_events(at_ms, rest.split(self._delimiter))

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


def _unseen(misses: int) -> int:
    """Return how many events or pieces pass without a look: twice as many after each miss, none after the first few."""
    return (1 << min(misses, _MOST_MISSES)) // 8
