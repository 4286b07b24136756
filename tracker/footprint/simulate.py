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
from tracker.footprint.uncertainty import Draws, Range, Simulation, plus, range_of, total, weigh

NOTHING: Embodied = (0.0, 0.0, 0.0)


@dataclass(slots=True)
class _Kind:
    """All of one service, model and place: energy by who shares its uncertainty, and the noise of its turns."""

    name: str
    place: Place
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

    draws: list[tuple[float, Draws]] = field(default_factory=list)
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
        return self._sum((1.0, self._draw(kind)) for kind in self._kinds(dishes).values())

    def central_ghg_g(self, dishes: Iterable[Dish]) -> float:
        """Return the central g CO2e of a selection, hardware included, without the simulation that a range takes."""
        kinds = self._kinds(dishes).values()
        usage = math.fsum(kind.wh * kind.place.ghg_g_per_wh for kind in kinds)
        return usage + math.fsum(gas for kind in kinds for gas, _, _ in kind.embodied.values())

    def _sum(self, parts: Iterable[tuple[float, Draws]]) -> Draws:
        return total(parts, self.simulation.draws)

    def _kinds(self, dishes: Iterable[Dish]) -> dict[int, _Kind]:
        """Gather recipes of one service, model and place: their unknowns are the same, their turns pool."""
        kinds: dict[int, _Kind] = {}
        for recipe, sums, portions in dishes:
            if not portions:
                continue
            traits = self.charges.traits(recipe)
            kind = kinds.get(traits.kind)
            if kind is None:
                kind = kinds[traits.kind] = _Kind(f"{recipe.service} {recipe.model.key}", recipe.place, recipe.day)
            kind.day = min(kind.day, recipe.day)
            text = 0.0
            for _, load, _, wh, primary_wh, embodied, spreads in portions:
                if load.is_text:
                    text += wh
                    kind.text[spreads] = kind.text.get(spreads, 0.0) + wh
                else:
                    kind.other[spreads] = kind.other.get(spreads, 0.0) + wh
                kind.wh += wh
                kind.primary_wh += primary_wh
                if any(embodied):
                    key = traits.architecture if load.is_text else load.spreads
                    before = kind.embodied.get(key, NOTHING)
                    gas, metal, energy = embodied
                    kind.embodied[key] = (before[0] + gas, before[1] + metal, before[2] + energy)
            kind.text_wh += text
            kind.noise += text**2 * self.charges.turn_variance(recipe, sums)
        return kinds

    def _draw(self, kind: _Kind) -> Draws:
        factor = self.simulation.factor
        text = self._sum((wh, factor(spreads)) for spreads, wh in kind.text.items())
        if squared := kind.text_wh**2:  # 0 also where so little underflows
            text = self.simulation.with_turn_noise(text, kind.name, kind.noise / squared)
        if not kind.other:
            return text
        return self._sum([(1.0, text), *((wh, factor(spreads)) for spreads, wh in kind.other.items())])

    def impacts(self, dishes: Iterable[Dish]) -> Impacts:
        """Return the five criteria of a selection, ranges from one simulation."""
        sites: dict[Place, _Site] = {}
        hardware: dict[tuple[Spread, ...], Embodied] = {}
        day = LATEST_DAY
        for kind in self._kinds(dishes).values():
            day = min(day, kind.day)
            site = sites.setdefault(kind.place, _Site())
            site.draws.append((1.0, self._draw(kind)))
            site.wh += kind.wh
            site.primary_wh += kind.primary_wh
            for key, (gas, metal, primary) in kind.embodied.items():
                before = hardware.get(key, NOTHING)
                hardware[key] = (before[0] + gas, before[1] + metal, before[2] + primary)
        return self._criteria(sites, hardware, day)

    def _criteria(self, sites: dict[Place, _Site], hardware: dict[tuple[Spread, ...], Embodied], day: str) -> Impacts:
        names = ("energy", "adpe", "primary", "ghg", "on_site", "off_site")
        mid = dict.fromkeys(names, 0.0)
        plain: dict[str, list[tuple[float, Draws]]] = {name: [] for name in names[:3]}
        uncertain: dict[str, list[tuple[float, Draws, Draws]]] = {name: [] for name in names[3:]}
        for place, site in sites.items():
            energy = site.draws[0][1] if len(site.draws) == 1 else self._sum(site.draws)
            for name, factor, spread in self._per_wh(place, site, day):
                mid[name] += site.wh * factor
                if spread is None:
                    plain[name].append((factor, energy))
                else:
                    uncertain[name].append((factor, energy, self.simulation.factor((spread,))))
        used = {name: self._sum(parts) for name, parts in plain.items()}
        used |= {name: weigh(parts) if parts else self._sum(()) for name, parts in uncertain.items()}
        making = ("embodied", self.charges.sigma("gsd_embodied", day))
        shares = [(amounts, self.simulation.factor((*spreads, making))) for spreads, amounts in hardware.items()]

        def both(name: str, position: int) -> tuple[Range, Range, Range]:
            made = self._sum((amounts[position], draws) for amounts, draws in shares)
            made_mid = math.fsum(amounts[position] for amounts, _ in shares)
            whole = range_of(plus(used[name], made), mid[name] + made_mid)
            return whole, range_of(used[name], mid[name]), range_of(made, made_mid)

        energy_range = range_of(used["energy"], mid["energy"])
        water = range_of(plus(used["on_site"], used["off_site"]), mid["on_site"] + mid["off_site"])
        return Impacts(
            energy_wh=impact(energy_range, energy_range),
            ghg_g=impact(*both("ghg", 0)),
            water_ml=Impact(
                low=water.low,
                mid=water.mid,
                high=water.high,
                usage=water,
                embodied=None,
                on_site=range_of(used["on_site"], mid["on_site"]),
                off_site=range_of(used["off_site"], mid["off_site"]),
            ),
            adpe_ug_sb=impact(*both("adpe", 1)),
            primary_energy_kj=impact(*both("primary", 2)),
        )

    def _per_wh(self, place: Place, site: _Site, day: str) -> list[tuple[str, float, Spread | None]]:
        """Return what a Wh at this place comes to, criterion by criterion, and the unknown of that factor."""
        sigma, grid = self.charges.sigma, place.grid
        primary = site.primary_wh / site.wh if site.wh else 0.0
        return [
            ("energy", 1.0, None),
            ("ghg", place.ghg_g_per_wh, (f"grid {place.provider} {grid.zone}", sigma(place.grid_gsd_key, day))),
            ("on_site", place.on_site_ml_per_wh, (f"water {place.provider}", sigma("gsd_water_site", day))),
            ("off_site", place.off_site_ml_per_wh, (f"water grid {grid.zone}", sigma("gsd_water_grid", day))),
            ("adpe", grid.adpe_kg_per_kwh * 1e6 * primary, None),
            ("primary", grid.primary_mj_per_kwh * primary, None),
        ]
