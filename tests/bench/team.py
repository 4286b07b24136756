"""
An organisation's week at full size: ``python -m tests.bench team [--people 100000]``.

Half the people first, then all of them, each in a fresh schema of a real PostgreSQL: messages are decoded and loaded as
the loader does it, the week is published, and the report is made by the command that people type.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.bench.processes import machine
from tests.organisation import WEEK, fresh_schema, postgres
from tracker.team.client import MOST_MESSAGES
from tracker.team.engine import connect
from tracker.team.load import load
from tracker.team.message import decode, encode
from tracker.team.policy import Policy
from tracker.team.publish import publish, read_week, write_published
from tracker.team.week import Batch, WeekRow

ROOT = Path(__file__).parents[2]
ROWS_EACH = 30
MODELS = {
    ("chatgpt", "openai"): ("gpt-5-5", "gpt-5-5-thinking", "gpt-5-mini", "o5"),
    ("claude", "anthropic"): ("claude-opus-4-7", "claude-sonnet-4-7", "claude-haiku-4-5"),
    ("gemini", "google"): ("gemini-3.6-flash", "gemini-3.6-pro"),
    ("copilot", "microsoft"): ("", "gpt-5-5"),
    ("le-chat", "mistral"): ("mistral-large-2411", "mistral-medium-3"),
    ("perplexity", "perplexity"): ("sonar", "sonar-pro"),
}
FEATURES = ("", "file_input.used", "web_search.used", "reasoning.used", "reasoning.asked reasoning.used",
            "file_input.used web_search.used", "image_output.used")  # fmt: skip
INITIATORS = ("person", "agent", "unasked")
KINDS = [
    (service, provider, model, initiator, features)
    for (service, provider), models in MODELS.items()
    for model in models
    for initiator in INITIATORS
    for features in FEATURES
]
WEIGHTS = [1 / (1 + place) ** 0.5 for place in range(len(KINDS))]


@dataclass(frozen=True, slots=True)
class Step:
    """How long a step took by the clock, and how much processor time it had: this program's and the database's."""

    wall_s: float
    cpu_s: float


@dataclass(slots=True)
class Measured:
    """One size of organisation."""

    people: int
    rows: int = 0
    bytes_on_disk: int = 0
    steps: dict[str, Step] = field(default_factory=dict)


@contextmanager
def timed(measured: Measured, name: str, backend: int) -> Iterator[None]:
    wall, cpu = time.perf_counter(), _cpu(backend)
    yield
    measured.steps[name] = Step(time.perf_counter() - wall, _cpu(backend) - cpu)


def _cpu(backend: int) -> float:
    """Return processor seconds of this process, its finished children, and one PostgreSQL backend."""
    theirs = Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()
    ours = os.times()
    return sum(ours[:4]) + (int(theirs[11]) + int(theirs[12])) / os.sysconf("SC_CLK_TCK")


def week_of(person: int) -> Batch:
    """Return one person's week: thirty kinds of use; the same number gives the same week."""
    dice = random.Random(person)
    chosen = {KINDS[place] for place in dice.choices(range(len(KINDS)), WEIGHTS, k=3 * ROWS_EACH)}
    rows = []
    for service, provider, model, initiator, features in sorted(chosen)[:ROWS_EACH]:
        count = 1 + int(dice.expovariate(0.2))
        tokens_in, tokens_out = count * dice.randrange(50, 4000), count * dice.randrange(100, 1500)
        rows.append(
            WeekRow(service=service, provider=provider, model=model, initiator=initiator, features=features,
                    requests=count, input_tokens=tokens_in, input_known=count, output_tokens=tokens_out,
                    output_known=count, output_squared=float(tokens_out**2 // count), duration_ms=count * 8000,
                    duration_known=count, attachments=count if "file" in features else 0)
        )  # fmt: skip
    unit = f"land/county{person % 20}/town{person % 400}"
    return Batch(pseudonym=dice.randbytes(16).hex(), unit=unit, week=WEEK, revision=1, coverage=0.9, rows=tuple(rows))


def write_messages(people: int, path: Path) -> None:
    """Write every device's message, one a line, so that making them up is not measured."""
    with path.open("wb") as file:
        for person in range(people):
            file.write(encode(week_of(person)) + b"\n")


def fetches(path: Path) -> Iterator[list[bytes]]:
    """Yield what the loader would fetch at a time."""
    with path.open("rb") as file:
        for first in file:
            yield [first, *islice(file, MOST_MESSAGES - 1)]


def load_all(connection: Any, path: Path) -> int:
    """Load as the loader does: decode what was fetched, write it, fetch again."""
    return sum(load(connection, [decode(one) for one in fetched]).rows for fetched in fetches(path))


def measure(dsn: str, people: int, folder: Path) -> Measured:
    """Load, publish and report one week of so many people."""
    measured, path = Measured(people), folder / f"{people}.jsonl"
    write_messages(people, path)
    with fresh_schema(dsn), connect(dsn) as connection:
        backend = connection.info.backend_pid
        with timed(measured, "load", backend):
            measured.rows = load_all(connection, path)
        (measured.bytes_on_disk,) = connection.execute(
            "SELECT pg_total_relation_size('klimaspor.usage') + pg_total_relation_size('klimaspor.batch')"
        ).fetchone() or (0,)
        with timed(measured, "publish", backend):
            facts = publish(read_week(connection, WEEK), Policy(organisation="Bench").tell())
            write_published(connection, WEEK, facts)
        command = [sys.executable, "-c", "from tracker.cli import main; main()", "team", "report", "--format", "html"]
        with timed(measured, "team report", backend):
            made = subprocess.run([*command, "--dsn", dsn], capture_output=True, check=True, cwd=ROOT).stdout
        assert b"<html" in made
    path.unlink()
    steps = ", ".join(f"{name} {step.wall_s:.1f} s ({step.cpu_s:.1f} s)" for name, step in measured.steps.items())
    print(f"{people} people: {steps}; in brackets processor time", file=sys.stderr, flush=True)
    return measured


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench team")
    parser.add_argument("--people", type=int, default=100_000)
    options = parser.parse_args(arguments)
    print(machine(), flush=True)
    with TemporaryDirectory() as folder, postgres() as dsn:
        with connect(dsn) as connection:
            print(*(connection.execute("SELECT version()").fetchone() or ()), flush=True)
        half, whole = (measure(dsn, people, Path(folder)) for people in (options.people // 2, options.people))
    print(table(half, whole))
    print(f"Most memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def table(half: Measured, whole: Measured) -> str:
    """Return a Markdown table: by the clock, and in processor time, which a busy machine does not lengthen."""
    lines = ["| | half | all | all ÷ half |", "| --- | ---: | ---: | ---: |"]

    def line(name: str, of: Callable[[Measured], float], form: str = ".1f", *, ratio: bool = True) -> None:
        quotient = f"{of(whole) / of(half):.2f}" if ratio else ""
        lines.append(f"| {name} | {of(half):{form}} | {of(whole):{form}} | {quotient} |")

    line("people", lambda one: one.people, "d")
    line("rows", lambda one: one.rows, "d")
    line("disk, MB", lambda one: one.bytes_on_disk / 1e6, ".0f")
    for step in whole.steps:
        line(f"{step}, s", lambda one, step=step: one.steps[step].wall_s, ".2f")  # type: ignore[misc]
        line(f"{step}, s of processor time", lambda one, step=step: one.steps[step].cpu_s, ".2f")  # type: ignore[misc]
    line("load, rows/s", lambda one: one.rows / one.steps["load"].wall_s, ".0f", ratio=False)
    line("load, rows/s of processor time", lambda one: one.rows / one.steps["load"].cpu_s, ".0f", ratio=False)
    return "\n".join(lines)


if __name__ == "__main__":
    main()
