"""
What a report costs: ``python -m tests.bench report [--records 10000 100000 1000000]``.

The demonstration's year, repeated until there are so many records; each report is made and rendered in a process of its
own, with a plain ``GROUP BY`` over the same file beside it. Processor time, for other work lengthens only the clock.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.team import ROOT, machine
from tests.golden import WEEK, YEAR
from tracker.record import Record, identify, pseudonym
from tracker.report import demo
from tracker.store import Store

KEY = b"klimaspor bench, no one's secret"
PLAIN = "SELECT local_day, service, count(*), sum(output_tokens) FROM requests GROUP BY 1, 2"
BATCH = 20_000


def records(number: int) -> Iterator[Record]:
    """Yield so many records: the demonstration's year again and again, each time as other answers."""
    year = [record for record in demo.records() if record.started_at >= demo.FIRST_DAY.isoformat()]
    for count, record in enumerate(islice(cycle(year), number)):
        turn = str(count // len(year))
        talk = record.conversation and pseudonym(KEY, "bench", record.conversation + turn)
        yield replace(record, id=identify(KEY, record.id, turn), conversation=talk)


def fill(path: Path, number: int) -> None:
    every = records(number)
    with Store.open(path) as store:
        while batch := list(islice(every, BATCH)):
            store.add(batch)


def measure(path: Path) -> dict[str, float]:
    """Return seconds of processor time by step, and the most memory in MB. Run in a fresh process."""
    from tracker.report import make, render

    found: dict[str, float] = {}
    with Store.open(path, readonly=True) as store:
        started = time.process_time()
        store.db.execute(PLAIN).fetchall()
        found["plain GROUP BY"] = time.process_time() - started
        for name, period in (("a week", WEEK), ("a year", YEAR)):
            started = time.process_time()
            data = make(store, period, now=demo.NOW)
            found[f"{name}, data"] = time.process_time() - started
            render.to_html(data, "en")
            found[f"{name}, with its page"] = time.process_time() - started
        found["groups"] = len(store.activities(YEAR.since, YEAR.until))
    found["memory, MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench report")
    parser.add_argument("--records", nargs="+", type=int, default=(10_000, 100_000, 1_000_000))
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.measure:
        print(json.dumps(measure(options.measure)))
        return
    print(machine(), flush=True)
    columns: dict[int, dict[str, float]] = {}
    with TemporaryDirectory() as folder:
        for number in options.records:
            path = Path(folder) / f"{number}.db"
            fill(path, number)
            command = [sys.executable, "-m", "tests.bench", "report", "--measure", str(path)]
            columns[number] = json.loads(subprocess.run(command, capture_output=True, check=True, cwd=ROOT).stdout)
            path.unlink()
            print(f"{number}: {columns[number]}", file=sys.stderr, flush=True)
    print(table(columns))


def table(columns: dict[int, dict[str, float]]) -> str:
    """Return a Markdown table: seconds of processor time, and how many times the plain query each is."""
    head = " | ".join(f"{number:,} records | ÷ GROUP BY" for number in columns)
    lines = [f"| processor time, s | {head} |", "| --- " + "| ---: | ---: " * len(columns) + "|"]
    for step in next(iter(columns.values())):
        cells = []
        for column in columns.values():
            timed = step not in {"groups", "memory, MB"}
            cells += [f"{column[step]:.3f}" if timed else f"{column[step]:.0f}"]
            cells += [f"{column[step] / column['plain GROUP BY']:.1f}" if timed else ""]
        lines.append(f"| {step} | {' | '.join(cells)} |")
    return "\n".join(lines)
