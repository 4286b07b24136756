"""Words in places of the wire that nobody thinks of reach no file and no terminal, however the exchange ends."""

from __future__ import annotations

import json
import signal
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.bench.aftermath import count
from tests.proxy_process import certificate_of, proxy_process
from tests.raw_origin import accept, ask_for_socket, client, frame, raw_origin, rest
from tests.rig import QUESTION, completion
from tests.rogue import HOST, PATH

WORD = b"kanarifuglen"
"""Small letters only: the form of the words that a record may hold."""
HEADERS = b"set-cookie: id=%b\r\nlink: </%b>; rel=preload\r\n%b: %b\r\nopenai-model: %b\r\n" % ((WORD,) * 5)
STREAM = (
    b"HTTP/1.1 200 " + WORD + b"\r\ncontent-type: text/event-stream; boundary=" + WORD + b"\r\n" + HEADERS
    + b"transfer-encoding: chunked\r\ntrailer: " + WORD + b"\r\n\r\n"
)  # fmt: skip
REALTIME = [
    {"type": "session.created", "session": {"model": "gpt-realtime", "voice": WORD.decode(), "id": WORD.decode()}},
    {"type": "response.created", "response": {"id": "resp_" + WORD.decode(), "status": WORD.decode()}},
    {"type": "response.output_text.delta", "response_id": "resp_" + WORD.decode(), "delta": WORD.decode()},
    {"type": WORD.decode() + ".added", WORD.decode(): {WORD.decode(): WORD.decode()}},
    {"type": "response.done", "response": {"id": "resp_" + WORD.decode(), "status": "completed", "output": [],
     "usage": {"input_tokens": 7, "output_tokens": 9}, "metadata": {WORD.decode(): WORD.decode()}}},
]  # fmt: skip


def chunks() -> Iterator[bytes]:
    yield b": %b\nid: %b\nretry: 1%b\nevent: %b\n%b: %b\n\n" % ((WORD,) * 6)
    yield from completion(5, name=WORD.decode(), model=f"gpt-4o-{WORD.decode()}")


def talk(peer: ssl.SSLSocket, head: bytes) -> None:
    with suppress(OSError):
        for data in answer(head):
            peer.sendall(data)
        while peer.recv(65536):  # until the proxy hangs up
            pass


def answer(head: bytes) -> Iterator[bytes]:
    if b"/realtime" in head:
        yield accept(head, b"Sec-WebSocket-Protocol: " + WORD, b"x-" + WORD + b": " + WORD)
        for event in REALTIME:
            yield frame(1, json.dumps(event).encode())
        yield frame(9, WORD) + frame(8, b"\x03\xe8" + WORD)
        return
    yield b"HTTP/1.1 103 %b\r\n%b\r\n" % (WORD, HEADERS)
    if b"no-answer" in head:
        yield WORD + b" is no status\r\n\r\n"
    elif b"refused" in head:
        yield b"HTTP/1.1 429 %b\r\n%bcontent-length: 12\r\n\r\n%b" % (WORD, HEADERS, WORD)
    else:
        yield STREAM
        for data in chunks():
            yield b"%x;%b=%b\r\n%b\r\n" % (len(data), WORD, WORD, data)
        yield (b"zz" if b"broken" in head else b"0\r\n") + WORD + b": " + WORD + b"\r\n\r\n"


def ask(port: int, certificate: Path, how: str) -> bytes:
    word = WORD.decode()
    question = {**QUESTION, "user": word, "model": f"ft:gpt-4o:{word}::1", "reasoning_effort": word, word: {word: word}}
    body = json.dumps(question).encode()
    head = (
        f"POST {PATH}?{how}={word} HTTP/1.1\r\nhost: {HOST}\r\nuser-agent: {word}\r\noriginator: {word}\r\n"
        f"cookie: {word}\r\nreferer: https://{word}.example/\r\ncontent-type: application/json; profile={word}\r\n"
        f"x-{word}: {word}\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    with client(port, certificate) as peer:
        peer.sendall(head.encode() + body)
        return rest(peer)


def test_no_word_of_any_part_of_the_wire_is_in_a_file_or_on_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "origin").mkdir()
    folder = tmp_path / "data"
    with (
        raw_origin(tmp_path / "origin", talk) as origin,
        proxy_process(folder, origin.port, origin.authority) as (process, port),
    ):
        (folder / "capture-openai-api.wish").touch()
        certificate = certificate_of(folder)
        for how in ("right", "broken", "no-answer", "refused"):
            assert WORD in ask(port, certificate, how)
        with client(port, certificate) as peer:
            protocol = f"Sec-WebSocket-Protocol: realtime, {WORD.decode()}"
            peer.sendall(ask_for_socket(f"/v1/realtime?model=gpt-realtime&{WORD.decode()}={WORD.decode()}", protocol))
            assert WORD in rest(peer)
        held = time.monotonic() + 10
        while count(folder) < 2 and time.monotonic() < held:
            time.sleep(0.1)
        written = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        process.send_signal(signal.SIGTERM)
        told = "".join(process.communicate(timeout=30))
    written |= {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert count(folder) == 2  # the right answer and the broken one have one id; and the socket's
    assert any(path.name.endswith("-wal") for path in written)
    assert "exchange" in (folder / "capture-openai-api.json").read_text()  # a scrubbed example was made of one
    assert [path.name for path, content in written.items() if WORD in content.lower()] == []
    assert WORD.decode() not in told.lower()
