"""A real origin (TLS, HTTP/1.1, HTTP/2, WebSocket), the real proxy before it, and what clients need to use both."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme
from hypercorn.asyncio import serve
from hypercorn.config import Config
from mitmproxy import ctx

from addon.hosts import open_hosts
from addon.run import ProxyOptions, Running, running
from addon.service import discover
from tracker.record import Record, Unread
from tracker.store import Store

OPENAI = "https://api.openai.com/v1/chat/completions"
OTHER = "other.example.org"
QUESTION = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "How far is the moon?"}]}


@dataclass(slots=True)
class Reply:
    """What the origin answers: pieces, each after a pause; ``gate`` holds back everything after the first piece."""

    pieces: Sequence[bytes] = ()
    status: int = 200
    headers: Sequence[tuple[str, str]] = (("content-type", "text/event-stream"),)
    pause: float = 0.0
    gate: threading.Event | None = None
    endless: bool = False
    numbered: bool = False
    """Each answer has its own number in place of ``@``."""
    breaks: bool = False
    """The origin fails after the last piece, in the middle of the answer."""


@dataclass(slots=True)
class Seen:
    method: str
    host: str
    path: str
    body: bytes
    http_version: str
    headers: dict[str, str]


@dataclass(slots=True)
class Origin:
    """A server on loopback that stands for every host of the internet."""

    port: int
    authority: Path
    replies: dict[str, Reply] = field(default_factory=dict)
    """By path."""
    sockets: dict[str, Callable[[Any, Any], Awaitable[None]]] = field(default_factory=dict)
    """By path: an ASGI handler (receive, send) once the socket is accepted."""
    seen: list[Seen] = field(default_factory=list)
    arrived_bytes: int = 0
    """Of all requests' bodies, as they come."""


def sse(*events: object) -> list[bytes]:
    return [b"data: " + (e if isinstance(e, str) else json.dumps(e)).encode() + b"\n\n" for e in events]


def completion(
    n: int = 20, *, model: str = "gpt-4o-2024-08-06", name: str = "chatcmpl-1", usage: bool = True
) -> list[bytes]:
    """An OpenAI chat completion as it streams."""
    base = {"id": name, "object": "chat.completion.chunk", "created": 1, "model": model}
    events: list[object] = [
        {**base, "choices": [{"index": 0, "delta": {"content": f"word{i} "}, "finish_reason": None}]} for i in range(n)
    ]
    events.append({**base, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    if usage:
        tokens = {"prompt_tokens": 12, "completion_tokens": n, "total_tokens": 12 + n}
        events.append({**base, "choices": [], "usage": tokens})
    return sse(*events, "[DONE]")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _answer(origin: Origin, scope: dict[str, Any], receive: Any, send: Any) -> None:
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message.get("body", b"")
        origin.arrived_bytes += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
    path = scope["path"]
    origin.seen.append(Seen(scope["method"], headers.get("host", ""), path, body, scope["http_version"], headers))
    reply = origin.replies.get(path, Reply([b'{"error":"nothing here"}'], 404, [("content-type", "application/json")]))
    gone = asyncio.ensure_future(receive())
    await send(
        {
            "type": "http.response.start",
            "status": reply.status,
            "headers": [(name.encode(), value.encode()) for name, value in reply.headers],
        }
    )

    async def pieces() -> AsyncIterator[bytes]:
        for piece in reply.pieces:
            yield piece
        while reply.endless:
            yield reply.pieces[-1]

    first, number = True, str(len(origin.seen)).encode()
    async for piece in pieces():
        if reply.numbered:
            piece = piece.replace(b"@", number)  # noqa: PLW2901 - the same piece, for this answer
        if gone.done():
            return
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        if first and reply.gate is not None:
            await asyncio.to_thread(reply.gate.wait, 20)
        first = False
        if reply.pause:
            await asyncio.sleep(reply.pause)
    if reply.breaks:
        gone.cancel()
        raise ConnectionError
    await send({"type": "http.response.body", "body": b"", "more_body": False})
    gone.cancel()


@contextmanager
def origin(folder: Path, hosts: Sequence[str]) -> Iterator[Origin]:
    """Run the origin in a thread."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "origin-ca.pem")
    leaf = authority.issue_cert(*hosts)
    leaf.private_key_and_cert_chain_pem.write_to_path(folder / "origin.pem")
    config = Config()
    config.bind = ["127.0.0.1:0"]
    config.certfile = config.keyfile = str(folder / "origin.pem")
    config.accesslog = config.errorlog = None
    config.graceful_timeout = 0.2
    config.websocket_max_message_size = 64 * 1024 * 1024
    config.h2_max_inbound_frame_size = 2**14
    config.keep_alive_max_requests = 1_000_000
    sockets = config.create_sockets()  # made here, for hypercorn leaves them open at its end
    config.create_sockets = lambda: sockets  # type: ignore[method-assign]  # the same ones
    made = Origin(sockets.secure_sockets[0].getsockname()[1], folder / "origin-ca.pem")
    ready, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        match scope["type"]:
            case "lifespan":
                while True:
                    message = await receive()
                    await send({"type": message["type"] + ".complete"})
                    if message["type"] == "lifespan.startup":
                        ready.set()
                    else:
                        return
            case "http":
                await _answer(made, scope, receive, send)
            case "websocket":
                await receive()
                await send({"type": "websocket.accept"})
                await made.sockets[scope["path"]](receive, send)

    def run() -> None:
        asyncio.set_event_loop(loop)
        while not stop.is_set():  # a broken connection may take the whole server down with it, under load
            with suppress(Exception):
                loop.run_until_complete(serve(app, config, shutdown_trigger=stop.wait))  # type: ignore[arg-type]  # ASGI as dicts
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    thread = threading.Thread(target=run, name="origin", daemon=True)
    thread.start()
    ready.wait(20)
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", made.port), 1).close()
            break
        except OSError:
            threading.Event().wait(0.02)
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        for listening in sockets.secure_sockets:
            listening.close()


@dataclass(slots=True)
class Rig:
    """The origin and the proxy before it, ready for clients."""

    origin: Origin
    proxy: Running
    db: Path
    folder: Path
    told: list[str]

    @property
    def port(self) -> int:
        return self.proxy.state.port

    @property
    def proxy_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ca_file(self) -> Path:
        """What clients trust for the opened hosts."""
        return self.proxy.certificate

    @property
    def trust(self) -> ssl.SSLContext:
        """Trusts the proxy's authority and nobody else."""
        return ssl.create_default_context(cafile=str(self.ca_file))

    def records(self) -> list[Record]:
        """Everything recorded so far, oldest first."""
        self.proxy.settle()
        with Store.open(self.db, readonly=True) as store:
            return list(store.records(newest_first=False))

    def unread(self) -> list[Unread]:
        from datetime import date

        self.proxy.settle()
        with Store.open(self.db, readonly=True) as store:
            return store.unread(date(2000, 1, 1), date(9000, 1, 1))


@contextmanager
def beside_others() -> Iterator[None]:
    """Let mitmproxy, which knows one proxy in a process, know again afterwards the one that other tests go on with."""
    known = {name: value for name, value in vars(ctx).items() if name in {"master", "options", "log"}}
    try:
        yield
    finally:
        vars(ctx).update(known)


@contextmanager
def rig(folder: Path, **options: Any) -> Iterator[Rig]:
    """Run an origin and the proxy in threads of this process."""
    hosts = sorted(open_hosts(discover()))
    told: list[str] = []
    with origin(folder / "origin", [*hosts, OTHER, "localhost"]) as made:
        chosen = ProxyOptions(
            **{
                "db": folder / "data" / "klimaspor.db",
                "folder": folder / "data",
                "port": 0,
                "upstream_ca": made.authority,
                "redirect": {"*": ("127.0.0.1", made.port)},
                "tell": told.append,
                **options,
            }
        )
        with beside_others(), running(chosen) as proxy:
            yield Rig(made, proxy, chosen.db, chosen.folder, told)
