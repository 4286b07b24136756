"""EcoLogits as published: our figures are the package's own, and the pinned version still says what it said."""

from __future__ import annotations

import math
import subprocess
import sys
from importlib.metadata import version

import pytest
from ecologits.estimations import video_impacts
from ecologits.model_repository import models
from ecologits.tracers.utils import llm_impacts

from tests import ecologits_table
from tests.footprint_tables import sample
from tracker.footprint import Settings, assess, package
from tracker.footprint.charges import NODE
from tracker.footprint.factors import load_factors
from tracker.footprint.media import VIDEO_MODELS
from tracker.footprint.methods.ecologits import publish
from tracker.footprint.models import resolve_model
from tracker.footprint.place import locate

PUBLISHED = Settings(method="ecologits")
PROVIDERS = {
    "openai": "openai", "anthropic": "anthropic", "google_genai": "gcp.gemini", "mistralai": "mistral_ai",
    "cohere": "cohere",
}  # fmt: skip
UNITS = {"energy": 1e3, "gwp": 1e3, "wcf": 1e3, "adpe": 1e9, "pe": 1e3}
NAMES = {"energy": "energy_wh", "gwp": "ghg_g", "wcf": "water_ml", "adpe": "adpe_ug_sb", "pe": "primary_energy_kj"}

TABLE = {
    ("openai", "gpt-4o"): ((0.5789, 0.9637), (0.2382, 0.3861), (2.088, 3.475)),
    ("openai", "gpt-4o-mini"): ((0.0260, 0.0315), (0.0109, 0.0130), (0.094, 0.114)),
    ("openai", "gpt-4.1"): ((0.5388, 0.8493), (0.2226, 0.3420), (1.943, 3.063)),
    ("openai", "o1"): ((0.5605, 0.9454), (0.2273, 0.3752), (2.021, 3.409)),
    ("openai", "o4-mini"): ((0.0277, 0.0331), (0.0119, 0.0140), (0.100, 0.120)),
    ("openai", "gpt-5"): ((0.5913, 0.8537), (0.2583, 0.3592), (2.132, 3.079)),
    ("openai", "gpt-5-mini"): ((0.0323, 0.1783), (0.0137, 0.0736), (0.116, 0.643)),
    ("openai", "gpt-5-pro"): ((20.6, 45.8), (9.07, 18.75), (74.3, 165)),
    ("anthropic", "claude-haiku-4-5"): ((0.0241, 0.0634), (0.0102, 0.0262), (0.078, 0.254)),
    ("anthropic", "claude-sonnet-4-5"): ((0.5787, 0.9708), (0.2502, 0.4010), (1.882, 3.892)),
    ("anthropic", "claude-opus-4-5"): ((1.510, 2.684), (0.675, 1.126), (4.909, 10.76)),
    ("google_genai", "gemini-2.5-flash"): ((0.5368, 0.8863), (0.2245, 0.3589), (2.173, 3.588)),
    ("google_genai", "gemini-2.5-flash-lite"): ((0.0225, 0.0274), (0.0093, 0.0112), (0.091, 0.111)),
    ("google_genai", "gemini-2.5-pro"): ((4.628, 10.98), (1.852, 4.295), (18.7, 44.5)),
    ("mistralai", "mistral-large-latest"): ((1.151, 1.151), (0.0842, 0.0842), (7.030, 7.030)),
    ("cohere", "command-a-03-2025"): ((0.2039, 0.2039), (0.0836, 0.0836), (0.825, 0.825)),
}
"""Wh, g CO2e, mL of 400 output tokens, latency cap off, provider's zone, EcoLogits 0.11.3 (November 2026)."""

ZONES = {
    "WOR": (0.2810, 0.4573, 2.54, 4.22), "USA": (0.2382, 0.3861, 2.09, 3.48), "NLD": (0.1624, 0.2600, 2.26, 3.77),
    "NOR": (0.0319, 0.0428, 4.13, 6.88), "SWE": (0.0361, 0.0496, 3.77, 6.27), "FRA": (0.0397, 0.0556, 2.40, 4.00),
    "IRL": (0.1642, 0.2629, 1.13, 1.88), "DEU": (0.2065, 0.3334, 1.40, 2.33), "SGP": (0.3034, 0.4947, 2.54, 4.22),
    "IND": (0.4036, 0.6615, 2.26, 3.77),
}  # fmt: skip
"""Zone → g CO2e and mL of gpt-4o, 400 output tokens."""


def ends(value):
    value = getattr(value, "value", value)
    return (value, value) if isinstance(value, int | float) else (value.min, value.max)


def ours(provider, model, tokens=400, zone=None, requests=1):
    activity = sample(
        service=f"{provider}-api", provider=PROVIDERS[provider], model=model, requests=requests,
        output_tokens=tokens * requests,
    )  # fmt: skip
    return assess([activity], Settings(method="ecologits", zone=zone)).impacts()


def assert_equal_to_package(impacts, package, times=1):
    for name, key in NAMES.items():
        low, high = (end * UNITS[name] * times for end in ends(getattr(package, name)))
        impact = getattr(impacts, key)
        assert impact.low == pytest.approx(low, rel=1e-9)
        assert impact.high == pytest.approx(high, rel=1e-9)
        assert impact.mid == pytest.approx((low + high) / 2, rel=1e-9)
        usage = ends(getattr(package.usage, name))
        assert impact.usage.high == pytest.approx(usage[1] * UNITS[name] * times, rel=1e-9)
        if name in ("gwp", "adpe", "pe"):
            embodied = ends(getattr(package.embodied, name))
            assert impact.embodied.low == pytest.approx(embodied[0] * UNITS[name] * times, rel=1e-9)
        else:
            assert impact.embodied is None


@pytest.mark.parametrize(("provider", "model"), TABLE)
def test_the_published_method_is_the_packages_own(provider, model):
    impacts = ours(provider, model)
    assert impacts.interval == "method range"
    assert_equal_to_package(impacts, llm_impacts(provider, model, 400, math.inf))


@pytest.mark.parametrize(("provider", "model"), TABLE)
def test_the_pinned_package_still_says_what_it_said(provider, model):
    impacts = ours(provider, model)
    said = (impacts.energy_wh, impacts.ghg_g, impacts.water_ml)
    for (low, high), impact in zip(TABLE[provider, model], said, strict=True):
        message = f"EcoLogits {version('ecologits')}: {model} was {low}-{high}, is {impact.low:.5g}-{impact.high:.5g}"
        assert (impact.low, impact.high) == pytest.approx((low, high), rel=0.012), message


def test_the_table_is_the_packages_own_in_every_row():
    assert ecologits_table.PATH.read_text() == ecologits_table.build(), "run python -m tests.documents"
    assert package.table()["version"] == version("ecologits")
    rows = {package.Size(*row[:4]): package.Probe(*row[4:]) for row in package.table()["sizes"]}
    assert len(rows) > 300
    assert {size: package.ask(size) for size in rows} == rows
    clips = package.table()["clips"]
    assert len(clips) > 200
    assert [[*which, *package.ask_clip(*which)] for which in (row[:3] for row in clips)] == clips


def test_the_hardware_of_every_size_of_model_is_so_much_of_one_server():
    """So one simulation of how much of it is worn serves gas, metal and energy (see footprint.charges)."""
    for row in package.table()["sizes"]:
        found = package.Probe(*row[4:])
        for suffix in ("", "_none"):
            gas, *others = (getattr(found, f"{name}{suffix}") * UNITS[name] for name in ("gwp", "adpe", "pe"))
            assert others == pytest.approx([gas / NODE[0] * part for part in NODE[1:]], rel=1e-9)


@pytest.mark.parametrize(("model", "name"), [(model, model.split("/")[1]) for model, _ in VIDEO_MODELS])
def test_every_clip_is_as_the_package_has_it_wherever_it_is_made(model, name):
    for zone, pixels, seconds in (("USA", 1280 * 720, 8.0), ("NOR", 1920 * 1080, 5.0), ("SGP", 640 * 360, 3.0)):
        made = sample(
            operation="video", provider="x", model=name, media_count=1, media_seconds=seconds, media_pixels=pixels
        )
        size = f"{round(pixels**0.5 * 4 / 3)}x{round(pixels**0.5 * 3 / 4)}"
        theirs = video_impacts(model, size, seconds, datacenter_location=zone)
        assert_equal_to_package(assess([made], Settings(method="ecologits", zone=zone)).impacts(), theirs)


@pytest.mark.parametrize("provider", sorted(package.table()["providers"]))
def test_every_model_of_the_package_is_as_the_package_has_it_at_any_length(provider):
    entries = [entry for entry in models.list_models() if entry.provider.value == provider]
    assert entries
    for entry in entries:
        model = resolve_model("openai-api", None, entry.name)
        place = locate(load_factors(), "openai-api", provider, "2026-11-16", maker=provider)
        if model.maker != provider:
            continue  # a copy on the hub of a maker's own model: that one is taken
        ours = publish(model, place)
        for tokens in (0, 1, 7, 300, 1000, 128_000):
            theirs = llm_impacts(provider, entry.name, tokens, math.inf, place.grid.zone)
            for name, key in NAMES.items():
                for part, lines in (("usage", ours.usage), ("embodied", ours.embodied)):
                    if key in lines:
                        expected = [end * UNITS[name] for end in ends(getattr(getattr(theirs, part), name))]
                        assert lines[key].at(tokens, 1) == pytest.approx(expected, rel=1e-9), (entry.name, part, name)


def test_a_size_that_no_table_has_is_asked_of_the_package():
    odd = package.Size(123.4, 567.8, None, None)
    assert odd not in {package.Size(*row[:4]) for row in package.table()["sizes"]}
    assert package.probe(odd) == package.ask(odd)
    assert package.probe(odd, 8).energy > package.probe(odd).energy


def test_a_usual_answer_needs_no_import_of_the_package():
    code = (
        "import sys\nfrom tracker.footprint import assess\nfrom tests.footprint_tables import sample\n"
        "assert assess([sample(output_tokens=400), sample(model='nobody-knows-it')]).by_method()\n"
        "print(sorted({'ecologits', 'pydantic'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("zone", ZONES)
def test_zones_move_the_servers(zone):
    impacts = ours("openai", "gpt-4o", zone=zone)
    assert_equal_to_package(impacts, llm_impacts("openai", "gpt-4o", 400, math.inf, zone))
    found = (impacts.ghg_g.low, impacts.ghg_g.high, impacts.water_ml.low, impacts.water_ml.high)
    assert found == pytest.approx(ZONES[zone], rel=0.005), f"{zone} was {ZONES[zone]}, is {found}"


@pytest.mark.parametrize("tokens", [1, 100, 500, 1000, 4000, 123_456])
def test_c11_impacts_are_affine_in_tokens_and_sums_need_no_records(tokens):
    assert_equal_to_package(ours("openai", "gpt-4o", tokens), llm_impacts("openai", "gpt-4o", tokens, math.inf))
    forty = ours("openai", "gpt-4o", tokens, requests=40)
    assert_equal_to_package(forty, llm_impacts("openai", "gpt-4o", tokens, math.inf), times=40)


def test_c11_slope_and_intercept():
    small, large = (ours("openai", "gpt-4o", tokens).energy_wh for tokens in (500, 1000))
    assert (large.low - small.low) / 500 == pytest.approx(1.428e-3, rel=1e-3)
    assert (large.high - small.high) / 500 == pytest.approx(2.390e-3, rel=1e-3)
    assert 2 * small.low - large.low == pytest.approx(0.0077, rel=0.02)


def test_a_clip_is_the_packages_own():
    clip = sample(
        operation="video", provider="gcp.gemini", model="veo-3.1", media_count=1, media_seconds=8.0,
        media_pixels=1280 * 720,
    )  # fmt: skip
    impacts = assess([clip], PUBLISHED).impacts()
    package = video_impacts("google/veo-3.1", "720p", 8, datacenter_location="USA")
    assert_equal_to_package(impacts, package)
    assert (impacts.energy_wh.low, impacts.energy_wh.high) == pytest.approx((28, 61), rel=0.02)


def test_what_the_package_does_not_know_is_said_and_not_counted_as_zero():
    picture = sample(operation="image", model="dall-e-3", media_count=1, output_tokens_source="unknown")
    reply = sample(output_tokens=400)
    assessment = assess([picture, reply], PUBLISHED)
    assert assessment.not_covered() == 1
    assert assessment.impacts().energy_wh.low == pytest.approx(ours("openai", "gpt-4o").energy_wh.low)


def test_the_published_method_has_no_extensions():
    plain = sample(output_tokens=400)
    loaded = sample(
        output_tokens=400, input_tokens=90_000, long_input_squared=82_000.0**2, duration_ms=1500, duration_known=1,
        request_bytes=10**7, thinking_ms=60_000, thinking_known=1,
    )  # fmt: skip
    assert assess([plain], PUBLISHED).impacts() == assess([loaded], PUBLISHED).impacts()
    assert assess([loaded]).energy_wh(0) > 2 * assess([plain]).energy_wh(0)


def test_its_components_are_its_own():
    replies = [
        sample(output_tokens=900, reasoning_tokens=500, input_tokens=9000),
        sample(operation="video", model="veo-3.1", provider="gcp.gemini", media_count=1, media_seconds=8.0),
    ]
    assessment = assess(replies, PUBLISHED)
    rows = {row["key"]: row["energy_wh"] for row in assessment.components()}
    assert set(rows) == {"answer", "hidden_reasoning", "request", "video"}
    energy = assessment.impacts().energy_wh
    for end in ("low", "mid", "high"):
        assert sum(row[end] for row in rows.values()) == pytest.approx(getattr(energy, end))
    assert assess([], PUBLISHED).components() == []


def test_as_published_stands_beside_our_extended_form():
    rows = {row["key"]: row for row in assess([sample(output_tokens=400)]).by_method()}
    assert set(rows) == {"ecologits", "flop", "measured", "vendor", "time"}
    published = rows["ecologits"]["as_published"]
    assert published["interval"] == "method range"
    assert published["energy_wh"]["low"] == pytest.approx(0.5789, rel=1e-3)
    assert all("as_published" not in row for key, row in rows.items() if key != "ecologits")
    assert all(row["alternatives"] for row in rows.values())
