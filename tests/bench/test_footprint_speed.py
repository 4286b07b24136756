"""What a year's footprint costs, with a package call a record beside it."""

from __future__ import annotations

import time

from ecologits.tracers.utils import llm_impacts

from tests.footprint_tables import sample
from tracker.footprint import assess


def test_a_year_costs_its_groups_and_not_its_records(capsys):
    """A million answers of a year come as some ten thousand sums; one call of the package each would take minutes."""
    year = [
        sample(
            day=f"2026-{month:02}-{day:02}", service=service, provider=provider, model=model, features=features,
            requests=100, output_tokens=40_000, output_squared=2e7, input_tokens=90_000,
        )
        for month in range(1, 13)
        for day in range(1, 29)
        for service, provider, model in (
            ("chatgpt", "openai", "gpt-5-5"), ("chatgpt", "openai", "gpt-5-5-thinking"), ("gemini", "gcp.gemini", None),
            ("claude", "anthropic", "claude-sonnet-5"), ("openai-api", "openai", "gpt-4o"),
        )
        for features in ((), (("web_search", "used"),), (("file_input", "used"),), (("canvas", "used"),),
                         (("tool", "used"),), (("code", "used"),))
    ]  # fmt: skip
    assess([sample(output_tokens=1)]).impacts()  # imports
    started = time.process_time()
    impacts = assess(year).impacts()
    took = time.process_time() - started
    started = time.process_time()
    for _ in range(100):
        llm_impacts("openai", "gpt-4o", 400, 5.0)
    each = (time.process_time() - started) / 100
    records = sum(activity.requests for activity in year)
    with capsys.disabled():
        print(f"\n{records:,} answers in {len(year):,} sums: {took:.2f} s; "
              f"a package call a record: {each * records:.0f} s")  # fmt: skip
    assert records > 1_000_000
    assert impacts.energy_wh.mid > 0
    assert took < 0.5
