"""An independent estimator beside ours: ecocost, operations over hardware with its own data. Never a target."""

from __future__ import annotations

import pytest

from tests.footprint_tables import sample
from tracker.footprint import assess

ecocost = pytest.importorskip(
    "ecocost", reason="ecocost is not installed: uv run --group compare pytest tests/test_footprint_cross_check.py"
)

INPUT, OUTPUT = 800, 400
FARTHEST = 10

MODELS = (
    "gpt-oss-120b", "gpt-oss-20b", "gemma-4-26b-a4b-it", "gemma-4-31b-it", "mistral-large-2512", "mistral-small-2603",
    "mistral-medium-3-5", "deepseek-v3.2", "deepseek-r1", "kimi-k3", "glm-5.3", "minimax-m3", "llama-3.3-70b",
    "llama-3.1-405b", "llama-3-8b", "gpt-4o", "gpt-4o-mini", "gpt-5", "gpt-5-mini", "gpt-5.5", "gpt-6-sol",
    "claude-sonnet-5", "claude-opus-5", "claude-opus-4-6", "gemini-2.5-flash", "gemini-2.5-pro", "gemini-3.6-flash",
)  # fmt: skip
EXPLAINED: dict[str, str] = {}
"""Model → why the two lie farther apart than ten times. Empty: none does."""


def theirs(model):
    """Return ecocost's Wh for one reply, None where it does not know the model."""
    try:
        return ecocost.estimate(model, input_tokens=INPUT, output_tokens=OUTPUT)["energy"]["value"]
    except ecocost.UnknownModelError:
        return None


def test_an_independent_estimator_is_within_ten_times_of_ours(capsys):
    lines = []
    for model in MODELS:
        energy = theirs(model)
        if energy is None:
            continue
        ours = assess([sample(model=model, input_tokens=INPUT, output_tokens=OUTPUT)]).impacts().energy_wh
        lines.append((model, energy, ours.mid, energy / ours.mid))
    with capsys.disabled():
        print(f"\necocost {ecocost.__version__} over ours, Wh of {INPUT} in and {OUTPUT} out")
        for model, energy, mid, ratio in lines:
            print(f"  {model:40} {energy:8.3f} {mid:8.3f}  {ratio:5.2f}")
    for model, _, _, ratio in lines:
        assert 1 / FARTHEST < ratio < FARTHEST or EXPLAINED.get(model), f"{model}: {ratio:.2f} needs an explanation"
    assert len(lines) >= 20
