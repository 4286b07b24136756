"""
How exactly what a killed worker had heard on a socket is counted: ``python -m tests.lost_places [--services codex]``.

At each place between two messages of our examples' sockets the worker is killed, and another hears the rest. What is
written and what is counted as lost must be as many answers as there are when nobody is killed. The worker is a real
one but for its process: the proxy's side feeds it parcels, and it is gone with all that it did not write.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from addon.capturing import Captures
from addon.desk import Desk
from addon.outbox import Outbox
from addon.parcel import Parcel, split
from addon.reader import Reader
from addon.tally import Tally
from tests.bench.aftermath import count, told
from tests.examples import KEY, Example, load_examples
from tests.test_held_answers import Heard
from tracker.store import Store


class Within:
    """A worker in a thread of this process."""

    process = None
    present: Within | None = None
    """The one that lives, if any does."""

    def __init__(self, _module: str, db: Path, tally: Path) -> None:
        Within.present = self
        self._is_dead = False
        self._thread = ThreadPoolExecutor(1)
        self._desk = self._thread.submit(self._begin, db, tally).result()

    def _begin(self, db: Path, tally: Path) -> Desk:
        self._store, self._tally = Store.open(db), Tally(tally)
        desk = Desk(Reader(KEY), self._store, Captures(db.parent), Outbox(self._store, self._tally))
        desk.outbox.take_over()
        return desk

    def greet(self) -> int:
        return self._desk.outbox.before

    def ask(self, parcel: Parcel) -> dict[str, Any]:
        if self._is_dead:
            raise EOFError
        return self._thread.submit(self._desk.deal_with, *split(b"".join(parcel))).result()

    def kill(self) -> None:
        self._is_dead = True

    def bury(self) -> str:
        self.end(0)
        return "crash"

    def end(self, _seconds: float) -> None:
        self._thread.submit(self._end).result()
        self._thread.shutdown()

    def _end(self) -> None:
        if not self._is_dead:
            self._desk.end()
        self._store.close()
        os.close(self._tally._file)  # as the system does when a process ends


@contextmanager
def within() -> Iterator[None]:
    """Let workers run in this process, and let nobody wait for more to come."""
    with patch("addon.feeder.Helper", Within), patch("addon.jobs.GATHER_SECONDS", 0):
        yield


@dataclass(frozen=True, slots=True)
class Place:
    """Between two messages of an example's socket."""

    example: Example
    exchange: int
    message: int
    """How many were heard before."""

    def __str__(self) -> str:
        return f"{self.example.service}/{self.example.path.stem} {self.exchange}:{self.message}"


def places_of(example: Example) -> Iterator[Place]:
    for number, exchange in enumerate(example.exchanges):
        for message in range(1, len(exchange.messages)):
            yield Place(example, number, message)


def answers_of(example: Example, place: Place | None = None) -> Counter[str]:
    """Return how many rows there are, and how many answers are counted as lost, with a worker killed at a place."""
    with TemporaryDirectory() as folder:
        heard = Heard(Path(folder) / "klimaspor.db")
        for number, exchange in enumerate(example.exchanges):
            copy = heard.open(exchange)
            if copy is not None and not exchange.messages:
                heard.ear.hand_over(copy)
            elif copy is not None:
                messages = len(exchange.messages)
                until = place.message if place and place.exchange == number else messages
                heard.say(exchange, copy, 0, until)
                heard.ear.settle()
                if until < messages and Within.present is not None:
                    Within.present.kill()
                heard.say(exchange, copy, until, messages)
                heard.ear.close_socket("socket", copy, copy.ended_ns, exchange.ending)
        heard.close()
        lost = told(heard.db.parent)
        return Counter({"row": count(heard.db.parent)}) + lost


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.lost_places", description=__doc__)
    parser.add_argument("--services", nargs="+")
    options = parser.parse_args(arguments)
    differences: Counter[int] = Counter()
    with within():
        for example in load_examples():
            if options.services and example.service not in options.services:
                continue
            right = None
            for place in places_of(example):
                right = right or answers_of(example)
                found = answers_of(example, place)
                differences[found.total() - right.total()] += 1
                if found.total() != right.total():
                    print(f"{found.total() - right.total():+d} {place}: {dict(found)}, not {dict(right)}", flush=True)
    told_all = ", ".join(f"{n} times {by:+d}" for by, n in sorted(differences.items()) if by)
    print(f"{differences.total()} places: {differences[0]} times the sum is right; {told_all}")


if __name__ == "__main__":
    main()
