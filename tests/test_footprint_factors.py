"""Factors with provenance, places with data, and one plain sentence where something is wrong."""

from __future__ import annotations

import contextlib
import re
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.footprint_tables import DAY, sample
from tracker.footprint import FootprintError, Settings, assess
from tracker.footprint.factors import FILES, load_factors, read_factors
from tracker.footprint.hourly import read_hourly
from tracker.footprint.place import PROVIDERS, find_grid, locate
from tracker.footprint.tables import read_statements

ROW = """
[[factor]]
key = "k"
value = 1
low = 0.5
high = 2
unit = "Wh"
year = 2025
place = "any"
source = "s"
link = ""
licence = "l"
tier = 3
valid_from = 2020-01-01
"""
FACTORS = load_factors()


def assert_one_sentence(error):
    text = str(error)
    assert text.count(" · ") >= 2  # what happened · to what · what to do
    assert "\n" not in text
    assert "Traceback" not in text


def test_every_factor_says_where_it_comes_from():
    assert len(FACTORS.rows) > 100
    for row in FACTORS.rows:
        assert 0 <= row.low <= row.value <= row.high, row.key
        assert row.unit
        assert row.source
        assert row.licence
        assert 2009 <= row.year <= 2026
        assert row.link == "" or row.link.startswith("https://")
        assert row.tier in (1, 2, 3, 4)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d\+[0-9a-f]{8}", FACTORS.version)


def test_statements_people_have_heard_did_not_become_factors():
    """A claimed value may not stand as a factor in the claim's unit; two could hide under another name."""
    for statement in read_statements():
        for value in statement["values"]:
            for row in FACTORS.rows:
                words = statement["unit"].split()
                if row.unit.split()[0] == words[0]:
                    assert row.value != value, (statement["claim"], row.key)
            assert statement["why"]
    energies = {row.key: row.value for row in FACTORS.rows if row.unit.startswith("Wh")}
    assert 220 not in energies.values()
    assert not any(8 < wh < 10 and "search" in key for key, wh in energies.items())
    assert not any("reasoning" in row.key and row.value == 30 for row in FACTORS.rows)
    assert FACTORS.get("flop_per_parameter", DAY).value == 2


def test_statements_are_explained_to_the_reader(request):
    text = (request.config.rootpath / "docs/method.md").read_text("utf-8")
    for statement in read_statements():
        assert statement["claim"] in text


def test_a_turn_uses_the_factor_valid_on_its_day():
    later = ROW.replace("value = 1", "value = 1.5").replace("2020-01-01", "2025-05-01")
    factors = read_factors({"one": ROW + later})
    assert factors.get("k", "2025-04-30").value == 1
    assert factors.get("k", "2025-05-01").value == 1.5
    assert factors.epoch("2025-04-30") != factors.epoch("2025-05-01")
    assert factors.find("k", "2019-12-31") is None
    with pytest.raises(FootprintError) as caught:
        factors.get("k", "2019-12-31")
    assert_one_sentence(caught.value)


def test_a_vendors_figure_is_never_back_dated():
    def methods(day):
        return set(assess([sample(day=day, service="gemini", provider="gcp.gemini", model="gemini-2.5-flash")])
                   .recipes[0].methods)  # fmt: skip

    assert "vendor" not in methods("2025-04-30")
    assert "vendor" in methods("2025-05-01")


@pytest.mark.parametrize(
    "damage",
    [
        ("value = 1", "value = 9"), ("value = 1", 'value = "1"'), ("value = 1", "value = nan"), ("low = 0.5\n", ""),
        ("tier = 3", "tier = 7"), ('unit = "Wh"', 'unit = ""'), ("valid_from = 2020-01-01", 'valid_from = "soon"'),
        ('source = "s"', 'sauce = "s"'), ("high = 2", "high = inf"), ("value = 1", "value = true"),
        ("[[factor]]", "[["), ("[[factor]]", "[factor]"), ("tier = 3", "tier = []"), ("tier = 3", "tier = true"),
        ("value = 1", "value = " + "9" * 5000), ("value = 1", "value = " + "[" * 5000),
        ("high = 2", "high = 1" + "0" * 400), ("valid_from = 2020-01-01", "valid_from = 2020-01-01T09:00:00Z"),
        ("key = ", 'note = "\\u001b[31m"\nkey = '), ("key = ", "note = 7\nkey = "),
        ('unit = "Wh"', 'unit = "\\u202eWh"'), ("year = ", 'year = "soon"\n# '),
    ],
)  # fmt: skip
def test_a_damaged_factor_file_is_one_sentence(damage):
    with pytest.raises(FootprintError) as caught:
        read_factors({"broken": ROW.replace(*damage)})
    assert_one_sentence(caught.value)
    assert "broken.toml" in str(caught.value)


def test_a_factor_given_twice_is_refused():
    with pytest.raises(FootprintError, match="twice"):
        read_factors({"a": ROW, "b": ROW})


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300))
def test_any_text_as_a_factor_file_is_factors_or_one_sentence(text):
    with contextlib.suppress(FootprintError):
        assert all(row.key for row in read_factors({"x": text}).rows)


def test_all_shipped_files_are_read():
    keys = {row.key for row in FACTORS.rows}
    assert {"prefill_weight", "vendor_gemini_energy", "reasoning_high", "image_default", "gsd_serving", "pue_openai",
            "equivalent_phone_charge", "anchor_search_2009"} <= keys  # fmt: skip
    assert len(FILES) == 8


@pytest.mark.parametrize("zone", ["XXX", "", "norway", "NO", "../../etc", "US\nA"])
def test_an_unknown_zone_is_one_sentence(zone):
    with pytest.raises(FootprintError) as caught:
        assess([sample(output_tokens=400)], Settings(zone=zone))
    assert_one_sentence(caught.value)


def test_a_zone_with_a_silent_zero_is_refused():
    """EcoLogits 0.11.3 has 0.0 g/kWh for the Central African Republic."""
    with pytest.raises(FootprintError, match="says zero"):
        find_grid("CAF")
    assert find_grid("nor").zone == "NOR"


def test_what_is_the_worlds_average_is_said():
    assert find_grid("SGP").world_average
    assert find_grid("NOR").world_average == () or "wue" not in find_grid("NOR").world_average


@pytest.mark.parametrize("settings_", [{"method": "magic"}, {"extensions": frozenset({"magic"})},
                                       {"local_power_w": -1.0}])  # fmt: skip
def test_settings_that_do_not_exist_are_one_sentence(settings_):
    with pytest.raises(FootprintError) as caught:
        assess([], Settings(**settings_))
    assert_one_sentence(caught.value)


def test_every_provider_has_a_place():
    for provider in [*PROVIDERS, None, "nobody"]:
        where = locate(FACTORS, "x-api", provider, DAY)
        assert where.pue >= 1
        assert where.grid.g_per_kwh > 0
    assert locate(FACTORS, "x-api", "nobody", DAY).guessed
    assert not locate(FACTORS, "x-api", "openai", DAY).guessed
    assert locate(FACTORS, "x-api", "openai", DAY, overrides={"openai": "NLD"}).grid.zone == "NLD"


def test_grids_of_earlier_years_hold_for_their_years():
    assert locate(FACTORS, "x-api", "openai", "2023-06-01").grid.g_per_kwh == 369
    assert locate(FACTORS, "x-api", "openai", DAY).grid.g_per_kwh == pytest.approx(384.4)


def hourly_file(tmp_path, hours=range(24), value="100", zone="USA"):
    path = tmp_path / "grid.csv"
    rows = [f"{zone},{DAY}T{hour:02}:00:00Z,{value}" for hour in hours]
    path.write_text("\n".join(["zone,utc_hour,g_per_kwh", *rows]))
    return path


def test_an_hourly_file_replaces_the_years_average_on_its_days(tmp_path):
    path = hourly_file(tmp_path)
    today, tomorrow = sample(output_tokens=400), sample(output_tokens=400, day="2026-11-17")
    assessment = assess([today, tomorrow], Settings(hourly=path))
    usage = [assessment.impacts([index]).ghg_g.usage.mid for index in (0, 1)]
    assert usage[0] / usage[1] == pytest.approx(100 / 384.4)


@pytest.mark.parametrize(
    ("content", "needle"),
    [
        ("zone,hour,g\nUSA,x,1", "first line"),
        (f"zone,utc_hour,g_per_kwh\nUSA,{DAY}T00:00,-5", "line 2"),
        (f"zone,utc_hour,g_per_kwh\nUSA,{DAY}T00:00,nan", "line 2"),
        ("zone,utc_hour,g_per_kwh\nUSA,yesterday,5", "line 2"),
        (f"zone,utc_hour,g_per_kwh\n,{DAY}T00:00,5", "line 2"),
        ("", "first line"),
    ],
)
def test_a_damaged_hourly_file_is_one_sentence(tmp_path, content, needle):
    path = tmp_path / "grid.csv"
    path.write_text(content)
    with pytest.raises(FootprintError, match=needle) as caught:
        read_hourly(path)
    assert_one_sentence(caught.value)


def test_an_hourly_file_with_gaps_is_one_sentence(tmp_path):
    with pytest.raises(FootprintError, match="lacks 3 of 24 hours") as caught:
        assess([sample(output_tokens=400)], Settings(hourly=hourly_file(tmp_path, range(21))))
    assert_one_sentence(caught.value)


def test_an_hourly_file_that_is_not_there_is_one_sentence(tmp_path):
    binary = tmp_path / "grid.bin"
    binary.write_bytes(b"\xff\xfe\x00\x81")
    for path in (tmp_path / "none.csv", tmp_path, binary):
        with pytest.raises(FootprintError) as caught:
            read_hourly(path)
        assert_one_sentence(caught.value)


def test_absurd_counts_stay_finite():
    absurd = sample(
        requests=10**9, output_tokens=10**12, input_tokens=10**12, cached_input_tokens=10**13,
        long_input_squared=1e30, request_bytes=10**15, output_known=0,
    )  # fmt: skip
    impacts = assess([absurd]).impacts()
    assert 0 < impacts.energy_wh.low < impacts.energy_wh.high < float("inf")
    assert impacts.ghg_g.embodied.mid > 0


def test_days_are_dates():
    assert all(isinstance(row.valid_from, date) for row in FACTORS.rows)
