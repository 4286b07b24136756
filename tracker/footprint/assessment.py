"""The assessment of a list of activities: every view of it comes from the same recipes, sums and draws."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tracker.footprint.build import kitchen_of
from tracker.footprint.charges import Dish
from tracker.footprint.factors import FactorSet, load_factors
from tracker.footprint.impacts import Impacts
from tracker.footprint.methods import MethodName
from tracker.footprint.published import as_published
from tracker.footprint.quantities import Sums, measure
from tracker.footprint.recipe import Recipe
from tracker.footprint.settings import Settings
from tracker.footprint.simulate import Engine
from tracker.footprint.uncertainty import QUICK_BLOCK, QUICK_BLOCKS, Draws, Simulation
from tracker.record import Activity

_SIMULATION = Simulation()
"""One for the process: draws are by name and with a fixed seed, so sharing them changes nothing but the time."""
_QUICK = Simulation(QUICK_BLOCKS, QUICK_BLOCK)
"""For long lists."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """
    Activities with their recipes and sums. ``indices`` below are positions in ``activities``.

    ``mid`` is linear in each activity's sums, so the mids of parts add up to the mid of the whole; low and high are
    points of one simulation and do not add.
    """

    activities: Sequence[Activity]
    settings: Settings
    recipes: Sequence[Recipe]
    """One for each activity; the same object for activities of one kind."""
    sums: Sequence[Sums]
    engine: Engine
    _whole: dict[MethodName | None, Sequence[Dish]] = field(default_factory=dict, compare=False, repr=False)
    """All dishes by method: most questions are about all of it."""
    _elsewhere: dict[str, Assessment] = field(default_factory=dict, compare=False, repr=False)

    @property
    def factors(self) -> FactorSet:
        """The factors used; ``factors.version`` belongs on every report."""
        return self.engine.factors

    def impacts(self, indices: Iterable[int] | None = None, *, quick: bool = False) -> Impacts:
        """
        Return the five criteria of a selection (all by default) as ranges.

        ``quick``: with fewer draws, for the rows of a long list; mids are the same, ends differ by some percent.
        """
        if self.settings.method == "ecologits":
            return as_published(self._summed(indices))
        engine = Engine(self.engine.charges, _QUICK) if quick else self.engine
        return engine.impacts(self.dishes(indices))

    def central_wh(self, indices: Iterable[int] | None = None) -> float:
        """Return the central estimate of a selection's energy in Wh, without the simulation that a range takes."""
        if self.settings.method == "ecologits":
            return as_published(self._summed(indices)).energy_wh.mid
        return math.fsum(line.energy_wh(sums) for _, sums, lines in self.dishes(indices) for line in lines)

    def central_ghg_g(self) -> float:
        """Return the central estimate of all greenhouse gas in g CO2e, without the simulation that a range takes."""
        if self.settings.method == "ecologits":
            return as_published(self._summed(None)).ghg_g.mid
        return self.engine.central_ghg_g(self.dishes())

    def dishes(self, indices: Iterable[int] | None = None, method: MethodName | None = None) -> Sequence[Dish]:
        """Return the selection by recipe: sums and lines, by one method or by the settings' own."""
        chosen: Any = method or self.settings.method
        if indices is None and chosen in self._whole:
            return self._whole[chosen]
        lines = self.engine.charges.lines
        found = [(recipe, sums, lines(recipe, sums, chosen)) for recipe, sums in self._summed(indices)]
        if indices is None:
            self._whole[chosen] = found
        return found

    def _summed(self, indices: Iterable[int] | None) -> list[tuple[Recipe, Sums]]:
        rows: dict[int, tuple[Recipe, list[Sums]]] = {}
        for index in range(len(self.activities)) if indices is None else indices:
            recipe = self.recipes[index]
            rows.setdefault(id(recipe), (recipe, []))[1].append(self.sums[index])
        return [
            (recipe, sums[0] if len(sums) == 1 else tuple(map(sum, zip(*sums, strict=True))))
            for recipe, sums in rows.values()
        ]

    def energy_wh(self, index: int) -> float:
        """Return the central estimate of one activity's energy in Wh, by the settings' method."""
        if self.settings.method == "ecologits":
            return self.central_wh([index])
        method: Any = self.settings.method
        sums = self.sums[index]
        return math.fsum(line.energy_wh(sums) for line in self.engine.charges.lines(self.recipes[index], sums, method))

    def elsewhere(self, zone: str) -> Assessment:
        """Return the same use with the servers in another place (see footprint.otherwise)."""
        from tracker.footprint.otherwise import elsewhere

        if zone not in self._elsewhere:
            self._elsewhere[zone] = elsewhere(self, zone)
        return self._elsewhere[zone]

    def answered_by(self, models: Mapping[str, str]) -> Assessment:
        """Return the same use had other models answered (see footprint.otherwise)."""
        from tracker.footprint.otherwise import answered_by

        return answered_by(self, models)

    def part(self, indices: Sequence[int]) -> Assessment:
        """Return a selection as an assessment of its own."""
        activities = [self.activities[index] for index in indices]
        recipes, sums = [self.recipes[index] for index in indices], [self.sums[index] for index in indices]
        return Assessment(activities, self.settings, recipes, sums, self.engine)

    def energy_draws(self, indices: Iterable[int] | None = None) -> Draws:
        """Return the simulated energy of a selection, for paired comparisons."""
        return self.engine.energy_draws(self.dishes(indices))

    def components(self) -> list[dict[str, Any]]:
        """Return where the energy goes, in Wh, adding to all of it exactly (see footprint.components)."""
        from tracker.footprint.components import components

        return components(self)

    def component_wh(self) -> dict[str, float]:
        """Return the central Wh of each component that uses energy, without ranges."""
        from tracker.footprint.components import component_wh

        return component_wh(self)

    def unseen_wh(self, indices: Iterable[int]) -> float:
        """Return a selection's central Wh of thinking and steps that nobody saw (see footprint.components)."""
        from tracker.footprint.components import unseen_wh

        return unseen_wh(self, indices)

    def by_method(self) -> list[dict[str, Any]]:
        """Return every method's total on one boundary; alternatives, not parts (see footprint.comparison)."""
        from tracker.footprint.comparison import by_method

        return by_method(self)

    def covered(self, method: MethodName) -> list[int]:
        """Return the positions of the activities that a method can tell of (see footprint.comparison)."""
        from tracker.footprint.comparison import covered

        return covered(self, method)

    def tiers(self) -> dict[str, float]:
        """Return the share of the energy by data-quality tier, "1" to "4"; they add to 1."""
        from tracker.footprint.quality import tiers

        return tiers(self)

    def spread(self) -> list[dict[str, Any]]:
        """Return which unknown causes which share of the variance of the total's logarithm, largest first."""
        from tracker.footprint.quality import spread

        return spread(self)

    def sensitivity(self) -> list[dict[str, Any]]:
        """Return what each assumption alone would change, one at a time (see footprint.sensitivity)."""
        from tracker.footprint.sensitivity import sensitivity

        return sensitivity(self)

    def unknown_models(self) -> list[dict[str, Any]]:
        """Return the models that were taken for another or for a class, with what they were taken for."""
        from tracker.footprint.quality import unknown_models

        return unknown_models(self)

    def sources(self) -> list[dict[str, Any]]:
        """Return the factors used, each with source, year, place, licence and tier."""
        from tracker.footprint.quality import sources

        return sources(self)

    def explain(self, index: int) -> dict[str, Any]:
        """Return one activity's footprint step by step, as data."""
        from tracker.footprint.explain import explain

        return explain(self, index)

    def market_based(self) -> list[dict[str, Any]]:
        """Return market-based greenhouse gas where a vendor's document gives it; never part of a total."""
        from tracker.footprint.comparison import market_based

        return market_based(self)

    def apart(self) -> dict[str, Any]:
        """Return what is estimated but never added: training share, the person's own device."""
        from tracker.footprint.comparison import apart

        return apart(self)

    def not_covered(self) -> int:
        """Return how many requests the chosen method has no figure for (see footprint.comparison)."""
        from tracker.footprint.comparison import not_covered

        return not_covered(self)


def assess(
    activities: Sequence[Activity], settings: Settings | None = None, factors: FactorSet | None = None
) -> Assessment:
    """
    Return the assessment of ``activities``; a FootprintError (one sentence) where it cannot be done honestly.

    An empty list is fine: its impacts are zero, for nothing was used. ``factors`` replaces the shipped set.
    """
    settings = settings or Settings()
    settings.check()
    factors = factors or load_factors()
    kitchen = kitchen_of(settings, factors)
    if settings.zone is not None:
        from tracker.footprint.place import find_grid

        find_grid(settings.zone)
    recipes = [kitchen.recipe(activity) for activity in activities]
    return Assessment(
        activities, settings, recipes, [measure(a) for a in activities], Engine(kitchen.charges, _SIMULATION)
    )
