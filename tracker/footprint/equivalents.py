"""Everyday things beside a footprint: per locale, the whole range, one significant digit, never times a population."""

from __future__ import annotations

import math
from typing import Any

from tracker.footprint.factors import load_factors
from tracker.footprint.impacts import Impacts

COMMON = (
    "phone_charge", "led_hour", "kettle_litre", "laptop_charge", "car_km", "lifestyle_day", "glass", "shower_minute",
)  # fmt: skip
LOCALES = {
    "en": (*COMMON, "household_day_eu"),
    "nb": (*COMMON, "electric_car_km", "household_day_no"),
    "nl": (*COMMON, "e_bike_km", "person_day_nl"),
}
"""Locale → equivalents that people there know; others get English's."""

CRITERIA = {"g CO2e": "ghg_g", "mL": "water_ml", "Wh": "energy_wh"}
HANDY = (0.5, 300.0)
"""Counts that a person can picture; the others come last."""

LATEST = "9999-12-31"


def equivalents(impacts: Impacts, locale: str) -> list[dict[str, Any]]:
    """
    Return ``{"key", "criterion", "low", "mid", "high", "each", "unit", "source", "year", "place", "link", "handy"}``.

    low to high is the whole range of the impact over the central value of one thing, to one significant digit; words
    and plurals are the catalogue's. Those with a picturable count come first. Empty where nothing was used.
    """
    factors = load_factors()
    rows = []
    for key in LOCALES.get(locale.split("-", maxsplit=1)[0].split("_", maxsplit=1)[0], LOCALES["en"]):
        factor = factors.get(f"equivalent_{key}", LATEST)
        criterion = next(name for unit, name in CRITERIA.items() if factor.unit.startswith(unit))
        impact = getattr(impacts, criterion)
        if not impact.high:
            continue
        counts = [one_digit(value / factor.value) for value in (impact.low, impact.mid, impact.high)]
        rows.append({
            "key": key, "criterion": criterion, "low": counts[0], "mid": counts[1], "high": counts[2],
            "each": factor.value, "unit": factor.unit, "source": factor.source, "year": factor.year,
            "place": factor.place, "link": factor.link, "handy": HANDY[0] <= impact.mid / factor.value <= HANDY[1],
        })  # fmt: skip
    return sorted(rows, key=lambda row: not row["handy"])


def one_digit(value: float) -> float:
    """Return the value rounded to one significant digit: 1345 → 1000, 0.0172 → 0.02, 0 → 0."""
    if not value or not math.isfinite(value):
        return value
    return float(f"{value:.0e}")
