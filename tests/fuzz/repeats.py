"""Answers in which a part comes again and again: eight times the bytes take about eight times the time."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace

from tests.fuzz.cases import Thrown, build, cases, pack, unpack
from tests.fuzz.truths import read

LARGEST_SEED = 3000
SMALL, LARGE = 8_000, 64_000
"""Bytes of one answer."""
SECONDS = 0.25
"""Of processor time, instrumented; what takes less is quick enough."""
MEMORY = 150
"""Bytes of objects for each byte, besides 30 MB: ``{},`` takes 20 for each."""


def seeds() -> Iterator[bytes]:
    """Yield for each service and way of answering an example, in which the middle of the last answer comes again."""
    ways = {(case.service, bool(case.exchanges[-1].messages)): pack(case) for case in cases().values()}
    yield from (seed for seed in ways.values() if len(seed) <= LARGEST_SEED)


def throw(data: bytes) -> None:
    """Read an answer with a part repeated; raise if its time grows as the square, or its memory without measure."""
    thrown = unpack(data)
    if not thrown.told or not any(piece for _, piece in thrown.told[-1][1]):
        return
    small, large = _grow(thrown, SMALL), _grow(thrown, LARGE)
    taken = _time(large)
    if taken > SECONDS:
        before = min(_time(small) for _ in range(3))
        taken = min(taken, _time(large))
        assert taken < SECONDS or taken < 3 * before * LARGE / SMALL, f"slow: {before:.3f} s, {taken:.3f} s"
    if sum(data) % 8 == 0:  # it costs four times as much
        tracemalloc.start()
        _time(large)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 30_000_000 + MEMORY * LARGE, f"large: {peak}"


def _grow(thrown: Thrown, size: int) -> Thrown:
    """Repeat the larger half of what was said last, from its middle piece on, until it has so many bytes."""
    question, said = thrown.told[-1]
    middle = len(said) // 2
    first, again, last = said[:middle], said[middle : middle + 2], said[middle + 2 :]
    unit = max(1, sum(len(piece) for _, piece in again))
    return replace(thrown, told=(*thrown.told[:-1], (question, (*first, *again * (size // unit), *last))))


def _time(thrown: Thrown) -> float:
    exchanges = list(build(thrown))
    started = time.process_time()
    read(exchanges, [thrown.case.service])
    return time.process_time() - started
