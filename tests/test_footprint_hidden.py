"""What the wire hides is estimated, marked, switchable; what it shows is not estimated again."""

from __future__ import annotations

import pytest

from tests.footprint_tables import DAY, sample
from tracker.footprint import DEFAULT_EXTENSIONS, Settings, assess
from tracker.footprint.factors import load_factors


def web(**given):
    defaults = {
        "service": "chatgpt", "model": "gpt-5-5-thinking", "input_tokens_source": "counted",
        "output_tokens_source": "counted", "reasoning_tokens_source": "unknown", "reasoning_known": 0,
        "cached_known": 0, "input_tokens": 100, "output_tokens": 400,
    }  # fmt: skip
    return sample(**(defaults | given))


def parts(activity, **settings):
    return {row["key"]: row for row in assess([activity], Settings(**settings)).components()}


def wh(activity, component, **settings):
    row = parts(activity, **settings).get(component)
    return row["energy_wh"]["mid"] if row else 0.0


def test_components_are_all_of_the_energy():
    rich = web(
        features=(("agent", "used"), ("file_input", "used"), ("image_output", "used"), ("web_search", "used")),
        attachments=2, earlier_tokens=5000, media_count=1, request_bytes=10**6, cached_input_tokens=10,
        duration_ms=9000, duration_known=1,
    )  # fmt: skip
    assessment = assess([rich], Settings(extensions=DEFAULT_EXTENSIONS | {"device"}))
    rows = assessment.components()
    assert sum(row["share"] for row in rows) == pytest.approx(1, abs=1e-12)
    assert sum(row["energy_wh"]["mid"] for row in rows) == pytest.approx(assessment.impacts().energy_wh.mid)
    assert {row["key"] for row in rows} == {
        "answer", "hidden_reasoning", "new_input", "history", "system_prompt", "files", "search", "images",
        "hidden_steps", "request", "network", "device",
    }  # fmt: skip
    estimated = {row["key"] for row in rows if row["estimated"]}
    assert estimated == {
        "hidden_reasoning", "history", "system_prompt", "files", "search", "images", "hidden_steps",
    }  # fmt: skip


def test_timed_thinking_is_seconds_times_the_models_own_speed():
    ten, twenty = (web(thinking_ms=ms, thinking_known=1) for ms in (10_000, 20_000))
    assert wh(twenty, "hidden_reasoning") == pytest.approx(2 * wh(ten, "hidden_reasoning"))
    per_token = wh(web(), "answer") / 400
    assert wh(ten, "hidden_reasoning") == pytest.approx(10 * 96 * per_token)  # gpt-5.5 makes 96 tokens a second


@pytest.mark.parametrize(
    ("effort", "tokens"), [("low", 300), ("standard", 1500), ("extended", 6000), (None, 1500), ("auto", 1500)]
)
def test_untimed_thinking_goes_by_the_class_of_effort(effort, tokens):
    one = web(effort=effort)
    assert wh(one, "hidden_reasoning") == pytest.approx(tokens * wh(one, "answer") / 400)


def test_a_model_that_was_not_asked_to_think_did_not():
    assert wh(web(model="gpt-5-5"), "hidden_reasoning") == 0
    assert wh(web(model="gpt-5-5", features=(("reasoning", "asked"),)), "hidden_reasoning") > 0
    assert wh(web(model="gpt-5-5", effort="auto"), "hidden_reasoning") == 0
    assert wh(web(model="gpt-5-5", effort="LOW"), "hidden_reasoning") > 0
    assert wh(web(effort="none"), "hidden_reasoning") == 0


def test_reasoning_that_was_reported_or_shown_is_not_estimated_again():
    reported = sample(model="o1", output_tokens=900, reasoning_tokens=500, features=(("reasoning", "used"),))
    row = parts(reported)["hidden_reasoning"]
    assert not row["estimated"]
    assert row["energy_wh"]["mid"] == pytest.approx(500 / 400 * wh(reported, "answer"))
    shown = web(reasoning_tokens=200, reasoning_tokens_source="counted", reasoning_known=1)
    assert "hidden_reasoning" not in parts(shown)
    assert parts(shown)["shown_reasoning"]["energy_wh"]["mid"] == pytest.approx(wh(shown, "answer"))


def test_an_interface_that_is_sent_everything_has_nothing_behind_it():
    whole = sample(input_tokens=3000, earlier_tokens=9000, attachments=3, features=(("web_search", "asked"),))
    assert set(parts(whole)) == {"answer", "new_input", "request"} - {"answer"}


def test_history_grows_with_the_conversation_and_is_mostly_read_from_cache():
    long = web(earlier_tokens=20_000)
    history = wh(long, "history")
    assert history == pytest.approx(2 * wh(web(earlier_tokens=10_000), "history"))
    assert history < 20_000 / 100 * wh(long, "new_input")


def test_cached_input_costs_less_than_new_input():
    new = sample(input_tokens=50_000, output_tokens=10)
    cached = sample(input_tokens=50_000, cached_input_tokens=50_000, output_tokens=10)
    assert assess([cached]).energy_wh(0) < 0.2 * assess([new]).energy_wh(0)


@pytest.mark.parametrize(
    ("extension", "component", "given"),
    [
        ("hidden_reasoning", "hidden_reasoning", {}),
        ("history", "history", {"earlier_tokens": 4000}),
        ("system_prompt", "system_prompt", {}),
        ("files", "files", {"attachments": 1, "features": (("file_input", "used"),)}),
        ("hidden_steps", "hidden_steps", {"features": (("deep_research", "asked"),)}),
        ("network", "network", {"response_bytes": 10**6}),
    ],
)
def test_each_estimate_can_be_switched_off(extension, component, given):
    one = web(**given)
    without = DEFAULT_EXTENSIONS - {extension}
    on, off = assess([one]), assess([one], Settings(extensions=without))
    assert wh(one, component) > 0
    assert wh(one, component, extensions=without) == 0
    assert off.energy_wh(0) == pytest.approx(on.energy_wh(0) - wh(one, component))


def test_a_search_costs_itself_and_the_pages_it_brings():
    one = web(features=(("web_search", "used"),), feature_amounts=(("web_search", "used", 3),))
    alone = wh(one, "search", extensions=DEFAULT_EXTENSIONS - {"search_pages"})
    assert alone == pytest.approx(3 * load_factors().get("search_energy", DAY).value)
    assert wh(one, "search") > alone
    assert wh(web(operation="search", service="google-ai", model=None), "search") > 0


def test_a_research_run_is_worth_dozens_of_answers():
    answer = assess([web(model="gpt-5")]).energy_wh(0)
    research = assess([web(model="gpt-5", features=(("deep_research", "used"),))]).energy_wh(0)
    assert 10 < research / answer < 200


def test_counts_that_nobody_saw_are_never_zero():
    blind = web(output_tokens=0, output_known=0, output_tokens_source="unknown", model="gpt-5")
    row = parts(blind)["answer"]
    assert row["estimated"]
    assert row["energy_wh"]["mid"] > 0
    refused = web(
        output_tokens=0, output_known=0, output_tokens_source="unknown", outcome="error", model="gpt-5", effort="none"
    )
    assert "answer" not in parts(refused)
    stopped = web(features=(("deep_research", "asked"),), outcome="limited")
    assert not {"hidden_steps", "hidden_reasoning"} & set(parts(stopped))


def test_a_local_model_costs_the_persons_own_power():
    minute = sample(service="ollama", provider=None, model="llama3", duration_ms=60_000, duration_known=1)
    settings = Settings(local_power_w=90.0, own_zone="NOR")
    assessment = assess([minute], settings)
    assert assessment.energy_wh(0) == pytest.approx(1.5)
    impacts = assessment.impacts()
    assert impacts.ghg_g.mid == pytest.approx(1.5 * 28.11 / 1000, rel=1e-3)
    assert impacts.water_ml.on_site.mid == 0
    moved = assess([minute], Settings(local_power_w=90.0, own_zone="NOR", zone="IND"))
    assert moved.impacts().ghg_g.mid == pytest.approx(impacts.ghg_g.mid)  # servers move, the person does not
    untimed = sample(service="lm-studio", provider=None, model="llama3", duration_known=0)
    assert assess([untimed]).energy_wh(0) > 0
    guess = assess([minute]).impacts().energy_wh
    assert guess.high > guess.mid > guess.low
