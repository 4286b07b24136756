"""The same use done otherwise, with the same sums: servers in another place, other models for the same words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from tracker.footprint.build import Kitchen, kitchen_of
from tracker.footprint.recipe import Recipe
from tracker.footprint.settings import Settings
from tracker.record import Activity

if TYPE_CHECKING:
    from tracker.footprint.assessment import Assessment


def elsewhere(assessment: Assessment, zone: str) -> Assessment:
    """Return the same use with the servers in another place; each recipe is cooked once for there."""
    settings = replace(assessment.settings, zone=zone)
    kitchen = kitchen_of(settings, assessment.factors)
    there = {key: kitchen.recipe(activity) for key, activity in _examples(assessment)}
    return _with_recipes(assessment, there, settings, kitchen)


def answered_by(assessment: Assessment, models: Mapping[str, str]) -> Assessment:
    """
    Return the same use had other models answered with as many tokens.

    ``models``: provider → model; every activity has one of these providers.
    """
    kitchen = kitchen_of(assessment.settings, assessment.factors)
    others = {
        key: kitchen.recipe(replace(activity, model=models[activity.provider or ""]))
        for key, activity in _examples(assessment)
    }
    return _with_recipes(assessment, others, assessment.settings, kitchen)


def _examples(assessment: Assessment) -> Iterable[tuple[int, Activity]]:
    """Return one activity for each recipe, by the recipe's identity."""
    return {id(recipe): one for recipe, one in zip(assessment.recipes, assessment.activities, strict=True)}.items()


def _with_recipes(
    assessment: Assessment, recipes: Mapping[int, Recipe], settings: Settings, kitchen: Kitchen
) -> Assessment:
    return replace(
        assessment,
        settings=settings,
        recipes=[recipes[id(recipe)] for recipe in assessment.recipes],
        engine=replace(assessment.engine, charges=kitchen.charges),
        _whole={},
        _elsewhere={},
    )
