"""A budget: how much a person wants to use at most, in a day or an ISO week (pure)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from tracker.record import FEATURES

UNITS = ("questions", "minutes", "tokens", "wh")
PERIODS = ("day", "week")
LEAST_TOO_MUCH = 10**12


@dataclass(frozen=True, slots=True)
class Budget:
    """An amount of a unit, for all use or for that of one service or feature."""

    amount: float
    unit: str
    per: str = "week"
    service: str | None = None
    feature: str | None = None
    hold: bool = False
    """Hold new turns back when it is used up."""

    @property
    def name(self) -> str:
        """Return the budget in words: ``2 questions a week with deep_research``."""
        words = f"{self.amount:g} {'Wh' if self.unit == 'wh' else self.unit} a {self.per}"
        words += f" on {self.service}" if self.service else ""
        return words + (f" with {self.feature}" if self.feature else "")

    @property
    def fits(self) -> bool:
        """Whether every part of it is something that can be measured."""
        return (
            isinstance(self.amount, int | float)
            and not isinstance(self.amount, bool)
            and 0 < self.amount < LEAST_TOO_MUCH
            and self.unit in UNITS
            and self.per in PERIODS
            and isinstance(self.service, str | None)
            and self.feature in (None, *FEATURES)
            and isinstance(self.hold, bool)
        )

    def takes_place_of(self, old: Budget) -> bool:
        """Whether both are about the same: all but the amount and the hold."""
        return replace(old, amount=self.amount, hold=self.hold) == self


def read_budget(entry: Any) -> Budget | None:
    """Return the budget that a table of the settings file holds; None if it does not fit."""
    match entry:
        case {"amount": _, "unit": _} if entry.keys() <= set(Budget.__slots__):
            budget = Budget(**entry)
            return budget if budget.fits else None
    return None
