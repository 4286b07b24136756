"""Other ways in: sockets, local model servers, a company's proxy, plain mitmdump."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.rig import OPENAI, OTHER, QUESTION, Reply, completion, free_port, origin, rig
from tracker.store import Store

ROOT = Path(__file__).parent.parent
MITMDUMP = Path(sys.executable).with_name("mitmdump")


async def answer_turns(receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
    """A realtime service: each request is answered with a delta and a terminal event that carries usage."""
    turn = 0
    while (message := await receive())["type"] != "websocket.disconnect":
        if json.loads(message["text"])["type"] != "response.create":
            continue
        turn += 1
        usage = {"input_tokens": 7, "output_tokens": 11, "total_tokens": 18}
        done = {
            "id": f"resp_{turn}",
            "object": "realtime.response",
            "status": "completed",
            "usage": usage,
            "output": [],
        }
        for event in (
            {"type": "response.created", "response": {"id": f"resp_{turn}", "status": "in_progress"}},
            {"type": "response.output_text.delta", "response_id": f"resp_{turn}", "delta": "The moon is far."},
            {"type": "response.done", "response": done},
        ):
            await send({"type": "websocket.send", "text": json.dumps(event)})


def test_every_turn_of_a_socket_is_recorded_when_it_ends(tmp_path: Path) -> None:
    with rig(tmp_path) as way:
        way.origin.sockets["/v1/realtime"] = answer_turns

        async def talk() -> None:
            url = "wss://api.openai.com/v1/realtime?model=gpt-realtime"
            async with connect(url, proxy=way.proxy_url, ssl=way.trust) as socket:
                for n in range(1, 4):
                    await socket.send(json.dumps({"type": "response.create"}))
                    for _ in range(3):
                        await socket.recv()
                    assert len(await asyncio.to_thread(way.records)) == n  # the socket is still open

        asyncio.run(talk())
        assert [(r.service, r.output_tokens, r.outcome) for r in way.records()] == [("openai-api", 11, "complete")] * 3


def test_a_socket_whose_worker_was_killed_is_heard_by_the_next_one(tmp_path: Path) -> None:
    with rig(tmp_path) as way:
        way.origin.sockets["/v1/realtime"] = answer_turns

        async def talk() -> None:
            url = "wss://api.openai.com/v1/realtime?model=gpt-realtime"
            async with connect(url, proxy=way.proxy_url, ssl=way.trust) as socket:
                for _ in range(3):
                    await socket.send(json.dumps({"type": "response.create"}))
                    for _ in range(3):
                        await socket.recv()
                    await asyncio.to_thread(way.proxy.settle)
                    process = way.proxy.ear.process
                    if process is not None and way.proxy.ear.counters.restarts == 0:
                        os.kill(process.pid, signal.SIGKILL)

        asyncio.run(talk())
        assert len(way.records()) == 3  # each turn was over when the worker was killed
        assert way.unread() == []


@contextmanager
def local_server() -> Iterator[tuple[int, list[str]]]:
    """A model server on this computer that speaks Ollama's dialect."""
    hosts: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            hosts.append(self.headers["host"])
            self.rfile.read(int(self.headers["content-length"]))
            lines = [
                {"model": "llama3.2", "message": {"role": "assistant", "content": "Far."}, "done": False},
                {"model": "llama3.2", "message": {"role": "assistant", "content": ""}, "done": True,
                 "done_reason": "stop", "prompt_eval_count": 9, "eval_count": 4, "created_at": "2026-11-21T10:00:00Z"},
            ]  # fmt: skip
            body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
            self.send_response(200)
            self.send_header("content-type", "application/x-ndjson")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1], hosts
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_local_model_server_is_recorded_through_its_second_port(tmp_path: Path) -> None:
    question = {"model": "llama3.2", "messages": [{"role": "user", "content": "How far is the moon?"}]}
    with local_server() as (port, hosts), rig(tmp_path, local={"ollama": port}, port=free_port()) as way:
        second = way.proxy.state.local["ollama"]
        with httpx.Client(trust_env=False, timeout=20) as session:
            response = session.post(f"http://127.0.0.1:{second}/api/chat", json=question)
            assert response.text.splitlines()[0].endswith('"done": false}')
            rebound = session.post(
                f"http://127.0.0.1:{second}/api/chat", json=question, headers={"host": "evil.example"}
            )
            assert rebound.status_code == 421
        assert hosts == [f"127.0.0.1:{port}"]
        (record,) = way.records()
        assert (record.service, record.response_model, record.input_tokens, record.output_tokens) == (
            "ollama", "llama3.2", 9, 4,
        )  # fmt: skip
        # The regular port still leads to no local address, also not to this one.
        with httpx.Client(proxy=way.proxy_url, trust_env=False, timeout=20) as session:
            assert session.post(f"http://127.0.0.1:{port}/api/chat", json=question).status_code == 403


COMPANY = """
import sys
from mitmproxy import ctx

class Company:
    def server_connect(self, data):
        data.server.address = ("127.0.0.1", ctx.options.origin_port)

    def load(self, loader):
        loader.add_option("origin_port", int, 0, "where every host really is")

    def http_connect(self, flow):
        print("CONNECT", flow.request.host, flow.request.headers.get("proxy-authorization", "-"), flush=True)

addons = [Company()]
"""


@contextmanager
def company_proxy(folder: Path, origin_port: int, authority: Path, *, opens: bool) -> Iterator[tuple[int, list[str]]]:
    """Another mitmproxy in front of ours; ``opens`` makes it break TLS with its own authority, as companies do."""
    script = folder / "company.py"
    script.write_text(COMPANY)
    port, said = free_port(), []
    confdir = folder / "company"
    options = [
        "-s", str(script), "--listen-host", "127.0.0.1", "-p", str(port), "--set", f"confdir={confdir}", "-q",
        "--set", f"origin_port={origin_port}", "--set", f"ssl_verify_upstream_trusted_ca={authority}",
        "--set", "connection_strategy=lazy",
        *([] if opens else ["--ignore-hosts", ".*"]),
    ]  # fmt: skip
    process = subprocess.Popen([str(MITMDUMP), *options], stdout=subprocess.PIPE, text=True, cwd=folder)
    assert process.stdout is not None

    def read() -> None:
        assert process.stdout is not None
        said.extend(process.stdout)

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    try:
        wait_for_port(port)
        yield port, said
    finally:
        process.kill()
        process.wait(20)
        reading.join(5)
        process.stdout.close()


@pytest.mark.parametrize("opens", [False, True], ids=["tunnels", "opens-tls"])
def test_it_works_behind_a_company_proxy(tmp_path: Path, opens: bool) -> None:
    with (
        origin(tmp_path / "its", ["api.openai.com", OTHER]) as made,
        company_proxy(tmp_path, made.port, made.authority, opens=opens) as (port, said),
    ):
        made.replies["/v1/chat/completions"] = Reply(completion(6))
        trusted = tmp_path / "company/mitmproxy-ca-cert.pem" if opens else made.authority
        with rig(
            tmp_path / "ours", upstream=f"http://me:hunter2@127.0.0.1:{port}", upstream_ca=trusted, redirect={}
        ) as way:
            with httpx.Client(proxy=way.proxy_url, verify=way.trust, trust_env=False, timeout=30) as session:
                assert session.post(OPENAI, json=QUESTION).content == b"".join(completion(6))
            assert [record.output_tokens for record in way.records()] == [6]
    assert any(line.startswith("CONNECT api.openai.com Basic") for line in said)


def test_plain_mitmdump_has_the_same_gate(tmp_path: Path) -> None:
    port, db = free_port(), tmp_path / "data" / "klimaspor.db"
    with (
        origin(tmp_path / "origin", ["api.openai.com", OTHER]) as made,
        company_proxy(tmp_path, made.port, made.authority, opens=False) as (company, _),
    ):
        made.replies["/v1/chat/completions"] = Reply(completion(6))
        options = [
            "-s", str(ROOT / "addon" / "__init__.py"), "--listen-host", "127.0.0.1", "-p", str(port), "-q",
            "--mode", f"upstream:http://127.0.0.1:{company}",
            "--set", f"confdir={tmp_path / 'conf'}", "--set", f"ssl_verify_upstream_trusted_ca={made.authority}",
        ]  # fmt: skip
        environment = {**os.environ, "KLIMASPOR_DB": str(db)}
        process = subprocess.Popen(
            [str(MITMDUMP), *options], env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        try:
            wait_for_port(port)
            url = f"http://127.0.0.1:{port}"
            trust = ssl.create_default_context(cafile=str(tmp_path / "conf/mitmproxy-ca-cert.pem"))
            with httpx.Client(proxy=url, verify=trust, trust_env=False, timeout=20) as session:
                assert session.post(OPENAI, json=QUESTION).content == b"".join(completion(6))
            real = ssl.create_default_context(cafile=str(made.authority))
            with httpx.Client(proxy=url, verify=real, trust_env=False, timeout=20) as session:
                assert session.get(f"https://{OTHER}/").status_code == 404  # with the origin's own certificate
                with pytest.raises(httpx.ProxyError):
                    session.get(f"https://127.0.0.1:{made.port}/")
        finally:
            process.terminate()
            try:
                said, _ = process.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                said, _ = process.communicate()
    with Store.open(db, readonly=True) as store:
        assert [record.output_tokens for record in store.records()] == [6], said


def wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError


def test_a_service_that_is_down_is_an_error_at_once_and_no_record(tmp_path: Path) -> None:
    with rig(tmp_path, redirect={"*": ("127.0.0.1", free_port())}) as way:
        started = time.monotonic()
        with (
            httpx.Client(proxy=way.proxy_url, verify=way.trust, trust_env=False, timeout=20) as session,
            pytest.raises(httpx.ProxyError),
        ):
            session.post(OPENAI, json=QUESTION)
        assert time.monotonic() - started < 5
        assert way.records() == []
