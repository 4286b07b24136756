"""What a report is made from: sums, gaps, ratings and newest answers of its period and of those it is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from tracker.record import Activity, Record, Unread
from tracker.report.coverage import Listening
from tracker.report.period import Period
from tracker.report.times import Hours

if TYPE_CHECKING:
    from tracker.store import Rating


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What is known of one stretch of days."""

    period: Period
    activities: Sequence[Activity]
    unread: Sequence[Unread] = ()
    refused: Sequence[tuple[str, int]] = ()
    listening: Listening = field(default_factory=Listening)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything a report is a pure function of, but for the footprint's own factors."""

    span: Span
    previous: Span
    weeks: Sequence[Span]
    """The eight weeks before, for what is usual."""
    hours: Hours
    """Only where tables are wanted; else ``busy``."""
    busy: Sequence[tuple[int, int, int]]
    """(weekday, 0 is Monday; hour; answers)."""
    records: Sequence[Record]
    """The answers of the period, newest first; only some thousands, for comparisons of single answers."""
    ratings: Sequence[Rating]
    now: datetime
    version: str
    lang: str = "en"
    demo: bool = False
    tables: bool = True
    """Also what only JSON and CSV tell: the days of a period that is told by weeks, and the footprint of each hour."""
