"""EcoLogits as published: the package's own numbers and range, summed; no extension, no simulation."""

from __future__ import annotations

import math
from collections.abc import Iterable

from tracker.footprint.impacts import CRITERIA, Impact, Impacts
from tracker.footprint.quantities import INDEX, Sums
from tracker.footprint.recipe import Recipe
from tracker.footprint.uncertainty import Range


def as_published(dishes: Iterable[tuple[Recipe, Sums]]) -> Impacts:
    """
    Return the sum of what the package says for each answer: its low and high corners, and their middle.

    Only output tokens that are known count, latency cap off. Pictures, sound and local models have no such figure.
    """
    lows: dict[tuple[str, str], list[float]] = {}
    highs: dict[tuple[str, str], list[float]] = {}
    for recipe, sums in dishes:
        if recipe.published is None:
            continue
        tokens, requests = (sums[INDEX[name]] for name in recipe.published_per)
        for part, affine in (("usage", recipe.published.usage), ("embodied", recipe.published.embodied)):
            for criterion, line in affine.items():
                low, high = line.at(tokens, requests)
                lows.setdefault((part, criterion), []).append(low)
                highs.setdefault((part, criterion), []).append(high)

    def part_range(part: str, criterion: str) -> Range:
        low = math.fsum(lows.get((part, criterion), ()))
        high = math.fsum(highs.get((part, criterion), ()))
        return Range(low, (low + high) / 2, high)

    def whole(criterion: str) -> Impact:
        usage = part_range("usage", criterion)
        embodied = None if criterion in ("energy_wh", "water_ml") else part_range("embodied", criterion)
        low, high = usage.low + (embodied.low if embodied else 0), usage.high + (embodied.high if embodied else 0)
        return Impact(low=low, mid=(low + high) / 2, high=high, usage=usage, embodied=embodied)

    return Impacts(**{criterion: whole(criterion) for criterion in CRITERIA}, interval="method range")
