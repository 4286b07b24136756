"""An origin on loopback that answers as the question itself asks, rightly or with a fault; and a proxy before it."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import httpx
import trustme
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived, StreamEnded

from addon.run import ProxyOptions, Running, running
from addon.tally import files_beside, left_of
from tests.faulty_answers import SSE, WAYS
from tests.rig import QUESTION, beside_others, completion
from tracker.record import Record, Unread
from tracker.store import Store

HOST = "api.openai.com"
PATH = "/v1/chat/completions"
URL = f"https://{HOST}{PATH}"


def question(do: str = "right", name: str = "chatcmpl-1", n: int = 5, **more: object) -> dict[str, Any]:
    """A question that says what is to become of its answer."""
    return {**QUESTION, "metadata": {"do": do, "name": name, "n": str(n)}, **more}


@lru_cache(maxsize=100)
def answer(name: str = "chatcmpl-1", n: int = 5) -> bytes:
    """The bytes of the right answer to it."""
    return b"".join(completion(n, name=name))


@dataclass(frozen=True, slots=True)
class Rogue:
    port: int
    authority: Path
    quiet: threading.Event
    """Set while an answer has stopped half way."""


@contextmanager
def rogue(folder: Path) -> Iterator[Rogue]:
    """Run the origin in a thread; it takes HTTP/1.1 and HTTP/2."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    authority.issue_cert(HOST).private_key_and_cert_chain_pem.write_to_path(folder / "leaf.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "leaf.pem")
    context.set_alpn_protocols(["h2", "http/1.1"])
    loop, stop, ports = asyncio.new_event_loop(), asyncio.Event(), []
    ready, quiet = threading.Event(), threading.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError, TimeoutError):
                if writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2":
                    await _talk_h2(reader, writer)
                else:
                    await _talk_h1(reader, writer, stop, quiet)
        finally:
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
        ports.append(server.sockets[0].getsockname()[1])
        ready.set()
        await stop.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0.05)

    def work() -> None:
        loop.set_exception_handler(lambda _loop, _context: None)  # connections that end badly are what this is for
        loop.run_until_complete(run())
        loop.close()

    thread = threading.Thread(target=work, name="rogue", daemon=True)
    thread.start()
    ready.wait(20)
    try:
        yield Rogue(ports[0], folder / "ca.pem", quiet)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


async def _talk_h1(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, stop: asyncio.Event, quiet: threading.Event
) -> None:
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        asked = json.loads(await reader.readexactly(length) or b"{}").get("metadata", {})
        body = answer(asked.get("name", ""), int(asked.get("n", 1)))
        if asked.get("do") == "stops":
            writer.write(b"HTTP/1.1 200 OK\r\n" + SSE + b"content-length: %d\r\n\r\n" % len(body))
            writer.write(body[: len(body) // 2])
            await writer.drain()
            quiet.set()
            await stop.wait()
            return
        goes_on = await WAYS[asked.get("do", "right")](writer, body)
        await writer.drain()
        if not goes_on:
            return


async def _talk_h2(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer half of the events, then reset the stream or the whole connection, if the path says so."""
    peer = H2Connection(H2Configuration(client_side=False))
    peer.initiate_connection()
    writer.write(peer.data_to_send())
    paths: dict[int, bytes] = {}
    while data := await reader.read(65536):
        for event in peer.receive_data(data):
            if isinstance(event, RequestReceived):
                paths[event.stream_id] = next(value for name, value in event.headers if name == b":path")
            elif isinstance(event, StreamEnded):
                do = paths[event.stream_id].partition(b"?")[2].decode()
                body = answer(f"chatcmpl-{do}")
                peer.send_headers(event.stream_id, [(":status", "200"), ("content-type", "text/event-stream")])
                if do in {"reset", "goaway", "gone"}:
                    peer.send_data(event.stream_id, body[: len(body) // 2])
                    writer.write(peer.data_to_send())
                    await writer.drain()
                    await asyncio.sleep(0.1)
                    if do == "reset":
                        peer.reset_stream(event.stream_id, error_code=2)
                    elif do == "goaway":
                        peer.close_connection(error_code=1)
                    else:
                        return
                else:
                    peer.send_data(event.stream_id, body, end_stream=True)
        writer.write(peer.data_to_send())
        await writer.drain()


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

    def count(self, expected: int) -> int:
        """How many rows there are once there are as many as expected, or after a long while."""
        deadline = time.monotonic() + 20
        while (n := len(self.records())) < expected and time.monotonic() < deadline:
            time.sleep(0.05)
        return n

    def is_idle(self) -> bool:
        """Whether no answer that has begun is still to be written or counted."""
        return not any(left_of(memoryview(path.read_bytes()).cast("Q")) for path in files_beside(self.db))

    def fresh(self, act: Callable[[], object], n: int = 1) -> list[Record]:
        """What the act left in the database; the proxy hands an answer over a moment after the client has it."""
        before = self.records()
        act()
        begun = time.monotonic()
        while True:
            after = [record for key, record in self.records().items() if key not in before]
            waited = time.monotonic() - begun
            if len(after) >= n or (waited > 1.5 and self.is_idle()) or waited > 30:
                return after
            time.sleep(0.05)


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
    with beside_others(), running(chosen) as proxy:
        yield Way(origin, proxy, chosen.db, told)
