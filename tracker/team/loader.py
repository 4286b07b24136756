"""The loader: takes messages, commits what is in them, acknowledges, and publishes the weeks that are due."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from tracker.team import TeamError
from tracker.team.engine import connect
from tracker.team.load import Loaded, load
from tracker.team.message import BatchError, decode
from tracker.team.policy import Policy
from tracker.team.publish import drop_old, publish, read_week, write_published
from tracker.team.transport import Message, bring
from tracker.team.week import Batch

if TYPE_CHECKING:
    import psycopg

HOLD_SECONDS = 3600.0
"""How long a week waits that is not over yet, before it is looked at again."""
AHEAD = timedelta(days=7)
"""A clock may be ahead so far; weeks that end later are refused rather than held."""
PUBLISHING = 0x6B6C696D61
"""The lock that one loader holds while it publishes, so that a second one waits and then has nothing to do."""
ROUND_SECONDS = 3600.0
"""How often a following loader looks for weeks to publish, when nothing waits."""
AGAIN_SECONDS = 30.0
"""How long a following loader waits for a database that is away or full."""
UNFIT = "the database has no room for such values"


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
        elif end > today + AHEAD:
            done.bad.append((message, "the week is not over for long"))
        elif end > today:
            done.early.append(message)  # a clock is ahead: it is right later
        elif end < today - timedelta(days=raw_days):
            done.bad.append((message, "the week is over for too long"))
        else:
            done.good.append((message, batch))
    return done


async def run_loader(
    dsn: str, folder: Path, *, follow: bool, today: date | None = None, say: Callable[[str], None] = lambda _: None
) -> Tally:
    """
    Load everything that waits; with ``follow``, go on for ever. Acknowledges only after the commit.

    Raises ``TeamError`` if server or database cannot be used. A following loader for which they could at first says so
    instead, and tries again: what it could not commit comes again.
    """
    tally = Tally()
    with connect(dsn) as connection:
        Policy.read(connection)

    def now() -> date:
        return today or datetime.now(UTC).date()

    while True:
        try:
            await _load_all(dsn, folder, tally, now, follow=follow)
        except TeamError as trouble:
            if not follow:
                raise
            say(str(trouble))
            await asyncio.sleep(AGAIN_SECONDS)
        else:
            return tally


async def _load_all(dsn: str, folder: Path, tally: Tally, now: Callable[[], date], *, follow: bool) -> None:
    looked = -ROUND_SECONDS
    with connect(dsn) as connection:
        async with aclosing(bring(folder, follow=follow)) as fetches:
            async for messages in fetches:
                if messages:
                    await _take(connection, messages, now(), tally)
                elif monotonic() >= looked + ROUND_SECONDS:
                    tally.published += await asyncio.to_thread(publish_due, connection, now())
                    looked = monotonic()
        tally.published += publish_due(connection, now())


async def _take(connection: psycopg.Connection[Any], messages: list[Message], today: date, tally: Tally) -> None:
    """Commit, then tell the server what became of each message; if nothing was committed, all of them come again."""
    try:
        done = await asyncio.to_thread(_commit, connection, messages, today, tally)
    except Exception:
        for message in messages:
            await message.hold(AGAIN_SECONDS)
        raise
    for message, _ in done.good:
        await message.acknowledge()
    for message in done.early:
        await message.hold(HOLD_SECONDS)
    for message, _ in done.bad:
        await message.refuse()


def _commit(connection: psycopg.Connection[Any], messages: Sequence[Message], today: date, tally: Tally) -> Sorted:
    """Commit what can be taken, and return what became of each message: now they can be told."""
    done = sort(messages, today, Policy.read(connection).raw_days)
    loaded, unfit = _load_fitting(connection, done.good)
    good = [one for one in done.good if one not in unfit]
    done = replace(done, good=good, bad=[*done.bad, *((message, UNFIT) for message, _ in unfit)])
    refused = Counter(why for _, why in done.bad)
    _note_refused(connection, today, refused)
    tally.messages += len(messages)
    tally.taken += loaded.taken
    tally.rows += loaded.rows
    tally.held += len(done.early)
    tally.refused += refused
    return done


def _load_fitting(
    connection: psycopg.Connection[Any], good: list[tuple[Message, Batch]]
) -> tuple[Loaded, list[tuple[Message, Batch]]]:
    """Load batches; return also those that the database itself does not take, so that they hold nobody else up."""
    import psycopg

    if not good:
        return Loaded(0, 0, 0), []
    try:
        return load(connection, [batch for _, batch in good]), []
    except psycopg.DataError:  # such as a unit's name that a database in Latin-1 has no letters for
        if len(good) == 1:
            return Loaded(0, 0, 0), good
    parts = [_load_fitting(connection, [one]) for one in good]
    loaded = Loaded(*(sum(getattr(part, name) for part, _ in parts) for name in ("batches", "taken", "rows")))
    return loaded, [one for _, unfit in parts for one in unfit]


def publish_due(connection: psycopg.Connection[Any], today: date) -> list[str]:
    """Publish every loaded week that has been over long enough and has no report; drop what is too old."""
    policy = Policy.read(connection)
    last_end = today - timedelta(days=policy.publish_after_days)
    with _alone(connection), connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")  # whatever a second loader commits now
        weeks = connection.execute(
            "SELECT DISTINCT week::text FROM klimaspor.batch b WHERE week + 7 <= %s "
            "AND NOT EXISTS (SELECT 1 FROM klimaspor.published p WHERE p.week = b.week) ORDER BY 1",
            (last_end,),
        ).fetchall()
        for (week,) in weeks:
            write_published(connection, week, publish(read_week(connection, week), policy.tell()))
        drop_old(connection, today, policy.raw_days, policy.cell_months)
    return [week for (week,) in weeks]


@contextmanager
def _alone(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Hold the lock of whoever publishes; it is taken before the transaction, which must see what another one wrote."""
    connection.execute("SELECT pg_advisory_lock(%s)", (PUBLISHING,))
    try:
        yield
    finally:
        if not connection.broken:
            connection.execute("SELECT pg_advisory_unlock(%s)", (PUBLISHING,))


def _note_refused(connection: psycopg.Connection[Any], day: date, refused: Counter[str]) -> None:
    for reason, n in refused.items():
        connection.execute(
            "INSERT INTO klimaspor.refused VALUES (%s, %s, %s) "
            "ON CONFLICT (day, reason) DO UPDATE SET n = klimaspor.refused.n + excluded.n",
            (day, reason, n),
        )
