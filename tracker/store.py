"""The database of one person: records in, records and sums out."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import batched
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from tracker import heartbeat, sums
from tracker.coverage import Coverage, Moment
from tracker.marks import Mark, note
from tracker.moments import local_day, timestamp
from tracker.opening import NoDatabaseError, StoreError, default_path, distrusted, explained, open_database
from tracker.record import Activity, Record, Unread
from tracker.rows import BATCH, COLUMNS, Added, Rating, add_batch, add_counters, to_records

if TYPE_CHECKING:
    from sqlite_utils import Database

__all__ = ["Added", "NoDatabaseError", "Rating", "Store", "StoreError", "default_path", "timestamp"]

_DAY = timedelta(days=1)
_MANY = 2000
"""New records from which on it is worth the time to remember the sums of past days."""


class Store:
    """
    One open database. Use it from one thread, as a context manager.

    Every method raises ``StoreError`` if the file cannot be used.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self.path = path
        self._unsummed = 0
        self._summed_on: date | None = None

    @cached_property
    def db(self) -> Database:
        """The same database through sqlite-utils: for migrations and transactions."""
        from sqlite_utils import Database

        return Database(self._connection, execute_plugins=False)

    @classmethod
    def open(cls, path: Path | None = None, *, readonly: bool = False, for_many: bool = False) -> Self:
        """Open the database (see ``tracker.opening.open_database`` for what is made and what is refused)."""
        path = path or default_path()
        return cls(open_database(path, readonly=readonly, for_many=for_many), path)

    def close(self) -> None:
        try:
            if self._unsummed >= _MANY:
                with suppress(StoreError):  # sums that are not remembered are calculated when they are asked for
                    self.remember_sums(datetime.now().astimezone().date())
        finally:
            with explained(self.path):
                self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction; it is all written, or nothing is."""
        with explained(self.path):
            connection = self._connection
            connection.execute("BEGIN IMMEDIATE")  # waits for another writer now, not half way through
            try:
                with self.db.atomic():
                    yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, with SQLite's errors explained, and what another program may have written."""
        with explained(self.path), distrusted(self.path):
            yield self._connection

    # Records

    def add(
        self,
        records: Iterable[Record],
        *,
        unread: Iterable[Unread] = (),
        refused: Iterable[tuple[str, str, int]] = (),
        marks: Iterable[Mark] = (),
    ) -> Added:
        """
        Write records in one transaction. A known id is replaced by a more complete reading, and only by that.

        Complete beats aborted; then more output (text, media) beats less, then a known question an unknown one. The
        revision counts the replacements. With them go what could not be read, (day, service, number) of refusals, and
        how far the proxy's answers are done with that.
        """
        added = Added()
        with self.writing() as connection:
            for batch in batched(records, BATCH):
                added += add_batch(connection, batch)
            add_counters(connection, unread, refused)
            note(connection, marks)
        self._unsummed += added.new + added.replaced
        return added

    def records(
        self,
        since: date | None = None,
        until: date | None = None,
        *,
        newest_first: bool = True,
        limit: int | None = None,
    ) -> Iterator[Record]:
        """Yield the records of the local days ``since`` (inclusive) to ``until`` (exclusive)."""
        order = "DESC" if newest_first else "ASC"
        # A local day lies within a day of the same day in UTC: the index over time then gives the order too.
        sql = (
            f"SELECT {COLUMNS} FROM requests WHERE started_at >= ? AND started_at < ? "  # noqa: S608 - names, no values
            f"AND +local_day >= ? AND +local_day < ? ORDER BY started_at {order}, id LIMIT ?"
        )
        first, end = since or date.min, until or date.max
        around = (max(first, date.min + _DAY) - _DAY, min(end, date.max - _DAY) + _DAY)
        span = tuple(day.isoformat() for day in (*around, first, end))
        with self.reading() as connection:
            cursor = connection.execute(sql, (*span, -1 if limit is None else limit))
            while rows := cursor.fetchmany(BATCH):
                yield from to_records(connection, rows)

    def record(self, id_prefix: str) -> Record | None:
        """Return the one record whose id begins so; None if there is none, or more than one."""
        with self.reading() as connection:
            sql = f"SELECT {COLUMNS} FROM requests WHERE id >= ? AND id < ? LIMIT 2"  # noqa: S608 - names, no values
            rows = connection.execute(sql, (id_prefix.lower(), id_prefix.lower() + "g")).fetchall()
            return to_records(connection, rows)[0] if len(rows) == 1 else None

    def first_day(self) -> date | None:
        """Return the local day of the oldest record."""
        with self.reading() as connection:
            (day,) = connection.execute("SELECT min(local_day) FROM requests").fetchone()
            return date.fromisoformat(day) if day else None

    # Sums

    def activities(self, since: date, until: date) -> list[Activity]:
        """Return the sums of the local days ``since`` (inclusive) to ``until`` (exclusive)."""
        with self.reading() as connection:
            return sums.by_day(connection, since, until)

    def activities_by_hour(self, since: date, until: date) -> list[tuple[int, int, Activity]]:
        """Return the same sums by (weekday, 0 is Monday; hour, 0 to 23; activity with the first of its days)."""
        with self.reading() as connection:
            return sums.by_hour(connection, since, until)

    def activity(self, record_id: str) -> Activity | None:
        """Return the sums of one record alone, as a footprint needs them."""
        record = self.record(record_id)
        if record is None:
            return None
        day = local_day(record.started_at, record.utc_offset_minutes)
        with self.reading() as connection:
            return sums.of_record(connection, record.id, day.isoformat())

    def remember_sums(self, before: date) -> None:
        """Remember the sums of past days, so that long reports are quick. ``close`` does it after records came in."""
        with self.reading() as connection:
            days = sums.missing_days(connection, "", before.isoformat())
        for some in batched(days, 50):
            with self.writing() as connection:
                sums.remember(connection, some)

    # What was not read

    def add_unread(self, items: Iterable[Unread]) -> None:
        """Count traffic on a turn's path that could not be read."""
        self.add((), unread=items)

    def unread(self, since: date, until: date) -> list[Unread]:
        """Return what could not be read on the days ``since`` (inclusive) to ``until`` (exclusive)."""
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT day, service, shape, reason, n FROM unread WHERE day >= ? AND day < ? "
                "ORDER BY day, service, shape, reason",
                (since.isoformat(), until.isoformat()),
            )
            return [
                Unread(day=day, service=service, shape=shape, reason=reason, n=n)
                for day, service, shape, reason, n in rows
            ]

    def note_refused(self, day: date | str, service: str, n: int = 1) -> None:
        """Count answers with HTTP status 400 and above: they make no record."""
        self.add((), refused=[(str(day), service, n)])

    # When it listened

    def beat(self, moment: Moment, *, clean_stop: bool = False, counters: Mapping[str, int] | None = None) -> None:
        """Note once a minute that the proxy is there (``tracker.heartbeat.this_moment``)."""
        with self.writing() as connection:
            heartbeat.beat(connection, moment, clean_stop=clean_stop, counters=counters)
        today = moment.at.astimezone().date()
        if today != self._summed_on:
            self.remember_sums(today)
            self._summed_on = today

    def note_passed_through(self, host: str, service: str, reason: str, since: datetime, until: datetime) -> None:
        """Note that a listed host was tunnelled unread, and why; a later ``until`` of the same ``since`` extends it."""
        with self.writing() as connection:
            connection.execute(
                "INSERT INTO passed_through (host, service, reason, started_at, ended_at) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET ended_at = excluded.ended_at, reason = excluded.reason",
                (host, service, reason, timestamp(since), timestamp(until)),
            )

    def coverage(self, since: date, until: date, moment: Moment | None = None) -> Coverage:
        """Tell where the seconds of these local days went, up to now, and what of each service was not read."""
        with self.reading() as connection:
            return heartbeat.coverage(connection, since, until, moment)

    # Worth

    def rate(self, rating: Rating) -> None:
        """Keep a judgement; a later one of the same subject takes its place."""
        with self.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO ratings (subject, kind, worth, minutes_saved, rated_at) VALUES (?, ?, ?, ?, ?)",
                (rating.subject, rating.kind, rating.worth, rating.minutes_saved, rating.rated_at),
            )

    def ratings(self) -> list[Rating]:
        """Return all judgements, newest first."""
        with self.reading() as connection:
            sql = "SELECT subject, kind, worth, minutes_saved, rated_at FROM ratings ORDER BY rated_at DESC, subject"
            return [Rating(*row) for row in connection.execute(sql)]
