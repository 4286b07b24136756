"""
An organisation's week at full size: ``python -m tests.bench team [--people 100000]``.

Half the people first, then all of them, each in a fresh schema of a real PostgreSQL: messages are decoded and loaded as
the loader does it, the week is published, and the report is made by the command that people type.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.organisation import WEEK, fresh_schema, postgres
from tracker.team.engine import connect
from tracker.team.load import load
from tracker.team.policy import Policy
from tracker.team.publish import publish, read_week, write_published
from tracker.team.transport import BATCH
from tracker.team.week import Batch, WeekRow, decode, encode

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
class Measured:
    """One size of organisation."""

    people: int
    rows: int
    load_s: float
    read_s: float
    publish_s: float
    write_s: float
    report_s: float
    bytes_on_disk: int
    memory_mb: float


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


def messages(people: int) -> Iterator[list[bytes]]:
    """Yield what the loader would fetch at a time."""
    for start in range(0, people, BATCH):
        yield [encode(week_of(person)) for person in range(start, min(start + BATCH, people))]


def measure(dsn: str, people: int) -> Measured:
    """Load, publish and report one week of so many people."""
    rows, load_s = 0, 0.0
    with fresh_schema(dsn), connect(dsn) as connection:
        for fetched in messages(people):
            begun = time.perf_counter()
            rows += load(connection, [decode(one) for one in fetched]).rows
            load_s += time.perf_counter() - begun
        (on_disk,) = connection.execute(
            "SELECT pg_total_relation_size('klimaspor.usage') + pg_total_relation_size('klimaspor.batch')"
        ).fetchone() or (0,)
        times = [time.perf_counter()]
        week = read_week(connection, WEEK)
        times.append(time.perf_counter())
        published = publish(week, Policy(organisation="Bench").tell())
        times.append(time.perf_counter())
        write_published(connection, WEEK, published)
        times.append(time.perf_counter())
        command = [sys.executable, "-c", "from tracker.cli import main; main()", "team", "report", "--format", "html"]
        done = subprocess.run(
            [*command, "--dsn", dsn], capture_output=True, check=True, cwd=Path(__file__).parents[2]
        ).stdout
        times.append(time.perf_counter())
        assert b"<html" in done
        read_s, publish_s, write_s, report_s = (after - before for before, after in zip(times, times[1:], strict=False))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Measured(people, rows, load_s, read_s, publish_s, write_s, report_s, on_disk, memory)


def machine() -> str:
    """Return the size of this computer, for whoever compares."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), {memory:.0f} GiB, Python {platform.python_version()}, "
        f"load before the run {load}"
    )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench team")
    parser.add_argument("--people", type=int, default=100_000)
    options = parser.parse_args(arguments)
    print(machine(), flush=True)
    with postgres() as dsn:
        with connect(dsn) as connection:
            print(*(connection.execute("SELECT version()").fetchone() or ()), flush=True)
        half, whole = (measure(dsn, people) for people in (options.people // 2, options.people))
    print("| people | rows | load, rows/s | read, s | publish, s | write, s | team report, s | disk, MB | memory, MB |")
    print("| " + "---: | " * 9)
    for one in (half, whole):
        print(
            f"| {one.people} | {one.rows} | {one.rows / one.load_s:.0f} | {one.read_s:.1f} | {one.publish_s:.1f} "
            f"| {one.write_s:.1f} | {one.report_s:.2f} | {one.bytes_on_disk / 1e6:.0f} | {one.memory_mb:.0f} |"
        )
    for what in ("load_s", "read_s", "publish_s", "report_s"):
        print(f"twice the people: {what} {getattr(whole, what) / getattr(half, what):.2f} times")


if __name__ == "__main__":
    main()
