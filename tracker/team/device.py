"""A device that has joined: its pseudonym, its outbox, and which weeks still have to go."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlite_utils import Database, Migrations

from tracker.store import Store
from tracker.team import TeamError
from tracker.team.keys import JoinCode
from tracker.team.message import encode
from tracker.team.week import Batch, finished_weeks, sum_week

KEPT_DAYS = 35
"""Sent weeks stay in the outbox so long, so that a transport that lost them can be sent them again."""

migrations = Migrations("klimaspor-team")


@migrations()
def m001_outbox(db: Database) -> None:
    """Membership and outbox live in the person's own database: who forgets everything forgets these too."""
    db.execute("""
        CREATE TABLE team_membership (
            pseudonym TEXT PRIMARY KEY NOT NULL, code TEXT NOT NULL, joined TEXT NOT NULL
        ) STRICT
    """)
    db.execute("""
        CREATE TABLE team_outbox (
            week TEXT PRIMARY KEY NOT NULL, revision INTEGER NOT NULL, digest TEXT NOT NULL, payload BLOB NOT NULL,
            sent_at TEXT
        ) STRICT
    """)


@dataclass(frozen=True, slots=True)
class Membership:
    """What a device knows of itself in the organisation."""

    pseudonym: str
    code: JoinCode
    joined: date


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message that has to go: its week (``tombstone`` for leaving), revision and bytes."""

    week: str
    revision: int
    payload: bytes

    @property
    def message_id(self) -> str:
        """The same message has the same id, so that the transport drops what it has."""
        return hashlib.sha256(self.payload).hexdigest()


TOMBSTONE = "tombstone"


def has_joined(store: Store) -> bool:
    """Return whether this database's person has joined, without making a table where nobody has."""
    with store.reading() as connection:
        made = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'team_membership'").fetchone()
        return bool(made and connection.execute("SELECT 1 FROM team_membership").fetchone())


class Device:
    """The organisation's side of one person's database."""

    def __init__(self, store: Store) -> None:
        self._store = store
        migrations.apply(store.db)

    @property
    def membership(self) -> Membership | None:
        with self._store.reading() as connection:
            row = connection.execute("SELECT pseudonym, code, joined FROM team_membership").fetchone()
        return None if row is None else Membership(row[0], JoinCode(**json.loads(row[1])), date.fromisoformat(row[2]))

    def member(self) -> Membership:
        """Return the membership; raise ``TeamError`` if this device has not joined."""
        membership = self.membership
        if membership is None:
            raise TeamError(
                "This computer has not joined · klimaspor team · ask for a code, then `klimaspor team join`"
            )
        return membership

    def preview(self, code: JoinCode, today: date) -> Batch:
        """Return exactly what would go for the last finished week, under a pseudonym that is not drawn yet."""
        monday = today - timedelta(days=today.weekday() + 7)
        return self._batch("0" * 32, code.unit, monday, revision=1)

    def join(self, code: JoinCode, today: date) -> Membership:
        """Draw the pseudonym and keep the code; nothing is sent. Raise ``TeamError`` if joined already."""
        if self.membership is not None:
            raise TeamError(
                "This computer has joined already · klimaspor team · leave first with `klimaspor team erase`"
            )
        membership = Membership(secrets.token_hex(16), code, today)
        told = json.dumps({name: getattr(code, name) for name in code.__dataclass_fields__})
        with self._store.writing() as connection:
            connection.execute(
                "INSERT INTO team_membership VALUES (?, ?, ?)", (membership.pseudonym, told, today.isoformat())
            )
        return membership

    def prepare(self, today: date) -> list[Parcel]:
        """
        Put every finished week that is new or has changed into the outbox; return what has not been sent yet.

        A week that changed after it was sent (an import, *forget*) goes again with a higher revision.
        """
        member = self.member()
        oldest = max(member.joined - timedelta(days=7), today - timedelta(days=KEPT_DAYS))
        for week in finished_weeks(oldest, today):
            self._put(member, date.fromisoformat(week))
        with self._store.writing() as connection:
            connection.execute(
                "DELETE FROM team_outbox WHERE week < ? AND sent_at IS NOT NULL",
                ((today - timedelta(days=KEPT_DAYS + 7)).isoformat(),),
            )
        return self.waiting()

    def leave(self) -> Parcel:
        """Put the tombstone into the outbox: what was ever sent under this pseudonym is to go."""
        member = self.member()
        batch = Batch(pseudonym=member.pseudonym, unit=member.code.unit, week="1970-01-05", revision=1, tombstone=True)
        parcel = Parcel(TOMBSTONE, 1, encode(batch))
        with self._store.writing() as connection:
            connection.execute("DELETE FROM team_outbox")
            connection.execute("INSERT INTO team_outbox VALUES (?, 1, '', ?, NULL)", (TOMBSTONE, parcel.payload))
        return parcel

    def waiting(self) -> list[Parcel]:
        """Return the parcels that no acknowledgement has come for, oldest first."""
        with self._store.reading() as connection:
            rows = connection.execute(
                "SELECT week, revision, payload FROM team_outbox WHERE sent_at IS NULL ORDER BY week"
            ).fetchall()
        return [Parcel(week, revision, bytes(payload)) for week, revision, payload in rows]

    def resend(self) -> None:
        """Mark everything as not sent: for a transport that lost what it had."""
        with self._store.writing() as connection:
            connection.execute("UPDATE team_outbox SET sent_at = NULL")

    def mark_sent(self, parcels: Sequence[Parcel], now: str) -> None:
        """Note acknowledged parcels; after the tombstone's, membership and outbox are gone."""
        with self._store.writing() as connection:
            connection.executemany(
                "UPDATE team_outbox SET sent_at = ? WHERE week = ? AND revision = ?",
                [(now, parcel.week, parcel.revision) for parcel in parcels],
            )
            if any(parcel.week == TOMBSTONE for parcel in parcels):
                connection.execute("DELETE FROM team_outbox")
                connection.execute("DELETE FROM team_membership")

    def sent(self) -> list[tuple[str, int, str | None]]:
        """Return (week, revision, when it was acknowledged) of the outbox."""
        with self._store.reading() as connection:
            return connection.execute("SELECT week, revision, sent_at FROM team_outbox ORDER BY week").fetchall()

    def _put(self, member: Membership, monday: date) -> None:
        batch = self._batch(member.pseudonym, member.code.unit, monday, revision=1)
        digest = hashlib.sha256(encode(batch)).hexdigest()
        with self._store.writing() as connection:
            before = connection.execute(
                "SELECT revision, digest FROM team_outbox WHERE week = ?", (batch.week,)
            ).fetchone()
            if before is not None and before[1] == digest:
                return
            revision = 1 if before is None else before[0] + 1
            connection.execute(
                "INSERT OR REPLACE INTO team_outbox VALUES (?, ?, ?, ?, NULL)",
                (batch.week, revision, digest, encode(replace(batch, revision=revision))),
            )

    def _batch(self, pseudonym: str, unit: str, monday: date, *, revision: int) -> Batch:
        until = monday + timedelta(days=7)
        coverage = self._store.coverage(monday, until)
        listening = coverage.recorded_s + coverage.paused_s + coverage.down_s
        return Batch(
            pseudonym=pseudonym,
            unit=unit,
            week=monday.isoformat(),
            revision=revision,
            coverage=round(coverage.recorded_s / listening, 2) if listening else None,
            rows=sum_week(self._store.activities(monday, until)),
        )
