"""One simulation over charges: the central estimates and ranges that every view of a report shares."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from tracker.footprint.charges import Charges, Dish, Embodied
from tracker.footprint.factors import FactorSet
from tracker.footprint.impacts import Impact, Impacts, impact
from tracker.footprint.models import LATEST_DAY
from tracker.footprint.place import Place
from tracker.footprint.recipe import Spread
from tracker.footprint.uncertainty import DRAWS, Draws, Range, Simulation, plus, range_of, scaled, times


@dataclass(slots=True)
class _Kind:
    """All of one service, model and place: energy by who shares its uncertainty, and the noise of its turns."""

    name: str
    day: str
    text: dict[tuple[Spread, ...], float] = field(default_factory=dict)
    other: dict[tuple[Spread, ...], float] = field(default_factory=dict)
    embodied: dict[tuple[Spread, ...], Embodied] = field(default_factory=dict)
    wh: float = 0.0
    primary_wh: float = 0.0
    text_wh: float = 0.0
    noise: float = 0.0
    """Sum over recipes of (Wh² times relative variance)."""


@dataclass(slots=True)
class _Site:
    """One place in the simulation."""

    draws: Draws = field(default_factory=list)
    wh: float = 0.0
    primary_wh: float = 0.0


@dataclass(frozen=True, slots=True)
class Engine:
    """The charges and draws that one assessment uses."""

    charges: Charges
    simulation: Simulation

    @property
    def factors(self) -> FactorSet:
        return self.charges.factors

    def energy_draws(self, dishes: Iterable[Dish]) -> Draws:
        """Return the draws of a selection's energy."""
        total = [0.0] * DRAWS
        for kind in self._kinds(dishes).values():
            total = plus(total, self._draw(kind))
        return total

    def _kinds(self, dishes: Iterable[Dish]) -> dict[tuple[Place, str, str], _Kind]:
        """Gather recipes of one service, model and place: their unknowns are the same, their turns pool."""
        kinds: dict[tuple[Place, str, str], _Kind] = {}
        for recipe, sums, portions in dishes:
            if not portions:
                continue
            name = recipe.place, recipe.service, recipe.model.key
            if name not in kinds:
                kinds[name] = _Kind(f"{recipe.service} {recipe.model.key}", recipe.day)
            kind = kinds[name]
            kind.day = min(kind.day, recipe.day)
            text = 0.0
            architecture = (self.charges.architecture(recipe),)
            for portion in portions:
                load, wh = portion.load, portion.wh
                spreads = self.charges.spreads(recipe, load)
                if load.is_text:
                    text += wh
                    kind.text[spreads] = kind.text.get(spreads, 0.0) + wh
                else:
                    kind.other[spreads] = kind.other.get(spreads, 0.0) + wh
                kind.wh += wh
                kind.primary_wh += portion.primary_wh
                if any(portion.embodied):
                    key = architecture if load.is_text else load.spreads
                    before = kind.embodied.get(key, (0.0, 0.0, 0.0))
                    gas, metal, energy = portion.embodied
                    kind.embodied[key] = (before[0] + gas, before[1] + metal, before[2] + energy)
            kind.text_wh += text
            kind.noise += text**2 * self.charges.turn_variance(recipe, sums)
        return kinds

    def _draw(self, kind: _Kind) -> Draws:
        factor = self.simulation.factor
        total = [0.0] * DRAWS
        for spreads, wh in kind.text.items():
            total = [t + wh * f for t, f in zip(total, factor(spreads), strict=True)]
        if squared := kind.text_wh**2:  # 0 also where so little underflows
            total = times(total, self.simulation.turn_noise(kind.name, kind.noise / squared))
        for spreads, wh in kind.other.items():
            total = [t + wh * f for t, f in zip(total, factor(spreads), strict=True)]
        return total

    def impacts(self, dishes: Iterable[Dish]) -> Impacts:
        """Return the five criteria of a selection, ranges from one simulation."""
        energy: Draws = [0.0] * DRAWS
        sites: dict[Place, _Site] = {}
        hardware: dict[tuple[Spread, ...], Embodied] = {}
        day = LATEST_DAY
        for (place, _, _), kind in self._kinds(dishes).items():
            day = min(day, kind.day)
            draws = self._draw(kind)
            energy = plus(energy, draws)
            site = sites.setdefault(place, _Site())
            site.draws = plus(site.draws, draws) if site.draws else draws
            site.wh += kind.wh
            site.primary_wh += kind.primary_wh
            for key, (gas, metal, primary) in kind.embodied.items():
                before = hardware.get(key, (0.0, 0.0, 0.0))
                hardware[key] = (before[0] + gas, before[1] + metal, before[2] + primary)
        return self._criteria(energy, sites, hardware, day)

    def _criteria(
        self,
        energy: Draws,
        sites: dict[Place, _Site],
        hardware: dict[tuple[Spread, ...], Embodied],
        day: str,
    ) -> Impacts:
        draw = self.simulation.factor
        names = ("ghg", "on_site", "off_site", "adpe", "primary")
        usage: dict[str, Draws] = {name: [0.0] * DRAWS for name in names}
        mid = dict.fromkeys(names, 0.0)
        total_wh = math.fsum(site.wh for site in sites.values())
        for place, site in sites.items():
            grid, provider, draws, wh = place.grid, place.provider, site.draws, site.wh
            primary = site.primary_wh / wh if wh else 0.0
            per_wh = {
                "ghg": (
                    place.ghg_g_per_wh,
                    (f"grid {provider} {grid.zone}", self.charges.sigma(place.grid_gsd_key, day)),
                ),
                "on_site": (place.on_site_ml_per_wh, (f"water {provider}", self.charges.sigma("gsd_water_site", day))),
                "off_site": (
                    place.off_site_ml_per_wh,
                    (f"water grid {grid.zone}", self.charges.sigma("gsd_water_grid", day)),
                ),
                "adpe": (grid.adpe_kg_per_kwh * 1e6 * primary, None),
                "primary": (grid.primary_mj_per_kwh * primary, None),
            }
            for name, (factor, spread) in per_wh.items():
                mid[name] += wh * factor
                before = usage[name]
                if spread is None:
                    usage[name] = [b + d * factor for b, d in zip(before, draws, strict=True)]
                else:
                    shared = draw((spread,))
                    usage[name] = [b + d * s * factor for b, d, s in zip(before, draws, shared, strict=True)]
        embodied: list[Draws] = [[0.0] * DRAWS for _ in range(3)]
        embodied_mid = [0.0, 0.0, 0.0]
        for spreads, amounts in hardware.items():
            shares = draw((*spreads, ("embodied", self.charges.sigma("gsd_embodied", day))))
            for position, amount in enumerate(amounts):
                embodied_mid[position] += amount
                embodied[position] = plus(embodied[position], scaled(shares, amount))
        energy_range = range_of(energy, total_wh)

        def both(name: str, position: int) -> tuple[Range, Range, Range]:
            whole = range_of(plus(usage[name], embodied[position]), mid[name] + embodied_mid[position])
            return whole, range_of(usage[name], mid[name]), range_of(embodied[position], embodied_mid[position])

        water = plus(usage["on_site"], usage["off_site"])
        water_range = range_of(water, mid["on_site"] + mid["off_site"])
        return Impacts(
            energy_wh=impact(energy_range, energy_range),
            ghg_g=impact(*both("ghg", 0)),
            water_ml=Impact(
                low=water_range.low,
                mid=water_range.mid,
                high=water_range.high,
                usage=water_range,
                embodied=None,
                on_site=range_of(usage["on_site"], mid["on_site"]),
                off_site=range_of(usage["off_site"], mid["off_site"]),
            ),
            adpe_ug_sb=impact(*both("adpe", 1)),
            primary_energy_kj=impact(*both("primary", 2)),
        )
