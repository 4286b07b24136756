"""From sums and recipes to central estimates and ranges: the arithmetic that every view of a report shares."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tracker.footprint.factors import FactorSet
from tracker.footprint.impacts import Impact, Impacts, impact
from tracker.footprint.methods import MethodName
from tracker.footprint.place import Place
from tracker.footprint.quantities import INDEX, Sums
from tracker.footprint.recipe import Load, Recipe, Spread
from tracker.footprint.uncertainty import DRAWS, Draws, Range, Simulation, plus, range_of, scaled, times

ECOLOGITS_LIFE_YEARS = 3
NODE_GPUS = 8
NODE_EMBODIED = (5700e3 + NODE_GPUS * 273e3, (0.37 + NODE_GPUS * 8.95e-3) * 1e9, (70_000 + NODE_GPUS * 3721) * 1e3)
"""EcoLogits' server of 8 GPUs in g CO2e, µg Sb-eq, kJ."""
SECONDS_A_YEAR = 365 * 24 * 3600

type Embodied = tuple[float, float, float]
"""g CO2e, µg Sb-eq, kJ."""


@dataclass(frozen=True, slots=True)
class Portion:
    """One load of one recipe in a selection: its energy, hardware and who shares its uncertainty."""

    recipe: Recipe
    load: Load
    amount: float
    wh: float
    primary_wh: float
    """The energy that ADPe and primary energy are charged on: EcoLogits' own method, since only it has them."""
    embodied: Embodied


@dataclass(frozen=True, slots=True)
class Engine:
    """The factors and draws that one assessment uses."""

    factors: FactorSet
    simulation: Simulation

    def portions(self, recipe: Recipe, sums: Sums, method: MethodName | None) -> Iterator[Portion]:
        """Yield what a recipe's sums come to, load by load, by one method or by all combined."""
        coefficients = recipe.combined if method is None else recipe.methods.get(method)
        if coefficients is None:
            if any(load.is_text and sums[INDEX[load.quantity]] for load in recipe.loads):
                return  # this method is silent about this kind: all of it is left out, and counted as not covered
            coefficients = recipe.combined
        noise = 1.0 if recipe.local else self.turn_mean(recipe)
        for load in recipe.loads:
            amount = sums[INDEX[load.quantity]]
            if not amount:
                continue
            if load.wh:
                wh = primary = amount * load.wh
            else:
                wh = amount * load.energy_wh(coefficients) * noise
                primary = amount * load.energy_wh(recipe.methods["ecologits"]) * noise
            yield Portion(recipe, load, amount, wh, primary, self._embodied(recipe, load, amount, wh))

    def turn_mean(self, recipe: Recipe) -> float:
        """Return mean over median of the turn-to-turn load: exp(σ²/2). Only this variability enters at its mean."""
        return math.exp(self._sigma("gsd_turn_load", recipe.day) ** 2 / 2)

    def _sigma(self, key: str, day: str) -> float:
        return math.log(self.factors.get(key, day).value)

    def _embodied(self, recipe: Recipe, load: Load, amount: float, wh: float) -> Embodied:
        factors, day = self.factors, recipe.day
        stretch = ECOLOGITS_LIFE_YEARS / (
            factors.get("embodied_life", day).value * factors.get("embodied_active_share", day).value
        )
        if load.embodied is not None:
            gas, metal, energy = (amount * part for part in load.embodied)
        elif load.wh:
            seconds = wh / recipe.place.pue * 3600 / factors.get("node_power", day).value
            share = seconds / (ECOLOGITS_LIFE_YEARS * SECONDS_A_YEAR)
            gas, metal, energy = (share * part for part in NODE_EMBODIED)
        else:
            core = recipe.core
            gas, metal, energy = (
                amount * (load.output * per_token + load.requests * per_request)
                for per_token, per_request in (core.embodied_g, core.embodied_ug_sb, core.embodied_kj)
            )
        return gas * stretch, metal, energy

    def _shared(self, recipe: Recipe, load: Load) -> tuple[Spread, ...]:
        """Who shares the uncertainty of this load's energy."""
        if load.wh:
            return load.spreads
        day, provider = recipe.day, recipe.place.provider
        reads = load.new_input or load.cached or load.squared
        return (
            *((("prefill", self._sigma("gsd_prefill", day)),) if reads else ()),
            *load.spreads,
            ("serving", self._sigma("gsd_serving", day)),
            (f"hardware {provider}", self._sigma("gsd_hardware", day)),
            self._architecture(recipe),
            (f"pue {provider}", self._sigma("gsd_pue_unknown" if recipe.place.guessed else "gsd_pue_known", day)),
        )

    def _architecture(self, recipe: Recipe) -> Spread:
        model = recipe.model
        return f"architecture {model.key}", self._sigma(f"gsd_architecture_{model.architecture}", recipe.day)

    def spreads(self, portion: Portion) -> tuple[Spread, ...]:
        """Return the named uncertainties of one portion's energy."""
        return self._shared(portion.recipe, portion.load)

    def turn_variance(self, recipe: Recipe, sums: Sums) -> float:
        """Return the relative variance of a sum over turns: (e^σ² - 1) · Σ n² / (Σ n)²; falls as turns pool."""
        sigma_squared = sum(self._sigma(key, recipe.day) ** 2 for key in recipe.turn_gsd_keys)
        requests = max(1.0, sums[INDEX["requests"]])
        output, squared = sums[INDEX["output"]], sums[INDEX["output_squared"]]
        uneven = squared / output**2 if output and squared else 1 / requests
        return math.expm1(sigma_squared) * min(1.0, max(1 / requests, uneven))

    def energy_draws(self, portions: Sequence[Portion], sums: Sums) -> Draws:
        """Return the draws of one recipe's energy."""
        text: Draws | None = None
        total = [0.0] * DRAWS
        by_spread: dict[tuple[bool, tuple[Spread, ...]], float] = {}
        for portion in portions:
            key = portion.load.is_text, self._shared(portion.recipe, portion.load)
            by_spread[key] = by_spread.get(key, 0.0) + portion.wh
        for (is_text, spreads), wh in by_spread.items():
            factors = self.simulation.factor(spreads)
            if is_text:
                text = [t + wh * f for t, f in zip(text, factors, strict=True)] if text else scaled(factors, wh)
            else:
                total = [t + wh * f for t, f in zip(total, factors, strict=True)]
        if text is None:
            return total
        recipe = portions[0].recipe
        name = f"{recipe.service} {recipe.model.key} {recipe.operation}"
        return plus(total, times(text, self.simulation.turn_noise(name, self.turn_variance(recipe, sums))))

    def impacts(self, dishes: Iterable[tuple[Recipe, Sums, Sequence[Portion]]]) -> Impacts:
        """Return the five criteria of a selection, ranges from one simulation."""
        energy: Draws = [0.0] * DRAWS
        sites: dict[Place, tuple[Draws, list[float]]] = {}
        hardware: dict[tuple[Spread, ...], list[float]] = {}
        day = "9999-12-31"
        for recipe, sums, portions in dishes:
            day = min(day, recipe.day)
            draws = self.energy_draws(portions, sums)
            energy = plus(energy, draws)
            known, mids = sites.get(recipe.place, (None, [0.0, 0.0]))
            sites[recipe.place] = (plus(known, draws) if known else draws), mids
            architecture = (self._architecture(recipe),)
            for portion in portions:
                mids[0] += portion.wh
                mids[1] += portion.primary_wh
                key = architecture if portion.load.is_text else portion.load.spreads
                amounts = hardware.setdefault(key, [0.0, 0.0, 0.0])
                for position, amount in enumerate(portion.embodied):
                    amounts[position] += amount
        return self._criteria(energy, sites, hardware, day)

    def _criteria(
        self,
        energy: Draws,
        sites: dict[Place, tuple[Draws, list[float]]],
        hardware: dict[tuple[Spread, ...], list[float]],
        day: str,
    ) -> Impacts:
        draw = self.simulation.factor
        names = ("ghg", "on_site", "off_site", "adpe", "primary")
        usage: dict[str, Draws] = {name: [0.0] * DRAWS for name in names}
        mid = dict.fromkeys(names, 0.0)
        total_wh = math.fsum(mids[0] for _, mids in sites.values())
        for place, (draws, (wh, primary_wh)) in sites.items():
            grid, provider = place.grid, place.provider
            primary = primary_wh / wh if wh else 0.0
            site_water = 1 / place.pue * place.water_l_per_kwh
            per_wh = {
                "ghg": (grid.g_per_kwh / 1000, (f"grid {provider} {grid.zone}", self._sigma(place.grid_gsd_key, day))),
                "on_site": (site_water, (f"water {provider}", self._sigma("gsd_water_site", day))),
                "off_site": (grid.litres_per_kwh, (f"water grid {grid.zone}", self._sigma("gsd_water_grid", day))),
                "adpe": (grid.adpe_kg_per_kwh * 1e6 * primary, None),
                "primary": (grid.primary_mj_per_kwh * primary, None),
            }
            for name, (factor, spread) in per_wh.items():
                mid[name] += wh * factor
                shares = times(draws, draw((spread,))) if spread else draws
                usage[name] = [t + s * factor for t, s in zip(usage[name], shares, strict=True)]
        embodied: list[Draws] = [[0.0] * DRAWS for _ in range(3)]
        embodied_mid = [0.0, 0.0, 0.0]
        for spreads, amounts in hardware.items():
            shares = draw((*spreads, ("embodied", self._sigma("gsd_embodied", day))))
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
