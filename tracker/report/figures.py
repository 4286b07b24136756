"""The one rule by which every view rounds, so that a page, a terminal and a spreadsheet show the same number."""

from __future__ import annotations

import math
from collections.abc import Sequence

KEPT_DIGITS = 9
"""Significant digits in the JSON: more than anybody needs, few enough to be the same on every machine."""
SHOWN_DIGITS = 3
"""Significant digits of a central estimate that parts must add up to."""
RANGE_DIGITS = 2
"""Significant digits of the ends of a range: they are not surer than that."""

EXACT = 2**53
"""Whole numbers up to here are floats without rounding, as are the powers of ten up to the 22nd."""


def keep(value: float | None) -> float | None:
    """Round to the digits that the JSON keeps; None stays None, and what is not finite is unknown."""
    if value is None or not math.isfinite(value):
        return None
    return significant(value, KEPT_DIGITS)


def significant(value: float, digits: int) -> float:
    """Round to ``digits`` significant digits, halves away from zero (as people do on paper)."""
    if value == 0 or not math.isfinite(value):
        return 0.0
    return _to_grid(value, _exponent(value) - digits + 1)


def shown(value: float | None) -> float | None:
    """Round a central estimate as it is shown."""
    return None if value is None else significant(value, SHOWN_DIGITS)


def shown_end(value: float | None) -> float | None:
    """Round one end of a range as it is shown."""
    return None if value is None else significant(value, RANGE_DIGITS)


def apportion(parts: Sequence[float], total: float | None = None) -> list[float]:
    """
    Round parts to the grid of their shown total so that they add up to it (largest remainder).

    A part smaller than the grid may become 0: views then write "less than" the grid, never 0.
    """
    whole = math.fsum(parts) if total is None else total
    if whole <= 0 or not math.isfinite(whole):
        return [0.0 for _ in parts]
    exponent = _exponent(significant(whole, SHOWN_DIGITS)) - SHOWN_DIGITS + 1
    units = round(_to_grid(whole, exponent) / 10.0**exponent)
    scaled = [max(part, 0.0) / 10.0**exponent for part in parts]
    floors = [math.floor(value + 1e-9) for value in scaled]
    missing = units - sum(floors)
    by_remainder = sorted(range(len(parts)), key=lambda n: (floors[n] - scaled[n], n))
    for n in by_remainder[: max(missing, 0)]:
        floors[n] += 1
    return [_scale(count, exponent) for count in floors]


def grid_of(total: float) -> float:
    """Return the step that ``apportion`` rounds the parts of this total to."""
    if total <= 0:
        return 0.0
    return _scale(1, _exponent(significant(total, SHOWN_DIGITS)) - SHOWN_DIGITS + 1)


def _exponent(value: float) -> int:
    """Return the power of ten of the first digit of the value as it is at seven digits."""
    size = math.log10(abs(value))
    exponent = math.floor(size)
    if 1e-6 < size - exponent < 1 - 1e-6:  # far from where a logarithm's last digit, or rounding up, would decide
        return exponent
    return int(f"{abs(value):e}".partition("e")[2])


def _scale(count: int, exponent: int) -> float:
    if abs(count) < EXACT and -22 <= exponent <= 22:  # both are exact then, so that one operation rounds once
        return count / 10.0**-exponent if exponent < 0 else count * 10.0**exponent
    return float(f"{count}e{exponent}")


def _to_grid(value: float, exponent: int) -> float:
    steps = math.floor(abs(value) / 10.0**exponent + 0.5 + 1e-9)
    return math.copysign(_scale(steps, exponent), value)
