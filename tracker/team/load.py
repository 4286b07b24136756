"""From messages to tables: COPY to a stage, upsert by revision, and only then acknowledge."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tracker.team.week import KEYS, SUMS, Batch, values_of

if TYPE_CHECKING:
    import psycopg

_COLUMNS = ", ".join((*KEYS, *SUMS))
_STAGE = f"""
CREATE TEMP TABLE stage_batch (
    place integer, week date, pseudonym text, unit text, revision bigint, coverage real, gone boolean, digest bytea
) ON COMMIT DROP;
CREATE TEMP TABLE taken (place integer, week date, pseudonym text) ON COMMIT DROP;
CREATE TEMP TABLE stage_usage ON COMMIT DROP AS
    SELECT 0 AS place, {_COLUMNS} FROM klimaspor.usage WITH NO DATA;
"""  # noqa: S608 - our own column names

_MERGE = f"""
INSERT INTO klimaspor.tombstone (digest) SELECT digest FROM stage_batch WHERE gone ON CONFLICT DO NOTHING;
DELETE FROM klimaspor.usage u USING stage_batch s WHERE s.gone AND u.pseudonym = s.pseudonym;
DELETE FROM klimaspor.batch b USING stage_batch s WHERE s.gone AND b.pseudonym = s.pseudonym;
DELETE FROM stage_batch s WHERE gone OR EXISTS (SELECT 1 FROM klimaspor.tombstone t WHERE t.digest = s.digest);
DELETE FROM stage_batch s USING stage_batch better
    WHERE better.week = s.week AND better.pseudonym = s.pseudonym
    AND (better.revision, better.place) > (s.revision, s.place);
WITH merged AS (
    INSERT INTO klimaspor.batch AS b (week, pseudonym, unit, revision, coverage)
    SELECT week, pseudonym, unit, revision, coverage FROM stage_batch ORDER BY week, pseudonym
    ON CONFLICT (week, pseudonym) DO UPDATE
        SET unit = excluded.unit, revision = excluded.revision, coverage = excluded.coverage
        WHERE excluded.revision > b.revision
    RETURNING week, pseudonym
) INSERT INTO taken SELECT s.place, s.week, s.pseudonym FROM merged JOIN stage_batch s USING (week, pseudonym);
DELETE FROM klimaspor.usage u USING taken t WHERE u.week = t.week AND u.pseudonym = t.pseudonym;
INSERT INTO klimaspor.usage (week, pseudonym, {_COLUMNS})
    SELECT t.week, t.pseudonym, {", ".join(f"s.{name}" for name in (*KEYS, *SUMS))}
    FROM taken t JOIN stage_usage s USING (place);
"""  # noqa: S608 - our own column names


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a load."""

    batches: int
    taken: int
    """Batches that were new, or a later revision; the others were known already, or of somebody who left."""
    rows: int


def load(connection: psycopg.Connection[Any], batches: Sequence[Batch]) -> Loaded:
    """
    Write the batches in one transaction; loading any of them again changes nothing.

    When this returns, all of it is committed. If it raises, none of it is.
    """
    rows = 0
    with connection.transaction():
        cursor = connection.cursor()
        cursor.execute(_STAGE.encode())
        with cursor.copy("COPY stage_batch FROM STDIN") as copy:
            for place, batch in enumerate(batches):
                copy.write_row(
                    (
                        place,
                        batch.week,
                        batch.pseudonym,
                        batch.unit,
                        batch.revision,
                        batch.coverage,
                        batch.tombstone,
                        digest(batch.pseudonym),
                    )
                )
        with cursor.copy(f"COPY stage_usage (place, {_COLUMNS}) FROM STDIN") as copy:
            for place, row in _staged(batches):
                copy.write_row((place, *row))
                rows += 1
        for statement in _MERGE.split(";\n"):
            if statement.strip():
                cursor.execute(statement.encode())
        (taken,) = cursor.execute("SELECT count(*) FROM taken").fetchone() or (0,)
    return Loaded(batches=len(batches), taken=taken, rows=rows)


def _staged(batches: Iterable[Batch]) -> Iterable[tuple[int, tuple[Any, ...]]]:
    for place, batch in enumerate(batches):
        for row in batch.rows:
            yield place, values_of(row)


def digest(pseudonym: str) -> bytes:
    """Return what is kept of somebody who left: SHA-256 of a random 128-bit name, which cannot be guessed back."""
    return hashlib.sha256(pseudonym.encode()).digest()
