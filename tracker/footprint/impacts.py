"""Impacts as ranges: energy, greenhouse gas, water, hardware and primary energy, usage and embodied apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from tracker.footprint.uncertainty import Range

Interval = Literal["p05-p95", "method range"]
CRITERIA = ("energy_wh", "ghg_g", "water_ml", "adpe_ug_sb", "primary_energy_kj")


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """One criterion; ``embodied`` is None where nobody can say (energy and water of making hardware)."""

    low: float
    mid: float
    high: float
    usage: Range
    embodied: Range | None
    on_site: Range | None = None
    """Water only: at the data centre."""
    off_site: Range | None = None
    """Water only: at power plants."""

    def to_json(self) -> dict[str, Any]:
        whole: dict[str, Any] = {"low": self.low, "mid": self.mid, "high": self.high}
        whole |= {"usage": self.usage.to_json(), "embodied": self.embodied.to_json() if self.embodied else None}
        if self.on_site and self.off_site:
            whole |= {"on_site": self.on_site.to_json(), "off_site": self.off_site.to_json()}
        return whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Impacts:
    """The five criteria of one selection of activities."""

    energy_wh: Impact
    ghg_g: Impact
    water_ml: Impact
    adpe_ug_sb: Impact
    primary_energy_kj: Impact
    interval: Interval = "p05-p95"

    def to_json(self) -> dict[str, Any]:
        """Return the promised shape: criterion → low, mid, high, usage, embodied; water also on and off site."""
        return {criterion: getattr(self, criterion).to_json() for criterion in CRITERIA} | {"interval": self.interval}


def impact(
    total: Range,
    usage: Range,
    embodied: Range | None = None,
    *,
    on_site: Range | None = None,
    off_site: Range | None = None,
) -> Impact:
    """Return the impact with this total."""
    return Impact(
        low=total.low, mid=total.mid, high=total.high, usage=usage, embodied=embodied, on_site=on_site,
        off_site=off_site,
    )  # fmt: skip
