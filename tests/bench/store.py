"""
What writing costs: ``python -m tests.bench store [--records 20000]``, records a second beside bare ``sqlite3``.

The bare way puts the same columns into the same table in the same batches and does nothing else; ours knows answers
again, checks names, keeps three indexes and the sums of days right. Processor time, medians, taking turns.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.processes import machine, timed
from tests.test_store import make
from tracker.record import Record, identify
from tracker.schema import REQUEST_COLUMNS
from tracker.store import Store, timestamp

YEAR_SECONDS = 31_000_000


def year(number: int) -> Iterator[Record]:
    """So many answers of a year, in talks of eight, by three services."""
    start = datetime(2025, 1, 1, tzinfo=UTC)
    for count in range(number):
        yield make(
            count,
            id=identify(b"", "", str(count)),
            started_at=timestamp(start + timedelta(seconds=count * YEAR_SECONDS // number)),
            service=("chatgpt", "claude", "gemini")[count % 3],
            conversation=f"{count // 8:032x}",
        )


def write_bare(path: Path, records: Sequence[Record], batch: int) -> None:
    bare = sqlite3.connect(path)
    bare.execute("PRAGMA journal_mode = WAL")
    bare.execute(f"CREATE TABLE requests ({', '.join(REQUEST_COLUMNS)}, PRIMARY KEY (id))")
    marks = ", ".join("?" * len(REQUEST_COLUMNS))
    for at in range(0, len(records), batch):
        rows = [tuple(getattr(record, name) for name in REQUEST_COLUMNS) for record in records[at : at + batch]]
        with bare:
            bare.executemany(f"INSERT INTO requests VALUES ({marks})", rows)
    bare.close()


def write_ours(path: Path, records: Sequence[Record], batch: int) -> None:
    with Store.open(path) as store:
        for at in range(0, len(records), batch):
            store.add(records[at : at + batch])


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench store")
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    print(machine(), flush=True)
    records = list(year(options.records))
    print("| written at once | bare sqlite3, records/s | klimaspor, records/s | ÷ bare |\n| --- " + "| ---: " * 3 + "|")
    for batch in (1, 50, 500):
        some = records if batch > 1 else records[:2000]
        bare, ours = [], []
        with TemporaryDirectory() as name:
            for n in range(options.rounds):
                bare.append(timed(partial(write_bare, Path(name) / f"bare{n}.db", some, batch)))
                ours.append(timed(partial(write_ours, Path(name) / f"ours{n}.db", some, batch)))
        speeds = [len(some) / statistics.median(taken) * 1000 for taken in (bare, ours)]
        print(f"| {batch} | {speeds[0]:,.0f} | {speeds[1]:,.0f} | {speeds[1] / speeds[0]:.2f} |", flush=True)
