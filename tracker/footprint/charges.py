"""What the sums of a recipe come to: energy, hardware and who shares their uncertainty, load by load."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tracker.footprint.factors import FactorSet
from tracker.footprint.methods import MethodName
from tracker.footprint.place import Place
from tracker.footprint.quantities import INDEX, Sums
from tracker.footprint.recipe import Load, Recipe
from tracker.footprint.uncertainty import Spread, Unknowns

ECOLOGITS_LIFE_YEARS = 3
NODE_GPUS = 8
SECONDS_A_YEAR = 365 * 24 * 3600

type Embodied = tuple[float, float, float]
"""What making something takes: g CO2e, µg Sb-eq, kJ."""

NODE: Embodied = (5700e3 + NODE_GPUS * 273e3, (0.37 + NODE_GPUS * 8.95e-3) * 1e9, (70_000 + NODE_GPUS * 3721) * 1e3)
"""EcoLogits' server of 8 GPUs."""


@dataclass(frozen=True, slots=True, eq=False)
class Hardware:
    """What is made so that it can be used, and the unknowns of that; one object for each."""

    making: Embodied
    unknowns: Unknowns


class Line(NamedTuple):
    """One load of a recipe with everything looked up: what one unit of its quantity comes to."""

    load: Load
    position: int
    """Of its quantity in the sums."""
    wh: float
    primary_wh: float
    """The energy that ADPe and primary energy are charged on: EcoLogits' own method, since only it has them."""
    unknowns: Unknowns
    hardware: Hardware | None
    worn: float
    """How much of the hardware one unit uses up."""

    def energy_wh(self, sums: Sums) -> float:
        """Return the central estimate for these sums in Wh."""
        return sums[self.position] * self.wh


type Base = tuple[float, Unknowns, Hardware | None, float]
"""The end of a line, from ``primary_wh`` on."""


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """A place, and the unknowns of its electricity and water; one object for each."""

    place: Place
    grid: Unknowns
    on_site: Unknowns
    off_site: Unknowns


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One service and model at one site, one object for each: their unknowns are the same, their turns pool."""

    name: str
    site: Site


class Traits(NamedTuple):
    """What a selection needs to know of a recipe, whatever the method."""

    recipe: Recipe
    kind: Kind
    turn_variance: float
    """Relative variance of a single turn."""


type Dish = tuple[Recipe, Sums, Sequence[Line]]
"""A recipe, the sums of what was selected of it, and the lines by which they are charged."""


@dataclass(frozen=True, slots=True)
class Charges:
    """The factors by which loads are charged."""

    factors: FactorSet
    _lines: dict[tuple[int, MethodName | None], tuple[Recipe, tuple[Line, ...]]] = field(
        default_factory=dict, compare=False, repr=False
    )
    """By the recipe's identity, which is why the recipe is kept beside them."""
    _bases: dict[int, Sequence[tuple[Load, Base]]] = field(default_factory=dict, compare=False, repr=False)
    _traits: dict[int, Traits] = field(default_factory=dict, compare=False, repr=False)
    _sigmas: dict[tuple[str, str], float] = field(default_factory=dict, compare=False, repr=False)
    _unknowns: dict[tuple[Spread, ...], Unknowns] = field(default_factory=dict, compare=False, repr=False)
    _hardware: dict[tuple[Embodied, Unknowns], Hardware] = field(default_factory=dict, compare=False, repr=False)
    _sites: dict[Hashable, Site] = field(default_factory=dict, compare=False, repr=False)
    _kinds: dict[Hashable, Kind] = field(default_factory=dict, compare=False, repr=False)

    def lines(self, recipe: Recipe, sums: Sums, method: MethodName | None) -> list[Line]:
        """Return the lines that charge something of a recipe's sums, by one method or by all combined."""
        if method is not None and method not in recipe.methods:
            if any(load.is_text and sums[INDEX[load.quantity]] for load in recipe.loads):
                return []  # this method is silent about this kind: all of it is left out, and counted as not covered
            method = None
        known = self._lines.get((id(recipe), method))
        if known is None:
            known = self._lines[id(recipe), method] = recipe, tuple(self._price(recipe, method))
        return [line for line in known[1] if sums[line.position]]

    def _price(self, recipe: Recipe, method: MethodName | None) -> Iterator[Line]:
        coefficients = recipe.combined if method is None else recipe.methods[method]
        noise = 1.0 if recipe.local else self.turn_mean(recipe)
        for load, whatever_the_method in self._base(recipe, noise):
            wh = load.wh or load.energy_wh(coefficients) * noise
            yield Line(load, INDEX[load.quantity], wh, *whatever_the_method)

    def _base(self, recipe: Recipe, noise: float) -> Sequence[tuple[Load, Base]]:
        """Return a recipe's loads, each with what does not depend on the method."""
        found = self._bases.get(id(recipe))
        if found is None:
            found = self._bases[id(recipe)] = [(load, self._charge(recipe, load, noise)) for load in recipe.loads]
        return found

    def _charge(self, recipe: Recipe, load: Load, noise: float) -> Base:
        primary_wh = load.wh or load.energy_wh(recipe.methods["ecologits"]) * noise
        making, worn = self._making(recipe, load)
        hardware = self._made(recipe, load, making) if any(making) and worn else None
        return primary_wh, self._together(*self._spreads(recipe, load)), hardware, worn

    def _making(self, recipe: Recipe, load: Load) -> tuple[Embodied, float]:
        """Return what making the hardware of a load takes, and how much of it one unit uses up."""
        if load.embodied is not None:
            return load.embodied, 1.0
        if load.wh:
            seconds = load.wh / recipe.place.pue * 3600 / self.factors.get("node_power", recipe.day).value
            return NODE, seconds / (ECOLOGITS_LIFE_YEARS * SECONDS_A_YEAR)
        per_token, per_request = recipe.core.embodied_g
        return NODE, (load.output * per_token + load.requests * per_request) / NODE[0]

    def _made(self, recipe: Recipe, load: Load, making: Embodied) -> Hardware:
        day = recipe.day
        life, active = (self.factors.get(key, day).value for key in ("embodied_life", "embodied_active_share"))
        gas, metal, energy = making
        making = gas * ECOLOGITS_LIFE_YEARS / (life * active), metal, energy
        whose = (self.architecture(recipe),) if load.is_text else load.spreads
        unknowns = self._together(*whose, ("embodied", self.sigma("gsd_embodied", day)))
        return self._hardware.setdefault((making, unknowns), Hardware(making, unknowns))

    def traits(self, recipe: Recipe) -> Traits:
        """Return what a selection needs to know of a recipe, looked up once."""
        found = self._traits.get(id(recipe))
        if found is None:
            site = self._site(recipe)
            name = f"{recipe.service} {recipe.model.key}"
            kind = self._kinds.setdefault((name, site), Kind(name, site))
            sigma_squared = sum(self.sigma(key, recipe.day) ** 2 for key in recipe.turn_gsd_keys)
            found = self._traits[id(recipe)] = Traits(recipe, kind, math.expm1(sigma_squared))
        return found

    def _site(self, recipe: Recipe) -> Site:
        place, day = recipe.place, recipe.day
        provider, zone = place.provider, place.grid.zone
        grid = f"grid {provider} {zone}", self.sigma(place.grid_gsd_key, day)
        on_site = f"water {provider}", self.sigma("gsd_water_site", day)
        off_site = f"water grid {zone}", self.sigma("gsd_water_grid", day)
        key = place, grid, on_site, off_site
        if key not in self._sites:
            self._sites[key] = Site(place, *(self._together(spread) for spread in (grid, on_site, off_site)))
        return self._sites[key]

    def _together(self, *spreads: Spread) -> Unknowns:
        return self._unknowns.setdefault(spreads, Unknowns(spreads))

    def turn_mean(self, recipe: Recipe) -> float:
        """Return mean over median of the turn-to-turn load: exp(σ²/2). Only this variability enters at its mean."""
        return math.exp(self.sigma("gsd_turn_load", recipe.day) ** 2 / 2)

    def sigma(self, key: str, day: str) -> float:
        """Return ln of a geometric standard deviation valid on a day."""
        found = self._sigmas.get((key, day))
        if found is None:
            found = self._sigmas[key, day] = math.log(self.factors.get(key, day).value)
        return found

    def _spreads(self, recipe: Recipe, load: Load) -> tuple[Spread, ...]:
        """Return the named uncertainties of one load's energy."""
        if load.wh:
            return load.spreads
        day, provider = recipe.day, recipe.place.provider
        reads = load.new_input or load.cached or load.squared
        return (
            *((("prefill", self.sigma("gsd_prefill", day)),) if reads else ()),
            *load.spreads,
            ("serving", self.sigma("gsd_serving", day)),
            (f"hardware {provider}", self.sigma("gsd_hardware", day)),
            self.architecture(recipe),
            (f"pue {provider}", self.sigma("gsd_pue_unknown" if recipe.place.guessed else "gsd_pue_known", day)),
        )

    def architecture(self, recipe: Recipe) -> Spread:
        """Return the uncertainty of the model's architecture, shared by all of its answers."""
        model = recipe.model
        return f"architecture {model.key}", self.sigma(f"gsd_architecture_{model.architecture}", recipe.day)

    def turn_variance(self, recipe: Recipe, sums: Sums) -> float:
        """Return the relative variance of a sum over turns: (e^σ² - 1) · Σ n² / (Σ n)²; falls as turns pool."""
        requests = max(1.0, sums[INDEX["requests"]])
        output, squared = sums[INDEX["output"]], sums[INDEX["output_squared"]]
        uneven = squared / output**2 if output and squared else 1 / requests
        return self.traits(recipe).turn_variance * min(1.0, max(1 / requests, uneven))
