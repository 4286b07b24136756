"""Where a footprint sits: everyday things of its size, a home, a sustainable budget, others' answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from tracker.report.period import Period

if TYPE_CHECKING:
    from tracker.footprint import Assessment
    from tracker.footprint.factors import Factor

Json = dict[str, Any]
HOUSEHOLD, BUDGET = "equivalent_household_day_eu", "equivalent_lifestyle_day"
LIFE_CYCLE_SHOWN = ("ghg_g", "water_ml")


def context(whole: Json, period: Period, today: date, assessed: Assessment) -> Json:
    """
    Return the shares of a home's electricity and of a 1.5 °C budget for the days that have begun, the usual answer
    beside what others say of one, and what is estimated but never added.
    """
    from tracker.footprint import different_scope, typical_answer_wh, where_this_sits

    days = len(period.so_far(today).days)
    energy, gas = whole["energy_wh"], whole["ghg_g"]
    household, budget = _factor(HOUSEHOLD).value, _factor(BUDGET).value
    usual = typical_answer_wh(assessed)
    asked = [
        number for number, one in enumerate(assessed.activities)
        if one.operation == "chat" and one.initiator == "person"
    ]  # fmt: skip
    answers = sum(assessed.activities[number].requests for number in asked)
    return {
        "days": days,
        "household_wh_per_day": household,
        "household_share": _share(energy, household * days) if energy["mid"] > 0 else None,
        "budget_g_per_day": budget,
        "budget_share": _share(gas, budget * days) if gas["mid"] > 0 else None,
        "usual_answer_wh": usual,
        "beside": where_this_sits(usual) if usual else [],
        "life_cycle": [
            row for row in (different_scope(assessed.impacts(asked), answers) if answers else [])
            if row["criterion"] in LIFE_CYCLE_SHOWN
        ],
        "market_based": assessed.market_based(),
        "apart": assessed.apart(),
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Everyday:
    """One everyday thing: so much of a sourced factor, in the unit of the impact."""

    key: str
    impact: str
    factor: str
    part: float = 1.0
    languages: tuple[str, ...] = ()
    """Only people who speak these know it; empty: everybody."""


EVERYDAY = (
    Everyday("phone_charge", "energy_wh", "phone_charge"),
    Everyday("electric_car_km", "energy_wh", "electric_car_km", languages=("nb",)),
    Everyday("e_bike_km", "energy_wh", "e_bike_km", languages=("nl",)),
    Everyday("laptop_charge", "energy_wh", "laptop_charge"),
    Everyday("led_hour", "energy_wh", "led_hour"),
    Everyday("led_minute", "energy_wh", "led_hour", 1 / 60),
    Everyday("kettle", "energy_wh", "kettle_litre"),
    Everyday("household_day", "energy_wh", "household_day_eu", languages=("en",)),
    Everyday("household_day_no", "energy_wh", "household_day_no", languages=("nb",)),
    Everyday("person_day_nl", "energy_wh", "person_day_nl", languages=("nl",)),
    Everyday("car_km", "ghg_g", "car_km"),
    Everyday("car_metre", "ghg_g", "car_km", 1 / 1000),
    Everyday("glass", "water_ml", "glass"),
    Everyday("teaspoon", "water_ml", "glass", 1 / 50),
    Everyday("drop", "water_ml", "glass", 1 / 5000),
    Everyday("shower_minute", "water_ml", "shower_minute"),
)
"""A teaspoon holds 5 mL, twenty drops a millilitre: a fiftieth and a five-thousandth of a glass of 250 mL."""


def everyday(whole: Json, lang: str) -> list[Json]:
    """
    Return everyday things of about the same size, one for each impact and two for energy; the first is the lead.

    The range is the impact's over one thing's central value; who shows it rounds to one significant digit.
    """
    chosen: list[Json] = []
    for impact, most in (("energy_wh", 2), ("ghg_g", 1), ("water_ml", 1)):
        span = whole[impact]
        if span["mid"] <= 0:
            continue
        fitting = [
            _counted(thing, span) for thing in EVERYDAY
            if thing.impact == impact and (not thing.languages or lang in thing.languages)
        ]  # fmt: skip
        readable = [item for item in fitting if 0.5 <= item["mid"] < 400] or fitting[:1]
        chosen += readable[:most]
    return chosen


def sources_of(equivalents: Sequence[Json], context: Json) -> list[Json]:
    """Return the rows of the factors that everyday things, homes and others' answers rest on, as sources are listed."""
    keys = [f"equivalent_{thing.factor}" for thing in EVERYDAY for item in equivalents if thing.key == item["key"]]
    if context["household_share"]:
        keys += [HOUSEHOLD, BUDGET]
    keys += [f"anchor_{row['key']}" for row in (*context["beside"], *context["life_cycle"])]
    return [_factor(key).to_json() for key in dict.fromkeys(keys)]


def _counted(thing: Everyday, span: Json) -> Json:
    factor = _factor(f"equivalent_{thing.factor}")
    each = factor.value * thing.part
    counts = {end: span[end] / each for end in ("low", "mid", "high")}
    return {"key": thing.key, "impact": thing.impact, **counts, "year": factor.year, "source": factor.source}


def _factor(key: str) -> Factor:
    from tracker.footprint.factors import LATEST, load_factors

    return load_factors().get(key, LATEST)


def _share(span: Json, whole: float) -> Json:
    return {end: span[end] / whole for end in ("low", "mid", "high")}
