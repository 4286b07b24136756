"""Heads, trailers and socket messages without end, and bombs in socket messages, end with their own connection."""

from __future__ import annotations

import os
import ssl
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from addon.run import ProxyOptions, Running, running
from addon.wire.http1 import LARGEST_HEAD
from addon.wire.sockets import LARGEST_MESSAGE
from tests.raw_origin import accept, ask_for_socket, client, frame, raw_origin, rest
from tests.rogue import HOST, PATH
from tracker.store import Store

MEGABYTE = 1 << 20
MOST = 256 * MEGABYTE
"""Bytes after which the origin gives up, so that a proxy that takes all of them fails the test and no more."""
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate"
CHUNKED = ANSWER + b"transfer-encoding: chunked\r\n\r\n"


@dataclass(slots=True)
class Flood:
    """A proxy, and behind it an origin that sends what it is given: a beginning, and then more and more of it."""

    proxy: Running
    db: Path
    begin: bytes = b""
    more: list[bytes] = field(default_factory=list)
    sent: int = 0
    is_over: threading.Event = field(default_factory=threading.Event)

    def client(self) -> AbstractContextManager[ssl.SSLSocket]:
        return client(self.proxy.state.port, self.proxy.certificate)

    def talk(self, peer: ssl.SSLSocket, head: bytes) -> None:
        if b"/quiet" in head:
            peer.sendall(accept(head) + frame(1, b"still here"))
            self.is_over.wait(60)
            peer.sendall(frame(1, b"and now"))
            peer.recv(1)
            return
        if b"/socket" in head:
            peer.sendall(accept(head, DEFLATE))
        with suppress(OSError):
            peer.sendall(self.begin)
            for piece in self.more:
                peer.sendall(piece)
                self.sent += len(piece)
            while peer.recv(65536):
                pass
        self.is_over.set()


@pytest.fixture(scope="module")
def flood(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flood]:
    folder = tmp_path_factory.mktemp("flood")
    db = folder / "klimaspor.db"

    def talk(peer: ssl.SSLSocket, head: bytes) -> None:
        made.talk(peer, head)

    with raw_origin(folder, talk) as origin:
        redirect = {"*": ("127.0.0.1", origin.port)}
        options = ProxyOptions(db=db, folder=folder, port=0, upstream_ca=origin.authority, redirect=redirect)
        with running(options) as proxy:
            made = Flood(proxy, db)
            yield made


@pytest.fixture(autouse=True)
def afresh(flood: Flood) -> None:
    flood.sent = 0
    flood.is_over.clear()


HEADS = {
    "head": (ANSWER, b"x-more: and more\r\n"),
    "line in the head": (ANSWER + b"x-more: ", b"and more "),
    "head of an interim answer": (b"HTTP/1.1 103 Early Hints\r\n", b"link: </x>\r\n"),
    "line before a chunk": (CHUNKED + b"5;", b"more=more;"),
    "trailers": (CHUNKED + b"0\r\n", b"x-more: and more\r\n"),
}


@pytest.mark.parametrize("what", HEADS)
def test_a_head_without_end_ends_with_its_connection_and_is_not_kept(flood: Flood, what: str) -> None:
    flood.begin, more = HEADS[what]
    piece = more * (65536 // len(more))
    flood.more = [piece] * (MOST // len(piece))
    with flood.client() as peer:
        peer.sendall(f"POST {PATH} HTTP/1.1\r\nhost: {HOST}\r\ncontent-length: 2\r\n\r\n{{}}".encode())
        came = rest(peer)
    assert came.startswith(b"HTTP/1.1 200" if CHUNKED in flood.begin else b"HTTP/1.1 502")
    assert flood.is_over.wait(20)
    assert flood.sent < LARGEST_HEAD + 16 * MEGABYTE  # what the buffers of the system hold
    flood.proxy.settle()
    with Store.open(flood.db, readonly=True) as store:
        assert list(store.records()) == []


def bomb() -> list[bytes]:
    """A message of a quarter of a gigabyte in a quarter of a megabyte."""
    packer = zlib.compressobj(9, wbits=-15)
    packed = b"".join(packer.compress(bytes(MEGABYTE)) for _ in range(256)) + packer.flush(zlib.Z_SYNC_FLUSH)
    return [frame(2, packed[:-4], packed=True)]


ENDLESS: dict[str, Callable[[], list[bytes]]] = {
    "a bomb": bomb,
    "parts without end": lambda: [
        frame(1, b"x", last=False),
        *[frame(0, b"x" * 70_000, last=False)] * (MOST // 70_000),
    ],
    "empty parts without end": lambda: [frame(1, b"x", last=False), *[frame(0, b"", last=False) * 10_000] * 20],
    "a length of a terabyte": lambda: [b"\x82\x7f" + (1 << 40).to_bytes(8), *[bytes(MEGABYTE)] * 256],
}


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@pytest.mark.parametrize("what", ENDLESS)
def test_a_socket_message_without_end_or_measure_ends_its_socket_alone(flood: Flood, what: str) -> None:
    flood.begin, flood.more = b"", ENDLESS[what]()
    highest = before = resident_bytes()

    def watch() -> None:
        nonlocal highest
        while not flood.is_over.wait(0.01):
            highest = max(highest, resident_bytes())

    with flood.client() as other, flood.client() as peer:
        other.sendall(ask_for_socket("/quiet"))
        heard = b""
        while b"still here" not in heard:
            heard += other.recv(65536)
        threading.Thread(target=watch, daemon=True).start()
        peer.sendall(ask_for_socket("/socket", DEFLATE.decode()))
        assert rest(peer).endswith(frame(8, (1009).to_bytes(2)))  # "message too big"
        assert flood.is_over.wait(20)
        assert other.recv(65536) == frame(1, b"and now")
    assert highest - before < 8 * LARGEST_MESSAGE  # what one read of the bomb becomes, a few times over
