"""The report's JSON: its schema, sums that add up, every day, unknown is null, nothing comparable is compared."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests import golden
from tests.shapes import faults
from tracker.limits import pause
from tracker.record import Record
from tracker.report import demo, make
from tracker.report.period import Period, iso_week
from tracker.report.render import to_html, to_text
from tracker.store import Store

SCHEMA = json.loads((Path(__file__).parent.parent / "docs/report.schema.json").read_text("utf-8"))
ADDITIVE = ("by_day", "by_hour", "by_service", "by_model", "by_initiator")
IMPACTS = ("energy_wh", "ghg_g", "water_ml", "adpe_ug_sb", "primary_energy_kj")


def test_a_full_week_has_the_promised_shape(week: dict[str, Any]) -> None:
    assert list(faults(week, SCHEMA)) == []
    assert json.loads(json.dumps(week, allow_nan=False)) == week


@pytest.mark.parametrize("count", [0, 1])
def test_an_empty_week_and_one_answer_have_it_too(tmp_path: Path, count: int) -> None:
    with golden.small_store(tmp_path, count) as small:
        data = make(small, golden.WEEK, now=demo.NOW)
    assert list(faults(data, SCHEMA)) == []
    assert data["requests"] == count
    assert len(data["by_day"]) == 7


@pytest.mark.parametrize("key", ADDITIVE)
def test_middles_of_parts_add_up_to_the_total(week: dict[str, Any], key: str) -> None:
    for impact in IMPACTS:
        parts = math.fsum(row["impacts"][impact]["mid"] for row in week[key])
        assert math.isclose(parts, week["impacts"][impact]["mid"], rel_tol=1e-6), impact
    assert sum(row["requests"] for row in week[key]) == week["requests"]


@pytest.mark.parametrize("key", ADDITIVE)
def test_shown_parts_add_up_to_the_shown_total(week: dict[str, Any], key: str) -> None:
    from tracker.report.figures import shown

    for impact in ("energy_wh", "ghg_g", "water_ml"):
        parts = math.fsum(row["shown"][impact] for row in week[key])
        assert math.isclose(parts, shown(week["impacts"][impact]["mid"]) or 0.0, rel_tol=1e-9), impact


def test_components_add_up_to_everything(week: dict[str, Any]) -> None:
    assert math.isclose(sum(item["share"] for item in week["components"]), 1, rel_tol=1e-6)
    energy = sum(item["energy_wh"]["mid"] for item in week["components"])
    assert math.isclose(energy, week["impacts"]["energy_wh"]["mid"], rel_tol=1e-6)


def test_ranges_hold_their_middle(week: dict[str, Any]) -> None:
    for row in [week, *week["by_day"], *week["by_service"], *week["by_method"]]:
        for impact in IMPACTS:
            span = row["impacts"][impact]
            assert span["low"] <= span["mid"] <= span["high"]


def test_what_overlaps_and_what_are_alternatives_say_so(week: dict[str, Any]) -> None:
    assert all(row["overlapping"] for row in week["by_feature"])
    assert all(row["alternatives"] for row in week["by_method"])
    assert [row["key"] for row in week["by_method"]] == ["ecologits", "flop", "measured", "vendor", "time"]
    assert "as_published" in week["by_method"][0]


def test_a_week_with_another_coverage_is_not_compared(tmp_path: Path) -> None:
    from tracker.record import Unread

    with golden.small_store(tmp_path, 20) as small:
        small.add(moved(list(small.records()), timedelta(days=-7)))
        alike = make(small, golden.WEEK, now=demo.NOW)
        small.add_unread([Unread(day="2026-11-12", service="chatgpt", shape="", reason="truncated", n=30)])
        other = make(small, golden.WEEK, now=demo.NOW)
    assert alike["previous"]["comparable"]
    assert alike["finding"]["trend"] == "same"
    assert not other["previous"]["comparable"]
    assert other["finding"]["trend"] is None


def test_gaps_say_of_what_how_long_and_when(tmp_path: Path) -> None:
    with golden.demo_store(tmp_path) as changed:
        pause(changed, "claude", timedelta(hours=2), datetime(2026, 11, 18, 12, 0, tzinfo=UTC))
        data = golden.week(changed)
    assert [(gap["kind"], gap["service"], gap["seconds"], gap["longest"]) for gap in data["coverage"]["gaps"]] == [
        ("down", None, 1920, [{"since": "2026-11-17T09:10+01:00", "until": "2026-11-17T09:42+01:00"}]),
        ("paused", "claude", 7200, [{"since": "2026-11-18T13:00+01:00", "until": "2026-11-18T15:00+01:00"}]),
        ("passed-through", "claude", 5400, [{"since": "2026-11-21T10:00+01:00", "until": "2026-11-21T11:30+01:00"}]),
    ]
    assert "Claude was paused, as you wished: 2 hours" in " ".join(to_text(data, "en").split())


def test_a_running_week_says_that_it_is_not_complete(demonstration: Store) -> None:
    running = make(demonstration, golden.WEEK, now=demo.NOW - timedelta(days=4))
    assert not running["period"]["complete"]
    assert len(running["by_day"]) == 7


def test_tokens_that_nobody_told_are_null(tmp_path: Path) -> None:
    with golden.small_store(tmp_path, 1) as small:
        known = next(small.records())
    with Store.open(tmp_path / "unknown.db") as store:
        store.add([
            replace(known, input_tokens=None, output_tokens=None, reasoning_tokens=None, cached_input_tokens=None,
                    input_tokens_source="unknown", output_tokens_source="unknown", reasoning_tokens_source="unknown")
        ])  # fmt: skip
        data = make(store, golden.WEEK, now=demo.NOW)
    assert [data["tokens"][name] for name in ("input", "output", "reasoning", "cached")] == [None] * 4
    assert data["impacts"]["energy_wh"]["mid"] > 0


def test_what_if_moves_the_gas_and_not_the_energy(demonstration: Store, week: dict[str, Any]) -> None:
    elsewhere = golden.week(demonstration, zone="NOR")
    assert elsewhere["what_if"] == {"zone": "NOR"}
    assert math.isclose(elsewhere["impacts"]["energy_wh"]["mid"], week["impacts"]["energy_wh"]["mid"], rel_tol=0.15)
    assert elsewhere["impacts"]["ghg_g"]["mid"] < 0.4 * week["impacts"]["ghg_g"]["mid"]


def test_ecologits_as_published_has_its_own_kind_of_range(demonstration: Store) -> None:
    data = golden.week(demonstration, method="ecologits")
    assert data["interval"] == "method range"
    assert data["envelope"] is None
    assert list(faults(data, SCHEMA)) == []


def test_every_lever_surely_saves_and_none_is_said_for_an_empty_week(week: dict[str, Any], tmp_path: Path) -> None:
    assert 1 <= len(week["levers"]) <= 5
    assert all(0 < lever["saves"]["low"] <= lever["saves"]["mid"] <= lever["saves"]["high"] for lever in week["levers"])
    with golden.small_store(tmp_path, 0) as small:
        assert make(small, golden.WEEK, now=demo.NOW)["levers"] == []


def test_a_year_has_its_weeks_and_all_its_days(demonstration: Store) -> None:
    data = make(demonstration, golden.YEAR, now=demo.NOW, demo=True)
    assert len(data["by_day"]) == 364
    assert len(data["by_week"]) == 52
    energy = math.fsum(row["impacts"]["energy_wh"]["mid"] for row in data["by_week"])
    assert math.isclose(energy, data["impacts"]["energy_wh"]["mid"], rel_tol=1e-6)


@pytest.mark.parametrize("period", [golden.YEAR, golden.WEEK], ids=["year", "week"])
def test_a_page_and_a_text_say_the_same_without_the_tables(demonstration: Store, period: Period) -> None:
    whole, short = (make(demonstration, period, now=demo.NOW, tables=tables) for tables in (True, False))
    assert "impacts" in whole["by_hour"][0]
    assert "impacts" not in short["by_hour"][0]
    assert to_html(short, "nb") == to_html(whole, "nb")
    assert to_text(short, "nb") == to_text(whole, "nb")


def test_the_usual_week_leaves_out_weeks_that_were_mostly_not_seen(demonstration: Store) -> None:
    usual = golden.week(demonstration)["usual"]
    assert usual["weeks"] == 8
    assert make(demonstration, iso_week("2024-W50", "UTC"), now=demo.NOW)["usual"] is None


def moved(records: list[Record], by: timedelta) -> list[Record]:
    return [
        replace(
            record,
            id=f"{number:032x}",
            started_at=f"{date.fromisoformat(record.started_at[:10]) + by}{record.started_at[10:]}",
        )
        for number, record in enumerate(records)
    ]
