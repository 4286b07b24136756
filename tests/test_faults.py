"""
Faults of the wire, the disk and the clock: bytes stay right, rows stay, the rest counts.

Elsewhere: readers and workers that misbehave in ``test_worker_faults``, a taken port, a stop and a kill in
``test_proxy_commands``, gaps and clocks in ``test_coverage_of_time``, the bare store in ``test_store_faults``.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

import addon.tap
from addon.outbox import Outbox
from addon.reading import Reading
from addon.tally import Tally
from tests.bench.faults import Toll, killing
from tests.bench.locked import Outcome
from tests.faulty_answers import WAYS
from tests.rogue import HOST, PATH, URL, Rogue, Way, answer, proxied, question
from tests.test_store import make
from tracker.store import Store

LOCKED = {"the worker lives": [], "the worker is killed": ["--kill"]}


@pytest.fixture(scope="module", autouse=True)
def locked() -> Iterator[dict[str, subprocess.Popen[str]]]:
    """Two minutes of a locked database, which pass while the other tests of this file run."""
    command = [sys.executable, "-m", "tests.bench", "locked", "--seconds", "60"]
    root, pipe = Path(__file__).parents[1], subprocess.PIPE
    runs = {
        how: subprocess.Popen([*command, *more], cwd=root, stdout=pipe, stderr=pipe, text=True)
        for how, more in LOCKED.items()
    }
    yield runs
    for run in runs.values():
        run.kill()
        run.communicate()


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory, origin: Rogue) -> Iterator[Way]:
    with proxied(tmp_path_factory.mktemp("data"), origin) as made:
        yield made


def received(session: httpx.Client, url: str, asked: dict[str, Any], **more: Any) -> tuple[bytes, int | None, bool]:
    """What a client got of the answer: the bytes, the status, and whether it ended well."""
    came, status = b"", None
    try:
        with session.stream("POST", url, json=asked, **more) as response:
            status = response.status_code
            for piece in response.iter_raw():
                came += piece
    except httpx.HTTPError:
        return came, status, False
    return came, status, True


# Faults of the wire.


@pytest.mark.parametrize("do", [name for name in WAYS if name != "right"])
def test_what_a_service_breaks_is_as_broken_as_without_us_and_the_next_answer_is_read(way: Way, do: str) -> None:
    whole = answer(f"chatcmpl-{do}", 40)
    asked = question(do, f"chatcmpl-{do}", 40)
    direct_trust = ssl.create_default_context(cafile=str(way.origin.authority))
    with httpx.Client(verify=direct_trust, trust_env=False, timeout=10) as session:
        named: dict[str, Any] = {"headers": {"host": HOST}, "extensions": {"sni_hostname": HOST}}
        direct = received(session, f"https://127.0.0.1:{way.origin.port}{PATH}", asked, **named)
    results: list[tuple[bytes, int | None, bool]] = []

    def ask() -> None:
        with way.client() as session:
            results.append(received(session, URL, asked))

    records = way.fresh(ask)
    ((came, status, well),) = results
    if status == 502:
        assert direct == (b"", None, False)  # the same fault, told by the proxy
        assert records == []
    else:
        assert whole.startswith(came)
        assert well == direct[2]
        assert came == direct[0] or do == "resets"  # which may overtake what was sent before it
        assert all(record.outcome in {"aborted", "complete"} for record in records)
        assert len(records) <= 1
    assert [r.outcome for r in way.fresh(lambda: way.ask("right", f"chatcmpl-after-{do}"))] == ["complete"]


@pytest.mark.parametrize("do", ["reset", "goaway", "gone"])
def test_an_answer_that_http2_breaks_off_is_recorded_as_aborted(way: Way, do: str) -> None:
    whole = answer(f"chatcmpl-{do}")
    results = []

    def ask() -> None:
        with way.client(http2=True) as session:
            results.append(received(session, f"{URL}?{do}", question()))

    (record,) = way.fresh(ask)
    ((came, status, well),) = results
    assert (status, well) == (200, False)
    assert came == whole[: len(whole) // 2]
    assert record.outcome == "aborted"
    assert record.output_tokens is not None
    with way.client(http2=True) as session:
        assert session.post(f"{URL}?right-{do}", json=question()).content == answer(f"chatcmpl-right-{do}")


def test_a_service_that_falls_silent_holds_up_nobody_else_and_giving_up_is_recorded(way: Way) -> None:
    way.origin.quiet.clear()

    def give_up() -> None:
        with way.client(timeout=0.7) as session:
            came, _, well = received(session, URL, question("stops", "chatcmpl-silent", 20))
            assert not well
            assert answer("chatcmpl-silent", 20).startswith(came)
            assert len(came) > 500
        assert way.origin.quiet.is_set()
        assert way.ask("right", "chatcmpl-beside") == answer("chatcmpl-beside")

    told = sorted(record.outcome for record in way.fresh(give_up, 2))
    assert told == ["aborted", "complete"]


def test_a_client_that_goes_away_in_mid_question_leaves_nothing(way: Way) -> None:
    trust = ssl.create_default_context(cafile=str(way.proxy.certificate))
    begin = b"POST /v1/chat/completions HTTP/1.1\r\nhost: api.openai.com\r\ncontent-length: 900\r\n\r\n{"

    def leave() -> None:
        for said in (b"", b"POST /v1", begin):
            with socket.create_connection(("127.0.0.1", way.proxy.state.port), 5) as plain:
                plain.sendall(b"CONNECT api.openai.com:443 HTTP/1.1\r\nhost: api.openai.com:443\r\n\r\n")
                assert plain.recv(1000).startswith(b"HTTP/1.1 200")
                with trust.wrap_socket(plain, server_hostname="api.openai.com") as opened:
                    opened.sendall(said)
        with socket.create_connection(("127.0.0.1", way.proxy.state.port), 5) as plain:
            plain.sendall(b"CONNECT api.openai.com:443 HTTP/1.1\r\nhost: api.op")
        assert way.ask("right", "chatcmpl-after-leaving") == answer("chatcmpl-after-leaving")

    assert len(way.fresh(leave)) == 1


def test_a_client_that_stops_reading_for_a_while_gets_every_byte_and_holds_up_nobody(way: Way) -> None:
    trust = ssl.create_default_context(cafile=str(way.proxy.certificate))
    whole = answer("chatcmpl-lazy", 40_000)
    asked = json.dumps(question("right", "chatcmpl-lazy", 40_000)).encode()
    head = f"POST {PATH} HTTP/1.1\r\nhost: api.openai.com\r\ncontent-length: {len(asked)}\r\n\r\n".encode()

    def be_lazy() -> None:
        with socket.create_connection(("127.0.0.1", way.proxy.state.port), 20) as plain:
            plain.sendall(b"CONNECT api.openai.com:443 HTTP/1.1\r\nhost: api.openai.com:443\r\n\r\n")
            assert plain.recv(1000).startswith(b"HTTP/1.1 200")
            with trust.wrap_socket(plain, server_hostname="api.openai.com") as opened:
                opened.sendall(head + asked)
                first = opened.recv(100)
                started = time.monotonic()
                assert way.ask("right", "chatcmpl-beside-lazy") == answer("chatcmpl-beside-lazy")
                assert time.monotonic() - started < 3
                time.sleep(1)
                came = bytearray(first)
                while len(came) < len(whole) and (more := opened.recv(1_000_000)):
                    came += more
        assert came.partition(b"\r\n\r\n")[2] == whole

    assert sorted(r.outcome for r in way.fresh(be_lazy, 2)) == ["complete", "complete"]


def test_a_service_that_hangs_up_on_its_side_only_loses_no_byte(way: Way) -> None:
    """Half of a connection is closed: the answer has no length and ends where the service ends it."""
    name = "chatcmpl-half-open"
    records = way.fresh(lambda: way.ask("closes-after", name, n=200))
    assert [record.outcome for record in records] == ["complete"]


# Kills.


def check_toll(toll: Toll) -> None:
    assert toll.wrong_bytes == 0
    assert toll.vanished == 0
    assert toll.strange == 0
    assert toll.not_intact == 0
    assert toll.gaps_unseen == 0
    assert toll.uncounted == 0
    assert toll.overcounted == 0
    assert toll.untold == 0
    assert toll.kept >= toll.rounds  # every round had rows to lose


@pytest.fixture(scope="module")
def kill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Toll]]:
    with killing(tmp_path_factory.mktemp("kills"), seed=9) as one_round:
        yield one_round


@pytest.mark.parametrize("nth", range(10))
def test_killed_twice_under_load_everything_that_was_written_is_there(kill: Callable[[], Toll], nth: int) -> None:
    before = kill().rounds
    toll = kill()
    assert toll.rounds == before + 1
    check_toll(toll)


def test_a_torn_write_ahead_log_costs_the_last_rows_and_they_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "k.db"
    tally = Tally.make(path)
    assert tally is not None
    with Store.open(path) as store:
        store.db.execute("PRAGMA wal_autocheckpoint = 0")
        outbox = Outbox(store, tally)
        for n in range(12):
            for _ in range(2):
                tally.begin("claude")
            outbox.put(Reading(records=(make(2 * n), make(2 * n + 1))), "claude", None, done={"claude": 2})
        data, log = path.read_bytes(), (tmp_path / "k.db-wal").read_bytes()
        under_way = tally.path.read_bytes()
    assert len(log) > 50_000
    counts = []
    for number, cut in enumerate([*range(0, len(log), len(log) // 24), len(log)]):
        for how in ("cut", "garbage", "flipped"):
            torn = tmp_path / f"{how}{number}.db"
            torn.write_bytes(data)
            rest = {"cut": b"", "garbage": os.urandom(len(log) - cut), "flipped": bytes(255 - b for b in log[cut:])}
            torn.with_name(torn.name + "-wal").write_bytes(log[:cut] + rest[how])
            torn.with_name(f"{torn.stem}.{tally.path.name.removeprefix('k.')}").write_bytes(under_way)
            with Store.open(torn) as store:
                assert store.db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                ids = {record.id for record in store.records()}
                counts.append(len(ids))
                assert ids == {make(n).id for n in range(len(ids))}  # the first ones, whole pairs
                assert len(ids) % 2 == 0
                assert store.add([make(900)]).new == 1
                for _ in range(2):
                    Outbox(store).count_killed()
                lost = store.unread(date(2000, 1, 1), date(9000, 1, 1))
                assert [(one.service, one.reason) for one in lost] == [("claude", "killed")] * (len(ids) < 24)
                assert sum(one.n for one in lost) == 24 - len(ids)
    assert min(counts) < 4
    assert max(counts) == 24
    tally.close()


@pytest.mark.parametrize("how", LOCKED)
def test_a_database_that_another_tool_locks_for_a_minute_delays_the_rows_and_no_chat(
    locked: dict[str, subprocess.Popen[str]], how: str
) -> None:
    told, problems = locked[how].communicate(timeout=150)
    outcome = Outcome(**json.loads(told))
    assert locked[how].returncode == 0, problems
    assert outcome.wrong_bytes == 0
    assert outcome.slowest_s < 4.5  # SQLite waits for five
    assert outcome.rows_meanwhile == 0
    assert [line for line in outcome.told if "The database is locked" in line] == outcome.told != []
    assert outcome.is_well_again
    assert outcome.asked > 40
    if how == "the worker lives":
        assert (outcome.rows, outcome.lost) == (outcome.asked, {})
    else:  # what it held in its memory is counted, to the last one
        assert outcome.lost.keys() == {"worker-lost"}
        assert outcome.rows + outcome.lost["worker-lost"] == outcome.asked


# Clocks.


@pytest.mark.parametrize("jump_seconds", [-7200.0, 7200.0, -1.7e9], ids=["back", "forth", "to-1970"])
def test_a_clock_that_jumps_in_mid_answer_changes_no_duration(
    way: Way, monkeypatch: pytest.MonkeyPatch, jump_seconds: float
) -> None:
    jumped = []

    def jumping() -> float:
        jumped.append(True)
        return time.time() + (jump_seconds if len(jumped) > 1 else 0.0)

    monkeypatch.setattr(addon.tap, "time", SimpleNamespace(time=jumping, monotonic_ns=time.monotonic_ns))
    names = [f"chatcmpl-clock-{jump_seconds}-{n}" for n in range(2)]

    def ask_all() -> None:
        for name in names:
            assert way.ask("right", name) == answer(name)

    lost = way.unread()
    records = way.fresh(ask_all, 2)
    assert way.unread() == lost
    assert len(records) == 2
    for record in records:
        assert record.duration_ms is not None
        assert 0 <= record.duration_ms < 8000
        assert datetime.fromisoformat(record.started_at).tzinfo is UTC or record.started_at.endswith("Z")
