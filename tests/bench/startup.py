"""
What it costs to start each command: ``python -m tests.bench startup [--rounds 9]``.

Processor time above the interpreter's own start, medians; modules are compiled beforehand, as after any first use.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.processes import RUN, compiled, machine, use
from tests.bench.report import fill
from tracker.cli import COMMANDS

RECORDS = 10_000


def commands(folder: Path) -> dict[str, list[str]]:
    """Name every start that is measured: help, today with and without records, and each command's own help."""
    filled = folder / "filled.db"
    fill(filled, RECORDS)
    return {
        "interpreter": [sys.executable, "-c", "pass"],
        "--help": [*RUN, "--help"],
        "today, nothing recorded": [*RUN, "today", "--db", str(folder / "none.db")],
        f"today, {RECORDS:,} records": [*RUN, "today", "--db", str(filled)],
        **{f"{name} --help": [*RUN, name, "--help"] for name in COMMANDS},
    }


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench startup")
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args(arguments).rounds
    print(machine(), flush=True)
    with TemporaryDirectory() as name:
        measured = commands(Path(name))
        environment = compiled(Path(name))
        found: dict[str, list[float]] = {what: [] for what in measured}
        for number in range(rounds + 1):
            for what, command in measured.items():
                seconds, _ = use(command, environment)
                if number:  # the first round compiles
                    found[what].append(seconds)
    own = statistics.median(found.pop("interpreter"))
    print(f"the interpreter alone: {own * 1000:.0f} ms\n\n| started | ms above the interpreter |\n| --- | ---: |")
    for what, taken in found.items():
        print(f"| {what} | {(statistics.median(taken) - own) * 1000:.0f} |")
