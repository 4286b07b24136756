"""What a service does with a WebSocket reaches the client as it was meant: cut as cut, all words whole."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Iterator

import pytest

from addon.run import ProxyOptions, Running, running
from tests.raw_origin import RawOrigin, accept, ask_for_socket, client, frame, raw_origin
from tests.rogue import HOST

WORDS = "Månen er langt unna. ".encode()
SAID = frame(1, b"hello")
ENDS: dict[str, bytes] = {
    "cut": b"",
    "reset": b"",
    "closed": frame(8, (1000).to_bytes(2)),
    "closed without a word": frame(8, b""),
    "closed with a code of its own": frame(8, (4001).to_bytes(2) + b"come back later"),
    "closed for a restart": frame(8, (1012).to_bytes(2)),
}


def talk(peer: ssl.SSLSocket, head: bytes) -> None:
    what = next(what for what in (*ENDS, *SAME) if what.replace(" ", "-").encode() + b" " in head)
    if what in SAME:
        peer.sendall(accept(head) + SAME[what][0] + frame(8, b""))
        return
    peer.sendall(accept(head) + SAID)
    peer.recv(100)  # the client has it
    peer.sendall(ENDS[what])
    if what == "reset":
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.socket(fileno=peer.detach()).close()


SAME: dict[str, tuple[bytes, bytes]] = {
    "a row of pings": (frame(9, b"one") + frame(9, b"two") + SAID, frame(9, b"two") + SAID),
    "pings and pongs": (
        frame(9, b"p") + frame(10, b"p") + frame(9, b"q"),
        frame(9, b"p") + frame(10, b"p") + frame(9, b"q"),
    ),
    "a ping within": (frame(1, b"a", last=False) + frame(9, b"p") + frame(0, b"b"), frame(9, b"p") + frame(1, b"ab")),
    "tiny parts": (
        frame(1, WORDS[:2], last=False)
        + b"".join(frame(0, bytes([byte]), last=False) for byte in WORDS[2:])
        + frame(0, b""),
        frame(1, WORDS),
    ),
    "large parts": (
        frame(2, WORDS * 300, last=False) + frame(0, WORDS * 400),
        frame(2, WORDS * 300, last=False) + frame(0, WORDS * 400),
    ),
}
"""What the service says, and the same as it comes to the client."""


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RawOrigin]:
    with raw_origin(tmp_path_factory.mktemp("origin"), talk) as made:
        yield made


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, origin: RawOrigin) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("data")
    redirect = {"*": ("127.0.0.1", origin.port)}
    db = folder / "klimaspor.db"
    with running(ProxyOptions(db=db, folder=folder, port=0, upstream_ca=origin.authority, redirect=redirect)) as made:
        yield made


def hear(peer: ssl.SSLSocket, what: str) -> bytes:
    """All that comes of a socket, without the answer that opened it."""
    peer.sendall(ask_for_socket(f"/v1/realtime?{what.replace(' ', '-')}"))
    came = b""
    try:
        while data := peer.recv(65536):
            came += data
            if came.endswith(SAID) and what in ENDS:
                peer.sendall(bytes([0x81, 0x82, 0, 0, 0, 0]) + b"ok")
    except ConnectionResetError:
        pass
    return came.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("what", ENDS)
def test_the_end_of_a_socket_is_what_the_service_made_it(origin: RawOrigin, proxy: Running, what: str) -> None:
    trust = ssl.create_default_context(cafile=str(origin.authority))
    with (
        socket.create_connection(("127.0.0.1", origin.port), 20) as plain,
        trust.wrap_socket(plain, server_hostname=HOST) as direct,
        client(proxy.state.port, proxy.certificate) as through,
    ):
        assert hear(through, what) == hear(direct, what) == SAID + ENDS[what]


@pytest.mark.parametrize("what", SAME)
def test_what_is_cut_finely_goes_on_as_the_same_words(proxy: Running, what: str) -> None:
    with client(proxy.state.port, proxy.certificate) as through:
        assert hear(through, what) == SAME[what][1] + frame(8, b"")
