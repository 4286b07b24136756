"""
A device's week as sums: everything that leaves it, and nothing else does (pure).

No ids, no times of day, no conversations, no clients, no ratings. ``FIELDS`` is the allow-list that tests hold the wire
and the organisation's database to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Any, NamedTuple

from tracker.record import Activity


class WeekRow(NamedTuple):
    """What one device did in one week in one way: the key, then sums. A tuple, for a loader takes millions of them."""

    service: str
    provider: str = ""
    model: str = ""
    operation: str = "chat"
    initiator: str = "person"
    features: str = ""
    """Space-separated ``feature.state``, sorted."""
    requests: int = 0
    input_tokens: int = 0
    input_known: int = 0
    output_tokens: int = 0
    output_known: int = 0
    cached_input_tokens: int = 0
    reasoning_tokens: int = 0
    reasoning_known: int = 0
    reported_requests: int = 0
    """Requests whose output tokens the service itself reported."""
    long_input_squared: float = 0.0
    """Σ max(0, input_tokens - 8000)²."""
    output_squared: float = 0.0
    """Σ output_tokens²: how uneven the turns are."""
    earlier_tokens: int = 0
    thinking_ms: int = 0
    thinking_known: int = 0
    duration_ms: int = 0
    duration_known: int = 0
    response_bytes: int = 0
    media_count: int = 0
    media_seconds: float = 0.0
    media_pixels: int = 0
    attachments: int = 0
    attachment_bytes: int = 0

    @property
    def key(self) -> tuple[str, ...]:
        return (self.service, self.provider, self.model, self.operation, self.initiator, self.features)


KEYS = ("service", "provider", "model", "operation", "initiator", "features")
SUMS = WeekRow._fields[len(KEYS) :]
FRACTIONS = ("long_input_squared", "output_squared", "media_seconds")
"""Sums that are not whole numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One device's week as it travels. ``rows`` is empty for a week without use: that the device was there counts."""

    pseudonym: str
    """32 hex digits, drawn on the device when it joined; no mapping to a person exists anywhere."""
    unit: str
    week: str
    """ISO date of its Monday."""
    revision: int
    coverage: float | None = None
    """Share of the week's listening time that was really heard, 0 to 1; None where it is not known."""
    rows: tuple[WeekRow, ...] = ()
    tombstone: bool = False
    """Take everything back that this pseudonym ever sent, and refuse what still comes."""


FIELDS = frozenset({field.name for field in fields(Batch)} | set(WeekRow._fields))


def sum_week(activities: Iterable[Activity]) -> tuple[WeekRow, ...]:
    """Fold a week's activities into rows; days, efforts, outcomes and hours are gone afterwards."""
    folded: dict[tuple[str, ...], dict[str, Any]] = {}
    for activity in activities:
        features = " ".join(sorted(f"{feature}.{state}" for feature, state in activity.features))
        values = (activity.service, activity.provider, activity.model, activity.operation, activity.initiator, features)
        key = tuple(value or "" for value in values)
        sums = folded.setdefault(key, dict.fromkeys(SUMS, 0))
        for name in SUMS:
            if name == "reported_requests":
                sums[name] += activity.requests if activity.output_tokens_source == "reported" else 0
            else:
                sums[name] += getattr(activity, name)
    return tuple(WeekRow(**(dict(zip(KEYS, key, strict=True)) | sums)) for key, sums in sorted(folded.items()))


def to_activity(row: WeekRow, week: str) -> Activity:
    """Return a row as the activity that a footprint is worked out from; the week stands on its Monday."""
    source = "reported" if 2 * row.reported_requests > row.requests else "counted"
    return Activity(
        day=week,
        service=row.service,
        provider=row.provider or None,
        operation=row.operation,
        initiator=row.initiator,
        model=row.model or None,
        effort=None,
        outcome="complete",
        input_tokens_source=source if row.input_known else "unknown",
        output_tokens_source=source if row.output_known else "unknown",
        reasoning_tokens_source="reported" if row.reasoning_known else "unknown",
        features=tuple((name, state) for name, _, state in (one.partition(".") for one in row.features.split())),
        **{name: getattr(row, name) for name in SUMS if name != "reported_requests"},
    )


def finished_weeks(first: date, today: date, *, closed_hours: int = 24) -> list[str]:
    """Return the Mondays of all weeks from ``first`` that have been over for at least ``closed_hours``."""
    monday = first - timedelta(days=first.weekday())
    last_end = today - timedelta(days=-(-closed_hours // 24))
    weeks = []
    while monday + timedelta(days=7) <= last_end:
        weeks.append(monday.isoformat())
        monday += timedelta(days=7)
    return weeks


def tell_rows(batch: Batch) -> list[Mapping[str, Any]]:
    """Return the rows with their column names, for a person to look at before anything is sent."""
    return [row._asdict() for row in batch.rows]
