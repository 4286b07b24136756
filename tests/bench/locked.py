"""
Another tool holds the database's lock for a minute while answers go on coming, and what became of them.

``python -m tests.bench locked [--seconds 60] [--kill]`` prints it as JSON; with ``--kill`` the worker dies half way.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sqlite3
import tempfile
import time
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.rogue import Way, answer, proxied, rogue

PAUSE_SECONDS = 0.5


@dataclass(slots=True)
class Outcome:
    asked: int = 0
    wrong_bytes: int = 0
    slowest_s: float = 0.0
    """The longest that a client waited for an answer of a few hundred bytes."""
    rows_meanwhile: int = 0
    """New rows while the lock was held."""
    told: list[str] = field(default_factory=list)
    """What the person was told."""
    rows: int = 0
    lost: dict[str, int] = field(default_factory=dict)
    """Counted as lost, by reason."""
    is_well_again: bool = False


def hold_lock(folder: Path, seconds: float, *, kill: bool) -> Outcome:
    """Run a proxy below the folder, lock its database, ask on, let go, and see what is there."""
    outcome = Outcome()
    with rogue(folder / "origin") as origin, proxied(folder / "data", origin) as way:
        _ask(way, outcome)
        before = way.count(1)
        with closing(sqlite3.connect(way.db, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            _ask_until(way, outcome, time.monotonic() + seconds / 2)
            way.proxy.ear.beat({"at": time.time(), "clean_stop": False, "counters": {}, "passed": []})
            process = way.proxy.ear.process
            if kill and process is not None:
                os.kill(process.pid, signal.SIGKILL)
            _ask_until(way, outcome, time.monotonic() + seconds / 2)
            (rows,) = other.execute("SELECT count(*) FROM requests").fetchone()
            outcome.rows_meanwhile = rows - before
            outcome.told = list(way.told)
            other.execute("ROLLBACK")
        deadline = time.monotonic() + 30
        while outcome.rows + sum(outcome.lost.values()) < outcome.asked and time.monotonic() < deadline:
            outcome.rows = len(way.records())
            outcome.lost = {unread.reason: unread.n for unread in way.unread()}
        way.proxy.ear.beat({"at": time.time(), "clean_stop": False, "counters": {}, "passed": []})
        way.proxy.settle()
        outcome.is_well_again = way.proxy.ear.trouble is None
    return outcome


def _ask_until(way: Way, outcome: Outcome, end: float) -> None:
    while time.monotonic() < end:
        _ask(way, outcome)
        time.sleep(PAUSE_SECONDS)


def _ask(way: Way, outcome: Outcome) -> None:
    name = f"chatcmpl-locked-{outcome.asked}"
    started = time.monotonic()
    outcome.wrong_bytes += way.ask("right", name) != answer(name)
    outcome.slowest_s = max(outcome.slowest_s, time.monotonic() - started)
    outcome.asked += 1


def main(arguments: list[str]) -> int:
    """Run it as the command line asks; return 1 if an answer is neither there nor counted."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench locked")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--kill", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        outcome = hold_lock(Path(folder), options.seconds, kill=options.kill)
    print(json.dumps(asdict(outcome)))
    return int(outcome.rows + sum(outcome.lost.values()) != outcome.asked or bool(outcome.wrong_bytes))
