"""One simulation for everything: shared factors are drawn once per iteration, by name, with a fixed seed."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import add, mul
from statistics import NormalDist

BLOCKS, BLOCK = 25, 40
DRAWS = BLOCKS * BLOCK
COMMON = "serving"
"""The unknown that all text shares and that is the widest: the draws are ordered by it."""
SEED = "klimaspor"
LOW, HIGH = 0.05, 0.95
MOST_KEPT = 2000
"""Lists of draws kept for the next question; they can always be made again."""

type Draws = list[float]


@dataclass(frozen=True, slots=True)
class Range:
    """low and high are the 5 % and 95 % points, mid the central estimate."""

    low: float
    mid: float
    high: float

    def to_json(self) -> dict[str, float]:
        return {"low": self.low, "mid": self.mid, "high": self.high}


def _strata() -> tuple[float, ...]:
    normal = NormalDist()
    return tuple(normal.inv_cdf((number + 0.5) / DRAWS) for number in range(DRAWS))


@dataclass(slots=True)
class Simulation:
    """
    Draws by name. The same name gives the same draws in every assessment, so that two of a person's own options
    share their unknowns and the ratio of them is surer than either (paired draws).

    Each name permutes the same ``DRAWS`` quantiles of the normal distribution (Latin hypercube). The common unknown
    keeps their order; every other name puts one value of each of its ``BLOCK`` strata into each of its ``BLOCKS``
    blocks, so that it is spread evenly over the common one. This settles the 5 % and 95 % points with far fewer
    draws than independent ones.
    """

    _strata: tuple[float, ...] = field(default_factory=_strata)
    _normals: dict[str, Sequence[float]] = field(default_factory=dict)
    _products: dict[tuple[tuple[str, float], ...], Draws] = field(default_factory=dict)

    def normal(self, name: str) -> Sequence[float]:
        """Return the standard normal draws of one name."""
        if name not in self._normals:
            self._normals[name] = self._strata if name == COMMON else self._permute(name)
        return self._normals[name]

    def _permute(self, name: str) -> list[float]:
        chance = random.Random(f"{SEED}:{name}")  # noqa: S311 - a simulation, not a secret
        strata = [list(self._strata[start : start + BLOCKS]) for start in range(0, DRAWS, BLOCKS)]
        for stratum in strata:
            chance.shuffle(stratum)
        permuted: list[float] = []
        for block in zip(*strata, strict=True):
            values = list(block)
            chance.shuffle(values)
            permuted += values
        return permuted

    def factor(self, spreads: Iterable[tuple[str, float]]) -> Draws:
        """Return the product of log-normal factors (name, ln sigma), each with median 1."""
        key = tuple(sorted((name, sigma) for name, sigma in spreads if sigma > 0))
        if key not in self._products:
            if len(self._products) >= MOST_KEPT:  # a proxy may run for months
                self._products.clear()
                self._normals.clear()
            logarithms = [0.0] * DRAWS
            for name, sigma in key:
                logarithms = [total + sigma * z for total, z in zip(logarithms, self.normal(name), strict=True)]
            self._products[key] = [math.exp(value) for value in logarithms]
        return self._products[key]

    def turn_noise(self, name: str, variance: float) -> Draws:
        """Return pooled turn-to-turn noise: log-normal with mean 1 and this relative variance."""
        sigma_squared = math.log1p(variance)
        sigma = math.sqrt(sigma_squared)
        return [math.exp(sigma * z - sigma_squared / 2) for z in self.normal(f"turn {name}")]


def plus(one: Draws, other: Draws) -> Draws:
    """Return the sum, draw by draw."""
    return list(map(add, one, other))


def times(one: Draws, other: Draws) -> Draws:
    """Return the product, draw by draw."""
    return list(map(mul, one, other))


def scaled(draws: Draws, factor: float) -> Draws:
    """Return every draw times a number."""
    return [draw * factor for draw in draws]


def range_of(draws: Draws, mid: float) -> Range:
    """Return the 5 % and 95 % points around the central estimate (which lies between them by definition)."""
    ordered = sorted(draws)
    return Range(min(_quantile(ordered, LOW), mid), mid, max(_quantile(ordered, HIGH), mid))


def _quantile(ordered: Draws, share: float) -> float:
    position = share * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])
