"""
A device's week as sums: everything that leaves it, and nothing else does (pure).

No ids, no times of day, no conversations, no clients, no ratings. ``FIELDS`` is the allow-list that tests hold the wire
and the organisation's database to.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import Any

from tracker.record import FEATURES, LARGEST_COUNT, Activity

MOST_ROWS = 5000
"""More kinds of use in one week than any person has; a batch with more is refused."""
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,40}")
_MODEL = re.compile(r"[A-Za-z0-9._:/@-]{1,80}")
_UNIT = re.compile(r"\w[\w .&-]{0,39}(/\w[\w .&-]{0,39}){0,4}")
_PSEUDONYM = re.compile(r"[0-9a-f]{32}")
_FEATURE = re.compile(rf"(?:{'|'.join(FEATURES)})\.(?:asked|used)")


class BatchError(ValueError):
    """A batch that cannot be taken; the message says why, never what it held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekRow:
    """What one device did in one week in one way: the key, then sums."""

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
SUMS = tuple(field.name for field in fields(WeekRow) if field.name not in KEYS)
FRACTIONS = ("long_input_squared", "output_squared", "media_seconds")
"""Sums that are not whole numbers."""
values_of = attrgetter(*KEYS, *SUMS)
"""Return a row's values in the order of the columns."""
_COUNTS = tuple(name for name in SUMS if name not in FRACTIONS)
_ORDER = (*KEYS, *_COUNTS, *FRACTIONS)
_key_of, _counts_of, _fractions_of = (
    itemgetter(*((*KEYS, *SUMS).index(name) for name in names)) for names in (KEYS, _COUNTS, FRACTIONS)
)


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


FIELDS = frozenset(field.name for kind in (Batch, WeekRow) for field in fields(kind))


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


def encode(batch: Batch) -> bytes:
    """Return the batch as compact JSON: what goes out of the device, byte for byte."""
    told = {field.name: getattr(batch, field.name) for field in fields(batch)}
    told |= {"rows": [values_of(row) for row in batch.rows], "columns": [*KEYS, *SUMS]}
    return json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()


def decode(data: bytes, *, most_bytes: int = 1_000_000) -> Batch:
    """
    Return the batch in a message that anyone could have sent.

    Raises ``BatchError`` for anything that is not exactly a batch: too large, other columns, a value of another form.
    """
    if len(data) > most_bytes:
        raise BatchError("the batch is too large")
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        raise BatchError("the batch is not JSON") from None
    match told:
        case {
            "pseudonym": str(pseudonym),
            "unit": str(unit),
            "week": str(week),
            "revision": int(revision),
            "coverage": float() | int() | None as coverage,
            "rows": list(rows),
            "columns": list(columns),
            "tombstone": bool(tombstone),
        } if len(told) == 8 and columns == [*KEYS, *SUMS] and len(rows) <= MOST_ROWS:
            _check(_PSEUDONYM.fullmatch(pseudonym) and _UNIT.fullmatch(unit), "its head")
            _check(_is_monday(week) and 1 <= revision <= LARGEST_COUNT, "its head")
            _check(coverage is None or 0 <= coverage <= 1, "its coverage")
            decoded = tuple(_decode_row(row) for row in rows)
            _check(len({row.key for row in decoded}) == len(decoded), "two rows of one kind")
            return Batch(
                pseudonym=pseudonym,
                unit=unit,
                week=week,
                revision=revision,
                coverage=coverage,
                rows=decoded,
                tombstone=tombstone,
            )
    raise BatchError("the batch has another form")


def _decode_row(values: object) -> WeekRow:
    if not isinstance(values, list) or len(values) != len(KEYS) + len(SUMS):
        raise BatchError("the batch has another form in a row")
    key, counts, fractions = _key_of(values), _counts_of(values), _fractions_of(values)
    try:
        _check_key(key)
    except TypeError:  # a list cannot be looked up
        raise BatchError("the batch has another form in a row's key") from None
    _check(set(map(type, counts)) == {int} and min(counts) >= 0 and max(counts) <= LARGEST_COUNT, "a sum")
    _check(set(map(type, fractions)) <= {int, float}, "a sum")
    first, second, third = fractions
    _check(0 <= first <= 1e24 and 0 <= second <= 1e24 and 0 <= third <= 1e24, "a sum")
    return WeekRow(**dict(zip(_ORDER, (*key, *counts, *map(float, fractions)), strict=True)))


@lru_cache(maxsize=20_000)
def _check_key(key: tuple[str, ...]) -> None:
    """Check a row's key; the same few come again and again."""
    _check(all(isinstance(one, str) for one in key), "a row's key")
    service, provider, model, operation, initiator, features = key
    for name in (service, provider):
        _check(not name or _NAME.fullmatch(name.replace("_", "-")), "a row's key")
    for name in (operation, initiator):
        _check(_NAME.fullmatch(name.replace("_", "-")), "a row's key")
    _check(not model or _MODEL.fullmatch(model), "a row's model")
    told = features.split()
    _check(len(told) == len(set(told)) and all(map(_FEATURE.fullmatch, told)), "a row's features")


def _check(holds: object, where: str) -> None:
    if not holds:
        raise BatchError(f"the batch has another form in {where}")


def _is_monday(text: str) -> bool:
    try:
        return date.fromisoformat(text).weekday() == 0 and len(text) == 10
    except ValueError:
        return False


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
    return [asdict(row) for row in batch.rows]
