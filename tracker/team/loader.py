"""The loader: takes messages, commits what is in them, acknowledges, and publishes the weeks that are due."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracker.team.engine import connect
from tracker.team.load import load
from tracker.team.policy import Policy
from tracker.team.publish import drop_old, publish, read_week, write_published
from tracker.team.transport import Message, consume
from tracker.team.week import Batch, BatchError, decode

if TYPE_CHECKING:
    import psycopg

HOLD_SECONDS = 3600.0
PUBLISHING = 0x6B6C696D61
"""The lock that one loader holds while it publishes, so that a second one waits and then has nothing to do."""
ROUND_SECONDS = 3600.0
"""How often a following loader looks for weeks to publish."""


@dataclass(slots=True)
class Tally:
    """What a load did, in numbers."""

    messages: int = 0
    taken: int = 0
    rows: int = 0
    held: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    published: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sorted:
    """A fetch of messages, by what becomes of each."""

    good: list[tuple[Message, Batch]]
    early: list[Message]
    bad: list[tuple[Message, str]]


def sort(messages: Sequence[Message], today: date, raw_days: int) -> Sorted:
    """Tell batches that can be taken now from those that come too early and those that can never be taken."""
    done = Sorted([], [], [])
    for message in messages:
        try:
            batch = decode(message.data)
        except BatchError as error:
            done.bad.append((message, str(error)))
            continue
        end = date.fromisoformat(batch.week) + timedelta(days=7)
        if batch.tombstone:
            done.good.append((message, batch))
        elif end > today:
            done.early.append(message)  # a clock is ahead: it is right later
        elif end < today - timedelta(days=raw_days):
            done.bad.append((message, "the week is over for too long"))
        else:
            done.good.append((message, batch))
    return done


async def run_loader(dsn: str, folder: Path, *, follow: bool, today: date | None = None) -> Tally:
    """
    Load everything that waits; with ``follow``, go on for ever. Acknowledges only after the commit.

    Raises ``TeamError`` if server or database cannot be used.
    """
    tally = Tally()
    with connect(dsn) as connection:
        policy = Policy.read(connection)

        def now() -> date:
            return today or datetime.now(UTC).date()

        def read(messages: list[Message]) -> Sorted:
            tally.messages += len(messages)
            return sort(messages, now(), policy.raw_days)

        async def take(done: Sorted) -> None:
            if done.good:
                loaded = await asyncio.to_thread(load, connection, [batch for _, batch in done.good])
                tally.taken += loaded.taken
                tally.rows += loaded.rows
            _note_refused(connection, now(), [why for _, why in done.bad])
            for message, _ in done.good:
                await message.acknowledge()
            for message in done.early:
                tally.held += 1
                await message.hold(HOLD_SECONDS)
            for message, why in done.bad:
                tally.refused[why] += 1
                await message.refuse()

        publishing = asyncio.create_task(_publish_for_ever(dsn, now)) if follow else None
        try:
            await consume(folder, read, take, follow=follow)
        finally:
            if publishing is not None:
                publishing.cancel()
        tally.published = publish_due(connection, now())
    return tally


def publish_due(connection: psycopg.Connection[Any], today: date) -> list[str]:
    """Publish every loaded week that has been over long enough and has no report; drop what is too old."""
    policy = Policy.read(connection)
    last_end = today - timedelta(days=policy.publish_after_days)
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (PUBLISHING,))
        weeks = connection.execute(
            "SELECT DISTINCT week::text FROM klimaspor.batch b WHERE week + 7 <= %s "
            "AND NOT EXISTS (SELECT 1 FROM klimaspor.published p WHERE p.week = b.week) ORDER BY 1",
            (last_end,),
        ).fetchall()
        for (week,) in weeks:
            write_published(connection, week, publish(read_week(connection, week), policy.tell()))
        drop_old(connection, today, policy.raw_days, policy.cell_months)
    return [week for (week,) in weeks]


async def _publish_for_ever(dsn: str, now: Any) -> None:
    def once() -> None:
        with connect(dsn) as connection:
            publish_due(connection, now())

    while True:
        await asyncio.sleep(ROUND_SECONDS)
        await asyncio.to_thread(once)


def _note_refused(connection: psycopg.Connection[Any], day: date, reasons: Sequence[str]) -> None:
    for reason, n in Counter(reasons).items():
        connection.execute(
            "INSERT INTO klimaspor.refused VALUES (%s, %s, %s) "
            "ON CONFLICT (day, reason) DO UPDATE SET n = klimaspor.refused.n + excluded.n",
            (day, reason, n),
        )
