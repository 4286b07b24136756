"""The whole way through the real proxy: bytes unchanged and at once, records at the end."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import brotli
import httpx
import pytest
from backports import zstd

from tests.rig import OPENAI, QUESTION, Reply, Rig, completion
from tests.test_what_never_ends import resident_bytes
from tracker import limits
from tracker.store import Store

PATH = "/v1/chat/completions"


def client(rig: Rig, *, http2: bool = False) -> httpx.Client:
    return httpx.Client(proxy=rig.proxy_url, verify=rig.trust, http2=http2, trust_env=False, timeout=20)


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_a_streamed_answer_is_recorded_and_unchanged(way: Rig, http2: bool) -> None:
    pieces = completion(30, name=f"chatcmpl-way-{http2}")
    way.origin.replies[PATH] = Reply(pieces)
    before = len(way.records())
    with client(way, http2=http2) as session:
        response = session.post(OPENAI, json=QUESTION)
    assert response.http_version == ("HTTP/2" if http2 else "HTTP/1.1")
    assert response.content == b"".join(pieces)
    (record,) = way.records()[before:]
    assert (record.service, record.response_model, record.outcome) == ("openai-api", "gpt-4o-2024-08-06", "complete")
    assert (record.input_tokens, record.output_tokens, record.source) == (12, 30, "proxy")
    assert record.request_bytes == len(json.dumps(QUESTION, separators=(",", ":")))
    assert record.response_bytes == len(response.content)


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_the_first_piece_passes_while_the_rest_is_not_there_yet(way: Rig, http2: bool) -> None:
    gate = threading.Event()
    pieces = completion(3, name=f"chatcmpl-first-{http2}")
    way.origin.replies[PATH] = Reply(pieces, gate=gate)
    with client(way, http2=http2) as session, session.stream("POST", OPENAI, json=QUESTION) as response:
        arriving = response.iter_raw()
        first = next(arriving)
        assert first == pieces[0]  # the origin waits for the gate, so this came through by itself
        gate.set()
        assert first + b"".join(arriving) == b"".join(pieces)


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_a_question_of_unknown_length_passes_while_it_is_asked(way: Rig, http2: bool) -> None:
    pieces = completion(5, name=f"chatcmpl-asked-{http2}")
    way.origin.replies[PATH] = Reply(pieces)
    before, arrived = len(way.records()), way.origin.arrived_bytes
    question = json.dumps(QUESTION).encode()
    in_time = False

    def ask() -> Iterator[bytes]:
        nonlocal in_time
        yield question[:20]
        for _ in range(200):
            if in_time := way.origin.arrived_bytes == arrived + 20:  # the rest has not been sent yet
                break
            time.sleep(0.02)
        yield question[20:]

    with client(way, http2=http2) as session:
        response = session.post(OPENAI, content=ask(), headers={"content-type": "application/json"})
    assert in_time
    assert response.content == b"".join(pieces)
    (record,) = way.records()[before:]
    assert (record.request_model, record.output_tokens, record.request_bytes) == ("gpt-4o", 5, len(question))


def gzip_pieces(pieces: list[bytes]) -> list[bytes]:
    packer = zlib.compressobj(wbits=31)
    return [packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH) for piece in pieces] + [packer.flush()]


def brotli_pieces(pieces: list[bytes]) -> list[bytes]:
    packer = brotli.Compressor()
    return [packer.process(piece) + packer.flush() for piece in pieces] + [packer.finish()]


def zstd_pieces(pieces: list[bytes]) -> list[bytes]:
    packer = zstd.ZstdCompressor()
    packed = [packer.compress(piece, mode=zstd.ZstdCompressor.FLUSH_BLOCK) for piece in pieces]
    return [*packed, packer.flush()]


@pytest.mark.parametrize(
    ("coding", "packed"),
    [("gzip", gzip_pieces), ("br", brotli_pieces), ("zstd", zstd_pieces)],
    ids=["gzip", "br", "zstd"],
)
def test_a_compressed_stream_passes_as_it_is_and_is_read(
    way: Rig, coding: str, packed: Callable[[list[bytes]], list[bytes]]
) -> None:
    pieces = packed(completion(25, name=f"chatcmpl-{coding}"))
    way.origin.replies[PATH] = Reply(
        pieces, headers=[("content-type", "text/event-stream"), ("content-encoding", coding)]
    )
    before = len(way.records())
    with client(way, http2=True) as session, session.stream("POST", OPENAI, json=QUESTION) as response:
        assert b"".join(response.iter_raw()) == b"".join(pieces)
    assert [record.output_tokens for record in way.records()[before:]] == [25]


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_an_answer_the_person_stopped_is_recorded_as_aborted(way: Rig, http2: bool) -> None:
    gate = threading.Event()
    pieces = completion(40, name=f"chatcmpl-stopped-{http2}")
    way.origin.replies[PATH] = Reply([b"".join(pieces[:20]), *pieces[20:]], gate=gate)
    before = len(way.records())
    with client(way, http2=http2) as session, session.stream("POST", OPENAI, json=QUESTION) as response:
        next(response.iter_raw())
    deadline = time.monotonic() + 10
    while not (fresh := way.records()[before:]) and time.monotonic() < deadline:
        time.sleep(0.05)
    gate.set()
    (record,) = fresh
    assert record.outcome == "aborted"
    assert record.output_tokens is not None
    assert 0 < record.output_tokens < 60


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_an_answer_that_the_service_broke_off_is_recorded_as_aborted(way: Rig, http2: bool) -> None:
    pieces = completion(20, name=f"chatcmpl-broken-{http2}")[:15]
    way.origin.replies[PATH] = Reply(pieces, breaks=True)
    before = len(way.records())
    heard: list[bytes] = []
    with (
        client(way, http2=http2) as session,
        session.stream("POST", OPENAI, json=QUESTION) as response,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        heard.extend(response.iter_raw())
    assert b"".join(heard) == b"".join(pieces)
    assert [record.outcome for record in way.records()[before:]] == ["aborted"]


def test_a_large_upload_streams_through_and_is_read(way: Rig) -> None:
    way.origin.replies[PATH] = Reply(completion(5, name="chatcmpl-large"))
    question = {**QUESTION, "messages": [{"role": "user", "content": "moon " * 600_000}]}
    before = len(way.records())
    with client(way) as session:
        session.post(OPENAI, json=question)
    assert json.loads(way.origin.seen[-1].body) == question
    (record,) = way.records()[before:]
    assert record.request_bytes == len(way.origin.seen[-1].body) > 3_000_000


def test_other_paths_of_an_opened_host_stream_and_leave_no_record(way: Rig) -> None:
    gate = threading.Event()
    way.origin.replies["/v1/models"] = Reply([b"one", b"two"], gate=gate, headers=[("content-type", "text/plain")])
    before = len(way.records())
    with client(way) as session, session.stream("GET", "https://api.openai.com/v1/models") as response:
        arriving = response.iter_raw()
        assert next(arriving) == b"one"
        gate.set()
        assert b"".join(arriving) == b"two"
    assert way.records()[before:] == []


def test_a_refusal_is_only_counted(way: Rig) -> None:
    way.origin.replies[PATH] = Reply(
        [b'{"error":{"message":"slow down"}}'], 429, [("content-type", "application/json")]
    )
    before = len(way.records())
    with client(way) as session:
        assert session.post(OPENAI, json=QUESTION).status_code == 429
    assert way.records()[before:] == []
    with Store.open(way.db, readonly=True) as store:
        (n,) = store.db.execute("SELECT sum(n) FROM refused").fetchone()
    assert n >= 1


def test_what_is_paused_passes_unrecorded(way: Rig) -> None:
    way.origin.replies[PATH] = Reply(completion(5, name="chatcmpl-paused"))
    before = len(way.records())
    with Store.open(way.db) as store:
        limits.pause(store, "openai-api", timedelta(minutes=5), datetime.now(UTC))
    try:
        with client(way) as session:
            assert session.post(OPENAI, json=QUESTION).status_code == 200
        assert way.records()[before:] == []
    finally:
        with Store.open(way.db) as store:
            limits.resume(store, "", datetime.now(UTC))


def test_a_held_turn_gets_a_short_answer_and_a_running_one_goes_on(way: Rig) -> None:
    gate = threading.Event()
    pieces = completion(4, name="chatcmpl-held")
    way.origin.replies[PATH] = Reply(pieces, gate=gate)
    with client(way, http2=True) as session, session.stream("POST", OPENAI, json=QUESTION) as running:
        arriving = running.iter_raw()
        first = next(arriving)
        way.proxy.ear.gate.refresh({"openai-api": "hold"})
        try:
            held = session.post(OPENAI, json=QUESTION)
        finally:
            way.proxy.ear.gate.refresh({})
        gate.set()
        assert first + b"".join(arriving) == b"".join(pieces)
    assert held.status_code == 429
    assert "klimaspor" in held.text


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory_stays_flat_over_many_messages_of_a_socket(way: Rig) -> None:
    from websockets.asyncio.client import connect

    async def echo(receive: Callable[[], object], send: Callable[[object], object]) -> None:
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            await send({"type": "websocket.send", "bytes": message["bytes"]})

    way.origin.sockets["/some/socket"] = echo
    payload = bytes(1_000_000)

    async def talk(turns: int) -> None:
        async with connect(
            "wss://chatgpt.com/some/socket", proxy=way.proxy_url, ssl=way.trust, max_size=None, compression=None
        ) as socket:
            for _ in range(turns):
                await socket.send(payload)
                assert len(await socket.recv()) == len(payload)

    asyncio.run(talk(20))
    before = resident_bytes()
    asyncio.run(talk(150))  # 300 MB in both directions: kept, they would show
    assert resident_bytes() - before < 60_000_000


@pytest.mark.parametrize("packed", ["deflate", None])
def test_a_large_message_passes_whole_in_one_piece_or_in_many(way: Rig, packed: str | None) -> None:
    from websockets.asyncio.client import connect

    async def echo(receive: Callable[[], Any], send: Callable[[object], Any]) -> None:
        while (message := await receive())["type"] != "websocket.disconnect":
            told = {name: message[name] for name in ("text", "bytes") if message.get(name) is not None}
            await send({"type": "websocket.send", **told})

    way.origin.sockets["/another/socket"] = echo
    text, data = "blåbærsyltetøy på brød 🫐 " * 60_000, os.urandom(2_000_000)

    async def talk() -> None:
        async with connect(
            "wss://chatgpt.com/another/socket", proxy=way.proxy_url, ssl=way.trust, max_size=None, compression=packed
        ) as socket:
            for whole in (text, data, text[:7]):
                for message in (whole, [whole[at : at + 77_777] for at in range(0, len(whole), 77_777)]):
                    await socket.send(message)
                    assert await socket.recv() == whole

    asyncio.run(talk())


def test_the_heartbeat_says_that_it_listened(way: Rig) -> None:
    way.origin.replies[PATH] = Reply([b"{}"], 429, [("content-type", "application/json")])
    with client(way) as session:
        assert session.post(OPENAI, json=QUESTION).status_code == 429
    way.proxy.settle()
    today = datetime.now(UTC).astimezone().date()
    with Store.open(way.db, readonly=True) as store:
        assert store.coverage(today, date.fromordinal(today.toordinal() + 1)).services
        assert store.db.execute("SELECT count(*) FROM heartbeat").fetchone() == (1,)
