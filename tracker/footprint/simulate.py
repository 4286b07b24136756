"""One simulation over charges: the central estimates and ranges that every view of a report shares."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from tracker.footprint.charges import Charges, Dish, Embodied, Hardware, Kind, Site
from tracker.footprint.factors import FactorSet
from tracker.footprint.impacts import Impact, Impacts, impact
from tracker.footprint.uncertainty import Draws, Range, Simulation, Unknowns, plus, range_of, total, weigh


@dataclass(slots=True)
class _Text:
    """All text of one kind: energy by who shares its uncertainty, and the noise of its turns."""

    wh: float = 0.0
    shared: dict[Unknowns, float] = field(default_factory=dict)
    noise: float = 0.0
    """Sum over recipes of (Wh² times relative variance)."""


@dataclass(slots=True)
class _Use:
    """All that was used at one site."""

    wh: float = 0.0
    primary_wh: float = 0.0
    texts: dict[Kind, _Text] = field(default_factory=dict)
    other: dict[Unknowns, float] = field(default_factory=dict)
    """Energy of pictures, sound, searches and bytes, whose turns have no noise of their own."""


@dataclass(slots=True)
class _Selection:
    """A selection gathered by what its parts share."""

    sites: dict[Site, _Use] = field(default_factory=dict)
    worn: dict[Hardware, float] = field(default_factory=dict)


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
        return self._sum((1.0, self._draw(use)) for use in self._gather(dishes).sites.values())

    def central_ghg_g(self, dishes: Iterable[Dish]) -> float:
        """Return the central g CO2e of a selection, hardware included, without the simulation that a range takes."""
        gathered = self._gather(dishes)
        usage = math.fsum(use.wh * site.place.ghg_g_per_wh for site, use in gathered.sites.items())
        return usage + math.fsum(hardware.making[0] * worn for hardware, worn in gathered.worn.items())

    def _sum(self, parts: Iterable[tuple[float, Draws]]) -> Draws:
        return total(parts, self.simulation.draws)

    def _gather(self, dishes: Iterable[Dish]) -> _Selection:
        sites: dict[Site, _Use] = {}
        worn: dict[Hardware, float] = {}
        for recipe, sums, lines in dishes:
            if not lines:
                continue
            _, kind, _ = self.charges.traits(recipe)
            use = sites.get(kind.site) or sites.setdefault(kind.site, _Use())
            text = use.texts.get(kind) or use.texts.setdefault(kind, _Text())
            text_wh = 0.0
            for load, position, wh, primary_wh, unknowns, hardware, share in lines:
                amount = sums[position]
                charged = amount * wh
                use.wh += charged
                use.primary_wh += amount * primary_wh
                if load.is_text:
                    text_wh += charged
                    text.shared[unknowns] = text.shared.get(unknowns, 0.0) + charged
                else:
                    use.other[unknowns] = use.other.get(unknowns, 0.0) + charged
                if hardware is not None:
                    worn[hardware] = worn.get(hardware, 0.0) + amount * share
            text.wh += text_wh
            text.noise += text_wh**2 * self.charges.turn_variance(recipe, sums)
        return _Selection(sites, worn)

    def _draw(self, use: _Use) -> Draws:
        """Return the draws of a site's energy."""
        factor = self.simulation.factor
        parts = [(1.0, self._draw_text(kind, text)) for kind, text in use.texts.items() if text.shared]
        parts += [(wh, factor(unknowns)) for unknowns, wh in use.other.items()]
        return parts[0][1] if len(parts) == 1 and not use.other else self._sum(parts)

    def _draw_text(self, kind: Kind, text: _Text) -> Draws:
        factor = self.simulation.factor
        draws = self._sum((wh, factor(unknowns)) for unknowns, wh in text.shared.items())
        squared = text.wh**2  # 0 also where so little underflows
        return self.simulation.with_turn_noise(draws, kind.name, text.noise / squared) if squared else draws

    def impacts(self, dishes: Iterable[Dish]) -> Impacts:
        """Return the five criteria of a selection, ranges from one simulation."""
        gathered = self._gather(dishes)
        used, hardware = self._used(gathered.sites), self._hardware(gathered.worn)
        energy, on_site, off_site = (range_of(*used[name]) for name in ("energy", "on_site", "off_site"))
        water = range_of(plus(used["on_site"][0], used["off_site"][0]), on_site.mid + off_site.mid)
        return Impacts(
            energy_wh=impact(energy, energy),
            ghg_g=self._with_making(used["ghg"], hardware, 0),
            water_ml=impact(water, water, on_site=on_site, off_site=off_site),
            adpe_ug_sb=self._with_making(used["adpe"], hardware, 1),
            primary_energy_kj=self._with_making(used["primary"], hardware, 2),
        )

    def _used(self, sites: dict[Site, _Use]) -> dict[str, tuple[Draws, float]]:
        """Return the draws and the central estimate of everything but making the hardware."""
        mids = dict.fromkeys(("energy", "adpe", "primary", "ghg", "on_site", "off_site"), 0.0)
        plain: dict[str, list[tuple[float, Draws]]] = {}
        uncertain: dict[str, list[tuple[float, Draws, Draws]]] = {}
        for site, use in sites.items():
            energy = self._draw(use)
            for name, factor, unknowns in _per_wh(site, use):
                mids[name] += use.wh * factor
                if unknowns is None:
                    plain.setdefault(name, []).append((factor, energy))
                else:
                    uncertain.setdefault(name, []).append((factor, energy, self.simulation.factor(unknowns)))
        draws = {name: self._sum(parts) for name, parts in plain.items()}
        draws |= {name: weigh(parts) for name, parts in uncertain.items()}
        return {name: (draws.get(name) or self._sum(()), mid) for name, mid in mids.items()}

    def _hardware(self, worn: dict[Hardware, float]) -> list[tuple[Embodied, Range, Draws]]:
        """Return what is made, and how much of it is worn: nearly always servers of one kind."""
        alike: dict[Embodied, list[tuple[float, Draws]]] = {}
        for hardware, share in worn.items():
            alike.setdefault(hardware.making, []).append((share, self.simulation.factor(hardware.unknowns)))
        drawn = ((making, math.fsum(share for share, _ in parts), self._sum(parts)) for making, parts in alike.items())
        return [(making, range_of(draws, share), draws) for making, share, draws in drawn]

    def _with_making(
        self, used: tuple[Draws, float], hardware: list[tuple[Embodied, Range, Draws]], position: int
    ) -> Impact:
        """Return a criterion with the share of making the hardware; ``position``: of the criterion in ``Embodied``."""
        draws, mid = used
        parts = [(making[position], worn_draws) for making, _, worn_draws in hardware]
        if len(hardware) == 1:
            made = hardware[0][1].times(parts[0][0])
        else:
            made = range_of(self._sum(parts), math.fsum(making[position] * worn.mid for making, worn, _ in hardware))
        whole = range_of(self._sum([(1.0, draws), *parts]), mid + made.mid)
        return impact(whole, range_of(draws, mid), made)


def _per_wh(site: Site, use: _Use) -> list[tuple[str, float, Unknowns | None]]:
    """Return what a Wh at this site comes to, criterion by criterion, and the unknown of that factor."""
    place, grid = site.place, site.place.grid
    primary = use.primary_wh / use.wh if use.wh else 0.0
    return [
        ("energy", 1.0, None),
        ("ghg", place.ghg_g_per_wh, site.grid),
        ("on_site", place.on_site_ml_per_wh, site.on_site),
        ("off_site", place.off_site_ml_per_wh, site.off_site),
        ("adpe", grid.adpe_kg_per_kwh * 1e6 * primary, None),
        ("primary", grid.primary_mj_per_kwh * primary, None),
    ]
