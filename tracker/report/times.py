"""Activities grouped by day, week and hour of the week: the report's lists about when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tracker.record import Activity
from tracker.report.period import Period
from tracker.report.rows import group, row

if TYPE_CHECKING:
    from tracker.footprint import Assessment, Settings

Json = dict[str, Any]

LONG_LIST = 31
"""Lists of more rows than this take their ranges from fewer draws (see ``tracker.footprint.uncertainty``)."""
WEEKLY_FROM_DAYS = 63
"""Longer periods are also told week by week."""


def by_day(assessed: Assessment, period: Period) -> list[Json]:
    """Return a row for every day of the period, also the empty ones; with the energy that nobody saw go, in Wh."""
    groups = group(assessed.activities, lambda activity: activity.day)
    quick = len(period.days) > LONG_LIST
    days = [(day.isoformat(), groups.get(day.isoformat(), [])) for day in period.days]
    found = [row(key, indices, assessed, quick=quick) for key, indices in days]
    if assessed.settings.method != "ecologits":  # which as published knows nothing of it
        for item, (_, indices) in zip(found, days, strict=True):
            item["unseen_energy_wh"] = assessed.unseen_wh(indices)
    return found


def is_weekly(period: Period) -> bool:
    """Tell whether the period is so long that it is told week by week as well, and on the page by weeks alone."""
    return len(period.days) >= WEEKLY_FROM_DAYS


def by_week(assessed: Assessment, period: Period) -> list[Json]:
    """Return a row for every ISO week that the period touches: the thread of a longer report."""
    weeks: dict[str, list[int]] = {}
    starts: dict[str, str] = {}
    groups = group(assessed.activities, lambda activity: activity.day)
    for day in period.days:
        year, week, weekday = day.isocalendar()
        key = f"{year}-W{week:02}"
        starts.setdefault(key, (day - timedelta(days=weekday - 1)).isoformat())
        weeks.setdefault(key, []).extend(groups.get(day.isoformat(), []))
    quick = len(weeks) > LONG_LIST
    return [row(key, indices, assessed, quick=quick, since=starts[key]) for key, indices in weeks.items()]


Hours = Sequence[tuple[int, int, Activity]]
"""(weekday, 0 is Monday; hour; activity)."""


def by_hour(hours: Hours, settings: Settings) -> list[Json]:
    """Return a row for every hour of the week in which something happened; ``1T09`` is Monday from nine."""
    from tracker.footprint import assess

    assessed = assess([activity for _, _, activity in hours], settings)
    slots: dict[tuple[int, int], list[int]] = {}
    for number, (weekday, hour, _) in enumerate(hours):
        slots.setdefault((weekday, hour), []).append(number)
    quick = len(slots) > LONG_LIST
    return [row(indices=slots[slot], assessed=assessed, quick=quick, **_named(*slot)) for slot in sorted(slots)]


def counts_by_hour(busy: Sequence[tuple[int, int, int]]) -> list[Json]:
    """Return the same rows with nothing but the number of answers."""
    return [_named(weekday, hour) | {"requests": number} for weekday, hour, number in busy]


def _named(weekday: int, hour: int) -> Json:
    """Return what names an hour of the week; here Monday is 1."""
    return {"key": f"{weekday + 1}T{hour:02}", "weekday": weekday + 1, "hour": hour}
