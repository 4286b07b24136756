"""What is left after a proxy was killed: processes, rows, and answers that nobody brought to an end."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import NamedTuple

from addon.tally import left_of, leftovers, name_of
from tracker.marks import marks_of
from tracker.store import Store


class Row(NamedTuple):
    """What is compared of a row."""

    service: str
    outcome: str
    input_tokens: int | None
    output_tokens: int | None


def children_of(pid: int) -> list[int]:
    """The processes that a process has started, by any of its threads (Linux)."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def wait_for_the_end_of(workers: list[int], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while any(map(lives, workers)) and time.monotonic() < deadline:
        time.sleep(0.02)


def lives(pid: int) -> bool:
    """Whether a process runs; one that has ended may stay known until its new parent asks for it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def under_way(data: Path, pid: int, seconds: float = 15.0) -> int:
    """How many answers the proxy that died has left uncounted, once no worker of it is left."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for path, words in leftovers(data / "klimaspor.db"):
            if f"-{pid}-" in path.name:
                with Store.open(data / "klimaspor.db", readonly=True) as store:
                    known = {mark.service: mark.done for mark in marks_of(store, name_of(path))}
                return sum(one.n for one in left_of(words, known))
        time.sleep(0.02)
    raise TimeoutError("a worker outlives its proxy")


def told(data: Path) -> Counter[str]:
    """How many answers the database says were lost, by reason; ``killed`` is with a proxy that was killed."""
    with Store.open(data / "klimaspor.db", readonly=True) as store:
        found: Counter[str] = Counter()
        for one in store.unread(date(2000, 1, 1), date(9000, 1, 1)):
            found[one.reason] += one.n
    return found


def look(data: Path) -> dict[str, Row]:
    """Every row that is in the database now."""
    with reading(data) as database:
        found = database.execute("SELECT id, service, outcome, input_tokens, output_tokens FROM requests")
        return {key: Row(*rest) for key, *rest in found}


def count(data: Path) -> int:
    """How many rows there are."""
    with reading(data) as database:
        n: int = database.execute("SELECT count(*) FROM requests").fetchone()[0]
        return n


@contextmanager
def reading(data: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{(data / 'klimaspor.db').as_uri()}?mode=ro", uri=True, timeout=20)) as database:
        yield database
