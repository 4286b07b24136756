"""A server of the organisation that breaks its protocol: the device ends in a sentence, in time, and loses nothing."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest

from tests.organisation import TODAY, WEEK, free_port, use
from tracker.store import Store
from tracker.team import TeamError
from tracker.team.device import Device, Parcel
from tracker.team.keys import JoinCode, make_transport
from tracker.team.transport import publish

pytestmark = pytest.mark.servers
INFO = {"server_id": "x", "version": "2.11.0", "proto": 1, "headers": True, "max_payload": 10**6, "tls_required": True}
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter, ssl.SSLContext], Awaitable[None]]


async def greet(writer: asyncio.StreamWriter, info: bytes | None = None) -> None:
    writer.write(b"INFO " + (info or json.dumps(INFO).encode()) + b"\r\n")
    await writer.drain()


async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tls: ssl.SSLContext) -> None:
    """Do all that a server does until a device may send."""
    await greet(writer)
    await writer.start_tls(tls)
    while (await reader.readline()).strip() != b"PING":
        continue
    writer.write(b"PONG\r\n")
    await writer.drain()


async def next_sent(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Return whose answer is waited for, and under which number, of the next message; its bytes are taken."""
    subscriptions: list[bytes] = []
    while line := await reader.readline():
        words = line.split()
        if words[:1] == [b"SUB"]:
            subscriptions.append(words[-1])
        elif words[:1] in ([b"PUB"], [b"HPUB"]):
            await reader.readexactly(int(words[-1]) + 2)
            return words[2], subscriptions[-1] if subscriptions else b"1"
    raise ConnectionError


def answers_with(answer: bytes, head: bytes = b"") -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tls: ssl.SSLContext) -> None:
        await meet(reader, writer, tls)
        number = b"1"
        while True:
            where, found = await next_sent(reader)
            number = max(number, found)
            if head:
                sizes = b"%d %d" % (len(head), len(head) + len(answer))
                writer.write(b"HMSG %b %b %b\r\n%b%b\r\n" % (where, number, sizes, head, answer))
            else:
                writer.write(b"MSG %b %b %d\r\n%b\r\n" % (where, number, len(answer), answer))
            await writer.drain()

    return talk


def says_then_nothing(words: bytes) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tls: ssl.SSLContext) -> None:
        await meet(reader, writer, tls)
        writer.write(words)
        await writer.drain()
        await asyncio.sleep(600)

    return talk


async def pour(writer: asyncio.StreamWriter, data: bytes) -> None:
    while not writer.is_closing():
        writer.write(data)
        await writer.drain()
        await asyncio.sleep(0)  # the device lives in the same loop


async def says_nothing(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter, _tls: ssl.SSLContext) -> None:
    await asyncio.sleep(600)


async def never_secures(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _tls: ssl.SSLContext) -> None:
    await greet(writer)
    await asyncio.sleep(600)


async def greets_without_end(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _tls: ssl.SSLContext) -> None:
    writer.write(b"INFO ")
    await pour(writer, b"x" * 65536)


async def greets_in_ruins(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _tls: ssl.SSLContext) -> None:
    await greet(writer, b'{"server_id": [[[')
    await asyncio.sleep(600)


async def greets_deeply(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _tls: ssl.SSLContext) -> None:
    await greet(writer, b"[" * 60_000)
    await asyncio.sleep(600)


async def is_no_server(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _tls: ssl.SSLContext) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()


async def floods(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tls: ssl.SSLContext) -> None:
    await meet(reader, writer, tls)
    writer.write(b"MSG x 1 999999999999\r\n")
    await pour(writer, b"x" * 65536)


async def pings_without_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tls: ssl.SSLContext) -> None:
    await meet(reader, writer, tls)
    await pour(writer, b"PING\r\n" * 1000)


async def stops_reading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tls: ssl.SSLContext) -> None:
    await meet(reader, writer, tls)
    writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport that reads
    await asyncio.sleep(600)


async def drops(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tls: ssl.SSLContext) -> None:
    await meet(reader, writer, tls)
    await next_sent(reader)


async def drops_rudely(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tls: ssl.SSLContext) -> None:
    await meet(reader, writer, tls)
    await next_sent(reader)
    writer.transport.abort()


TALKS: dict[str, Talk] = {
    "says nothing": says_nothing,
    "never secures": never_secures,
    "greets without end": greets_without_end,
    "greets in ruins": greets_in_ruins,
    "greets deeply": greets_deeply,
    "is no server": is_no_server,
    "floods": floods,
    "pings without end": pings_without_end,
    "stops reading": stops_reading,
    "drops": drops,
    "drops rudely": drops_rudely,
    "refuses": says_then_nothing(b"-ERR 'Permissions Violation'\r\n-ERR '\xff\x1b[2J'\r\n"),
    "talks nonsense": says_then_nothing(b"\x00\xff\x1b[2J nonsense\r\n" * 1000),
    "a lie about a length": says_then_nothing(b"HMSG x 1 -5 3\r\nabc\r\nMSG x 1 -1\r\n\r\n"),
    "acknowledges with nothing": answers_with(b""),
    "acknowledges with words": answers_with(b'{"stream": "\x1b[2J'),
    "acknowledges deeply": answers_with(b"[" * 50_000),
    "acknowledges with a list": answers_with(b"[]"),
    "acknowledges with an error": answers_with(b'{"error": {"code": 500, "description": "\\u001b[2J"}}'),
    "acknowledges with a number": answers_with(b'{"error": 5}'),
    "acknowledges with a head that is no text": answers_with(b"{}", b"NATS/1.0 \xff\xfe\xfd\r\n\r\n"),
    "acknowledges with a status": answers_with(b"", b"NATS/1.0 503\r\n\r\n"),
    "acknowledges with a stream of another kind": answers_with(b'{"stream": 7, "seq": "x"}'),
}


async def ship(code: JoinCode, keys: Path, talk: Talk, parcels: list[Parcel]) -> str:
    """Run the server and send; return what the person is told."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(keys / "server.pem", keys / "server.key")
    talking: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talking.add(task)
        with suppress(ConnectionError, ssl.SSLError, asyncio.IncompleteReadError, TimeoutError):
            await talk(reader, writer, tls)
        writer.transport.abort()

    port = int(code.url.rpartition(":")[2])
    server = await asyncio.start_server(answer, "127.0.0.1", port)
    try:
        done = await asyncio.wait_for(publish(code, parcels), 60)
    except TeamError as error:
        return str(error)
    else:
        return f"{len(done)} sent"
    finally:
        server.close()
        for task in talking:
            task.cancel()
        await asyncio.gather(*talking, return_exceptions=True)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("organisation") / "keys"
    make_transport(folder, url=f"tls://127.0.0.1:{free_port()}", units={"city": 1})
    return folder


@pytest.mark.parametrize("name", TALKS)
def test_a_server_that_breaks_the_protocol_is_a_sentence_and_the_week_stays(
    tmp_path: Path, keys: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (code,) = [JoinCode.read(path.read_text()) for path in (keys / "codes").iterdir()]
    with Store.open(tmp_path / "k.db") as store:
        store.add(use(1, 5))
        device = Device(store)
        device.join(code, date(2026, 11, 4))
        waiting = device.prepare(TODAY)
        large = Parcel(WEEK, 2, b"x" * 900_000)
        begun = time.monotonic()
        tracemalloc.start()
        told = asyncio.run(ship(code, keys, TALKS[name], [large, *waiting]))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert time.monotonic() - begun < 20
        assert peak < 200_000_000
        assert device.waiting() == waiting
    if name != "acknowledges with a stream of another kind":  # which is an acknowledgement
        assert re.fullmatch(r"The server .+ · NATS · [^·]+", told)
    assert told.isprintable()
    assert capfd.readouterr() == ("", "")
