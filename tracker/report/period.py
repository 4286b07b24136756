"""The span of days a report is about: an ISO week, the last days, or any two dates; and the span to compare with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from tracker.errors import TellableError

Kind = Literal["week", "days"]

_WEEK = re.compile(r"(\d{4})-?W(\d{1,2})")
_LAST = re.compile(r"(\d{1,4})\s*([dw])")

LONGEST_DAYS = 3700
"""Ten years: longer spans are a typing mistake."""


class PeriodError(TellableError):
    """There is no such period."""


@dataclass(frozen=True, slots=True)
class Period:
    """Local days from ``since`` until before ``until``."""

    since: date
    until: date
    timezone: str
    kind: Kind = "days"

    @property
    def days(self) -> list[date]:
        """Every day of the period, in order."""
        return [self.since + timedelta(days=n) for n in range((self.until - self.since).days)]

    @property
    def name(self) -> str:
        """``2026-W47`` for a week, else ``2026-11-01--2026-11-20`` with the last day included."""
        if self.kind == "week":
            year, week, _ = self.since.isocalendar()
            return f"{year}-W{week:02}"
        return f"{self.since.isoformat()}--{(self.until - timedelta(days=1)).isoformat()}"

    def is_complete(self, today: date) -> bool:
        """Whether the last day is over."""
        return today >= self.until

    def so_far(self, today: date) -> Period:
        """Return the part that has begun: until the end of ``today``, at least one day."""
        until = min(self.until, max(today, self.since) + timedelta(days=1))
        return Period(self.since, until, self.timezone, self.kind)

    def before(self, today: date) -> Period:
        """
        Return the period to compare with: as many days, just before.

        A week is compared with the week before; a week still running with the same days of the week before.
        """
        began = self.so_far(today)
        if self.kind == "week":
            step = timedelta(days=7)
            return Period(began.since - step, began.until - step, self.timezone, self.kind)
        length = began.until - began.since
        return Period(began.since - length, began.since, self.timezone, self.kind)

    def weeks_before(self, count: int) -> list[Period]:
        """Return the ``count`` whole ISO weeks before this period, the nearest first."""
        monday = self.since - timedelta(days=self.since.weekday())
        return [
            Period(monday - timedelta(weeks=n), monday - timedelta(weeks=n - 1), self.timezone, "week")
            for n in range(1, count + 1)
        ]


def iso_week(text: str, timezone: str) -> Period:
    """Return the week named like ``2026-W47``; raise PeriodError if there is none."""
    found = _WEEK.fullmatch(text.strip().upper())
    try:
        if found is None:
            raise ValueError
        since = date.fromisocalendar(int(found[1]), int(found[2]), 1)
        return Period(since, since + timedelta(days=7), timezone, "week")
    except (ValueError, OverflowError):
        message = f"{text!r} is not a week; weeks look like 2026-W47, and a year has 52 or 53 of them"
        raise PeriodError(message) from None


def last(text: str, today: date, timezone: str) -> Period:
    """Return the last days or weeks, today included: ``7d`` is today and the six days before, ``4w`` 28 days."""
    found = _LAST.fullmatch(text.strip().lower())
    if found is None:
        message = f"{text!r} is not a length of time; try 7d for seven days or 4w for four weeks"
        raise PeriodError(message)
    days = int(found[1]) * (7 if found[2] == "w" else 1)
    if not 1 <= days <= LONGEST_DAYS:
        message = f"{text!r} is not a usable length; choose between 1d and {LONGEST_DAYS}d"
        raise PeriodError(message)
    until = today + timedelta(days=1)
    return Period(until - timedelta(days=days), until, timezone)


def between(since: str | None, until: str | None, today: date, timezone: str) -> Period:
    """Return the days from ``since`` until before ``until`` (ISO dates; tomorrow if not given)."""
    end = today + timedelta(days=1) if until is None else _day(until)
    if since is None:
        message = "--until needs --since, the first day of the report"
        raise PeriodError(message)
    start = _day(since)
    if start >= end:
        if until is None:
            raise not_begun(start, today)
        message = f"No day lies from {start} up to {end}, which is left out; --since must be the earlier of the two"
        raise PeriodError(message)
    if start > today:
        raise not_begun(start, today)
    if (end - start).days > LONGEST_DAYS:
        message = f"A report of {(end - start).days} days is too long; choose at most {LONGEST_DAYS}"
        raise PeriodError(message)
    monday_to_monday = start.weekday() == 0 and (end - start).days == 7
    return Period(start, end, timezone, "week" if monday_to_monday else "days")


def not_begun(since: date, today: date) -> PeriodError:
    """Return the error for days to come: an empty report of them would say that nothing was used."""
    return PeriodError(f"{since} has not begun: today is {today}; choose a day that has")


def usual_choice(today: date, first_day: date | None, timezone: str) -> Period:
    """Return the last finished ISO week if anything was recorded by its end, else this week so far."""
    monday = today - timedelta(days=today.weekday())
    if first_day is not None and first_day < monday:
        return Period(monday - timedelta(days=7), monday, timezone, "week")
    return Period(monday, monday + timedelta(days=7), timezone, "week")


def next_day(day: date) -> date:
    """Return the day after."""
    return day + timedelta(days=1)


def zone_name(now: datetime) -> str:
    """Return the name of the clock's time zone: ``Europe/Oslo``, or ``UTC+01:00`` where only the offset is known."""
    key = getattr(now.tzinfo, "key", None)
    if isinstance(key, str):
        return key
    offset = now.utcoffset() or timedelta()
    minutes = int(offset.total_seconds() // 60)
    return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}" if minutes else "UTC"


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        message = f"{text!r} is not a day; days look like 2026-11-16"
        raise PeriodError(message) from None
