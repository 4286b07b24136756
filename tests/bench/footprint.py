"""
What a year's footprint costs: ``python -m tests.bench footprint``, beside a package call a record.

A million answers of a year come as some ten thousand sums; one call of EcoLogits each would take minutes.
"""

from __future__ import annotations

import argparse
import statistics

from ecologits.tracers.utils import llm_impacts

from tests.bench.processes import machine, timed
from tests.footprint_tables import sample
from tracker.footprint import assess
from tracker.record import Activity

CALLS = 100
MODELS = (
    ("chatgpt", "openai", "gpt-5-5"), ("chatgpt", "openai", "gpt-5-5-thinking"), ("gemini", "gcp.gemini", None),
    ("claude", "anthropic", "claude-sonnet-5"), ("openai-api", "openai", "gpt-4o"),
)  # fmt: skip
FEATURES = ((), "web_search", "file_input", "canvas", "tool", "code")


def year() -> list[Activity]:
    """Return the sums of a year of a million answers: five models, used in six ways, every day."""
    return [
        sample(
            day=f"2026-{month:02}-{day:02}", service=service, provider=provider, model=model,
            features=((feature, "used"),) if feature else (),
            requests=100, output_tokens=40_000, output_squared=2e7, input_tokens=90_000,
        )
        for month in range(1, 13)
        for day in range(1, 29)
        for service, provider, model in MODELS
        for feature in FEATURES
    ]  # fmt: skip


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench footprint")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    print(machine(), flush=True)
    sums = year()
    records = sum(activity.requests for activity in sums)
    assess([sample(output_tokens=1)]).impacts()  # imports
    llm_impacts("openai", "gpt-4o", 400, 5.0)
    ours, package = [], []
    for _ in range(options.rounds):
        ours.append(timed(lambda: assess(sums).impacts()) / 1000)
        package.append(timed(lambda: [llm_impacts("openai", "gpt-4o", 400, 5.0) for _ in range(CALLS)]) / 1000)
    took, calls = statistics.median(ours), statistics.median(package) / CALLS * records
    print(
        "| answers | sums | by sums, s | a package call each, s (worked out from 100) | ÷ |\n| --- "
        + "| ---: " * 4
        + "|"
    )
    print(f"| {records:,} | {len(sums):,} | {took:.2f} | {calls:,.0f} | {took / calls:.4f} |")
