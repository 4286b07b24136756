"""Equivalents, anchors, market-based lines, sources and the command that prints all factors."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from tests import footprint_tables as made
from tests.footprint_tables import sample, worked_week
from tracker.cli import main
from tracker.footprint import (
    DEFAULT_EXTENSIONS,
    Settings,
    assess,
    different_scope,
    typical_answer_wh,
    where_this_sits,
)
from tracker.footprint.factors import LATEST, load_factors
from tracker.report.figures import significant
from tracker.report.surroundings import everyday


@pytest.mark.parametrize("lang", ["en", "nb", "nl"])
def test_everyday_things_carry_the_whole_range_and_their_source(lang):
    rows = everyday(assess(worked_week()).impacts().to_json(), lang)
    assert {row["impact"] for row in rows} == {"energy_wh", "ghg_g", "water_ml"}
    for row in rows:
        assert row["low"] <= row["mid"] <= row["high"]
        assert 0.5 <= row["mid"] < 400
        assert row["source"]
        assert row["year"]


def test_a_week_is_phone_charges_and_the_arithmetic_is_plain():
    impacts = assess(worked_week()).impacts()
    row = next(row for row in everyday(impacts.to_json(), "en") if row["key"] == "phone_charge")
    assert row["high"] == impacts.energy_wh.high / load_factors().get("equivalent_phone_charge", LATEST).value
    assert everyday(assess([]).impacts().to_json(), "en") == []
    assert [significant(value, 1) for value in (0, 1345, 0.0172, 9.6)] == [0, 1000, 0.02, 10]


def test_where_a_usual_answer_sits():
    assessment = assess(worked_week())
    wh = typical_answer_wh(assessment)
    assert 0.2 < wh < 2
    rows = where_this_sits(wh)
    assert [row["wh"]["mid"] for row in rows] == sorted(row["wh"]["mid"] for row in rows)
    assert all(row["scope"] and row["source"] for row in rows)
    search = next(row for row in rows if row["key"] == "search_2009")
    assert search["times"] == pytest.approx(wh / 0.3)
    assert search["year"] == 2009
    assert typical_answer_wh(assess([])) is None
    assert all(row["times"] is None for row in where_this_sits(None))


def test_a_life_cycle_analysis_is_shown_as_another_scope():
    reply = sample(provider="mistral_ai", model="mistral-large-2407", output_tokens=400)
    rows = {row["criterion"]: row for row in different_scope(assess([reply]).impacts(), 1)}
    assert set(rows) == {"ghg_g", "water_ml", "adpe_ug_sb"}
    for row in rows.values():
        assert row["scope"].startswith("different scope")
        assert row["times"] > 5
    assert rows["water_ml"]["theirs"] == 45
    assert different_scope(assess([]).impacts(), 0) == []


def test_the_typical_answer_is_the_persons_and_not_an_agents():
    mine, agents = sample(output_tokens=100), sample(output_tokens=9000, initiator="agent", requests=50)
    assessment = assess([mine, agents])
    assert typical_answer_wh(assessment) == pytest.approx(assessment.energy_wh(0))


def test_market_based_is_a_line_of_its_own_with_its_document():
    google = sample(provider="gcp.gemini", model="gemini-2.5-flash", output_tokens=400)
    assessment = assess([google, sample(output_tokens=400)])
    (row,) = assessment.market_based()
    assert row["provider"] == "google"
    assert row["ghg_g"] == pytest.approx(assessment.energy_wh(0) * 96 / 1000)
    assert "2508.15734" in row["link"]


def test_training_and_the_persons_device_stay_apart():
    one = sample(output_tokens=400, duration_ms=9000, duration_known=1)
    plain = assess([one])
    assert plain.apart()["training_ghg_g"] is None
    assert plain.apart()["device_wh"]["mid"] == pytest.approx(20 * 9 / 3600)
    everything = assess([one], Settings(extensions=DEFAULT_EXTENSIONS | {"training", "device"}))
    assert everything.apart()["training_ghg_g"]["mid"] == pytest.approx(0.019)
    assert everything.apart()["device_wh"] is None
    assert everything.energy_wh(0) == pytest.approx(plain.energy_wh(0) + 20 * 9 / 3600)
    with_training = assess([one], Settings(extensions=DEFAULT_EXTENSIONS | {"training"}))
    assert with_training.impacts() == plain.impacts()


def test_sources_name_the_factors_that_were_used_and_no_others():
    keys = {row["key"] for row in assess([sample(output_tokens=400)]).sources()}
    assert {"ecologits", "prefill_weight", "flop_peak", "pue_openai", "gsd_serving"} <= keys
    assert not {"vendor_gemini_energy", "image_default", "reasoning_high"} & keys
    assert "image_default" in {row["key"] for row in assess([sample(operation="image")]).sources()}


def test_every_factor_is_printed_with_its_source():
    result = CliRunner().invoke(main, ["methods"])
    assert result.exit_code == 0, result.output
    assert load_factors().version in result.output
    for row in load_factors().rows:
        assert row.key in result.output
    document = json.loads(CliRunner().invoke(main, ["methods", "--format", "json"]).output)
    assert [method["key"] for method in document["methods"]] == ["ecologits", "flop", "measured", "vendor", "time"]
    assert len(document["factors"]) == len(load_factors().rows) + 1
    assert {"key", "value", "low", "high", "unit", "year", "place", "source", "link", "licence", "tier",
            "valid_from"} <= set(document["factors"][-1])  # fmt: skip
    assert document["not_factors"]


@pytest.mark.parametrize(
    "name",
    ["factors_table", "check_table", "zone_table", "method_table", "neighbour_table", "statement_table", "tier_table"],
)
def test_the_tables_of_the_document_are_whole(name):
    lines = getattr(made, name)().strip().splitlines()
    assert len(lines) > 3
    assert len({line.replace("\\|", "").count("|") for line in lines}) == 1
