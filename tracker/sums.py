"""Records summed into activities: a GROUP BY over everything that a footprint depends on, remembered for past days."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import get_args

from tracker.record import FEATURES, Activity, FeatureState
from tracker.sum_queries import AMOUNTS, DAYS, EARLIER, KEYS, MISSING_DAYS, SUMMED, SUMS, TOTALS, WHOLE_DAY

_STATES = frozenset(get_args(FeatureState))
Key = tuple[str | None, ...]
Place = tuple[str, int, Key]
"""Day, hour and what the records share."""


WEEKDAY = "(CAST(strftime('%w', day) AS INTEGER) + 6) % 7"
"""Of a day in SQL: 0 is Monday."""


@dataclass(slots=True)
class Group:
    """The sums of one group of records."""

    sums: list[float]
    amounts: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, sums: Sequence[float]) -> None:
        self.sums = [mine + other for mine, other in zip(self.sums, sums, strict=True)]


def by_day(connection: sqlite3.Connection, since: date, until: date) -> list[Activity]:
    """Return the sums of the local days ``since`` (inclusive) to ``until`` (exclusive)."""
    span = (since.isoformat(), until.isoformat())
    groups: dict[Place, Group] = {}
    names = ", ".join(SUMMED)
    for day, key, *sums in connection.execute(
        f"SELECT day, key, {names} FROM sums JOIN summed_days USING (day) "  # noqa: S608 - names, no values
        f"WHERE hour = {WHOLE_DAY} AND day >= ? AND day < ?",
        span,
    ):
        groups[day, WHOLE_DAY, _parse_key(key)] = Group(sums)
    for day, key, feature, state, amount in connection.execute(
        f"SELECT day, key, feature, state, amount FROM sum_amounts JOIN summed_days USING (day) "  # noqa: S608 - a number
        f"WHERE hour = {WHOLE_DAY} AND day >= ? AND day < ?",
        span,
    ):
        groups[day, WHOLE_DAY, _parse_key(key)].amounts[feature, state] = amount
    groups |= calculate(connection, missing_days(connection, *span), by_hour=False)
    return [_to_activity(day, key, group) for (day, _, key), group in sorted(groups.items(), key=_order)]


def by_hour(connection: sqlite3.Connection, since: date, until: date) -> list[tuple[int, int, Activity]]:
    """
    Return the sums by weekday (0 is Monday) and local hour, each with the first of its days.

    In a period of a week or less every weekday is one day.
    """
    span = (since.isoformat(), until.isoformat())
    first_days: dict[tuple[int, int, Key], str] = {}
    groups: dict[tuple[int, int, Key], Group] = {}
    totals = ", ".join(f"sum({name})" for name in SUMMED)
    for number, hour, key, day, *sums in connection.execute(
        f"SELECT {WEEKDAY}, hour, key, min(day), {totals} FROM sums JOIN summed_days USING (day) "  # noqa: S608 - names, no values
        f"WHERE hour > {WHOLE_DAY} AND day >= ? AND day < ? GROUP BY 1, 2, 3",
        span,
    ):
        place = (number, hour, _parse_key(key))
        first_days[place], groups[place] = day, Group(sums)
    for number, hour, key, feature, state, amount in connection.execute(
        f"SELECT {WEEKDAY}, hour, key, feature, state, sum(amount) FROM sum_amounts JOIN summed_days USING (day) "  # noqa: S608 - names, no values
        f"WHERE hour > {WHOLE_DAY} AND day >= ? AND day < ? GROUP BY 1, 2, 3, 4, 5",
        span,
    ):
        groups[number, hour, _parse_key(key)].amounts[feature, state] = amount
    for (day, hour, key), group in calculate(connection, missing_days(connection, *span), by_hour=True).items():
        place = (date.fromisoformat(day).weekday(), hour, key)
        if (known := groups.get(place)) is None:
            first_days[place], groups[place] = day, group
        else:
            first_days[place] = min(first_days[place], day)
            known.add(group.sums)
            for pair, amount in group.amounts.items():
                known.amounts[pair] = known.amounts.get(pair, 0) + amount
    return [
        (number, hour, _to_activity(first_days[number, hour, key], key, group))
        for (number, hour, key), group in sorted(groups.items(), key=_order)
    ]


def requests_by_hour(connection: sqlite3.Connection, since: date, until: date) -> list[tuple[int, int, int]]:
    """Return the records by weekday (0 is Monday) and local hour, where there are any: ``by_hour`` without its sums."""
    span = (since.isoformat(), until.isoformat())
    new = json.dumps(missing_days(connection, *span))
    return connection.execute(
        f"SELECT {WEEKDAY}, hour, sum(number) FROM ("  # noqa: S608 - names, no values
        "SELECT day, hour, requests AS number FROM sums JOIN summed_days USING (day) "
        f"WHERE hour > {WHOLE_DAY} AND day >= ? AND day < ? "
        "UNION ALL SELECT local_day, local_hour, 1 FROM requests WHERE local_day IN (SELECT value FROM json_each(?))"
        ") GROUP BY 1, 2 ORDER BY 1, 2",
        (*span, new),
    ).fetchall()


def of_record(connection: sqlite3.Connection, record_id: str, day: str) -> Activity | None:
    """Return the sums of one record alone."""
    found = calculate(connection, [day], by_hour=False, only=record_id)
    return next((_to_activity(day, key, group) for (_, _, key), group in found.items()), None)


def calculate(
    connection: sqlite3.Connection, days: Iterable[str], *, by_hour: bool, only: str | None = None
) -> dict[Place, Group]:
    """Sum the records of these days (or the one record ``only``) as they are now."""
    values = {"days": json.dumps(list(days)), "only": only}
    if values["days"] == "[]":
        return {}
    width = len(KEYS) + 2
    slots = {
        "hour": "local_hour" if by_hour else str(WHOLE_DAY),
        "keys": ", ".join(KEYS),
        "sums": ", ".join(SUMS.values()),
        "positions": ", ".join(str(position + 1) for position in range(width)),
        "where": DAYS + (" AND requests.id = :only" if only else ""),
    }
    groups: dict[Place, Group] = {}
    for row in connection.execute(TOTALS.format(**slots), values):
        groups[row[0], row[1], row[2:width]] = Group(list(row[width:]))
    for row in connection.execute(AMOUNTS.format(**slots), values):
        feature, state, amount = row[width:]
        groups[row[0], row[1], row[2:width]].amounts[feature, state] = amount
    for row in connection.execute(EARLIER.format(**slots), values):
        groups[row[0], row[1], row[2:width]].sums[-1] = row[width]
    return groups


def missing_days(connection: sqlite3.Connection, since: str, until: str) -> list[str]:
    """Return the days with records whose sums are not remembered."""
    rows = connection.execute(MISSING_DAYS, (since, until))
    return sorted(day for (day,) in rows)


def remember(connection: sqlite3.Connection, days: Sequence[str]) -> None:
    """Remember the sums of these days. Whoever changes a record of a day must ``forget`` the day."""
    forget(connection, days)
    names, marks = ", ".join(SUMMED), ", ".join("?" * (3 + len(SUMMED)))
    groups = calculate(connection, days, by_hour=True)
    connection.executemany(
        f"INSERT INTO sums (day, hour, key, {names}) VALUES ({marks})",  # noqa: S608 - names, no values
        [(day, hour, json.dumps(key), *group.sums) for (day, hour, key), group in groups.items()],
    )
    connection.executemany(
        "INSERT INTO sum_amounts (day, hour, key, feature, state, amount) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (day, hour, json.dumps(key), *pair, amount)
            for (day, hour, key), group in groups.items()
            for pair, amount in group.amounts.items()
        ],
    )
    totals = ", ".join(f"sum({name})" for name in SUMMED)
    some = ", ".join("?" * len(days))
    connection.execute(
        f"INSERT INTO sums (day, hour, key, {names}) "  # noqa: S608 - names and marks, no values
        f"SELECT day, {WHOLE_DAY}, key, {totals} FROM sums WHERE day IN ({some}) GROUP BY day, key",
        days,
    )
    connection.execute(
        "INSERT INTO sum_amounts (day, hour, key, feature, state, amount) "  # noqa: S608 - marks, no values
        f"SELECT day, {WHOLE_DAY}, key, feature, state, sum(amount) FROM sum_amounts WHERE day IN ({some}) "
        "GROUP BY day, key, feature, state",
        days,
    )
    connection.executemany("INSERT INTO summed_days VALUES (?)", [(day,) for day in days])


def forget(connection: sqlite3.Connection, days: Iterable[str] | None = None) -> None:
    """Forget the remembered sums of these days; of all days if none are given."""
    for table in ("summed_days", "sum_amounts", "sums"):
        if days is None:
            connection.execute(f"DELETE FROM {table}")  # noqa: S608 - our own table names
        else:
            connection.executemany(f"DELETE FROM {table} WHERE day = ?", [(day,) for day in days])  # noqa: S608 - our own table names


@lru_cache(maxsize=4096)
def _parse_key(text: str) -> Key:
    return tuple(json.loads(text))


@lru_cache(maxsize=4096)
def _parse_features(text: str) -> tuple[tuple[str, str], ...]:
    """Return the features and states that are known; another program, or a newer klimaspor, may have written others."""
    pairs = (entry.rpartition(".") for entry in text.split())
    return tuple((feature, state) for feature, _, state in pairs if feature in FEATURES and state in _STATES)


def _to_activity(day: str, key: Key, group: Group) -> Activity:
    service, provider, operation, initiator, model, effort, outcome, *sources, feature_set = key
    if min(group.sums) < 0:
        raise ValueError("a sum of counts is negative")
    return Activity(
        day=day,
        service=str(service),
        provider=provider,
        operation=str(operation),
        initiator=str(initiator),
        model=model,
        effort=effort,
        outcome=str(outcome),
        input_tokens_source=str(sources[0]),
        output_tokens_source=str(sources[1]),
        reasoning_tokens_source=str(sources[2]),
        features=_parse_features(feature_set or ""),
        feature_amounts=tuple((feature, state, amount) for (feature, state), amount in sorted(group.amounts.items())),
        **dict(zip(SUMMED, group.sums, strict=True)),  # type: ignore[arg-type]  # whole where the activity wants whole
    )


def _order(entry: tuple[tuple[str | int, int, Key], Group]) -> tuple[str | int, int, tuple[str, ...]]:
    first, second, key = entry[0]
    return first, second, tuple(part or "" for part in key)
