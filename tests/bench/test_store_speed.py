"""What writing and summing records costs, with bare sqlite3 beside it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tests.test_store import make
from tracker.record import Record, identify
from tracker.schema import REQUEST_COLUMNS
from tracker.store import Store, timestamp

YEAR = (date(2025, 1, 1), date(2026, 1, 1))
"""Past as a whole: the sums of days that may still grow are not remembered."""


def year(number: int) -> Iterator[Record]:
    """So many answers of a year, in talks of eight, by three services."""
    start = datetime(2025, 1, 1, tzinfo=UTC)
    for count in range(number):
        yield make(
            count,
            id=identify(b"", "", str(count)),
            started_at=timestamp(start + timedelta(seconds=count * 31_000_000 // number)),
            service=("chatgpt", "claude", "gemini")[count % 3],
            conversation=f"{count // 8:032x}",
        )


def test_writing_is_within_reach_of_bare_sqlite(tmp_path: Path, capsys) -> None:
    records = list(year(20_000))
    bare = sqlite3.connect(tmp_path / "bare.db")
    bare.execute("PRAGMA journal_mode = WAL")
    bare.execute(f"CREATE TABLE requests ({', '.join(REQUEST_COLUMNS)}, PRIMARY KEY (id))")
    rows = [tuple(getattr(record, name) for name in REQUEST_COLUMNS) for record in records]
    marks = ", ".join("?" * len(REQUEST_COLUMNS))
    started = time.process_time()
    for at in range(0, len(rows), 500):
        with bare:
            bare.executemany(f"INSERT INTO requests VALUES ({marks})", rows[at : at + 500])
    bare_s = time.process_time() - started
    bare.close()
    with Store.open(tmp_path / "ours.db") as store:
        started = time.process_time()
        store.add(records)
        ours_s = time.process_time() - started
    with capsys.disabled():
        print(f"\nwriting: {len(records) / ours_s:,.0f} records/s, bare sqlite3 {len(records) / bare_s:,.0f} rows/s")
    assert ours_s < 8 * bare_s  # ids looked up, names checked, three indexes, sums kept right


def test_a_year_costs_its_groups_and_not_its_records(tmp_path: Path, capsys) -> None:
    took, plain = {}, {}
    for number in (10_000, 100_000):
        path = tmp_path / f"{number}.db"
        with Store.open(path) as store:
            store.add(year(number))
        with Store.open(path, readonly=True) as store:
            sql = "SELECT local_day, service, count(*), sum(output_tokens) FROM requests GROUP BY 1, 2"
            plain[number] = _measure(lambda store=store, sql=sql: store.db.execute(sql).fetchall())
            took[number] = _measure(lambda store=store: store.activities(*YEAR))
            assert sum(activity.requests for activity in store.activities(*YEAR)) == number
    with capsys.disabled():
        for number, seconds in took.items():
            print(f"\nsums of a year, {number:,} records: {seconds:.3f} s; a plain GROUP BY {plain[number]:.3f} s")
    assert took[100_000] < 3 * took[10_000]


def _measure(act) -> float:
    times = []
    for _ in range(3):
        started = time.process_time()
        act()
        times.append(time.process_time() - started)
    return min(times)
