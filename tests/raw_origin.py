"""An origin that says byte for byte what a test tells it to, over TLS on loopback, once for each connection."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import trustme

from tests.rogue import HOST


@dataclass(frozen=True, slots=True)
class RawOrigin:
    port: int
    authority: Path


@contextmanager
def raw_origin(
    folder: Path, talk: Callable[[ssl.SSLSocket, bytes], None], *, http2: bool = False, name: str = HOST
) -> Iterator[RawOrigin]:
    """
    Run one, whose certificate bears this name.

    ``talk`` is given each connection with the head of its request (none in HTTP/2), and then hangs up.
    """
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    authority.issue_cert(name).private_key_and_cert_chain_pem.write_to_path(folder / "leaf.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "leaf.pem")
    context.set_alpn_protocols(["h2", "http/1.1"] if http2 else ["http/1.1"])

    def serve(came: socket.socket) -> None:
        with suppress(OSError), context.wrap_socket(came, server_side=True) as peer:
            head = b""
            while b"\r\n\r\n" not in head and peer.selected_alpn_protocol() != "h2":
                head += peer.recv(65536)
            talk(peer, head)

    def listen() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=[listening.accept()[0]], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=listen, daemon=True).start()
        yield RawOrigin(int(listening.getsockname()[1]), folder / "ca.pem")
        listening.shutdown(socket.SHUT_RDWR)


@contextmanager
def tunnel(port: int) -> Iterator[socket.socket]:
    """A tunnel through the proxy at this port to the host that the origin stands for."""
    with socket.create_connection(("127.0.0.1", port), 20) as opened:
        opened.sendall(f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\n\r\n".encode())
        assert b" 200 " in opened.recv(4096)
        yield opened


@contextmanager
def client(port: int, certificate: Path, *, http2: bool = False) -> Iterator[ssl.SSLSocket]:
    """A connection through the proxy at this port to the host that the origin stands for."""
    trust = ssl.create_default_context(cafile=str(certificate))
    trust.set_alpn_protocols(["h2" if http2 else "http/1.1"])
    with tunnel(port) as link, trust.wrap_socket(link, server_hostname=HOST) as opened:
        yield opened


def rest(peer: ssl.SSLSocket) -> bytes:
    """All that comes until the other side hangs up."""
    came = b""
    with suppress(ssl.SSLError, ConnectionError):
        while data := peer.recv(65536):
            came += data
    return came


def ask_for_socket(path: str, *more: str) -> bytes:
    """The request that opens a WebSocket."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = (
        f"GET {path} HTTP/1.1", f"Host: {HOST}", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", *more, "", "",
    )  # fmt: skip
    return "\r\n".join(lines).encode()


def accept(head: bytes, *more: bytes) -> bytes:
    """The answer that opens a WebSocket."""
    key = next(line[19:].strip() for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key: "))
    proof = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    lines = (
        b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: " + proof, *more, b"", b"",
    )  # fmt: skip
    return b"\r\n".join(lines)


def frame(kind: int, payload: bytes, *, last: bool = True, packed: bool = False) -> bytes:
    """One frame of a WebSocket, as a service sends it."""
    head = bytes([(0x80 if last else 0) | (0x40 if packed else 0) | kind])
    if len(payload) < 126:
        return head + bytes([len(payload)]) + payload
    size = b"\x7e" + len(payload).to_bytes(2) if len(payload) < 65_536 else b"\x7f" + len(payload).to_bytes(8)
    return head + size + payload
