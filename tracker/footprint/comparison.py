"""Methods beside each other, the envelope around them, and what is shown apart and never added."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tracker.footprint.charges import Dish, Line
from tracker.footprint.factors import LATEST
from tracker.footprint.methods import WEIGHTS, MethodName
from tracker.footprint.published import as_published
from tracker.footprint.quantities import INDEX, Sums
from tracker.footprint.recipe import Recipe
from tracker.footprint.uncertainty import Range

if TYPE_CHECKING:
    from tracker.footprint.assessment import Assessment

SLOWEST, FASTEST = 4.0, 0.25
"""A measured duration counts at most as this many times the usual one: a sleeping laptop is no server."""
ALL = 0.999
"""A method that covers less says nothing of the whole."""


def by_method(assessment: Assessment) -> list[dict[str, Any]]:
    """
    Return every method's total for all that it covers, on one boundary: facility, idle and host included.

    ``{"key", "requests", "covered_share", "impacts", "combined_wh", "alternatives": true}``: ``combined_wh`` is the
    headline's figure for the same requests, so that a method that covers half is not compared with the whole.
    ``ecologits`` also carries ``as_published``: the package with its own range, latency cap off, no extensions.
    Pictures, sound, searches and bytes cost the same in every row.
    """
    requests = sum(activity.requests for activity in assessment.activities)
    rows = []
    for method in WEIGHTS:
        dishes = [
            (recipe, sums, _timed(recipe, sums, lines) if method == "time" else lines)
            for recipe, sums, lines in assessment.dishes(method=method)
            if lines or not sums[INDEX["requests"]]
        ]
        covered = sum(sums[INDEX["requests"]] for _, sums, _ in dishes)
        row: dict[str, Any] = {
            "key": method,
            "requests": int(covered),
            "covered_share": covered / requests if requests else 0.0,
            "impacts": assessment.engine.impacts(dishes).to_json() if covered else None,
            "combined_wh": _combined_wh(assessment, dishes) if covered else None,
            "alternatives": True,
        }
        if method == "ecologits":
            published = [(recipe, sums) for recipe, sums, _ in dishes]
            row["as_published"] = as_published(published).to_json() if covered else None
        rows.append(row)
    return rows


def covered(assessment: Assessment, method: MethodName) -> list[int]:
    """Return the positions of the activities that a method can tell of: those behind its row of ``by_method``."""
    told = {id(recipe) for recipe, sums, lines in assessment.dishes(method=method)
            if lines or not sums[INDEX["requests"]]}  # fmt: skip
    return [index for index, recipe in enumerate(assessment.recipes) if id(recipe) in told]


def not_covered(assessment: Assessment) -> int:
    """Return how many requests the chosen method has no figure for. 0 unless one method was asked for."""
    method = assessment.settings.method
    if method is None:
        return 0
    has: Callable[[Recipe], bool] = (
        (lambda recipe: recipe.published is not None)
        if method == "ecologits"
        else (lambda recipe: recipe.local or method in recipe.methods or all(load.wh for load in recipe.loads))
    )
    rows = zip(assessment.activities, assessment.recipes, strict=True)
    return sum(activity.requests for activity, recipe in rows if not has(recipe))


def _combined_wh(assessment: Assessment, dishes: Sequence[Dish]) -> float:
    lines = assessment.engine.charges.lines
    return math.fsum(line.energy_wh(sums) for recipe, sums, _ in dishes for line in lines(recipe, sums, None))


def _timed(recipe: Recipe, sums: Sums, lines: Sequence[Line]) -> Sequence[Line]:
    """Return M5's lines scaled to the measured seconds, where every request of this kind was timed."""
    if recipe.second_wh is None or sums[INDEX["untimed"]] or not lines:
        return lines
    usual = (recipe.model.ttft or 0.0) * sums[INDEX["requests"]] + sums[INDEX["output"]] / recipe.model.speed
    if not usual:
        return lines
    pace = min(SLOWEST, max(FASTEST, sums[INDEX["seconds"]] / usual))
    return [
        line._replace(wh=line.wh * pace)
        if line.load.component in ("answer", "shown_reasoning", "request") and line.load.is_text
        else line
        for line in lines
    ]


def envelope(
    whole: dict[str, Any], methods: Sequence[dict[str, Any]], criterion: str = "energy_wh"
) -> dict[str, float] | None:
    """
    Return ``{"low", "high"}``: lowest p05 and highest p95 of the whole and of all methods that cover everything.

    The thin outer bar: how far the methods disagree, each with its own range. ``whole`` as ``Impacts.to_json`` tells
    it, ``methods`` as ``by_method`` does. None where fewer than two methods cover everything.
    """
    covering = [row["impacts"][criterion] for row in methods if row["covered_share"] > ALL]
    spans = [span for span in covering if span["mid"] > 0]
    if len(spans) < 2:
        return None
    spans.append(whole[criterion])
    return {"low": min(span["low"] for span in spans), "high": max(span["high"] for span in spans)}


def market_based(assessment: Assessment) -> list[dict[str, Any]]:
    """
    Return ``{"provider", "ghg_g", "g_per_kwh", "source", "link"}`` where a vendor's document gives an intensity.

    Usage only, contracts instead of wires. A separate line beside the location-based headline, offsets never netted.
    """
    energy: dict[str, list[float]] = {}
    rows = {}
    for recipe, sums, lines in assessment.dishes():
        factor = assessment.factors.find("vendor_gemini_market_intensity", recipe.day)
        if recipe.place.provider == "google" and factor is not None:
            energy.setdefault("google", []).extend(line.energy_wh(sums) for line in lines)
            rows["google"] = factor
    return [
        {
            "provider": provider, "ghg_g": math.fsum(energy[provider]) * factor.value / 1000,
            "g_per_kwh": factor.value, "source": factor.source, "link": factor.link,
        }
        for provider, factor in rows.items()
    ]  # fmt: skip


def apart(assessment: Assessment) -> dict[str, Any]:
    """
    Return what is never part of a total: ``{"training_ghg_g": R | null, "device_wh": R | null}``.

    The training share is null unless asked for; the device is null where no durations are known, or where the
    ``device`` extension already adds it.
    """
    training = device = None
    requests = sum(activity.requests for activity in assessment.activities)
    day = max((activity.day for activity in assessment.activities), default=LATEST)
    if "training" in assessment.settings.extensions:
        share = assessment.factors.get("training_share", day)
        training = Range(share.low * requests, share.value * requests, share.high * requests).to_json()
    seconds = sum(activity.duration_ms for activity in assessment.activities) / 1000
    if seconds and "device" not in assessment.settings.extensions:
        power = assessment.factors.get("device_power", day)
        hours = seconds / 3600
        device = Range(power.low * hours, power.value * hours, power.high * hours).to_json()
    return {"training_ghg_g": training, "device_wh": device}
