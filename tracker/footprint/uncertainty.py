"""One simulation for everything: shared factors are drawn once per iteration, by name, with a fixed seed."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import add

BLOCKS, BLOCK = 25, 40
DRAWS = BLOCKS * BLOCK
QUICK_BLOCKS, QUICK_BLOCK = 10, 20
"""For the rows of long lists (days of a year, hours of the week): central estimates are the same; ends are some percent
off those of very many draws (4 to 6 at the median, 21 at most), where all ``DRAWS`` are off by 3 to 5, at most 10."""
COMMON = "serving"
"""The unknown that all text shares and that is the widest: the draws are ordered by it."""
SEED = "klimaspor"
LOW, HIGH = 0.05, 0.95
MOST_KEPT = 2000
"""Lists of draws kept for the next question; they can always be made again."""

type Draws = list[float]
type Spread = tuple[str, float]
"""A shared uncertainty: its name and ln sigma."""


@dataclass(frozen=True, slots=True, eq=False)
class Unknowns:
    """
    Some uncertainties together. Found by identity, for a report looks them up at every line of every row:
    ``Charges`` makes one object for each combination.
    """

    spreads: tuple[Spread, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """low and high are the 5 % and 95 % points, mid the central estimate."""

    low: float
    mid: float
    high: float

    def times(self, factor: float) -> Range:
        """Return the range of so many of it."""
        return Range(self.low * factor, self.mid * factor, self.high * factor)

    def to_json(self) -> dict[str, float]:
        return {"low": self.low, "mid": self.mid, "high": self.high}


@lru_cache(maxsize=2)
def _strata(draws: int) -> tuple[float, ...]:
    from statistics import NormalDist  # slow to load, and there are questions that need no range

    normal = NormalDist()
    return tuple(normal.inv_cdf((number + 0.5) / draws) for number in range(draws))


@dataclass(slots=True)
class Simulation:
    """
    Draws by name. The same name gives the same draws in every assessment, so that two of a person's own options
    share their unknowns and the ratio of them is surer than either (paired draws).

    Each name permutes the same quantiles of the normal distribution (Latin hypercube). The common unknown
    keeps their order; every other name puts one value of each of its ``block`` strata into each of its ``blocks``
    blocks, so that it is spread evenly over the common one. This settles the 5 % and 95 % points with far fewer
    draws than independent ones.
    """

    blocks: int = BLOCKS
    block: int = BLOCK
    _normals: dict[str, Sequence[float]] = field(default_factory=dict)
    _products: dict[Unknowns | tuple[Spread, ...], Draws] = field(default_factory=dict)

    @property
    def draws(self) -> int:
        """How many draws there are of everything."""
        return self.blocks * self.block

    def normal(self, name: str) -> Sequence[float]:
        """Return the standard normal draws of one name."""
        if name not in self._normals:
            self._normals[name] = _strata(self.draws) if name == COMMON else self._permute(name)
        return self._normals[name]

    def _permute(self, name: str) -> list[float]:
        bits = random.Random(f"{SEED}:{name}").getrandbits  # noqa: S311 - a simulation, not a secret
        quantiles, blocks = _strata(self.draws), self.blocks
        strata = [list(quantiles[start : start + blocks]) for start in range(0, self.draws, blocks)]
        for stratum in strata:
            _shuffle(stratum, bits)
        permuted: list[float] = []
        for block in zip(*strata, strict=True):
            values = list(block)
            _shuffle(values, bits)
            permuted += values
        return permuted

    def factor(self, unknowns: Unknowns) -> Draws:
        """Return the product of log-normal factors (name, ln sigma), each with median 1."""
        found = self._products.get(unknowns)
        if found is None:
            if len(self._products) >= MOST_KEPT:  # a proxy may run for months
                self._products.clear()
                self._normals.clear()
            key = tuple(sorted((name, sigma) for name, sigma in unknowns.spreads if sigma > 0))
            found = self._products.get(key)
            if found is None:
                logarithms = total(((sigma, self.normal(name)) for name, sigma in key), self.draws)
                found = self._products[key] = list(map(math.exp, logarithms))
            self._products[unknowns] = found
        return found

    def with_turn_noise(self, draws: Draws, name: str, variance: float) -> Draws:
        """Return ``draws`` times pooled turn-to-turn noise: log-normal with mean 1 and this relative variance."""
        sigma_squared = math.log1p(variance)
        sigma, half, exp = math.sqrt(sigma_squared), sigma_squared / 2, math.exp
        return [x * exp(sigma * z - half) for x, z in zip(draws, self.normal(f"turn {name}"), strict=True)]


def _shuffle(values: list[float], bits: Callable[[int], int]) -> None:
    """Do what ``random.shuffle`` does, in the same order, without its calls."""
    for last in range(len(values) - 1, 0, -1):
        length = (last + 1).bit_length()
        while (chosen := bits(length)) > last:
            pass
        values[last], values[chosen] = values[chosen], values[last]


def total(parts: Iterable[tuple[float, Sequence[float]]], draws: int) -> Draws:
    """Return Σ amount · draws over (amount, draws); four at a time, for that is what takes a report's time."""
    listed = list(parts)
    found: Draws | None = None
    for start in range(0, len(listed), 4):
        match listed[start : start + 4]:
            case [(a, one)]:
                some = [a * x for x in one]
            case [(a, one), (b, two)]:
                some = [a * x + b * y for x, y in zip(one, two, strict=True)]
            case [(a, one), (b, two), (c, three)]:
                some = [a * x + b * y + c * z for x, y, z in zip(one, two, three, strict=True)]
            case [(a, one), (b, two), (c, three), (d, four)]:
                some = [a * x + b * y + c * z + d * u for x, y, z, u in zip(one, two, three, four, strict=True)]
        found = some if found is None else list(map(add, found, some))
    return [0.0] * draws if found is None else found


def weigh(parts: Iterable[tuple[float, Draws, Draws]]) -> Draws:
    """Return Σ amount · one · other over at least one (amount, one, other), draw by draw; four at a time as well."""
    listed = list(parts)
    found: Draws | None = None
    for start in range(0, len(listed), 4):
        match listed[start : start + 4]:
            case [(a, one, p)]:
                some = [a * (x * i) for x, i in zip(one, p, strict=True)]
            case [(a, one, p), (b, two, q)]:
                some = [a * (x * i) + b * (y * j) for x, i, y, j in zip(one, p, two, q, strict=True)]
            case [(a, one, p), (b, two, q), (c, three, r)]:
                some = [
                    a * (x * i) + b * (y * j) + c * (z * k)
                    for x, i, y, j, z, k in zip(one, p, two, q, three, r, strict=True)
                ]
            case [(a, one, p), (b, two, q), (c, three, r), (d, four, s)]:
                some = [
                    a * (x * i) + b * (y * j) + c * (z * k) + d * (u * m)
                    for x, i, y, j, z, k, u, m in zip(one, p, two, q, three, r, four, s, strict=True)
                ]
        found = some if found is None else plus(found, some)
    return found or []


def plus(one: Draws, other: Draws) -> Draws:
    """Return the sum, draw by draw."""
    return list(map(add, one, other))


def range_of(draws: Draws, mid: float) -> Range:
    """Return the 5 % and 95 % points around the central estimate (which lies between them by definition)."""
    ordered = sorted(draws)
    return Range(min(_quantile(ordered, LOW), mid), mid, max(_quantile(ordered, HIGH), mid))


def _quantile(ordered: Draws, share: float) -> float:
    position = share * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])
