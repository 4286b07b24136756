"""A lean TLS origin in a process of its own, and lean clients: what is measured should be the proxy."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import ssl
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

HOST = "api.openai.com"
TURN = "/v1/chat/completions"
SIDE = "/v1/models"
QUESTION = json.dumps({"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "How far is it?"}]})
SOCKET = "/v1/realtime"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
"""What a client of a socket sends; the example of RFC 6455."""
LENGTH = re.compile(rb"content-length: (\d+)")
MARK = re.compile(rb'"created":(\d+)[,}]')
USAGE = {"prompt_tokens": 12, "completion_tokens": 200, "total_tokens": 212}


def event(created: int, text: str = "word ", **more: object) -> bytes:
    data = {"id": f"chatcmpl-{created}", "object": "chat.completion.chunk", "created": created, "model": "gpt-4o",
            "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}], **more}  # fmt: skip
    return b"data: " + json.dumps(data, separators=(",", ":")).encode() + b"\n\n"


PIECE = event(0).replace(b"chatcmpl-0", b"chatcmpl-%d").replace(b'"created":0', b'"created":%d')
END = event(1, "", usage=USAGE).replace(b'"finish_reason":null', b'"finish_reason":"stop"') + b"data: [DONE]\n\n"
LARGE = b"".join(event(1, "some words of an answer ") for _ in range(1500)) + END
SMALL = json.dumps({
    "id": "chatcmpl-%d", "object": "chat.completion", "created": 1, "model": "gpt-4o", "usage": USAGE,
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Far."}, "finish_reason": "stop"}],
}).encode()  # fmt: skip

DELTA = b'{"type":"response.output_text.delta","response_id":"resp_%d","delta":"word ","created":%d}'
DONE = json.dumps({
    "type": "response.done", "response": {"id": "resp_%d", "object": "realtime.response", "status": "completed",
    "usage": {"input_tokens": 12, "output_tokens": 200, "total_tokens": 212}},
}).encode()  # fmt: skip
FAREWELL = b"\x88\x02\x03\xe8"
"""The frame that closes a socket."""


async def serve(port: int, certificate: str) -> None:
    """Answer for ever: the request's ``x-bench`` header says how."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                if length := re.search(r"content-length: (\d+)", head):
                    await reader.readexactly(int(length[1]))
                wish = re.search(r"x-bench: (\S+)", head)
                match (wish[1] if wish else "small").split(";"):
                    case ["socket", n, interval]:
                        await talk_on_socket(writer, int(n), float(interval))
                        writer.close()
                        return
                    case ["stream", n, interval]:
                        await stream(writer, int(n), float(interval))
                    case ["large"]:
                        respond(writer, "text/event-stream", event(time.monotonic_ns()) + LARGE)
                    case _:
                        respond(writer, "application/json", SMALL % time.monotonic_ns())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", port, ssl=context, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def respond(writer: asyncio.StreamWriter, kind: str, body: bytes) -> None:
    writer.write(f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)


async def stream(writer: asyncio.StreamWriter, n: int, interval: float) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
    async for now in beats(n, interval):
        data = PIECE % (now, now)
        writer.write(b"%x\r\n%b\r\n" % (len(data), data))
    writer.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(END), END))


async def talk_on_socket(writer: asyncio.StreamWriter, n: int, interval: float) -> None:
    """Say the same on a socket, in text frames of 126 to 65,535 bytes, then close it."""
    accept = base64.b64encode(hashlib.sha1(f"{KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()).decode()
    writer.write(f"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
                 f"sec-websocket-accept: {accept}\r\n\r\n".encode())  # fmt: skip
    first = time.monotonic_ns()
    async for now in beats(n, interval):
        writer.write(frame(DELTA % (first, now)))
    writer.write(frame(DONE % first) + FAREWELL)


def frame(data: bytes) -> bytes:
    data = data.ljust(126)
    return b"\x81\x7e" + len(data).to_bytes(2) + data


async def beats(n: int, interval: float) -> AsyncIterator[int]:
    """Yield the present n times, ``interval`` seconds apart, in nanoseconds of the monotonic clock."""
    due = time.monotonic()
    for _ in range(n):
        yield time.monotonic_ns()
        due += interval
        await asyncio.sleep(max(0.0, due - time.monotonic()))


@dataclass(slots=True)
class Way:
    """How a client gets to the origin: directly, or through a proxy."""

    origin: int
    proxy: int | None
    trust: ssl.SSLContext


@asynccontextmanager
async def connect(way: Way) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    if way.proxy is None:
        reader, writer = await asyncio.open_connection("127.0.0.1", way.origin, ssl=way.trust, server_hostname=HOST)
    else:
        reader, writer = await asyncio.open_connection("127.0.0.1", way.proxy)
        writer.write(f"CONNECT {HOST}:443 HTTP/1.1\r\nhost: {HOST}:443\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        await writer.start_tls(way.trust, server_hostname=HOST)
    try:
        yield reader, writer
    finally:
        writer.close()


def request(path: str, wish: str) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nhost: {HOST}\r\ncontent-type: application/json\r\nx-bench: {wish}\r\n"
    return f"{head}content-length: {len(QUESTION)}\r\n\r\n{QUESTION}".encode()


@dataclass(slots=True)
class Delays:
    """What clients of a stream felt, in milliseconds."""

    n: int
    """How many streams there are."""
    first_byte: list[float] = field(default_factory=list)
    chunks: list[float] = field(default_factory=list)
    all_have_begun: asyncio.Event = field(default_factory=asyncio.Event)


async def follow_stream(way: Way, chunks: int, interval: float, delays: Delays) -> None:
    """Follow one answer to its end; each event carries the moment at which it was sent."""
    await _follow(way, request(TURN, f"stream;{chunks};{interval}"), b"0\r\n\r\n", delays)


async def follow_socket(way: Way, chunks: int, interval: float, delays: Delays) -> None:
    """Follow one answer that comes over a socket."""
    head = f"GET {SOCKET}?model=gpt-realtime HTTP/1.1\r\nhost: {HOST}\r\nx-bench: socket;{chunks};{interval}\r\n"
    upgrade = f"upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: {KEY}\r\n"
    await _follow(way, f"{head}{upgrade}\r\n".encode(), FAREWELL, delays)


async def _follow(way: Way, asked: bytes, end: bytes, delays: Delays) -> None:
    async with connect(way) as (reader, writer):
        sent = time.monotonic_ns()
        writer.write(asked)
        await reader.readuntil(b"\r\n\r\n")
        delays.first_byte.append((time.monotonic_ns() - sent) / 1e6)
        if len(delays.first_byte) == delays.n:
            delays.all_have_begun.set()
        rest = b""
        while not rest.endswith(end):
            data = await reader.read(65536)
            if not data:
                raise ConnectionError
            now, rest, seen = time.monotonic_ns(), rest + data, 0
            for mark in MARK.finditer(rest):
                seen = mark.end()
                if mark[1] != b"1":
                    delays.chunks.append((now - int(mark[1])) / 1e6)
            rest = rest[seen:]


async def ask_repeatedly(way: Way, path: str, wish: str, until: float, most: int = 10**9) -> int:
    """Ask on one connection until a moment (monotonic seconds); return how many whole answers came."""
    done = 0
    async with connect(way) as (reader, writer):
        message = request(path, wish)
        while done < most and time.monotonic() < until:
            writer.write(message)
            head = await reader.readuntil(b"\r\n\r\n")
            length = LENGTH.search(head)
            await reader.readexactly(int(length[1]) if length else 0)
            done += 1
    return done


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2]))
