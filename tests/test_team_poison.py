"""What somebody with a key of the organisation's own could send: it is refused, and the weeks of all others go on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.organisation import TODAY, WEEK, Organisation, rows
from tests.test_team_hostile import BATCH, as_device
from tests.test_team_transport import answers, ship
from tracker.record import LARGEST_COUNT
from tracker.team import render
from tracker.team.engine import connect
from tracker.team.keys import SUBJECTS, JoinCode
from tracker.team.load import load as load_batches
from tracker.team.loader import Tally, publish_due, run_loader
from tracker.team.message import encode
from tracker.team.publish import MOST
from tracker.team.transport import bring

if TYPE_CHECKING:
    from nats.aio.client import Client

pytestmark = pytest.mark.servers
GOOD = encode(BATCH)


@dataclass(frozen=True)
class Sent:
    """A message as NATS's own protocol has it: nothing of our program looks at it before."""

    payload: bytes = b"x"
    head: bytes = b""
    """Its headers, with what begins them."""
    answer_to: str = ""
    """Where the server is told to answer."""

    def write(self, subject: str) -> bytes:
        where = f"{subject} {self.answer_to}".strip().encode()
        if not self.head:
            return b"PUB %b %d\r\n%b\r\n" % (where, len(self.payload), self.payload)
        head = self.head + b"\r\n\r\n"
        return b"HPUB %b %d %d\r\n%b%b\r\n" % (where, len(head), len(head) + len(self.payload), head, self.payload)


def send(code: JoinCode, messages: Iterable[Sent]) -> None:
    async def publish(client: Client) -> None:
        for one in messages:
            await client._send_command(one.write(code.subject))

    as_device(code, publish)


def load(city: Organisation) -> Tally:
    return asyncio.run(asyncio.wait_for(run_loader(city.dsn, city.keys, follow=False, today=TODAY), 90))


def told(**changes: object) -> bytes:
    return json.dumps(json.loads(GOOD) | changes).encode()


POISON = {
    "nothing": Sent(b""),
    "deep": Sent(b"[" * 100_000),
    "as large as can be": Sent(b"x" * 1_000_000),
    "the last week of all": Sent(told(week="9999-12-27")),
    "somebody leaves in the last week of all": Sent(told(week="9999-12-27", tombstone=True, pseudonym="f" * 32)),
    "the first week of all": Sent(told(week="0001-01-01")),
    "a word for who asked": Sent(GOOD.replace(b'"person"', b'"nobody"')),
    "a word for what was done": Sent(GOOD.replace(b'"chat"', b'"chats"')),
    "words of the server": Sent(head=b"NATS/1.0\r\nStatus: 503\r\nDescription: No Responders"),
    "the server is away": Sent(head=b"NATS/1.0 503"),
    "no more messages": Sent(head=b"NATS/1.0 404 No Messages"),
    "the end of a request": Sent(head=b"NATS/1.0 408"),
    "a heartbeat": Sent(head=b"NATS/1.0 100 Idle Heartbeat\r\nNats-Consumer-Stalled: $JS.API.STREAM.DELETE.KLIMASPOR"),
    "a head that is no text": Sent(head=b"NATS/1.0 \xff\xfe\xfd"),
    "a head in which a word is no text": Sent(head=b"NATS/1.0 503 \xff\xfe\xfd\r\n\xff: \xff"),
    "a head without end": Sent(head=b"NATS/1.0\r\n" + b"a: b\r\n" * 10_000),
    "a head that rolls all up": Sent(head=b"NATS/1.0\r\nNats-Rollup: all"),
    "an answer to somebody else's subject": Sent(answer_to=f"{SUBJECTS}.device-000001"),
    "an answer that looks like an acknowledgement": Sent(answer_to="$JS.ACK.KLIMASPOR.loader.1.1.1.1.1"),
}


@pytest.mark.parametrize("name", POISON)
def test_a_message_that_means_harm_costs_nobody_a_week(city: Organisation, name: str) -> None:
    city.join(2)
    ship(city.devices[0])
    send(city.codes()[-1], [POISON[name]])
    ship(city.devices[1])
    done = load(city)
    assert done.messages - done.taken == sum(done.refused.values()) <= 2  # an answer may have come into the stream
    assert answers(city) == 10
    assert load(city).messages == 0  # nothing comes again


def test_a_flood_that_speaks_as_the_server_holds_nobody_up(city: Organisation) -> None:
    city.join(1)
    heads = (b"NATS/1.0 404 No Messages", b"NATS/1.0 \xff\xfe\xfd", b"NATS/1.0 503", b"NATS/1.0 100 Idle Heartbeat")
    send(city.codes()[-1], [Sent(head=heads[number % len(heads)]) for number in range(2500)])
    ship(city.devices[0])
    done = load(city)
    assert done.refused == {"the batch is not JSON": 2500}
    assert answers(city) == 5
    assert rows(city.dsn, "SELECT n::int FROM klimaspor.refused") == [(2500,)]


def test_large_messages_wait_on_the_server_and_not_in_memory(city: Organisation) -> None:
    """At most a batch of them is with the loader: what it has not asked for stays where it is."""
    city.join(1)
    send(city.codes()[-1], [Sent(b"x" * 1_000_000)] * 300)
    ship(city.devices[0])

    async def first() -> int:
        async for messages in bring(city.keys, follow=False):
            return len(messages)
        return 0

    assert asyncio.run(first()) <= 200
    done = load(city)
    assert done.refused["the batch is not JSON"] >= 100


def test_numbers_that_no_column_holds_together_are_published_all_the_same(city: Organisation) -> None:
    lies = dict.fromkeys(("requests", "output_tokens", "output_known", "earlier_tokens"), LARGEST_COUNT)
    with connect(city.dsn) as connection:
        for number in range(8):
            batch = replace(BATCH, pseudonym=f"{number:032x}", rows=(BATCH.rows[0]._replace(**lies),))
            load_batches(connection, [batch])
        connection.execute("UPDATE klimaspor.usage SET output_tokens = 9e18, earlier_tokens = 9e18")  # of nine million
        assert WEEK in publish_due(connection, TODAY + timedelta(days=7))
    ((facts, most),) = rows(
        city.dsn,
        "SELECT facts, max(output_tokens) FROM klimaspor.published JOIN klimaspor.cell USING (week) "
        "WHERE week = %s GROUP BY facts",
        (WEEK,),
    )
    assert most == MOST
    for language in ("en", "nb", "nl"):
        assert render.to_html(facts, [], language)
        assert render.to_text(facts, [], language)
