"""One stream of many breaks, a client vanishes, worker or port are gone at the worst moment: all else goes on."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import struct
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from addon.run import Proxy, ProxyError, ProxyOptions
from addon.tally import files_beside, left_of, name_of
from tests.bench.aftermath import told
from tests.rig import beside_others, free_port
from tests.rogue import PATH, URL, Rogue, Way, answer, proxied, question
from tests.test_what_is_lost import Talk
from tracker.marks import marks_of
from tracker.store import Store


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory, origin: Rogue) -> Iterator[Way]:
    with proxied(tmp_path_factory.mktemp("data"), origin) as made:
        yield made


def test_one_stream_that_is_reset_leaves_the_others_of_its_connection_alone(way: Way) -> None:
    doings = ["right-1", "reset", "right-2", "right-3"]

    def ask_all() -> None:
        with way.client(http2=True) as session:
            assert session.post(f"{URL}?right-0", json=question()).content == answer("chatcmpl-right-0")

            def ask(do: str) -> bytes | None:
                try:
                    return session.post(f"{URL}?{do}", json=question()).content
                except httpx.RemoteProtocolError:
                    return None

            with ThreadPoolExecutor(len(doings)) as pool:
                came = list(pool.map(ask, doings))
        assert came == [None if do == "reset" else answer(f"chatcmpl-{do}") for do in doings]

    assert sorted(one.outcome for one in way.fresh(ask_all, 5)) == ["aborted", *["complete"] * 4]


@pytest.mark.parametrize("how", ["a reset", "half a connection"])
def test_a_client_that_vanishes_in_mid_answer_is_recorded_and_holds_up_nobody(way: Way, how: str) -> None:
    trust = ssl.create_default_context(cafile=str(way.proxy.certificate))
    asked = json.dumps(question("stops", f"chatcmpl-vanished-{how}".replace(" ", "-"), 20)).encode()
    head = f"POST {PATH} HTTP/1.1\r\nhost: api.openai.com\r\ncontent-length: {len(asked)}\r\n\r\n".encode()

    def vanish() -> None:
        plain = socket.create_connection(("127.0.0.1", way.proxy.state.port), 20)
        plain.sendall(b"CONNECT api.openai.com:443 HTTP/1.1\r\nhost: api.openai.com:443\r\n\r\n")
        assert plain.recv(1000).startswith(b"HTTP/1.1 200")
        opened = trust.wrap_socket(plain, server_hostname="api.openai.com")
        opened.sendall(head + asked)
        came = b""
        while len(came) < 600:
            came += opened.recv(1000)
        if how == "a reset":
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            opened.close()
        else:
            opened.shutdown(socket.SHUT_WR)  # it would still read, but says no more
        started = time.monotonic()
        assert way.ask("right", f"chatcmpl-beside-{how}".replace(" ", "-")).endswith(b"[DONE]\n\n")
        assert time.monotonic() - started < 3
        opened.close()

    assert sorted(one.outcome for one in way.fresh(vanish, 2)) == ["aborted", "complete"]


@pytest.mark.parametrize("stopped_first", [False, True], ids=["dead", "stuck, then dead"])
def test_a_worker_that_is_dead_when_the_proxy_ends_is_replaced_for_what_is_left(
    tmp_path: Path, stopped_first: bool
) -> None:
    talk = Talk(tmp_path / "klimaspor.db")
    copy = talk.open("socket")
    talk.start()
    talk.ask()
    talk.say("socket", copy)
    talk.ear.settle()
    process = talk.ear.process
    assert process is not None
    if stopped_first:
        os.kill(process.pid, signal.SIGSTOP)
    for _ in range(3):
        talk.ask()
        talk.say("socket", copy)
    if stopped_first:
        time.sleep(0.2)
    os.kill(process.pid, signal.SIGKILL)
    talk.hang_up("socket", copy)
    assert talk.end() == (8, {})


def test_what_a_worker_that_never_wakes_has_at_the_end_is_left_to_be_counted(tmp_path: Path) -> None:
    talk = Talk(tmp_path / "klimaspor.db")
    talk.start()
    talk.ask()
    talk.ear.settle()
    process = talk.ear.process
    assert process is not None
    os.kill(process.pid, signal.SIGSTOP)
    for _ in range(3):
        talk.ask()
    started = time.monotonic()
    talk.ear.close(0.5)
    talk.is_over = True
    assert time.monotonic() - started < 6
    assert process.wait(10) == -signal.SIGKILL
    (path,) = files_beside(talk.db)
    with Store.open(talk.db, readonly=True) as store:
        done = {mark.service: mark.done for mark in marks_of(store, name_of(path))}
        rows = len(list(store.records()))
    (left,) = left_of(memoryview(path.read_bytes()).cast("Q"), done)
    assert rows + left.n + told(tmp_path).total() == 4


def test_a_port_that_is_taken_after_we_looked_is_told_and_leaves_nothing_behind(tmp_path: Path, origin: Rogue) -> None:
    port = free_port()
    folder = tmp_path / "data"
    proxy = Proxy(ProxyOptions(db=folder / "k.db", folder=folder, port=port, upstream_ca=origin.authority))
    taken = socket.create_server(("127.0.0.1", port))
    with beside_others(), taken, pytest.raises(ProxyError, match="A port could not be opened"):
        proxy.run()
    process = proxy.ear.process
    assert process is None
    assert not (folder / "proxy.json").exists()
    assert files_beside(folder / "k.db") == []
