"""
Faults of the wire, the disk and the clock: the chat gets what the service sent, what was written stays, the rest counts.

Elsewhere: readers and workers that misbehave in ``test_worker_faults``, a taken port, a stop and a kill in
``test_proxy_commands``, gaps and clocks in ``test_coverage_of_time``, the bare store in ``test_store_faults``.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

import addon.tap
from addon.ear import HEAVIEST_QUEUE
from addon.run import ProxyError, ProxyOptions, Running, running
from tests.bench.faults import Toll, kill_again_and_again
from tests.rig import free_port
from tests.rogue import PATH, URL, WAYS, Rogue, answer, question, rogue
from tests.test_store import make
from tracker.record import Record, Unread
from tracker.store import Store, StoreError


@dataclass(frozen=True, slots=True)
class Way:
    """The proxy before an origin that does what it is told."""

    origin: Rogue
    proxy: Running
    db: Path
    told: list[str]

    def client(self, **more: Any) -> httpx.Client:
        trust = ssl.create_default_context(cafile=str(self.proxy.certificate))
        url = f"http://127.0.0.1:{self.proxy.state.port}"
        return httpx.Client(**{"proxy": url, "verify": trust, "trust_env": False, "timeout": 10, **more})

    def ask(self, do: str = "right", name: str = "chatcmpl-1", **more: Any) -> bytes:
        with self.client() as session:
            return session.post(URL, json=question(do, name, **more)).content

    def records(self) -> dict[str, Record]:
        self.proxy.settle()
        with Store.open(self.db, readonly=True) as store:
            return {record.id: record for record in store.records()}

    def unread(self) -> list[Unread]:
        self.proxy.settle()
        with Store.open(self.db, readonly=True) as store:
            return store.unread(date(2000, 1, 1), date(9000, 1, 1))

    def fresh(self, act: Callable[[], object]) -> list[Record]:
        """What the act left in the database."""
        before = self.records()
        act()
        deadline = time.monotonic() + 3
        while not (after := {k: r for k, r in self.records().items() if k not in before}):
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        return list(after.values())


@contextmanager
def proxied(folder: Path, origin: Rogue, **options: Any) -> Iterator[Way]:
    told: list[str] = []
    chosen = ProxyOptions(
        **{
            "db": folder / "klimaspor.db",
            "folder": folder,
            "port": 0,
            "upstream_ca": origin.authority,
            "redirect": {"*": ("127.0.0.1", origin.port)},
            "tell": told.append,
            **options,
        }
    )
    with running(chosen) as proxy:
        yield Way(origin, proxy, chosen.db, told)


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rogue]:
    with rogue(tmp_path_factory.mktemp("rogue")) as made:
        yield made


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory, origin: Rogue) -> Iterator[Way]:
    with proxied(tmp_path_factory.mktemp("data"), origin) as made:
        yield made


def received(session: httpx.Client, url: str, asked: dict[str, Any]) -> tuple[bytes, int | None, bool]:
    """What a client got of the answer: the bytes, the status, and whether it ended well."""
    came, status = b"", None
    try:
        with session.stream("POST", url, json=asked) as response:
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
    to_origin = httpx.HTTPTransport(verify=direct_trust)
    with httpx.Client(transport=to_origin, trust_env=False, timeout=10) as session:
        headers, extensions = {"host": "api.openai.com"}, {"sni_hostname": "api.openai.com"}
        request = session.build_request(
            "POST", f"https://127.0.0.1:{way.origin.port}{PATH}", json=asked, headers=headers, extensions=extensions
        )
        try:
            direct = session.send(request).content
        except httpx.HTTPError:
            direct = None
    results: list[tuple[bytes, int | None, bool]] = []

    def ask() -> None:
        with way.client() as session:
            results.append(received(session, URL, asked))

    records = way.fresh(ask)
    ((came, status, well),) = results
    if status == 502:
        assert direct is None  # the same fault, told by the proxy
        assert records == []
    else:
        assert whole.startswith(came)
        assert well == (direct is not None)
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

    told = sorted(record.outcome for record in way.fresh(give_up))
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


def test_with_the_service_down_the_client_is_told_and_nothing_is_recorded(tmp_path: Path, origin: Rogue) -> None:
    down = free_port()
    with proxied(tmp_path, origin, redirect={"*": ("127.0.0.1", down)}) as way, way.client() as session:
        for _ in range(3):
            assert session.post(URL, json=question()).status_code == 502
        assert way.records() == {}
        assert way.unread() == []


# Kills.


def check_toll(toll: Toll) -> None:
    assert toll.wrong_bytes == 0
    assert toll.vanished == 0
    assert toll.strange == 0
    assert toll.not_intact == 0
    assert toll.gaps_unseen == 0
    assert toll.answers > 0


@pytest.mark.parametrize("seed", range(4))
def test_killed_under_load_everything_that_was_written_is_there(tmp_path: Path, seed: int) -> None:
    toll = kill_again_and_again(tmp_path, rounds=5, seed=seed)
    assert toll.rounds == 5
    check_toll(toll)


def test_a_torn_write_ahead_log_costs_the_last_rows_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "k.db"
    with Store.open(path) as store:
        store.db.execute("PRAGMA wal_autocheckpoint = 0")
        for n in range(12):
            store.add([make(2 * n), make(2 * n + 1)])
        data, log = path.read_bytes(), (tmp_path / "k.db-wal").read_bytes()
    assert len(log) > 50_000
    counts = []
    for number, cut in enumerate(range(0, len(log) + 1, len(log) // 24)):
        for how in ("cut", "garbage", "flipped"):
            torn = tmp_path / f"{how}{number}.db"
            torn.write_bytes(data)
            rest = {"cut": b"", "garbage": os.urandom(len(log) - cut), "flipped": bytes(255 - b for b in log[cut:])}
            torn.with_name(torn.name + "-wal").write_bytes(log[:cut] + rest[how])
            with Store.open(torn) as store:
                assert store.db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                ids = {record.id for record in store.records()}
                counts.append(len(ids))
                assert ids == {make(n).id for n in range(len(ids))}  # the first ones, whole pairs
                assert len(ids) % 2 == 0
                assert store.add([make(900)]).new == 1
    assert min(counts) < 4
    assert max(counts) == 24


# Disks.


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of its own, if this process may mount one."""
    folder.mkdir()
    mounted = sys.platform == "linux" and shutil.which("mount") is not None
    mounted = (
        mounted
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(folder)],
            capture_output=True,
            check=False,
        ).returncode
    )
    if not mounted:
        pytest.skip("did not run: no file system can be mounted here (needs root on Linux)")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_delays_the_rows_and_says_so(tmp_path: Path, origin: Rogue) -> None:
    with small_disk(tmp_path / "disk", "1500k") as disk, proxied(tmp_path / "data", origin, db=disk / "k.db") as way:
        way.ask("right", "chatcmpl-before-full")
        assert len(way.records()) == 1
        ballast = disk / "ballast"
        with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
            while file.write(b"x" * 4096):
                pass
        for n in range(40):
            name = f"chatcmpl-full-{n}"
            assert way.ask("right", name) == answer(name)
        way.proxy.ear.beat({"at": time.time(), "clean_stop": False, "counters": {}, "passed": []})
        before = len(way.records())
        assert before < 41
        assert "disk is full" in (way.proxy.ear.trouble or "").lower() + "".join(way.told).lower()
        ballast.unlink()
        assert len(way.records()) == 41
        way.proxy.ear.beat({"at": time.time(), "clean_stop": False, "counters": {}, "passed": []})
        way.proxy.settle()
        assert way.proxy.ear.trouble is None


def test_a_read_only_file_system_can_be_read_and_is_refused_at_start(tmp_path: Path, origin: Rogue) -> None:
    with small_disk(tmp_path / "disk", "4m") as disk:
        with Store.open(disk / "k.db") as store:
            store.add([make(n) for n in range(3)])
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with Store.open(disk / "k.db", readonly=True) as store:
            assert len(list(store.records())) == 3
        with pytest.raises(StoreError, match="read-only"):
            Store.open(disk / "k.db")
        with pytest.raises(ProxyError, match="read-only"), proxied(tmp_path / "data", origin, db=disk / "k.db"):
            pass


def test_a_database_that_another_tool_locks_for_long_delays_the_rows_and_no_chat(way: Way) -> None:
    before = len(way.records())
    other = sqlite3.connect(way.db, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        for n in range(4):
            assert way.ask("right", f"chatcmpl-locked-{n}") == answer(f"chatcmpl-locked-{n}")
        assert time.monotonic() - started < 4.5  # SQLite gives up waiting after five
        way.proxy.ear.beat({"at": time.time(), "clean_stop": False, "counters": {}, "passed": []})
        time.sleep(max(0.0, started + 6 - time.monotonic()))
        other.execute("ROLLBACK")
    finally:
        other.close()
    assert len(way.records()) == before + 4


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
    records = way.fresh(lambda: [way.ask("right", name) for name in names])
    assert len(records) == 2
    for record in records:
        assert record.duration_ms is not None
        assert 0 <= record.duration_ms < 8000
        assert datetime.fromisoformat(record.started_at).tzinfo is UTC or record.started_at.endswith("Z")


# Too much at once.


def test_when_reading_cannot_keep_up_the_chat_goes_on_and_what_is_left_out_is_counted(
    tmp_path: Path, origin: Rogue
) -> None:
    with proxied(tmp_path, origin) as way:
        way.ask("right", "chatcmpl-warm")
        before = len(way.records())
        process = way.proxy.ear.process
        assert process is not None
        os.kill(process.pid, signal.SIGSTOP)
        large = answer("chatcmpl-large", 6000)
        turns = HEAVIEST_QUEUE // len(large) + 12
        try:
            with way.client() as session:
                slowest = 0.0
                for _ in range(turns):
                    started = time.monotonic()
                    assert session.post(URL, json=question("right", "chatcmpl-large", 6000)).content == large
                    slowest = max(slowest, time.monotonic() - started)
            assert slowest < 3
            assert way.proxy.ear.counters.handed == turns + 1
        finally:
            os.kill(process.pid, signal.SIGCONT)
        lost = {unread.reason: unread.n for unread in way.unread()}
        assert 0 < lost["overload"] < turns
        assert len(way.records()) == before + 1  # the same answer again and again is one row
        counters = way.proxy.ear.counters
        assert counters.read + counters.lost["overload"] == turns + 1
