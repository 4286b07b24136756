"""Records as rows of the tables ``requests`` and ``features``, and back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from tracker.moments import local_day
from tracker.naming import keep_model
from tracker.record import Feature, Record, Unread
from tracker.schema import REQUEST_COLUMNS
from tracker.sums import forget
from tracker.twins import drop_heard

BATCH = 500
"""Rows that are looked up and written at once."""
_COMPLETENESS = {"aborted": 0, "error": 0}
"""Any other outcome is a whole answer."""


@dataclass(frozen=True, slots=True)
class Added:
    """What became of the records that were added."""

    new: int = 0
    replaced: int = 0
    """A more complete reading of an answer that was known."""
    known: int = 0
    """Nothing changed: known at least as well already."""

    def __add__(self, other: Added) -> Added:
        return Added(self.new + other.new, self.replaced + other.replaced, self.known + other.known)


@dataclass(frozen=True, slots=True)
class Rating:
    """A person's own judgement of a conversation or a request."""

    subject: str
    kind: str
    worth: int | None
    """1 (not worth it) to 5 (well worth it)."""
    minutes_saved: int | None
    rated_at: str


COLUMNS = ", ".join(REQUEST_COLUMNS)
_FIELDS = attrgetter(*REQUEST_COLUMNS)
_STARTED, _OFFSET = REQUEST_COLUMNS.index("started_at"), REQUEST_COLUMNS.index("utc_offset_minutes")
_REVISION = REQUEST_COLUMNS.index("revision")
_MODELS = tuple(REQUEST_COLUMNS.index(name) for name in ("request_model", "response_model"))
_INSERT = (
    f"INSERT INTO requests ({COLUMNS}, feature_set) "  # noqa: S608 - names, no values
    f"VALUES ({', '.join('?' * (len(REQUEST_COLUMNS) + 1))})"
)


def add_batch(connection: sqlite3.Connection, batch: Sequence[Record]) -> Added:
    """Write at most ``BATCH`` records inside the open transaction; see ``Store.add`` for which readings win."""
    given = len(batch)
    batch = drop_heard(connection, batch)
    marks = ", ".join("?" * len(batch))
    known = {
        row[0]: (_rank(*row[1:6]), int(row[6]))
        for row in connection.execute(
            "SELECT id, outcome, output_tokens, media_count, media_seconds, input_tokens, revision "  # noqa: S608 - marks
            f"FROM requests WHERE id IN ({marks})",
            [record.id for record in batch],
        )
    }
    before = set(known)
    chosen: dict[str, tuple[Record, int]] = {}
    same, replaced = given - len(batch), 0
    for record in batch:
        made = (record.media_count, record.media_seconds)
        rank = _rank(record.outcome, record.output_tokens, *made, record.input_tokens)
        revision = record.revision
        if record.id in known:
            if rank <= known[record.id][0]:
                same += 1
                continue
            revision = max(known[record.id][1] + 1, record.revision)
            replaced += 1
        known[record.id] = (rank, revision)
        chosen[record.id] = (record, revision)
    _forget_sums(connection, chosen.values())
    if replaced:
        again = [(key,) for key in chosen if key in before]
        connection.executemany("DELETE FROM features WHERE request_id = ?", again)
        connection.executemany("DELETE FROM requests WHERE id = ?", again)
    connection.executemany(_INSERT, [_to_row(record, revision) for record, revision in chosen.values()])
    connection.executemany(
        "INSERT INTO features (request_id, feature, state, amount) VALUES (?, ?, ?, ?)",
        [
            (record.id, feature.feature, feature.state, feature.amount)
            for record, _ in chosen.values()
            for feature in record.features
        ],
    )
    return Added(given - same - replaced, replaced, same)


def add_counters(
    connection: sqlite3.Connection, unread: Iterable[Unread], refused: Iterable[tuple[str, str, int]]
) -> None:
    """Count what could not be read, and (day, service, number) of refusals, inside the open transaction."""
    connection.executemany(
        "INSERT INTO unread (day, service, shape, reason, n) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET n = n + excluded.n",
        [(item.day, item.service, item.shape, item.reason, item.n) for item in unread],
    )
    sql = "INSERT INTO refused (day, service, n) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n"
    connection.executemany(sql, refused)


def _forget_sums(connection: sqlite3.Connection, chosen: Iterable[tuple[Record, int]]) -> None:
    """Forget the sums of the days that change: their own, and those with later turns of the same conversations."""
    known = {day for (day,) in connection.execute("SELECT day FROM summed_days")}
    if not known:
        return
    records = [record for record, _ in chosen]
    days = {local_day(record.started_at, record.utc_offset_minutes).isoformat() for record in records}
    talks = {
        record.conversation for record in records if record.conversation and record.input_tokens_source != "reported"
    }
    ids, marks = [record.id for record in records], ", ".join("?" * len(talks))
    days |= {day for (day,) in connection.execute(
        f"SELECT DISTINCT local_day FROM requests WHERE conversation IN ({marks})", list(talks)  # noqa: S608 - marks
    )}  # fmt: skip
    marks = ", ".join("?" * len(ids))
    days |= {day for (day,) in connection.execute(
        f"SELECT local_day FROM requests WHERE id IN ({marks})", ids  # noqa: S608 - marks
    )}  # fmt: skip
    forget(connection, known & days)


def _rank(
    outcome: str, output: int | None, media: int | None, seconds: float | None, given: int | None
) -> tuple[float, ...]:
    """How complete a reading is: how it ended, then what came out, then whether the question was seen as well."""
    return (_COMPLETENESS.get(outcome, 1), output or 0, media or 0, seconds or 0, given or 0)


def _to_row(record: Record, revision: int) -> tuple[object, ...]:
    row = list(_FIELDS(record))
    row[_REVISION] = revision
    for place in _MODELS:
        if row[place] is not None:
            row[place] = keep_model(row[place])
    features = record.features
    row.append(" ".join(sorted({f"{feature.feature}.{feature.state}" for feature in features})) if features else "")
    return tuple(row)


def to_records(connection: sqlite3.Connection, rows: Sequence[tuple[object, ...]]) -> list[Record]:
    """
    Return the records of at most ``BATCH`` rows of ``requests`` (its public columns), with their features.

    Raises ``ValueError``, ``TypeError`` or ``OverflowError`` for a row whose moment is none.
    """
    marks = ", ".join("?" * len(rows))
    features: dict[object, list[Feature]] = {}
    for request_id, *rest in connection.execute(
        f"SELECT request_id, feature, state, amount FROM features WHERE request_id IN ({marks}) "  # noqa: S608 - marks
        "ORDER BY request_id, feature, state",
        [row[0] for row in rows],
    ):
        features.setdefault(request_id, []).append(Feature(*rest))
    for row in rows:
        local_day(str(row[_STARTED]), int(row[_OFFSET]))  # type: ignore[call-overload]  # raises where there is none
    return [
        Record(**dict(zip(REQUEST_COLUMNS, row, strict=True)), features=tuple(features.get(row[0], ())))  # type: ignore[arg-type]  # STRICT columns have the record's types
        for row in rows
    ]
