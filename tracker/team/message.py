"""A device's week as the bytes that travel, and back: whatever else comes is refused in one sentence (pure)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import fields
from datetime import date
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import get_args

from tracker.record import FEATURES, LARGEST_COUNT, Initiator, Operation, model_name
from tracker.team.week import FRACTIONS, KEYS, SUMS, Batch, WeekRow

MOST_BYTES = 1_000_000
MOST_ROWS = 5000
"""More kinds of use in one week than any person has; a batch with more is refused."""
LARGEST_FRACTION = 1e24
LAST_YEAR = 8999
OPERATIONS, INITIATORS = frozenset(get_args(Operation)), frozenset(get_args(Initiator))
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,40}")
_UNIT = re.compile(r"\w[\w .&-]{0,39}(/\w[\w .&-]{0,39}){0,4}")
_PSEUDONYM = re.compile(r"[0-9a-f]{32}")
_FEATURE = re.compile(rf"(?:{'|'.join(FEATURES)})\.(?:asked|used)")
COLUMNS = [*KEYS, *SUMS]
_key_of = itemgetter(*range(len(KEYS)))
_counts_of = itemgetter(*(COLUMNS.index(name) for name in SUMS if name not in FRACTIONS))
_fractions_of = itemgetter(*map(COLUMNS.index, FRACTIONS))


class BatchError(ValueError):
    """A batch that cannot be taken; the message says why, never what it held."""


def encode(batch: Batch) -> bytes:
    """Return the batch as compact JSON: what goes out of the device, byte for byte."""
    told = {field.name: getattr(batch, field.name) for field in fields(batch)} | {"columns": COLUMNS}
    return json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()


def decode(data: bytes) -> Batch:
    """
    Return the batch in a message that anyone could have sent.

    Raises ``BatchError`` for anything that is not exactly a batch: too large, other columns, a value of another form.
    """
    if len(data) > MOST_BYTES:
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
        } if len(told) == 8 and columns == COLUMNS and len(rows) <= MOST_ROWS:
            _check(_PSEUDONYM.fullmatch(pseudonym) and _UNIT.fullmatch(unit), "its head")
            _check(_is_monday(week) and type(revision) is int and 1 <= revision <= LARGEST_COUNT, "its head")
            _check(coverage is None or (type(coverage) is not bool and 0 <= coverage <= 1), "its coverage")
            return Batch(
                pseudonym=pseudonym,
                unit=unit,
                week=week,
                revision=revision,
                coverage=coverage,
                rows=_decode_rows(rows),
                tombstone=tombstone,
            )
    raise BatchError("the batch has another form")


def _decode_rows(rows: list[object]) -> tuple[WeekRow, ...]:
    """Return the rows; a batch is looked at as a whole, for millions of rows come on one day."""
    if not rows:
        return ()
    lists = [row for row in rows if isinstance(row, list) and len(row) == len(COLUMNS)]
    _check(len(lists) == len(rows), "a row")
    keys = list(map(_key_of, lists))
    try:
        for key in keys:
            _check_key(key)
        _check(len(set(keys)) == len(keys), "two rows of one kind")
    except TypeError:  # a list cannot be looked up
        raise BatchError("the batch has another form in a row's key") from None
    counts = list(chain.from_iterable(map(_counts_of, lists)))
    _check(set(map(type, counts)) == {int} and min(counts) >= 0 and max(counts) <= LARGEST_COUNT, "a sum")
    fractions = list(chain.from_iterable(map(_fractions_of, lists)))
    _check(set(map(type, fractions)) <= {int, float}, "a sum")
    _check(all(0 <= one <= LARGEST_FRACTION for one in fractions), "a sum")
    return tuple(map(WeekRow._make, lists))


@lru_cache(maxsize=20_000)
def _check_key(key: Sequence[object]) -> None:
    """Check a row's key; the same few come again and again."""
    match key:
        case str(service), str(provider), str(model), str(operation), str(initiator), str(features):
            for name in (service, provider):
                _check(not name or _NAME.fullmatch(name.replace("_", "-")), "a row's key")
            _check(operation in OPERATIONS and initiator in INITIATORS, "a row's key")
            _check(not model or model_name(model), "a row's model")
            told = features.split(" ") if features else []
            _check(len(told) == len(set(told)) and all(map(_FEATURE.fullmatch, told)), "a row's features")
        case _:
            raise BatchError("the batch has another form in a row's key")


def _check(holds: object, where: str) -> None:
    if not holds:
        raise BatchError(f"the batch has another form in {where}")


def _is_monday(text: str) -> bool:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return False
    if day.year > LAST_YEAR:  # there is no day a week later than the last of all
        return False
    return day.weekday() == 0 and day.isoformat() == text  # 2026-W45-1 is a Monday to Python, but not to PostgreSQL
