"""A service that was away for a moment, or hangs up before it is asked: nobody waits, or is told of it, for ever."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme

from addon.aside import Asides
from addon.run import ProxyOptions, Running, running
from tests.raw_origin import client, rest, tunnel
from tests.rogue import HOST, PATH, answer
from tests.test_http2_goes_on import Peer, Service

ASK = f"POST {PATH} HTTP/1.1\r\nhost: {HOST}\r\ncontent-length: 2\r\n\r\n{{}}".encode()
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"


@dataclass
class Site:
    """A site, and what it does with the connections that come, one after another; with all others it talks."""

    authority: Path
    context: ssl.SSLContext
    talk: Callable[[ssl.SSLSocket, bytes], None]
    hangs_up: list[str] = field(default_factory=list)
    """``at once`` or ``at hello``."""
    port: int = 0
    _listening: socket.socket | None = None

    def come(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._listen, args=[self._listening], daemon=True).start()

    def go(self) -> None:
        if self._listening is not None:
            self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()

    def _listen(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                came = listening.accept()[0]
                if not self.hangs_up:
                    threading.Thread(target=self._serve, args=[came], daemon=True).start()
                    continue
                if self.hangs_up.pop(0) == "at hello":
                    came.recv(65536)
                came.close()

    def _serve(self, came: socket.socket) -> None:
        with suppress(OSError, EOFError), self.context.wrap_socket(came, server_side=True) as peer:
            self.talk(peer, b"")


@contextmanager
def site(folder: Path, talk: Callable[[ssl.SSLSocket, bytes], None], protocol: str) -> Iterator[Site]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    context.set_alpn_protocols([protocol])
    made = Site(folder / "ca.pem", context, talk)
    made.come()
    try:
        yield made
    finally:
        made.go()


@contextmanager
def proxy_before(place: Site, folder: Path) -> Iterator[Running]:
    redirect = {"*": ("127.0.0.1", place.port)}
    options = ProxyOptions(
        db=folder / "k.db", folder=folder, port=0, upstream_ca=place.authority, redirect=redirect, tell=lambda _: None
    )
    with running(options) as proxy:
        yield proxy


def talk_once(peer: ssl.SSLSocket, _head: bytes) -> None:
    came = b""
    while not came.endswith(b"{}"):
        came += peer.recv(65536)
    peer.sendall(ANSWER)


def ask_late(proxy: Running, certificate: Path) -> bytes:
    """Open a tunnel, as browsers do beforehand, and say hello in it a moment later."""
    with tunnel(proxy.state.port) as link:
        time.sleep(0.1)
        trust = ssl.create_default_context(cafile=str(certificate))
        with trust.wrap_socket(link, server_hostname=HOST) as peer:
            peer.sendall(ASK)
            return rest(peer)


def test_a_connection_that_a_service_ends_before_it_is_used_is_opened_again(tmp_path: Path) -> None:
    with site(tmp_path, talk_once, "http/1.1") as place, proxy_before(place, tmp_path) as proxy:
        place.hangs_up = ["at once"]
        assert ask_late(proxy, proxy.certificate).endswith(b"ok")
        assert place.hangs_up == []


def test_the_same_where_we_step_aside(tmp_path: Path) -> None:
    Asides(tmp_path / "aside.json", tell=lambda _: None).mistrust(HOST)
    with site(tmp_path, talk_once, "http/1.1") as place, proxy_before(place, tmp_path) as proxy:
        place.hangs_up = ["at once"]
        assert ask_late(proxy, place.authority).endswith(b"ok")
        assert place.hangs_up == []


@pytest.mark.parametrize("when", ["at once", "at hello"])
def test_a_service_that_hangs_up_whenever_it_is_called_is_told_at_once(tmp_path: Path, when: str) -> None:
    with site(tmp_path, talk_once, "http/1.1") as place, proxy_before(place, tmp_path) as proxy:
        place.hangs_up = [when] * 10
        began = time.monotonic()
        assert ask_late(proxy, proxy.certificate).startswith(b"HTTP/1.1 502")
        assert time.monotonic() - began < 10


def test_a_service_that_was_away_for_a_while_is_reached_again_over_the_same_connection(tmp_path: Path) -> None:
    """As when a computer is offline; what failed then would be told for as long as the browser's connection lives."""
    service = Service(100)
    service.takes.set()
    with (
        site(tmp_path, service.talk, "h2") as place,
        proxy_before(place, tmp_path) as proxy,
        client(proxy.state.port, proxy.certificate, http2=True) as link,
    ):
        peer = Peer(link, is_client=True)
        _ask(peer)
        place.go()
        service.peers[-1].link.shutdown(socket.SHUT_RDWR)
        time.sleep(0.3)
        number = peer.ask("stays")
        peer.take_until(lambda: number in peer.ended)
        assert b"502" in peer.bodies[number]
        place.come()
        _ask(peer)


def test_a_handshake_that_failed_is_told_only_for_a_moment(tmp_path: Path) -> None:
    service = Service(100)
    service.takes.set()
    with site(tmp_path, service.talk, "h2") as place, proxy_before(place, tmp_path) as proxy:
        place.hangs_up = ["at hello"]
        with client(proxy.state.port, proxy.certificate, http2=True) as link:
            peer = Peer(link, is_client=True)
            number = peer.ask("stays")
            peer.take_until(lambda: number in peer.ended)
            assert b"502" in peer.bodies[number]
            with pytest.raises((EOFError, ssl.SSLEOFError)):
                peer.take_until(lambda: False)  # whoever asks after that comes over another connection
        with client(proxy.state.port, proxy.certificate, http2=True) as link:
            _ask(Peer(link, is_client=True))


def _ask(peer: Peer) -> None:
    number = peer.ask("stays")
    peer.take_until(lambda: number in peer.ended)
    assert peer.bodies[number] == answer()
