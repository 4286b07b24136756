"""Units: watt-hours become kilowatt-hours, grams kilograms, millilitres litres, as a whole list needs it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from tracker.report.figures import grid_of, shown, shown_end
from tracker.report.language import NARROW, Language


@dataclass(frozen=True, slots=True)
class Measure:
    """A unit that suits a total, and all its parts with it."""

    unit: str
    factor: float
    """How many base units (Wh, g, mL) one of this unit is."""
    grid: float
    """The step, in base units, that parts are rounded to."""

    def value(self, value: float | None) -> float | None:
        """Return a value of base units in this unit, without adding digits."""
        return None if value is None else float(f"{value / self.factor:.9g}")


_LADDERS: Mapping[str, tuple[tuple[str, float], ...]] = {
    "energy_wh": (("Wh", 1.0), ("kWh", 1e3), ("MWh", 1e6)),
    "ghg_g": (("g CO₂e", 1.0), ("kg CO₂e", 1e3), ("t CO₂e", 1e6)),
    "water_ml": (("mL", 1.0), ("L", 1e3), ("m³", 1e6)),
    "adpe_ug_sb": (("µg Sb", 1.0), ("mg Sb", 1e3), ("g Sb", 1e6)),
    "primary_energy_kj": (("kJ", 1.0), ("MJ", 1e3), ("GJ", 1e6)),
}


def measure(kind: str, total: float) -> Measure:
    """Return the unit in which this total reads best: the largest that leaves at least one before the point."""
    unit, factor = next(
        ((unit, factor) for unit, factor in reversed(_LADDERS[kind]) if (shown(total) or 0.0) >= factor),
        _LADDERS[kind][0],
    )
    return Measure(unit, factor, grid_of(total))


def figure(value: float | None, unit: Measure, language: Language) -> str:
    """Return a central estimate without its unit, rounded as every view rounds it."""
    return language.number(unit.value(shown(value)))


def quantity(value: float | None, unit: Measure, language: Language) -> str:
    """Return a central estimate with its unit."""
    return f"{figure(value, unit, language)}{NARROW}{unit.unit}"


def ends(span: Mapping[str, float], unit: Measure, language: Language) -> str:
    """Return the ends of a range without the unit: ``80 to 340``."""
    return language.span(unit.value(shown_end(span["low"])), unit.value(shown_end(span["high"])))


def part(value: float, real: float, unit: Measure, language: Language) -> str:
    """Return one part of a list as apportioned; what is too small for the grid is ``< 1``, nothing is ``0``."""
    decimals = max(0, -math.floor(math.log10(unit.grid / unit.factor) + 1e-9)) if unit.grid else 0
    if value == 0 and real > 0:
        return f"<{NARROW}{language.number(unit.value(unit.grid), decimals)}"
    return language.number(unit.value(value), decimals)
