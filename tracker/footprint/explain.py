"""One activity's footprint step by step, as data that a reader can follow with a calculator."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tracker.footprint.components import components
from tracker.footprint.methods import REFERENCE_INPUT, REFERENCE_OUTPUT, WEIGHTS, Coefficients
from tracker.footprint.quantities import QUANTITIES

if TYPE_CHECKING:
    from tracker.footprint.assessment import Assessment


def explain(assessment: Assessment, index: int) -> dict[str, Any]:
    """
    Return what entered one activity: model and how it is known, place, quantities, coefficients of every method and
    combined, each load with its Wh, impacts, sources. JSON values only.
    """
    recipe, sums = assessment.recipes[index], assessment.sums[index]
    one = assessment.part([index])
    model, place = recipe.model, recipe.place
    lines = [line for _, _, lines in one.dishes() for line in lines]
    total = math.fsum(line.energy_wh(sums) for line in lines)
    return {
        "model": {
            "recorded": model.name, "taken_as": model.key, "source": model.source,
            "active_parameters_billion": list(model.active), "total_parameters_billion": list(model.total),
            "tokens_per_second": model.tps, "seconds_to_first_token": model.ttft,
            "gsd": assessment.factors.get(f"gsd_architecture_{model.architecture}", recipe.day).value,
            "tier": model.tier,
        },
        "place": {
            "provider": place.provider, "zone": place.grid.zone, "guessed": place.guessed, "pue": place.pue,
            "g_per_kwh": place.grid.g_per_kwh, "on_site_l_per_kwh": place.water_l_per_kwh,
            "off_site_l_per_kwh": place.grid.litres_per_kwh, "world_average_for": list(place.grid.world_average),
            "local": recipe.local,
        },
        "quantities": {name: value for name, value in zip(QUANTITIES, sums, strict=True) if value},
        "methods": {
            name: _coefficients(method) | {"weight": WEIGHTS[name]} for name, method in recipe.methods.items()
        },
        "combined": _coefficients(recipe.combined),
        "turn_mean_over_median": 1.0 if recipe.local else assessment.engine.charges.turn_mean(recipe),
        "loads": [
            {
                "component": line.load.component, "quantity": line.load.quantity, "amount": sums[line.position],
                "output_per_unit": line.load.output, "input_per_unit": line.load.new_input,
                "cached_per_unit": line.load.cached, "wh_per_unit": line.load.wh or None,
                "factor": line.load.factor, "estimated": line.load.estimated, "wh": line.energy_wh(sums),
                "share": line.energy_wh(sums) / total if total else 0.0,
            }
            for line in lines
        ],
        "components": components(one),
        "impacts": one.impacts().to_json(),
        "by_method": one.by_method(),
        "factor_set": assessment.factors.version,
        "sources": one.sources(),
    }  # fmt: skip


def _coefficients(method: Coefficients) -> dict[str, Any]:
    return {
        "wh_per_request": method.per_request, "wh_per_output_token": method.per_output,
        "wh_per_input_token": method.per_input, "wh_per_cached_token": method.per_cached,
        "wh_per_squared_token": method.per_squared,
        "wh_of_reference_turn": method.energy_wh(REFERENCE_OUTPUT, REFERENCE_INPUT),
    }  # fmt: skip
