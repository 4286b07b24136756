"""Restart, kill and sleep while answers stream: bytes that came are right, rows are there, what was lost is counted."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from tests.bench.aftermath import children_of, told, wait_for_the_end_of
from tests.proxy_process import certificate_of, proxy_process
from tests.rig import OPENAI, QUESTION, Origin, Reply, completion, free_port, origin
from tests.rogue import Rogue, proxied, question
from tracker.store import Store

PATH = "/v1/chat/completions"


async def stop_half_way(receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
    """A realtime service that begins to answer and never ends."""
    await receive()
    for event in (
        {"type": "response.created", "response": {"id": "resp_1", "status": "in_progress"}},
        {"type": "response.output_text.delta", "response_id": "resp_1", "delta": "The moon is far."},
    ):
        await send({"type": "websocket.send", "text": json.dumps(event)})
    while (await receive())["type"] != "websocket.disconnect":
        pass


def client(folder: Path, port: int, *, http2: bool = False) -> httpx.Client:
    trust = ssl.create_default_context(cafile=str(certificate_of(folder)))
    return httpx.Client(proxy=f"http://127.0.0.1:{port}", verify=trust, trust_env=False, timeout=20, http2=http2)


def rows(folder: Path) -> Counter[str]:
    with Store.open(folder / "klimaspor.db", readonly=True) as store:
        return Counter(record.outcome for record in store.records())


def held(folder: Path) -> int:
    """How many answers the database knows that only the worker holds."""
    with Store.open(folder / "klimaspor.db", readonly=True) as store:
        return int(store.db.execute("SELECT coalesce(sum(held), 0) FROM under_way").fetchone()[0])


class Following:
    """Clients that follow one answer each, until it ends or breaks off."""

    def __init__(self, folder: Path, port: int) -> None:
        self.came = {"http/1.1": b"", "http/2": b"", "socket": b""}
        self.ended_well: list[str] = []
        self._folder, self._port = folder, port
        self._threads = [
            threading.Thread(target=self._follow, args=["http/1.1"], daemon=True),
            threading.Thread(target=self._follow, args=["http/2"], daemon=True),
            threading.Thread(target=lambda: asyncio.run(self._talk()), daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        self._wait(lambda: all(self.came.values()))

    def end(self) -> None:
        for thread in self._threads:
            thread.join(20)

    def _wait(self, is_there: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not is_there() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert is_there()

    def _follow(self, how: str) -> None:
        try:
            with (
                client(self._folder, self._port, http2=how == "http/2") as session,
                session.stream("POST", OPENAI, json={**QUESTION, "user": how}) as response,
            ):
                for piece in response.iter_raw():
                    self.came[how] += piece
            self.ended_well.append(how)
        except httpx.HTTPError:
            return

    async def _talk(self) -> None:
        trust = ssl.create_default_context(cafile=str(certificate_of(self._folder)))
        proxy = f"http://127.0.0.1:{self._port}"
        try:
            async with connect("wss://api.openai.com/v1/realtime?model=gpt-realtime", proxy=proxy, ssl=trust) as socket:
                await socket.send(json.dumps({"type": "response.create"}))
                async for message in socket:
                    self.came["socket"] += str(message).encode()
        except (WebSocketException, OSError):
            return


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_under_open_streams_leaves_each_recorded_or_counted_and_the_next_proxy_goes_on(
    tmp_path: Path, how: signal.Signals
) -> None:
    folder, port, whole = tmp_path / "data", str(free_port()), completion(40, name="chatcmpl-@")
    with origin(tmp_path / "origin", ["api.openai.com"]) as made:
        with proxy_process(folder, made.port, made.authority, "--port", port) as (process, _):
            _answer_whole(made, folder, int(port))
            gate = threading.Event()
            made.replies[PATH] = Reply([b"".join(whole[:20]), *whole[20:]], gate=gate)
            made.sockets["/v1/realtime"] = stop_half_way
            streams = Following(folder, int(port))
            _wait_for(lambda: held(folder) == 1)  # the worker has heard the socket's answer begin
            workers = children_of(process.pid)
            process.send_signal(how)
            process.wait(20)
            wait_for_the_end_of(workers)
            gate.set()
            streams.end()
        assert streams.ended_well == []
        assert streams.came["http/1.1"] == streams.came["http/2"] == b"".join(whole[:20])
        assert b"The moon is far." in streams.came["socket"]
        with proxy_process(folder, made.port, made.authority, "--port", port) as (process, _):
            _answer_whole(made, folder, int(port))
            _wait_for(lambda: rows(folder)["complete"] == 2)
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
    if how == signal.SIGTERM:
        assert (rows(folder), told(folder)) == ({"complete": 2, "aborted": 3}, {})
    else:  # what the proxy alone had is lost and counted; the worker that was left had heard the socket
        assert (rows(folder), told(folder)) == ({"complete": 2, "aborted": 1}, {"killed": 2})
    assert [path for path in folder.iterdir() if "under-way" in path.name] == []


def test_a_sleep_in_mid_answer_costs_no_byte_and_no_row(tmp_path: Path) -> None:
    folder, whole, gate = tmp_path / "data", completion(40, name="chatcmpl-asleep"), threading.Event()
    with (
        origin(tmp_path / "origin", ["api.openai.com"]) as made,
        proxy_process(folder, made.port, made.authority) as (process, port),
    ):
        made.replies[PATH] = Reply([b"".join(whole[:20]), *whole[20:]], gate=gate)
        came: list[bytes] = []
        with client(folder, port) as session, session.stream("POST", OPENAI, json=QUESTION) as response:
            arriving = response.iter_raw()
            came.append(next(arriving))
            asleep = [process.pid, *children_of(process.pid)]
            for pid in asleep:
                os.kill(pid, signal.SIGSTOP)
            gate.set()  # meanwhile the rest arrives in the system's buffers
            time.sleep(3)
            for pid in asleep:
                os.kill(pid, signal.SIGCONT)
            came += arriving
        assert b"".join(came) == b"".join(whole)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert (rows(folder), told(folder)) == ({"complete": 1}, {})
    with Store.open(folder / "klimaspor.db", readonly=True) as store:
        (record,) = store.records()
        assert record.output_tokens == 40
        assert record.duration_ms is not None
        assert 2500 < record.duration_ms < 15_000


def test_a_company_s_proxy_that_is_down_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    nobody = Rogue(free_port(), _any_authority(tmp_path), threading.Event())
    upstream = f"http://127.0.0.1:{nobody.port}"
    with proxied(tmp_path / "data", nobody, upstream=upstream, redirect={}) as way:
        with way.client() as session:
            assert session.post(OPENAI, json=question()).status_code == 502
        assert way.records() == {}
        assert way.unread() == []
    assert [path for path in (tmp_path / "data").iterdir() if "under-way" in path.name] == []


def _any_authority(folder: Path) -> Path:
    import trustme

    trustme.CA().cert_pem.write_to_path(folder / "ca.pem")
    return folder / "ca.pem"


def _answer_whole(made: Origin, folder: Path, port: int) -> None:
    n = len(made.seen)
    made.replies[PATH] = Reply(completion(5, name=f"chatcmpl-whole-{n}"))
    before = rows(folder)["complete"]
    with client(folder, port) as session:
        assert session.post(OPENAI, json=QUESTION).content == b"".join(completion(5, name=f"chatcmpl-whole-{n}"))
    _wait_for(lambda: rows(folder)["complete"] > before)


def _wait_for(is_there: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_there() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert is_there()
