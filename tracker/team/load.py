"""From messages to tables: upsert by revision, copy what is new, and only then acknowledge."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tracker.team.week import KEYS, SUMS, Batch

if TYPE_CHECKING:
    import psycopg

LOADING = 0x6B6C696D62
"""The lock that loads share, and that a load with somebody's leaving has alone: nothing slips in beside it."""

_LEAVE = """
INSERT INTO klimaspor.tombstone (digest) SELECT unnest(%(digests)s::bytea[]) ON CONFLICT DO NOTHING;
DELETE FROM klimaspor.usage WHERE pseudonym = ANY(%(pseudonyms)s);
DELETE FROM klimaspor.batch WHERE pseudonym = ANY(%(pseudonyms)s);
"""
_UPSERT = """
INSERT INTO klimaspor.batch AS b (week, pseudonym, unit, revision, coverage)
    SELECT week, pseudonym, unit, revision, coverage
    FROM unnest(%s::date[], %s::text[], %s::text[], %s::bigint[], %s::real[], %s::bytea[])
        AS sent (week, pseudonym, unit, revision, coverage, digest)
    WHERE NOT EXISTS (SELECT 1 FROM klimaspor.tombstone t WHERE t.digest = sent.digest)
    ORDER BY week, pseudonym
ON CONFLICT (week, pseudonym) DO UPDATE
    SET unit = excluded.unit, revision = excluded.revision, coverage = excluded.coverage
    WHERE excluded.revision > b.revision
RETURNING week::text, pseudonym
"""
_REPLACE = """
DELETE FROM klimaspor.usage u USING unnest(%s::date[], %s::text[]) AS taken (week, pseudonym)
    WHERE u.week = taken.week AND u.pseudonym = taken.pseudonym
"""
_COPY = f"COPY klimaspor.usage (week, pseudonym, {', '.join((*KEYS, *SUMS))}) FROM STDIN"
_LINE = "\t".join(["%s"] * (2 + len(SUMS))) + "\n"
"""A row as COPY's text format has it; the key is one part, for it comes with its own tabs."""
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a load."""

    batches: int
    taken: int
    """Batches that were new, or a later revision; the others were known already, or of somebody who left."""
    rows: int
    """Rows of the batches that were taken."""


def load(connection: psycopg.Connection[Any], batches: Sequence[Batch]) -> Loaded:
    """
    Write the batches in one transaction; loading any of them again changes nothing.

    When this returns, all of it is committed. If it raises, none of it is.
    """
    gone = [batch.pseudonym for batch in batches if batch.tombstone]
    latest: dict[tuple[str, str], Batch] = {}
    for batch in batches:
        key = (batch.week, batch.pseudonym)
        if not batch.tombstone and (key not in latest or batch.revision > latest[key].revision):
            latest[key] = batch
    with connection.transaction():
        cursor = connection.cursor()
        cursor.execute(f"SELECT pg_advisory_xact_lock{'' if gone else '_shared'}(%s)".encode(), (LOADING,))
        if gone:
            values = {"digests": [digest(one) for one in gone], "pseudonyms": gone}
            for statement in _LEAVE.strip().split("\n"):
                cursor.execute(statement.encode(), values)
        taken = [latest[key] for key in _upsert(cursor, list(latest.values()))]
        with cursor.copy(_COPY.encode()) as copy:
            copy.write("".join(map(_lines, taken)))
    return Loaded(batches=len(batches), taken=len(taken), rows=sum(len(batch.rows) for batch in taken))


def _upsert(cursor: psycopg.Cursor[Any], batches: Sequence[Batch]) -> list[tuple[str, str]]:
    """Note the batches that are new or a later revision; return (week, pseudonym) of them, their old rows gone."""
    taken = cursor.execute(
        _UPSERT.encode(),
        (
            [batch.week for batch in batches],
            [batch.pseudonym for batch in batches],
            [batch.unit for batch in batches],
            [batch.revision for batch in batches],
            [batch.coverage for batch in batches],
            [digest(batch.pseudonym) for batch in batches],
        ),
    ).fetchall()
    cursor.execute(_REPLACE.encode(), ([week for week, _ in taken], [pseudonym for _, pseudonym in taken]))
    return taken


def _lines(batch: Batch) -> str:
    """Return a batch's rows as COPY takes them. Formatted here, for that is half the time that psycopg needs for it."""
    whose = f"{batch.week}\t{batch.pseudonym}"
    return "".join([_LINE % (whose, _escaped(row[: len(KEYS)]), *row[len(KEYS) :]) for row in batch.rows])


@lru_cache(maxsize=20_000)
def _escaped(key: tuple[str, ...]) -> str:
    return "\t".join(part.translate(_ESCAPES) for part in key)


def digest(pseudonym: str) -> bytes:
    """Return what is kept of somebody who left: SHA-256 of a random 128-bit name, which cannot be guessed back."""
    return hashlib.sha256(pseudonym.encode()).digest()
