"""A row of a ranking, as every section and every page draws it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A name with its bar, the value that the bar shows, and further columns."""

    name: str
    width: float
    """Of the bar; ``charts.WIDTH`` is all of it."""
    value: str
    cells: Sequence[str] = ()
    note: str | None = None
    past: float | None = None
    """Width of the grey bar below: what it usually is."""
    strong: bool = False
