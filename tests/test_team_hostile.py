"""Wrong clocks, messages that come again, in a flood, or with letters a database lacks: nobody else is affected."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from tests.organisation import TODAY, WEEK, Organisation, organisation, rows, use
from tests.test_team_transport import answers, ship
from tracker.cli import main
from tracker.store import Store
from tracker.team import loader
from tracker.team.device import Device, Parcel
from tracker.team.engine import connect
from tracker.team.keys import JoinCode
from tracker.team.loader import Tally, run_loader
from tracker.team.message import encode
from tracker.team.transport import _connected, _device_tls, make_stream, publish
from tracker.team.week import Batch, WeekRow

if TYPE_CHECKING:
    from nats.aio.client import Client

pytestmark = pytest.mark.servers
BATCH = Batch(
    pseudonym="a" * 32, unit="city/roads", week=WEEK, revision=1,
    rows=(WeekRow(service="chatgpt", requests=7, output_tokens=70, output_known=7),),
)  # fmt: skip


def load(city: Organisation, today: date = TODAY) -> Tally:
    return asyncio.run(run_loader(city.dsn, city.keys, follow=False, today=today))


def as_device(code: JoinCode, say: Callable[[Client], Awaitable[None]]) -> None:
    """Say something over a connection with a device's key."""

    async def connected() -> None:
        with TemporaryDirectory() as folder:
            tls = _device_tls(code, Path(folder))
            async with _connected(code.url, tls, f"_INBOX_{code.name}".encode()) as client:
                await say(client)
                await client.flush(20)

    asyncio.run(connected())


def send_bare(code: JoinCode, payloads: Sequence[bytes]) -> None:
    """Send with a device's key but without our program: no message id, so that NATS cannot tell what it has."""

    async def send(client: Client) -> None:
        for payload in payloads:
            await client.publish(code.subject, payload)

    as_device(code, send)


def test_a_clock_that_is_off_by_days_loses_nothing(city: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "HOLD_SECONDS", 5.0)  # longer than a loader waits for more
    city.join(3)
    for path, person in zip(city.devices, range(3), strict=True):
        with Store.open(path) as store:
            store.add(use(person, 4, "2026-11-09"))
    today = date(2026, 11, 17)  # for whoever's clock is right, the week of the 9th may go today
    ship(city.devices[0], today)
    assert load(city, date(2026, 11, 16)).held == 0  # this device is a day ahead of the loader
    ahead = load(city, date(2026, 11, 15))
    assert (ahead.messages, ahead.held) == (0, 0)
    ship(city.devices[1], today)
    ahead = load(city, date(2026, 11, 15))  # and this one two days: the week is not over yet
    assert ahead.held >= 1
    assert "2026-11-09" not in [week for (week,) in rows(city.dsn, "SELECT week::text FROM klimaspor.published")]
    ship(city.devices[2], date(2026, 11, 18))  # a day behind: it comes later
    asyncio.run(asyncio.sleep(5.5))
    assert load(city, today).refused == {}
    assert rows(city.dsn, "SELECT count(*)::int FROM klimaspor.batch WHERE week = '2026-11-09'") == [(3,)]


def test_a_week_far_ahead_is_refused_and_a_flood_of_early_ones_holds_nobody_up(city: Organisation) -> None:
    city.join(1)
    code = city.codes()[-1]
    early = replace(BATCH, week="2026-11-16")
    send_bare(code, [encode(replace(early, pseudonym=f"{number:032x}")) for number in range(2500)])
    send_bare(code, [encode(replace(BATCH, week="2026-12-07"))])
    ship(city.devices[0])
    tally = load(city)
    assert tally.held == 2500
    assert tally.refused == {"the week is not over for long": 1}
    assert answers(city) == 5


def test_what_is_played_again_counts_once_and_nobody_who_left_comes_back(city: Organisation) -> None:
    city.join(2)
    with Store.open(city.devices[0]) as store:
        device = Device(store)
        code = device.member().code
        played = [parcel.payload for parcel in device.prepare(TODAY)]
    for path in city.devices:
        ship(path)
    assert load(city).taken > 0
    send_bare(code, played * 3)
    send_bare(city.codes()[-1], played)  # with another device's key
    again = load(city)
    assert (again.messages, again.taken) == (4 * len(played), 0)
    assert answers(city) == 10
    assert CliRunner().invoke(main, ["team", "erase", "--db", str(city.devices[0]), "--yes"]).exit_code == 0
    send_bare(code, played)
    assert load(city).taken == 0
    assert answers(city) == 5


def test_a_name_that_the_database_has_no_letters_for_is_refused_alone(server: str, tmp_path: Path) -> None:
    with connect(server) as connection:
        connection.execute("DROP DATABASE IF EXISTS western")
        connection.execute("CREATE DATABASE western ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    dsn = urlsplit(server)._replace(path="/western").geturl()
    with organisation(dsn, tmp_path) as city:
        asyncio.run(make_stream(city.keys))
        city.join(2)
        for path in city.devices:
            ship(path)
        asyncio.run(publish(city.codes()[-1], [Parcel(WEEK, 1, encode(replace(BATCH, unit="東京/道路")))]))
        tally = load(city)
        assert tally.refused == {loader.UNFIT: 1}
        assert answers(city) == 10
        assert load(city).messages == 0
    with connect(server) as connection:
        connection.execute("DROP DATABASE western")
