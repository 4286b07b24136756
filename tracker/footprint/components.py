"""Where the energy goes: visible answer, reasoning, input, history and the rest, together exactly all of it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tracker.footprint.charges import Dish, Line
from tracker.footprint.quantities import INDEX
from tracker.footprint.recipe import COMPONENTS
from tracker.footprint.uncertainty import Range, range_of

if TYPE_CHECKING:
    from tracker.footprint.assessment import Assessment

UNSEEN = frozenset({"hidden_reasoning", "hidden_steps"})


def components(assessment: Assessment) -> list[dict[str, Any]]:
    """
    Return one row a component that uses energy, in the order of ``COMPONENTS``.

    ``{"key", "energy_wh": R, "share", "estimated": bool, "estimated_share"}``; shares of the central estimate add to
    1. ``estimated``: at least half of the row rests on a prior and not on what the wire showed. EcoLogits as published
    knows only the output it was told of and the start of an answer; its ranges are its own.
    """
    if assessment.settings.method == "ecologits":
        return _published(assessment)
    energies: dict[str, list[float]] = {}
    estimated: dict[str, list[float]] = {}
    dishes: dict[str, list[Dish]] = {}
    for recipe, sums, lines in assessment.dishes():
        by_component: dict[str, list[Line]] = {}
        for line in lines:
            by_component.setdefault(line.load.component, []).append(line)
        for component, parts in by_component.items():
            energies.setdefault(component, []).extend(part.energy_wh(sums) for part in parts)
            estimated.setdefault(component, []).extend(part.energy_wh(sums) for part in parts if part.load.estimated)
            dishes.setdefault(component, []).append((recipe, sums, parts))
    total = math.fsum(value for values in energies.values() for value in values)
    rows = []
    for component in COMPONENTS:
        wh = math.fsum(energies.get(component, ()))
        if not wh:
            continue
        guessed = math.fsum(estimated.get(component, ())) / wh
        draws = assessment.engine.energy_draws(dishes[component])
        rows.append({
            "key": component, "energy_wh": range_of(draws, wh).to_json(), "share": wh / total,
            "estimated": guessed >= 0.5, "estimated_share": guessed,
        })  # fmt: skip
    return rows


def component_wh(assessment: Assessment) -> dict[str, float]:
    """Return component → central Wh, in the order of ``COMPONENTS``: ``components`` without what takes time."""
    if assessment.settings.method == "ecologits":
        return {row["key"]: row["energy_wh"]["mid"] for row in _published(assessment)}
    energies: dict[str, list[float]] = {}
    for _, sums, lines in assessment.dishes():
        for line in lines:
            energies.setdefault(line.load.component, []).append(line.energy_wh(sums))
    return {key: wh for key in COMPONENTS if (wh := math.fsum(energies.get(key, ())))}


def unseen_wh(assessment: Assessment, indices: Iterable[int]) -> float:
    """Return the central Wh of a selection's thinking and research steps that the wire did not show."""
    return sum(
        line.energy_wh(sums)
        for _, sums, lines in assessment.dishes(indices)
        for line in lines
        if line.load.estimated and line.load.component in UNSEEN
    )


def _published(assessment: Assessment) -> list[dict[str, Any]]:
    found: dict[str, Range] = {}
    for recipe, sums, _ in assessment.dishes():
        if recipe.published is None:
            continue
        line = recipe.published.usage["energy_wh"]
        _, requests = recipe.published_per
        starts = "video" if recipe.operation == "video" else "request"
        seen = any(load.component == "shown_reasoning" for load in recipe.loads)
        parts = {
            starts: line.at(0, sums[INDEX[requests]]),
            "answer": line.at(sums[INDEX["visible_output"]], 0),
            "shown_reasoning" if seen else "hidden_reasoning": line.at(sums[INDEX["reasoning"]], 0),
        }
        for component, (low, high) in parts.items():
            before = found.get(component, Range(0.0, 0.0, 0.0))
            found[component] = Range(before.low + low, before.mid + (low + high) / 2, before.high + high)
    total = math.fsum(part.mid for part in found.values())
    return [
        {
            "key": component, "energy_wh": found[component].to_json(), "share": found[component].mid / total,
            "estimated": False, "estimated_share": 0.0,
        }
        for component in COMPONENTS
        if component in found and found[component].mid
    ]  # fmt: skip
