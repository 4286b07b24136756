"""
What a report costs: ``python -m tests.bench report [--records 10000 100000 1000000]``.

The demonstration's year, repeated until there are so many records; each report is a command of its own, as a person
runs it, with a process that asks a plain ``GROUP BY`` of the same file beside it. Processor time, for other work
lengthens only the clock.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.processes import RUN, compiled, machine, use
from tests.golden import WEEK, YEAR
from tracker.record import Record, identify, pseudonym
from tracker.report import demo
from tracker.store import Store

KEY = b"klimaspor bench, no one's secret"
PLAIN = "SELECT local_day, service, count(*), sum(output_tokens) FROM requests GROUP BY 1, 2"
ASK = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchall()"
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


def measure(path: Path, rounds: int) -> dict[str, float]:
    """
    Return medians over rounds in which the ways take turns: seconds of processor time of the whole command, started
    anew each time, its imports included; and the most memory in MB. A first round only compiles our modules.
    """
    environment = compiled(path.parent)
    report = [*RUN, "report", "--db", str(path), "-o", str(path.parent / "report.html")]
    year = [*report, "--since", YEAR.since.isoformat(), "--until", demo.LAST_DAY.isoformat()]
    ways = {
        "plain GROUP BY": [sys.executable, "-c", ASK, str(path), PLAIN],
        "a week's page": [*report, "--week", WEEK.name],
        "a year's page": year,
        "a year's JSON": [*year, "--format", "json"],
        "a year's CSV": [*year, "--format", "csv"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    memory = 0.0
    for number in range(rounds + 1):
        for name, command in ways.items():
            taken, megabytes = use(command, environment)
            memory = max(memory, megabytes)
            if number:
                seconds[name].append(taken)
    with Store.open(path, readonly=True) as store:
        groups = len(store.activities(YEAR.since, YEAR.until))
    found = {name: statistics.median(values) for name, values in seconds.items()}
    return found | {"groups of the year": groups, "most memory, MB": memory}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench report")
    parser.add_argument("--records", nargs="+", type=int, default=(10_000, 100_000, 1_000_000))
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    print(machine(), flush=True)
    columns: dict[int, dict[str, float]] = {}
    with TemporaryDirectory() as folder:
        for number in options.records:
            path = Path(folder) / f"{number}.db"
            fill(path, number)
            columns[number] = measure(path, options.rounds)
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
            timed = step not in {"groups of the year", "most memory, MB"}
            cells += [f"{column[step]:.3f}" if timed else f"{column[step]:.0f}"]
            cells += [f"{column[step] / column['plain GROUP BY']:.2f}" if timed else ""]
        lines.append(f"| {step} | {' | '.join(cells)} |")
    return "\n".join(lines)
