"""Deleting that deletes: the rows, what was counted from them, the write-ahead log and the free pages."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import date

from tracker import marks, sums
from tracker.store import Store, StoreError


@dataclass(frozen=True, slots=True)
class Choice:
    """What to forget. Every part that is given narrows it; nothing given means everything."""

    since: date | None = None
    until: date | None = None
    """Exclusive."""
    service: str | None = None
    conversation: str | None = None
    """Its pseudonym, or the beginning of it, as ``klimaspor log --format json`` shows it."""

    @property
    def is_everything(self) -> bool:
        return self == Choice()


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was, or would be, removed."""

    records: int
    ratings: int
    counters: int
    """Rows that counted what could not be read or was refused."""
    first_day: str | None
    last_day: str | None


def preview(store: Store, choice: Choice) -> Forgotten:
    """Return what ``forget`` would remove."""
    with store.reading() as connection:
        return _count(connection, choice)


def forget(store: Store, choice: Choice) -> Forgotten:
    """
    Remove what was chosen, so that no byte of it stays in the file or beside it. Needs room for a copy of the file.

    With everything go the heartbeat, pauses and notices too; settings and the installation key stay.
    """
    where, values = _where(choice)
    with store.writing() as connection:
        forgotten = _count(connection, choice)
        sums.forget(connection)
        connection.execute(
            f"DELETE FROM features WHERE request_id IN (SELECT id FROM requests WHERE {where})",  # noqa: S608 - names, no values
            values,
        )
        connection.execute(f"DELETE FROM ratings WHERE {_rated(where)}", values)  # noqa: S608 - names, no values
        connection.execute(f"DELETE FROM requests WHERE {where}", values)  # noqa: S608 - names, no values
        if choice.conversation is None:
            counters, counted = _where_counters(choice)
            for table in ("unread", "refused"):
                connection.execute(f"DELETE FROM {table} WHERE {counters}", counted)  # noqa: S608 - names, no values
            if choice.since is None and choice.until is None:
                marks.forget(connection, counters, counted)
        if choice.is_everything:
            for table in ("ratings", "heartbeat", "passed_through", "pauses", "meta"):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - our own table names
    _scrub(store)
    return forgotten


def _scrub(store: Store) -> None:
    with store.reading() as connection:
        # Rows were overwritten with zeros (secure_delete); this rewrites the file without the free pages.
        connection.execute("VACUUM")
        (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()  # waits for readers, to a limit
        if not busy:
            return
    raise StoreError(
        f"It was removed, but another program still reads the old state · {store.path} · close that program and run "
        "`klimaspor forget` again, so that no byte is left"
    )


def _count(connection: sqlite3.Connection, choice: Choice) -> Forgotten:
    where, values = _where(choice)
    records, first, last = connection.execute(
        f"SELECT count(*), min(local_day), max(local_day) FROM requests WHERE {where}",  # noqa: S608 - names, no values
        values,
    ).fetchone()
    rated = "1" if choice.is_everything else _rated(where)
    (ratings,) = connection.execute(f"SELECT count(*) FROM ratings WHERE {rated}", values).fetchone()  # noqa: S608 - names, no values
    counters = 0
    if choice.conversation is None:
        condition, counted = _where_counters(choice)
        for table in ("unread", "refused"):
            sql = f"SELECT count(*) FROM {table} WHERE {condition}"  # noqa: S608 - names, no values
            counters += connection.execute(sql, counted).fetchone()[0]
    return Forgotten(records, ratings, counters, first, last)


def _rated(where: str) -> str:
    # A conversation's rating goes with the last of its turns.
    return (
        f"(kind = 'request' AND subject IN (SELECT id FROM requests WHERE {where})) "  # noqa: S608 - names, no values
        f"OR (kind = 'conversation' AND subject IN (SELECT conversation FROM requests WHERE {where}) "
        f"AND subject NOT IN (SELECT conversation FROM requests WHERE conversation IS NOT NULL AND NOT ({where})))"
    )


def _where(choice: Choice) -> tuple[str, dict[str, str]]:
    conditions, values = _where_counters(choice, day="local_day")
    if choice.conversation is not None:
        conditions += " AND conversation >= :conversation AND conversation < :conversation || 'g'"
        values["conversation"] = choice.conversation.lower()
    return conditions, values


def _where_counters(choice: Choice, day: str = "day") -> tuple[str, dict[str, str]]:
    conditions, values = ["1"], {}
    if choice.since:
        conditions.append(f"{day} >= :since")
        values["since"] = choice.since.isoformat()
    if choice.until:
        conditions.append(f"{day} < :until")
        values["until"] = choice.until.isoformat()
    if choice.service:
        conditions.append("service = :service")
        values["service"] = choice.service
    return " AND ".join(conditions), values
