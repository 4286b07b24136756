"""
An hour of steady use: ``python -m tests.bench soak [--minutes 60]``.

Six answers a second of three kinds, over connections that stay and connections that go, and beside them one socket
that carries an answer every half second. Each minute the memory of the proxy and of its worker is noted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import trustme

from addon.state import ask_status
from tests.bench import peers, proxies
from tests.bench.peers import Way
from tests.bench.proxies import Proxy
from tracker.store import Store

SOCKET_HOST = "chatgpt.com"
SOCKET = f"wss://{SOCKET_HOST}/backend-api/codex/responses"
TURNS_A_SECOND = 6.0
SOCKET_SECONDS = 0.5
DELTAS = 60
MOST_MEGABYTES, MOST_GROWTH, LAST_TURNS = 150.0, 5.0, 10_000


@dataclass(slots=True)
class Sample:
    minute: int
    turns: int
    proxy_megabytes: float
    worker_megabytes: float


@dataclass(slots=True)
class Load:
    """What clients did so far."""

    answers: int = 0
    socket_answers: int = 0
    until: float = 0.0
    samples: list[Sample] = field(default_factory=list)

    @property
    def turns(self) -> int:
        return self.answers + self.socket_answers


async def ask_on(way: Way, load: Load, every: float) -> None:
    """Ask at a steady pace; a connection carries fifty answers, then comes a fresh one."""
    wishes = [*["small"] * 14, *["stream;20;0.02"] * 15, "large"]
    due = time.monotonic()
    while time.monotonic() < load.until:
        async with peers.connect(way) as (reader, writer):
            for _ in range(50):
                wish = wishes[load.answers % len(wishes)]
                writer.write(peers.request(peers.TURN, wish))
                head = await reader.readuntil(b"\r\n\r\n")
                length = peers.LENGTH.search(head)
                await (reader.readexactly(int(length[1])) if length else reader.readuntil(b"\r\n0\r\n\r\n"))
                load.answers += 1
                due += every
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                if time.monotonic() >= load.until:
                    break


async def talk_on(way: Way, load: Load) -> None:
    """Have one socket carry answer after answer until the end."""
    from websockets.asyncio.client import connect

    question = [{"role": "user", "content": "And what comes then?"}]
    asked = json.dumps({"type": "response.create", "model": "gpt-5.5-codex", "input": question})
    proxy = f"http://127.0.0.1:{way.proxy}"
    async with connect(SOCKET, proxy=proxy, ssl=way.trust, compression=None, ping_interval=None) as socket:
        due = time.monotonic()
        while time.monotonic() < load.until:
            await socket.send(asked)
            while '"response.completed"' not in str(await socket.recv()):
                pass
            load.socket_answers += 1
            due += SOCKET_SECONDS
            await asyncio.sleep(max(0.0, due - time.monotonic()))


async def watch(proxy: Proxy, load: Load, minutes: int) -> None:
    for minute in range(minutes + 1):
        sample = Sample(minute, load.turns, proxy.megabytes(), proxy.worker_megabytes())
        load.samples.append(sample)
        print(sample, file=sys.stderr, flush=True)
        if minute < minutes:
            await asyncio.sleep(60)


@contextmanager
def socket_origin(folder: Path, authority: trustme.CA) -> Iterator[int]:
    """Answer every question on a socket with its own number and as many deltas as a paragraph has."""
    from websockets.asyncio.server import ServerConnection, serve

    leaf = folder / "socket.pem"
    authority.issue_cert(SOCKET_HOST).private_key_and_cert_chain_pem.write_to_path(leaf)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf)
    loop, stop, ports, ready = asyncio.new_event_loop(), asyncio.Event(), [], threading.Event()

    async def talk(socket: ServerConnection) -> None:
        async for _ in socket:
            name = f"resp_{time.monotonic_ns()}"
            response = {"id": name, "object": "response", "model": "gpt-5.5-codex", "status": "in_progress"}
            usage = {"input_tokens": 12, "output_tokens": DELTAS, "total_tokens": 12 + DELTAS}
            await socket.send(json.dumps({"type": "response.created", "response": response}))
            for n in range(DELTAS):
                delta = {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "delta": f"w{n} "}
                await socket.send(json.dumps(delta))
            done = {**response, "status": "completed", "usage": usage}
            await socket.send(json.dumps({"type": "response.completed", "response": done}))

    async def run() -> None:
        async with serve(talk, "127.0.0.1", 0, ssl=context, compression=None, ping_interval=None) as server:
            ports.append(next(iter(server.sockets)).getsockname()[1])
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), daemon=True)
    thread.start()
    ready.wait(20)
    try:
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


async def load_all(way: Way, proxy: Proxy, load: Load, minutes: int) -> None:
    load.until = time.monotonic() + minutes * 60
    clients = 3
    asking = (ask_on(way, load, clients / TURNS_A_SECOND) for _ in range(clients))
    await asyncio.gather(*asking, talk_on(way, load), watch(proxy, load, minutes))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench soak")
    parser.add_argument("--minutes", type=int, default=60)
    minutes = parser.parse_args(arguments).minutes
    with tempfile.TemporaryDirectory() as name:
        folder, authority, load = Path(name), trustme.CA(), Load()
        with (
            proxies.origin(folder, authority) as (port, trusted),
            socket_origin(folder, authority) as socket_port,
            proxies.ours(folder / "ours", port, trusted, f"{SOCKET_HOST}={socket_port}") as proxy,
        ):
            way = Way(port, proxy.port, ssl.create_default_context(cafile=str(proxy.authority)))
            asyncio.run(load_all(way, proxy, load, minutes))
            time.sleep(2)  # the worker may lag
            found = ask_status(folder / "ours")
            turns = found[1]["turns"] if found else {}
        with Store.open(folder / "ours" / "klimaspor.db", readonly=True) as store:
            rows = sum(1 for _ in store.records(date(2000, 1, 1), date(9000, 1, 1)))
            unread = {one.reason: one.n for one in store.unread(date(2000, 1, 1), date(9000, 1, 1))}
    return tell(load, rows, unread, turns)


def tell(load: Load, rows: int, unread: dict[str, int], turns: dict[str, object]) -> int:
    """Print what came of it; return 1 if a goal was missed."""
    samples = load.samples
    late = [sample for sample in samples if sample.turns > load.turns - LAST_TURNS] or samples[-1:]
    third = max(1, len(late) // 3)
    growth = _middle(late[-third:]) - _middle(late[:third])
    most = max(sample.proxy_megabytes for sample in samples)
    print("| minute | answers | proxy, MB | worker, MB |\n| ---: | ---: | ---: | ---: |")
    for sample in samples[:: max(1, len(samples) // 12)]:
        figures = f"{sample.proxy_megabytes:.1f} | {sample.worker_megabytes:.1f}"
        print(f"| {sample.minute} | {sample.turns:,} | {figures} |")
    print(
        f"{load.answers:,} answers, {load.socket_answers:,} on one socket; rows {rows:,}, unread {unread}, {turns}.\n"
        f"Most memory of the proxy {most:.1f} MB; over the last {len(late)} minutes "
        f"({load.turns - late[0].turns:,} answers) {growth:+.1f} MB."
    )
    return int(most > MOST_MEGABYTES or growth > MOST_GROWTH or rows != load.turns)


def _middle(samples: list[Sample]) -> float:
    return statistics.median(sample.proxy_megabytes for sample in samples)
