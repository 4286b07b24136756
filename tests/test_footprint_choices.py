"""What a person's settings file says about the footprint reaches it."""

from __future__ import annotations

import pytest

from tests.footprint_tables import sample
from tracker.footprint import DEFAULT_EXTENSIONS, FootprintError, Settings, assess, choose
from tracker.settings import Settings as File


def chosen(values=None, **given):
    return choose(File(values or {}).get, **given)


def test_no_settings_are_the_defaults():
    assert chosen() == Settings()


def test_every_choice_arrives():
    settings = chosen({
        "country": "NLD", "report.method": "flop", "report.zone": "NOR", "footprint.without": ("idle",),
        "footprint.with": ("device",), "footprint.zones": ("openai=SWE",), "footprint.local_watts": 90,
        "footprint.hourly": "~/grid.csv",
    })  # fmt: skip
    assert settings.own_zone == "NLD"
    assert (settings.method, settings.zone) == ("flop", "NOR")
    assert settings.provider_zones == {"openai": "SWE"}
    assert settings.local_power_w == 90
    assert settings.hourly is not None
    assert settings.hourly.name == "grid.csv"
    assert settings.extensions == DEFAULT_EXTENSIONS - {"idle"} | {"device"}


def test_the_command_wins_over_the_file():
    settings = chosen({"report.method": "flop", "report.zone": "NOR"}, method="time", zone="IND")
    assert (settings.method, settings.zone) == ("time", "IND")


def test_without_what_the_wire_hides_nothing_is_estimated():
    hidden = sample(
        service="chatgpt", model="gpt-5-5-thinking", input_tokens_source="counted", output_tokens_source="counted",
        reasoning_tokens_source="unknown", reasoning_known=0, output_tokens=400, earlier_tokens=5000,
    )  # fmt: skip
    rows = assess([hidden], chosen({"report.extensions": False})).components()
    assert not any(row["estimated"] for row in rows)
    assert any(row["estimated"] for row in assess([hidden], chosen()).components())


def test_a_zone_for_one_provider_moves_only_that_one():
    both = [sample(output_tokens=400), sample(provider="anthropic", model="claude-sonnet-5", output_tokens=400)]
    settings = chosen({"footprint.zones": ("openai=NOR",)})
    zones = [recipe.place.grid.zone for recipe in assess(both, settings).recipes]
    assert zones == ["NOR", "USA"]


def test_an_extension_that_does_not_exist_is_one_sentence():
    with pytest.raises(FootprintError, match="no such extension"):
        assess([], chosen({"footprint.with": ("magic",)}))
