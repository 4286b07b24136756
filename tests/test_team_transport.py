"""Nothing is lost and nothing counts twice, whoever is killed on the way; and nobody sends for another."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.canary import CANARY
from tests.organisation import TODAY, WEEK, Organisation, organisation, rows, use
from tracker.cli import main
from tracker.store import Store
from tracker.team import TeamError
from tracker.team.device import Device, Parcel
from tracker.team.keys import STREAM, JoinCode, make_transport
from tracker.team.loader import Tally, run_loader
from tracker.team.message import encode
from tracker.team.transport import _connected, _loader_tls, make_stream, publish
from tracker.team.week import FIELDS, KEYS, SUMS, Batch

pytestmark = pytest.mark.servers


def ship(path: Path, today: date = TODAY) -> list[Parcel]:
    with Store.open(path) as store:
        device = Device(store)
        parcels = device.prepare(today)
        done = asyncio.run(publish(device.member().code, parcels))
        device.mark_sent(done, "2026-11-21T00:00:00+00:00")
        return done


def load(city: Organisation) -> Tally:
    return asyncio.run(run_loader(city.dsn, city.keys, follow=False, today=TODAY))


def answers(city: Organisation) -> int:
    ((total,),) = rows(city.dsn, "SELECT coalesce(sum(requests), 0)::int FROM klimaspor.usage")
    return int(total)


def test_what_twelve_devices_ship_is_one_published_report(city: Organisation) -> None:
    city.join(12, answers=5)
    for path in city.devices:
        assert ship(path)
    tally = load(city)
    assert tally.refused == {}
    assert WEEK in tally.published
    assert answers(city) == 60
    ((facts,),) = rows(city.dsn, "SELECT facts FROM klimaspor.published WHERE week = %s", (WEEK,))
    assert facts["requests"] == 60


def test_shipping_and_loading_again_changes_nothing(city: Organisation) -> None:
    city.join(3)
    for _ in range(3):
        for path in city.devices:
            with Store.open(path) as store:
                Device(store).resend()
            ship(path)
        load(city)
        assert answers(city) == 15


def test_a_week_that_grew_or_shrank_after_it_was_sent_goes_again(city: Organisation) -> None:
    city.join(1, answers=5)
    ship(city.devices[0])
    load(city)
    with Store.open(city.devices[0]) as store:
        store.add(use(0, 8))  # an import brought more
    assert [parcel.revision for parcel in ship(city.devices[0])] == [2]
    load(city)
    assert answers(city) == 8
    with Store.open(city.devices[0]) as store, store.writing() as connection:
        connection.execute("DELETE FROM requests WHERE service = 'claude'")  # the person forgot a service
    assert [parcel.revision for parcel in ship(city.devices[0])] == [3]
    load(city)
    assert answers(city) == 5


def test_a_week_is_not_sent_before_it_has_been_over_for_a_day(city: Organisation) -> None:
    city.join(1)
    with Store.open(city.devices[0]) as store:
        device = Device(store)
        assert WEEK not in [parcel.week for parcel in device.prepare(date(2026, 11, 9))]
        assert WEEK in [parcel.week for parcel in device.prepare(date(2026, 11, 10))]


def test_the_server_killed_under_the_devices_loses_nothing(city: Organisation) -> None:
    city.join(6)
    for path in city.devices[:3]:
        ship(path)
    city.nats.kill()
    with pytest.raises(TeamError, match="NATS"):
        ship(city.devices[3])
    city.nats.start()
    city.nats.wait(city.port)
    for path in city.devices[3:]:
        ship(path)
    load(city)
    assert answers(city) == 30


LOADER = """
import asyncio, sys, time
from datetime import date
from pathlib import Path
from tracker.team import loader

real = loader.load
def slow(connection, batches):
    done = real(connection, batches)
    print("committed", flush=True)
    time.sleep(float(sys.argv[3]))  # killed here: after the commit, before the acknowledgement
    return done
loader.load = slow
asyncio.run(loader.run_loader(sys.argv[1], Path(sys.argv[2]), follow=False, today=date(2026, 11, 21)))
"""


def test_a_loader_killed_between_commit_and_acknowledgement_counts_nothing_twice(city: Organisation) -> None:
    city.join(4)
    for path in city.devices:
        ship(path)
    killed = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", LOADER, city.dsn, str(city.keys), "30"],
        stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    assert killed.stdout is not None
    assert killed.stdout.readline().strip() == "committed"
    killed.kill()
    killed.communicate()
    assert answers(city) == 20
    for path in city.devices:  # nothing was acknowledged to the server; the devices could even send again
        with Store.open(path) as store:
            Device(store).resend()
        ship(path)
    load(city)
    assert answers(city) == 20


def test_a_device_killed_while_it_ships_sends_the_rest_next_time(city: Organisation) -> None:
    city.join(1)
    code = (
        "import sys, time; from pathlib import Path; from datetime import date\n"
        "from tracker.store import Store; from tracker.team.device import Device\n"
        "store = Store.open(Path(sys.argv[1])); Device(store).prepare(date(2026, 11, 21))\n"
        "print('prepared', flush=True); time.sleep(30)"
    )
    killed = subprocess.Popen([sys.executable, "-c", code, str(city.devices[0])], stdout=subprocess.PIPE, text=True,
                              cwd=Path(__file__).parent.parent)  # fmt: skip
    assert killed.stdout is not None
    assert killed.stdout.readline().strip() == "prepared"
    killed.kill()
    killed.communicate()
    assert ship(city.devices[0])
    load(city)
    assert answers(city) == 5


def test_three_nodes_survive_the_death_of_their_leader(server: str, tmp_path: Path) -> None:
    with organisation(server, tmp_path, nodes=3) as city:
        _until_ready(city)
        city.join(4)
        for number, path in enumerate(city.devices):
            if number == 2:
                city.nodes[_leader(city)].kill()
            _insist(path)
        for _ in range(10):
            try:
                load(city)
            except TeamError:
                time.sleep(1)
            if answers(city) == 20:
                break
        assert answers(city) == 20


def _leader(city: Organisation) -> int:
    """Return which node leads the stream: the three are told apart by their names."""

    async def ask() -> str:
        async with _connected(json.loads((city.keys / "transport.json").read_text())["url"],
                              _loader_tls(city.keys)) as client:  # fmt: skip
            info = await client.jetstream().stream_info(STREAM)
            return str(info.cluster.leader) if info.cluster else ""

    return int(asyncio.run(ask()).removeprefix("klimaspor-")) - 1


def _until_ready(city: Organisation) -> None:
    for _ in range(60):
        try:
            asyncio.run(make_stream(city.keys))
        except Exception:  # noqa: BLE001 - the three are still electing a leader
            time.sleep(0.5)
        else:
            return
    raise AssertionError("the cluster did not come up")


def _insist(path: Path) -> None:
    for _ in range(30):
        try:
            if ship(path):
                return
        except TeamError:
            time.sleep(0.5)
    raise AssertionError("never acknowledged")


def test_a_device_cannot_send_on_another_devices_subject(city: Organisation) -> None:
    first, second = city.codes()[:2]
    thief = replace(first, name=second.name)  # the first one's key, the second one's subject
    with pytest.raises(TeamError, match="NATS"):
        asyncio.run(asyncio.wait_for(publish(thief, [Parcel(WEEK, 1, b"{}")]), 60))
    assert load(city).messages == 0


def test_a_strangers_key_is_refused(city: Organisation, tmp_path: Path) -> None:
    keys = tmp_path / "other"
    make_transport(keys, url=f"tls://127.0.0.1:{city.port}", units={"x": 1})
    stranger = JoinCode.read(next((keys / "codes").iterdir()).read_text())
    trusting = replace(stranger, authority=city.codes()[0].authority)
    for code in (stranger, trusting):
        with pytest.raises(TeamError, match="refuses this key"):
            asyncio.run(publish(code, [Parcel(WEEK, 1, b"{}")]))


def test_malformed_early_old_and_oversized_batches_are_refused_or_held_and_others_go_through(
    city: Organisation,
) -> None:
    city.join(1)
    code = city.codes()[1]
    good = Batch(pseudonym="a" * 32, unit="city/roads", week=WEEK, revision=1)
    messages = [
        b"not json", b"{}", encode(replace(good, unit="../../etc")), encode(replace(good, week="2026-11-03")),
        encode(replace(good, coverage=7.0)), encode(good).replace(b"false", b'"x"'), b"[" * 100_000,
        encode(replace(good, week="2026-07-06")), encode(replace(good, week="2026-11-16")),
    ]  # fmt: skip
    asyncio.run(publish(code, [Parcel(str(number), 1, message) for number, message in enumerate(messages)]))
    with pytest.raises(TeamError):
        asyncio.run(publish(code, [Parcel("big", 1, b"x" * 1_500_000)]))
    ship(city.devices[0])
    tally = load(city)
    assert sum(tally.refused.values()) == 8
    assert tally.held == 1
    assert answers(city) == 5
    assert sum(n for (n,) in rows(city.dsn, "SELECT n FROM klimaspor.refused")) == 8


def test_nothing_but_the_allowed_fields_and_no_word_of_a_person_leaves_the_computer(city: Organisation) -> None:
    city.join(1)
    with Store.open(city.devices[0]) as store:
        (record,) = use(0, 1)
        odd = replace(
            record, id="f" * 32, conversation="c" * 32, response_model=f"gpt-4o-{CANARY}", client="browser/firefox"
        )
        store.add([odd])
        for parcel in Device(store).prepare(TODAY):
            told = json.loads(parcel.payload)
            assert set(told) - {"columns"} <= FIELDS
            assert told["columns"] == [*KEYS, *SUMS]
            text = parcel.payload.decode().lower()
            for word in (CANARY.lower(), "f" * 32, "c" * 32, "firefox", "t10:00"):
                assert word not in text


def test_joining_shows_exactly_the_rows_that_go(city: Organisation) -> None:
    path = city.folder / "new" / "klimaspor.db"
    with Store.open(path) as store:
        store.add(use(1, 5, "2026-11-09"))
    code = city.keys / "codes" / "device-000001.code"
    result = CliRunner().invoke(main, ["team", "join", str(code), "--db", str(path)], input="n\n")
    assert result.exit_code == 1
    told = [json.loads(line) for line in result.output.splitlines() if line.startswith("  {")]
    assert sum(row["requests"] for row in told) == 5
    with Store.open(path) as store:
        assert Device(store).membership is None
    assert CliRunner().invoke(main, ["team", "join", str(code), "--db", str(path), "--yes"]).exit_code == 0
    again = CliRunner().invoke(main, ["team", "join", str(code), "--db", str(path), "--yes"])
    assert "has joined already" in again.output


def test_half_a_code_is_a_sentence(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["team", "join", "abcdef", "--db", str(tmp_path / "k.db"), "--yes"])
    assert result.exit_code == 1
    assert "This is not a whole join code" in result.output


def test_the_daily_timer_sends_what_waits_of_a_member_and_nothing_of_others(
    city: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.cli.team_computer._today", lambda: TODAY)
    city.join(1)
    told = CliRunner().invoke(main, ["schedule", "now", "--db", str(city.devices[0])])
    assert told.exit_code == 0, told.output
    assert "Sent 3 of 3 week(s)." in told.output
    assert load(city).taken == 3
    again = CliRunner().invoke(main, ["schedule", "now", "--db", str(city.devices[0])])
    assert "Nothing new to send." in again.output
    other = city.folder / "other" / "klimaspor.db"
    with Store.open(other) as store:
        store.add(use(1, 2))
    alone = CliRunner().invoke(main, ["schedule", "now", "--db", str(other)])
    assert alone.exit_code == 0, alone.output
    assert "week(s)" not in alone.output + again.output
    with Store.open(other, readonly=True) as store, store.reading() as connection:
        assert connection.execute("SELECT 1 FROM sqlite_master WHERE name LIKE 'team_%'").fetchone() is None


def test_the_daily_timer_writes_the_report_also_when_the_server_is_away(
    city: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.cli.team_computer._today", lambda: TODAY)
    city.join(1)
    city.nats.kill()
    told = CliRunner().invoke(main, ["schedule", "now", "--db", str(city.devices[0])])
    assert told.exit_code == 1
    assert "NATS" in told.output
    assert "Traceback" not in told.output
    with Store.open(city.devices[0]) as store:
        assert len(Device(store).waiting()) == 3


def test_who_leaves_has_everything_dropped(city: Organisation) -> None:
    city.join(6)
    for path in city.devices:
        ship(path)
    load(city)
    result = CliRunner().invoke(main, ["team", "erase", "--db", str(city.devices[0]), "--yes"])
    assert result.exit_code == 0, result.output
    load(city)
    assert answers(city) == 25
    with Store.open(city.devices[0]) as store:
        assert Device(store).membership is None
