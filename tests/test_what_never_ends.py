"""Heads, trailers and socket messages without end, and bombs in socket messages, end with their own connection."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import ssl
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme

from addon.run import ProxyOptions, Running, running
from addon.wire import LARGEST_HEAD, LARGEST_MESSAGE
from tests.rogue import HOST, PATH
from tracker.store import Store

MEGABYTE = 1 << 20
MOST = 256 * MEGABYTE
"""Bytes after which the origin gives up, so that a proxy that takes all of them fails the test and no more."""
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
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

    @contextmanager
    def client(self) -> Iterator[ssl.SSLSocket]:
        """A connection through the proxy to the host that the origin stands for."""
        with socket.create_connection(("127.0.0.1", self.proxy.state.port), 20) as tunnel:
            tunnel.sendall(f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\n\r\n".encode())
            assert b" 200 " in tunnel.recv(4096)
            trust = ssl.create_default_context(cafile=str(self.proxy.certificate))
            with trust.wrap_socket(tunnel, server_hostname=HOST) as opened:
                yield opened

    def talk(self, peer: ssl.SSLSocket, head: bytes) -> None:
        if b"upgrade: websocket" in head.lower():
            peer.sendall(accept(head))
        if b"/quiet" in head:
            peer.sendall(frame(1, b"still here"))
            self.is_over.wait(60)
            peer.sendall(frame(1, b"and now"))
            peer.recv(1)
            return
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
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    authority.issue_cert(HOST).private_key_and_cert_chain_pem.write_to_path(folder / "leaf.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "leaf.pem")

    def serve(came: socket.socket) -> None:
        with suppress(OSError), context.wrap_socket(came, server_side=True) as peer:
            head = b""
            while b"\r\n\r\n" not in head:
                head += peer.recv(65536)
            made.talk(peer, head)

    def listen() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=[listening.accept()[0]], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=listen, daemon=True).start()
        redirect = {"*": ("127.0.0.1", int(listening.getsockname()[1]))}
        db = folder / "klimaspor.db"
        options = ProxyOptions(db=db, folder=folder, port=0, upstream_ca=folder / "ca.pem", redirect=redirect)
        with running(options) as proxy:
            made = Flood(proxy, db)
            yield made
        listening.shutdown(socket.SHUT_RDWR)


@pytest.fixture(autouse=True)
def afresh(flood: Flood) -> None:
    flood.sent = 0
    flood.is_over.clear()


def rest(peer: ssl.SSLSocket) -> bytes:
    """All that comes until the other side hangs up."""
    came = b""
    with suppress(ssl.SSLError, ConnectionError):
        while data := peer.recv(65536):
            came += data
    return came


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
    with flood.client() as client:
        client.sendall(f"POST {PATH} HTTP/1.1\r\nhost: {HOST}\r\ncontent-length: 2\r\n\r\n{{}}".encode())
        came = rest(client)
    assert came.startswith(b"HTTP/1.1 200" if CHUNKED in flood.begin else b"HTTP/1.1 502")
    assert flood.is_over.wait(20)
    assert flood.sent < LARGEST_HEAD + 16 * MEGABYTE  # what the buffers of the system hold
    flood.proxy.settle()
    with Store.open(flood.db, readonly=True) as store:
        assert list(store.records()) == []


def frame(kind: int, payload: bytes, *, last: bool = True, packed: bool = False) -> bytes:
    head = bytes([(0x80 if last else 0) | (0x40 if packed else 0) | kind])
    size = bytes([len(payload)]) if len(payload) < 126 else b"\x7f" + len(payload).to_bytes(8)
    return head + size + payload


def accept(head: bytes) -> bytes:
    key = next(line[19:].strip() for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key: "))
    proof = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    packs = b"" if b"/quiet" in head else b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
    answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + packs
    return answer + b"Sec-WebSocket-Accept: " + proof + b"\r\n\r\n"


def ask_for_socket(path: str) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n"
        "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    ).encode()


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

    with flood.client() as other, flood.client() as client:
        other.sendall(ask_for_socket("/quiet"))
        heard = b""
        while b"still here" not in heard:
            heard += other.recv(65536)
        threading.Thread(target=watch, daemon=True).start()
        client.sendall(ask_for_socket("/socket"))
        assert rest(client).endswith(frame(8, (1009).to_bytes(2)))  # "message too big"
        assert flood.is_over.wait(20)
        assert other.recv(65536) == frame(1, b"and now")
    assert highest - before < 5 * LARGEST_MESSAGE
