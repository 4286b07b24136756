"""The same use done otherwise, with the same sums: servers in another place, other models for the same words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tracker.footprint.build import kitchen_of

if TYPE_CHECKING:
    from tracker.footprint.assessment import Assessment


def elsewhere(assessment: Assessment, zone: str) -> Assessment:
    """Return the same use with the servers in another place; each recipe is cooked once for there."""
    settings = replace(assessment.settings, zone=zone)
    kitchen = kitchen_of(settings, assessment.factors)
    used = zip(assessment.recipes, assessment.activities, strict=True)
    examples = {id(recipe): activity for recipe, activity in used}
    there = {key: kitchen.recipe(activity) for key, activity in examples.items()}
    return replace(
        assessment,
        settings=settings,
        recipes=[there[id(recipe)] for recipe in assessment.recipes],
        engine=replace(assessment.engine, charges=kitchen.charges),
        _whole={},
        _elsewhere={},
    )


def central_wh_with(assessment: Assessment, models: Mapping[str, str], indices: Sequence[int]) -> float:
    """
    Return the central estimate in Wh of a selection had other models answered with as many tokens.

    ``models``: provider → model; every activity of the selection has one of these providers.
    """
    kitchen = kitchen_of(assessment.settings, assessment.factors)
    examples = {id(assessment.recipes[index]): assessment.activities[index] for index in indices}
    method: Any = assessment.settings.method
    energies: list[float] = []
    for recipe, sums, _ in assessment.dishes(indices):
        example = examples[id(recipe)]
        other = kitchen.recipe(replace(example, model=models[example.provider or ""]))
        energies += [line.energy_wh(sums) for line in kitchen.charges.lines(other, sums, method)]
    return math.fsum(energies)
