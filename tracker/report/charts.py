"""The geometry of the charts: pure numbers in, pure numbers out; templates only write them down."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

WIDTH = 300.0
"""Width of a bar's drawing in its own units."""
COLUMN = 10.0
HEIGHT = 100.0
STRIPE = 2.4
STRIPED_COLUMNS = 14
"""With more columns than this hatching is only noise."""


@dataclass(frozen=True, slots=True)
class RangeBar:
    """A range from x to x + width with its middle marked, all inside ``WIDTH``; the envelope is the outermost."""

    x: float
    width: float
    mid: float
    envelope_x: float
    envelope_width: float


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a column chart, in a drawing ``COLUMN`` wide per column and ``HEIGHT`` high."""

    x: float
    y: float
    height: float
    middle: float
    hidden_y: float
    hidden_height: float
    stripes: tuple[float, ...] = ()
    """Heights of the lines that hatch the hidden part."""


@dataclass(frozen=True, slots=True)
class Columns:
    """A column chart: its columns, where the usual value lies, and what the top stands for."""

    columns: tuple[Column, ...]
    width: float
    usual: float | None
    top: float


@dataclass(frozen=True, slots=True)
class Bubble:
    """One hour of the week: a circle whose area is its share of the busiest hour."""

    hour: int
    x: float
    radius: float


def nice_top(value: float) -> float:
    """Return the smallest of 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten not below the value; 1 for nothing."""
    if value <= 0 or not math.isfinite(value):
        return 1.0
    scale = 10.0 ** math.floor(math.log10(value))
    for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10):
        if step * scale >= value * (1 - 1e-12):
            return step * scale
    return 10 * scale


def range_bar(
    span: Mapping[str, float], top: float, envelope: Mapping[str, float] | None = None, bottom: float = 0.0
) -> RangeBar:
    """Place a range on a straight axis from ``bottom`` to ``top``."""

    def place(value: float) -> float:
        share = (value - bottom) / (top - bottom) if top > bottom else 0.0
        return _round(WIDTH * min(max(share, 0.0), 1.0))

    return _bar(place, span, envelope)


def log_bar(span: Mapping[str, float], bottom: float, top: float) -> RangeBar:
    """Place a range on a logarithmic axis from ``bottom`` to ``top`` (both above 0)."""

    def place(value: float) -> float:
        if value <= bottom or top <= bottom:
            return 0.0
        return _round(WIDTH * min(math.log(value / bottom) / math.log(top / bottom), 1.0))

    return _bar(place, span, None)


def share_bar(value: float, largest: float) -> float:
    """Return the width of a bar whose largest neighbour fills ``WIDTH``; anything above 0 stays visible."""
    if value <= 0 or largest <= 0:
        return 0.0
    return _round(max(WIDTH * min(value / largest, 1.0), 1.5))


def columns(
    values: Sequence[Mapping[str, float]], hidden: Sequence[float] | None = None, usual: float | None = None
) -> Columns:
    """
    Place central estimates as columns; ``hidden`` is the part of each that nobody saw.

    The axis begins at 0 and ends at a round number above all. Ranges are not drawn here: what is unknown is shared
    by all columns, so whiskers would show differences that are not there.
    """
    top = nice_top(max([*(value["mid"] for value in values), usual or 0.0]) * 1.04)

    def place(value: float) -> float:
        return _round(HEIGHT * (1 - min(max(value, 0.0) / top, 1.0)))

    placed = []
    for number, value in enumerate(values):
        unseen = min(max(hidden[number], 0.0), value["mid"]) if hidden else 0.0
        y, seen_y = place(value["mid"]), place(value["mid"] - unseen)
        placed.append(
            Column(
                x=_round(number * COLUMN + COLUMN * 0.16),
                y=seen_y,
                height=_round(HEIGHT - seen_y),
                middle=_round(number * COLUMN + COLUMN / 2),
                hidden_y=y,
                hidden_height=_round(seen_y - y),
                stripes=_stripes(y, seen_y) if len(values) <= STRIPED_COLUMNS else (),
            )
        )
    return Columns(tuple(placed), _round(COLUMN * len(values)), None if usual is None else place(usual), top)


def bubbles(hours: Mapping[tuple[int, int], float]) -> list[list[Bubble]]:
    """Return seven rows of 24 circles from values by (ISO weekday, hour); radius 0 where nothing happened."""
    largest = max(hours.values(), default=0.0)
    return [
        [
            Bubble(hour, _round(hour * COLUMN + COLUMN / 2), _radius(hours.get((weekday, hour), 0.0), largest))
            for hour in range(24)
        ]
        for weekday in range(1, 8)
    ]


def label_every(count: int, most: int) -> int:
    """Return the step at which labels are written so that at most ``most`` of ``count`` are."""
    return max(1, math.ceil(count / most))


def _stripes(top: float, bottom: float) -> tuple[float, ...]:
    return tuple(_round(top + STRIPE * n) for n in range(1, math.ceil((bottom - top) / STRIPE)))


def _radius(value: float, largest: float) -> float:
    if value <= 0 or largest <= 0:
        return 0.0
    return _round(max(4.6 * math.sqrt(value / largest), 1.2))


def _bar(place: Callable[[float], float], span: Mapping[str, float], envelope: Mapping[str, float] | None) -> RangeBar:
    low, mid, high = place(span["low"]), place(span["mid"]), place(span["high"])
    outer_low, outer_high = (place(envelope["low"]), place(envelope["high"])) if envelope else (low, high)
    return RangeBar(low, _round(max(high - low, 1.0)), mid, outer_low, _round(max(outer_high - outer_low, 1.0)))


def _round(value: float) -> float:
    return round(value, 1) + 0.0
