"""Check cases derived from published values: each expected number is computed here from what its source says."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tests.footprint_tables import sample
from tracker.footprint import Settings, assess
from tracker.footprint.factors import load_factors
from tracker.footprint.media import find_clip
from tracker.footprint.methods import Question, Weights, flop, measured
from tracker.footprint.methods.ecologits import evaluate_core, publish
from tracker.footprint.models import Model
from tracker.footprint.place import find_grid, locate
from tracker.footprint.training import training_flop

DAY = "2026-11-16"
FACTORS = load_factors()

EPOCH_PEAK, EPOCH_WATTS, EPOCH_PUE = 9.89e14, 1275 * 0.7, 1.2
"""Epoch AI, February 2025: H100 dense BF16, a DGX's power per GPU at 70 %, PUE."""


def place(provider="openai", **changes):
    return replace(locate(FACTORS, "openai-api", provider, DAY), **changes)


def epoch(parameters, tokens, utilisation=0.10, pue=EPOCH_PUE):
    return tokens * flop.token_energy_wh(
        parameters, utilisation=utilisation, peak_flop=EPOCH_PEAK, power_w=EPOCH_WATTS, pue=pue
    )


@pytest.mark.parametrize(
    ("parameters", "tokens", "utilisation", "pue", "published_wh"),
    [
        (100e9, 500, 0.10, 1.2, 0.301),
        (100e9, 1500, 0.10, 1.2, 0.902),
        (20e9, 500, 0.10, 1.2, 0.06),
        (200e9, 500, 0.05, 1.3, 1.304),
        (200e9, 1500, 0.05, 1.3, 3.911),
    ],
)
def test_c1_operations_give_epochs_published_energy(parameters, tokens, utilisation, pue, published_wh):
    by_hand = 2 * parameters * tokens / (EPOCH_PEAK * utilisation) * EPOCH_WATTS * pue / 3600
    assert epoch(parameters, tokens, utilisation, pue) == pytest.approx(by_hand, rel=1e-12)
    assert epoch(parameters, tokens, utilisation, pue) == pytest.approx(published_wh, rel=5e-3)


def test_c1_the_shipped_factors_are_epochs():
    model = Model(
        name=None, key="x", source="frozen", architecture="open", maker="x", total=(400, 400), active=(100, 100)
    )
    weights = Weights(prefill=0.1, cached=0.01, squared=0.0, idle=1.0)
    question = Question(service="x", model=model, place=place(), factors=FACTORS, day=DAY, weights=weights)
    method = flop.coefficients(question)
    assert method.energy_wh(500) == pytest.approx(0.301, rel=5e-3)
    assert method.per_input == pytest.approx(method.per_output / 3)  # 10 % against 30 % of peak


def test_c2_long_inputs_need_the_quadratic_term():
    """Epoch: 10,000 tokens of input about 2.5 Wh, 100,000 about 40 Wh, before caching."""
    answer = epoch(100e9, 500)
    linear = [answer + epoch(100e9, n, utilisation=0.30) for n in (10_000, 100_000)]
    assert linear[0] == pytest.approx(2.31, rel=0.01)
    assert linear[1] == pytest.approx(20.4, rel=0.01)  # half of what Epoch published
    per_output = epoch(100e9, 1)
    upper = FACTORS.get("long_context_weight", DAY).high
    with_square = linear[1] + upper * per_output * 100_000**2
    assert with_square == pytest.approx(40.0, rel=0.02)
    factor = FACTORS.get("long_context_weight", DAY)
    assert 0 < factor.value < factor.high  # Epoch's is an upper calibration


def test_c3_googles_median_prompt_gives_its_published_water_and_carbon():
    google = place("gcp.gemini", pue=1.09, water_l_per_kwh=1.15)
    assert 0.24 * google.on_site_ml_per_wh == pytest.approx(0.26, rel=0.05)
    assert 0.24 * google.off_site_ml_per_wh == pytest.approx(0.752, rel=0.05)
    assert 0.24 * google.ghg_g_per_wh == pytest.approx(0.0923, rel=0.05)
    market = FACTORS.get("vendor_gemini_market_intensity", DAY).value / 1000 * 0.24
    assert market == pytest.approx(0.023, rel=0.05)
    assert market + 0.010 == pytest.approx(0.033, rel=0.05)


def test_c4_openais_gallons_are_a_third_of_a_millilitre():
    millilitres = 0.000085 * 3785.411784
    assert millilitres == pytest.approx(0.3218, rel=1e-3)
    assert millilitres / FACTORS.get("vendor_chatgpt_energy", DAY).value == pytest.approx(0.946, rel=2e-3)


@pytest.mark.parametrize(
    ("pue", "on_site", "off_site", "published_ml"),
    [(1.17, 0.55, 3.142, 16.9), (1.0, 0.0, 7.48, 29.9), (1.0, 0.0, 2.86, 11.4), (1.0, 0.0, 3.74, 15.0)],
)
def test_c5_water_of_an_answer_of_four_watt_hours(pue, on_site, off_site, published_ml):
    """Li et al. 2023: 4 Wh of IT energy a request; rows other than the US average as total factors."""
    grid = replace(find_grid("USA"), litres_per_kwh=off_site)
    there = place(pue=pue, water_l_per_kwh=on_site, grid=grid)
    facility = 4 * pue
    water = facility * (there.on_site_ml_per_wh + there.off_site_ml_per_wh)
    assert water == pytest.approx(published_ml, rel=0.025)
    if pue > 1:
        assert water == pytest.approx(16.90, rel=2e-3)
        assert 500 / water == pytest.approx(29.6, rel=2e-3)


@pytest.mark.parametrize(
    ("intensity", "pue", "expected"),
    [(253, 1.14, 288.4), (499, 1.30, 648.7), (44, 1.6, 70.4), (344, 1.6, 550.4)],
)
def test_c6_grid_and_pue_multiply(intensity, pue, expected):
    there = place(pue=pue, grid=replace(find_grid("NLD"), g_per_kwh=intensity))
    assert 1000 * pue * there.ghg_g_per_wh == pytest.approx(expected, rel=1e-3)


def test_c7_a_life_cycle_analysis_is_another_scope():
    large2 = Model(
        name=None, key="large2", source="frozen", architecture="open", maker="mistralai", total=(123, 123),
        active=(123, 123),
    )  # fmt: skip
    published = publish(large2, place("mistral_ai"))
    at = {key: line.at(400, 1)[0] for key, line in published.usage.items()}
    embodied = {key: line.at(400, 1)[0] for key, line in published.embodied.items()}
    ghg, metal = at["ghg_g"] + embodied["ghg_g"], (at["adpe_ug_sb"] + embodied["adpe_ug_sb"]) / 1000
    assert at["energy_wh"] == pytest.approx(0.3537, rel=1e-3)
    assert ghg == pytest.approx(0.0445, rel=2e-3)
    assert at["water_ml"] == pytest.approx(2.161, rel=1e-3)
    assert metal == pytest.approx(0.00182, rel=5e-3)
    ratios = 1.14 / ghg, 45 / at["water_ml"], 0.16 / metal
    assert ratios == pytest.approx((26, 21, 88), rel=0.02)


def test_c8_and_c9_pictures_and_a_day_of_use():
    assert FACTORS.get("anchor_image_luccioni", DAY).value == pytest.approx(2.907)
    worst = FACTORS.get("anchor_image_luccioni", DAY).high
    assert worst / 12 == pytest.approx(0.957, rel=0.01)  # phone charges a picture; 950 a thousand were published
    day = 15 * 6706 / 3600 + 10 * 2282 / 3600 + 3 * 3.4e6 / 3600
    assert day == pytest.approx(2900, rel=0.015)
    assert FACTORS.get("image_default", DAY).low < 2282 / 3600 * 1.57 * 1.1 < FACTORS.get("image_default", DAY).high


def test_c10_the_ieas_video_lies_among_what_was_measured():
    assert 93.2 <= FACTORS.get("anchor_video_iea", DAY).value <= 118.5
    clip = find_clip(sample(operation="video", model="hunyuanvideo", media_count=1, media_seconds=5.0))
    low, high = clip.energy_wh
    frames = 5 * 24 + 1
    measured_per_frame = (2.5, 3.05)
    assert measured_per_frame[0] / (low / frames) < 2.2
    assert measured_per_frame[1] / (high / frames) < 2.2


def test_c13_sums_need_means_not_medians():
    median, low, high = 0.31, 0.16, 0.60
    sigma = math.log(high / low) / (2 * 0.67449)
    assert sigma == pytest.approx(0.980, rel=0.01)
    assert median * math.exp(sigma**2 / 2) == pytest.approx(0.501, rel=0.01)
    turn_sigma = math.log(FACTORS.get("gsd_turn_load", DAY).value)
    one = sample(output_tokens=400, output_squared=400.0**2)
    assessment = assess([one])
    coefficients = assessment.recipes[0].combined
    mean_over_median = assessment.energy_wh(0) / coefficients.energy_wh(400)
    assert mean_over_median == pytest.approx(math.exp(turn_sigma**2 / 2), rel=1e-9)


def test_c14_the_operations_floor_lies_below_the_estimate():
    floor = 2 * 100e9 * 500 / 1e18 * 125  # Google's TPU Trillium: 125 g CO2e an EFLOP, market-based
    assert floor == pytest.approx(0.0125)
    for method in (None, "ecologits"):
        ghg = assess([sample(output_tokens=500)], Settings(method=method)).impacts().ghg_g
        assert floor < (ghg.mid if method is None else ghg.low)


def test_c17_an_answer_is_no_thirty_searches():
    search = FACTORS.get("anchor_search_2009", DAY)
    answer = assess([sample(output_tokens=300, input_tokens=50)]).impacts().energy_wh.mid
    assert 0.5 < answer / search.value < 5
    assert "2009" in search.source
    assert "old" in search.note


@pytest.mark.parametrize(("parameters", "tokens", "stated"), [(405e9, 15.6e12, 3.8e25), (175e9, 0.3e12, 3.14e23)])
def test_c18_training_takes_six_operations_a_parameter_and_token(parameters, tokens, stated):
    assert 1 / 1.5 < training_flop(parameters, tokens) / stated < 1.5


def test_c19_llama_31_is_twenty_one_times_llama_2(request):
    assert pytest.approx(21.1, rel=0.01) == 11_390 / 539
    text = (request.config.rootpath / "docs/method.md").read_text("utf-8")
    assert "21 times" in text
    assert "11,390" in text


def test_measured_classes_reach_only_as_far_as_they_may():
    def model(total, active):
        return Model(
            name=None, key="x", source="frozen", architecture="open", maker="x", total=(total, total),
            active=(active, active),
        )  # fmt: skip

    assert measured.measured_class(model(70, 70)) == "measured_dense_70"
    assert measured.measured_class(model(400, 17)) == "measured_moe_400_17"
    assert measured.measured_class(model(30, 3)) == "measured_moe_30_3"
    assert measured.measured_class(model(9000, 3000)) is None
    assert measured.measured_class(model(0.2, 0.2)) is None


def test_the_core_is_the_formula_that_ecologits_publishes():
    active, total, tokens, tps, ttft = 76.2, 440.0, 400, 74.0, 0.61
    gpus = 2 ** math.ceil(math.log2(math.ceil(1.2 * total * 16 / 8 / 80)))
    gpu = tokens * (1.1665273170451914e-06 * math.exp(-0.011205921025579175 * 64) * active + 4.052928146734005e-05)
    seconds = ttft + tokens / tps
    by_hand = seconds / 3600 * 1200 * gpus / 8 / 64 + gpus * gpu
    model = Model(
        name=None, key="x", source="registry", architecture="registry", maker="openai", total=(total, total),
        active=(active, active), tps=tps, ttft=ttft,
    )  # fmt: skip
    core = evaluate_core(model)
    assert core.it_wh_per_request + tokens * core.it_wh_per_token == pytest.approx(by_hand, rel=1e-9)
    assert core.gpu_wh_per_token * tokens == pytest.approx(gpus * gpu, rel=1e-9)
    kilograms = seconds * (gpus / 8 * 5700 + gpus * 273) / (64 * 3 * 365 * 24 * 3600)
    per_token, per_request = core.embodied_g
    assert per_request + tokens * per_token == pytest.approx(kilograms * 1000, rel=1e-9)
