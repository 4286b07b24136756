"""Where a footprint sits: everyday things of the same size, a home's electricity, a sustainable budget."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import Any

from tracker.report.period import Period

Json = dict[str, Any]

HOUSEHOLD_WH_PER_DAY = 9700.0
"""Electricity of a European household (Eurostat, 2024)."""
BUDGET_G_PER_DAY = 6850.0
"""Emissions of one person's life compatible with 1.5 °C, in 2030 (IGES, 2019)."""


def context(whole: Json, period: Period, today: date) -> Json:
    """Return the shares of a home's electricity and of a 1.5 °C budget, for the days that have begun."""
    days = len(period.so_far(today).days)
    energy, gas = whole["energy_wh"], whole["ghg_g"]
    return {
        "days": days,
        "household_wh_per_day": HOUSEHOLD_WH_PER_DAY,
        "household_share": _share(energy, HOUSEHOLD_WH_PER_DAY * days) if energy["mid"] > 0 else None,
        "budget_g_per_day": BUDGET_G_PER_DAY,
        "budget_share": _share(gas, BUDGET_G_PER_DAY * days) if gas["mid"] > 0 else None,
    }


@dataclass(frozen=True, slots=True)
class Everyday:
    """One everyday thing: its amount (a range where things differ), in the unit of the impact."""

    key: str
    impact: str
    smallest: float
    largest: float
    year: int
    source: str


EVERYDAY = (
    Everyday("phone_charge", "energy_wh", 12.0, 19.0, 2025, "a battery of 3000 to 5000 mAh"),
    Everyday("laptop_charge", "energy_wh", 60.0, 60.0, 2025, "a battery of 60 Wh"),
    Everyday("led_hour", "energy_wh", 10.0, 10.0, 2025, "a lamp of 10 W"),
    Everyday("led_minute", "energy_wh", 10.0 / 60, 10.0 / 60, 2025, "a lamp of 10 W"),
    Everyday("kettle", "energy_wh", 100.0, 100.0, 2025, "one litre, heated by 85 K"),
    Everyday("household_day", "energy_wh", 9700.0, 9700.0, 2024, "Eurostat"),
    Everyday("car_km", "ghg_g", 162.0, 162.0, 2026, "UK DESNZ, average car"),
    Everyday("car_metre", "ghg_g", 0.162, 0.162, 2026, "UK DESNZ, average car"),
    Everyday("glass", "water_ml", 250.0, 250.0, 2025, "a glass of 250 mL"),
    Everyday("teaspoon", "water_ml", 5.0, 5.0, 2025, "5 mL"),
    Everyday("drop", "water_ml", 0.05, 0.05, 2025, "20 drops a millilitre"),
    Everyday("shower_minute", "water_ml", 10_000.0, 10_000.0, 2025, "10 litres a minute"),
)


def everyday(whole: Json) -> list[Json]:
    """
    Return everyday things of about the same size, one for each impact and two for energy; the first is the lead.

    The range runs from the low end over the larger thing to the high end over the smaller one.
    """
    chosen: list[Json] = []
    for impact, most in (("energy_wh", 2), ("ghg_g", 1), ("water_ml", 1)):
        span = whole[impact]
        if span["mid"] <= 0:
            continue
        fitting = [
            {
                "key": thing.key, "impact": impact, "low": span["low"] / thing.largest,
                "mid": span["mid"] / math.sqrt(thing.smallest * thing.largest), "high": span["high"] / thing.smallest,
                "year": thing.year, "source": thing.source,
            }
            for thing in EVERYDAY
            if thing.impact == impact
        ]  # fmt: skip
        readable = [item for item in fitting if 0.5 <= item["mid"] < 400] or fitting[:1]
        chosen += readable[:most]
    return chosen


def _share(span: Json, whole: float) -> Json:
    return {end: span[end] / whole for end in ("low", "mid", "high")}
