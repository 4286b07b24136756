"""
What a report costs: ``python -m tests.bench report [--records 10000 100000 1000000]``.

The demonstration's year, repeated until there are so many records; each report is made and rendered in a process of its
own, imports included, as a person's command does it, with a plain ``GROUP BY`` over the same file beside it. Processor
time, medians of five rounds, for other work lengthens only the clock.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.processes import compiled
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


def measure(path: Path, what: str) -> dict[str, float]:
    """Return seconds of processor time since the process began, and the most memory in MB. Run in a fresh process."""
    from tracker.report import make, render

    with Store.open(path, readonly=True) as store:
        if what == "query":
            started = time.process_time()
            store.db.execute(PLAIN).fetchall()
            return {"plain GROUP BY": time.process_time() - started}
        period = {"a week": WEEK, "a year": YEAR}[what]
        data = make(store, period, now=demo.NOW)
        found = {f"{what}, data": time.process_time()}
        render.to_html(data, "en")
        found[f"{what}, with its page"] = time.process_time()
        found[f"{what}, groups"] = len(store.activities(period.since, period.until))
    found[f"{what}, memory in MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found


def measure_apart(path: Path, rounds: int) -> dict[str, float]:
    """Return the medians over rounds of processes that take turns; the first round only compiles our bytecode."""
    environment = compiled(path.parent)
    command = [sys.executable, "-m", "tests.bench", "report", "--measure", str(path), "--what"]
    found: dict[str, list[float]] = {}
    for number in range(rounds + 1):
        for what in ("query", "a week", "a year"):
            told = subprocess.run([*command, what], capture_output=True, check=True, cwd=ROOT, env=environment).stdout
            for step, value in json.loads(told).items() if number else ():
                found.setdefault(step, []).append(value)
    return {step: statistics.median(values) for step, values in found.items()}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench report")
    parser.add_argument("--records", nargs="+", type=int, default=(10_000, 100_000, 1_000_000))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--what", default="a year", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.measure:
        print(json.dumps(measure(options.measure, options.what)))
        return
    print(machine(), flush=True)
    columns: dict[int, dict[str, float]] = {}
    with TemporaryDirectory() as folder:
        for number in options.records:
            path = Path(folder) / f"{number}.db"
            fill(path, number)
            columns[number] = measure_apart(path, options.rounds)
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
            timed = not step.endswith(("groups", "memory in MB"))
            cells += [f"{column[step]:.3f}" if timed else f"{column[step]:.0f}"]
            cells += [f"{column[step] / column['plain GROUP BY']:.1f}" if timed else ""]
        lines.append(f"| {step} | {' | '.join(cells)} |")
    return "\n".join(lines)
