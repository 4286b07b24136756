"""Between us and a service: addresses that lead nowhere, certificates it wants, connections that end or are many."""

from __future__ import annotations

import json
import os
import resource
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from OpenSSL import SSL

from addon.run import ProxyOptions, running
from tests.proxy_process import certificate_of, proxy_process
from tests.raw_origin import RawOrigin, client, raw_origin, rest, tunnel
from tests.rogue import HOST, PATH
from tracker.store import Store

ASK = f"POST {PATH} HTTP/1.1\r\nhost: {HOST}\r\ncontent-length: 2\r\n\r\n{{}}".encode()
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"
REFUSAL = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno"
KEPT = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
NAME = "two-addresses.example"


def talk(peer: ssl.SSLSocket, head: bytes) -> None:
    peer.sendall(ANSWER)
    with suppress(OSError):
        while peer.recv(1000):
            pass


def options_for(folder: Path, authority: Path, port: int, *, host: str = "127.0.0.1", **more: Any) -> ProxyOptions:
    """Of a proxy that takes what is at this port for every site."""
    redirect = {"*": (host, port)}
    return ProxyOptions(db=folder / "k.db", folder=folder, port=0, upstream_ca=authority, redirect=redirect, **more)


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[RawOrigin]:
    with raw_origin(tmp_path, talk) as made:
        yield made


@pytest.mark.skipif(not socket.has_ipv6 or sys.platform != "linux", reason="a full queue is silent on Linux")
def test_an_address_that_leads_nowhere_holds_up_nobody_whose_name_has_another(
    tmp_path: Path, origin: RawOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookup = socket.getaddrinfo

    def look_up(host: Any, *more: Any, **options: Any) -> Any:
        if host != NAME:
            return lookup(host, *more, **options)
        kind = (socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [
            (socket.AF_INET6, *kind, ("::1", origin.port, 0, 0)),
            (socket.AF_INET, *kind, ("127.0.0.1", origin.port)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    options = options_for(tmp_path, origin.authority, origin.port, host=NAME)
    with ExitStack() as stack:
        deaf = stack.enter_context(socket.socket(socket.AF_INET6))
        deaf.bind(("::1", origin.port))
        deaf.listen(0)
        for _ in range(8):  # more than it lets wait: whoever comes now hears nothing
            caller = stack.enter_context(socket.socket(socket.AF_INET6))
            caller.setblocking(False)
            with suppress(BlockingIOError):
                caller.connect(("::1", origin.port))
        with pytest.raises(TimeoutError):
            socket.create_connection(("::1", origin.port), 0.5)
        proxy = stack.enter_context(running(options))
        began = time.monotonic()
        with client(proxy.state.port, proxy.certificate) as peer:
            peer.sendall(ASK)
            assert rest(peer).endswith(b"ok")
        assert time.monotonic() - began < 10


def test_a_service_that_none_of_its_addresses_reaches_is_told(tmp_path: Path, origin: RawOrigin) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    options = options_for(tmp_path, origin.authority, port, host="localhost")
    with running(options) as proxy, socket.create_connection(("127.0.0.1", proxy.state.port), 20) as plain:
        plain.sendall(f"CONNECT {HOST}:443 HTTP/1.1\r\nhost: {HOST}:443\r\n\r\n".encode())
        assert plain.recv(1000).startswith(b"HTTP/1.1 502")


@dataclass(frozen=True, slots=True)
class Club:
    """A site that asks for a certificate, and what a member of it has."""

    port: int
    authority: Path
    member: ssl.SSLContext


@contextmanager
def club(folder: Path, version: ssl.TLSVersion, *, says: bytes = b"") -> Iterator[Club]:
    """Run one, which breaks off TLS with whoever brings none, or says something to them."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    context = SSL.Context(SSL.TLS_SERVER_METHOD)  # Python's own names no authority, as sites do
    authority.issue_cert(HOST).configure_cert(context)
    authority.configure_trust(context)
    context.load_client_ca(os.fsencode(folder / "ca.pem"))
    context.set_verify(SSL.VERIFY_PEER | (0 if says else SSL.VERIFY_FAIL_IF_NO_PEER_CERT))
    context.set_max_proto_version(version)
    member = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    authority.issue_cert("member.example").configure_cert(member)

    def serve(came: socket.socket) -> None:
        peer = SSL.Connection(context, came)
        peer.set_accept_state()
        with came, suppress(SSL.Error):
            while not peer.recv(65536).endswith(b"{}"):
                pass
            peer.sendall(says if peer.get_peer_certificate() is None else ANSWER)

    def listen() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=[listening.accept()[0]], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=listen, daemon=True).start()
        yield Club(int(listening.getsockname()[1]), folder / "ca.pem", member)
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("says", [b"", REFUSAL], ids=["breaks off", "says so"])
def test_a_site_that_asks_for_a_certificate_is_told_at_once_and_gets_the_person_s_own_at_the_next_try(
    tmp_path: Path, version: ssl.TLSVersion, says: bytes
) -> None:
    """With TLS 1.3 it breaks off after the handshake, and mitmproxy would wait for ever."""
    told: list[str] = []
    with club(tmp_path, version, says=says) as site:
        options = options_for(tmp_path, site.authority, site.port, tell=told.append)
        with running(options) as proxy:
            with client(proxy.state.port, proxy.certificate) as peer:
                peer.sendall(ASK)
                assert rest(peer).startswith(says or b"HTTP/1.1 502")
            with tunnel(proxy.state.port) as link, site.member.wrap_socket(link, server_hostname=HOST) as peer:
                peer.sendall(ASK)
                assert rest(peer).endswith(b"ok")
            assert [line.partition(",")[0] for line in told] == [f"{HOST} refuses klimaspor"]
    with Store.open(tmp_path / "k.db", readonly=True) as store:
        gaps = store.db.execute("SELECT host, service, reason FROM passed_through").fetchall()
    assert gaps == [(HOST, "openai-api", "refusal")]


@pytest.mark.skipif(sys.platform != "linux", reason="what a process has open is read from /proc")
def test_many_idle_connections_take_nobody_s_place(tmp_path: Path, origin: RawOrigin) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))  # what the proxy is granted at first
    try:
        made = proxy_process(tmp_path / "data", origin.port, origin.authority)
        process, port = made.__enter__()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with ExitStack() as stack:
        stack.push(made)
        for _ in range(400):
            idle = stack.enter_context(socket.create_connection(("127.0.0.1", port), 20))
            idle.sendall(b"CONNECT ")
        with client(port, certificate_of(tmp_path / "data")) as peer:
            peer.sendall(ASK)
            assert rest(peer).endswith(b"ok")
        assert _open_files(process) > 400


def _open_files(process: subprocess.Popen[str]) -> int:
    return sum(1 for _ in Path(f"/proc/{process.pid}/fd").iterdir())


def test_a_site_whose_certificate_is_wrong_is_the_browser_s_affair_at_the_next_try(tmp_path: Path) -> None:
    told: list[str] = []
    with raw_origin(tmp_path, talk, name="another.example") as origin:
        options = options_for(tmp_path, origin.authority, origin.port, tell=told.append)
        with running(options) as proxy:
            with client(proxy.state.port, proxy.certificate) as peer:
                peer.sendall(ASK)
                assert rest(peer).startswith(b"HTTP/1.1 502")  # and not a byte of what was asked went there
            with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
                client(proxy.state.port, origin.authority).__enter__()
            assert [line.partition(" · ")[0] for line in told] == [
                f"{HOST} shows a certificate that klimaspor cannot check"
            ]


def _read(peer: ssl.SSLSocket, end: bytes, came: bytes = b"") -> None:
    """Read until the other side has said so."""
    while not came.endswith(end):
        data = peer.recv(65536)
        if not data:
            raise ConnectionError
        came += data


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl, which asks again as browsers do")
def test_a_kept_connection_that_ends_as_it_is_asked_is_asked_again_by_whom_it_would_be_without_us(
    tmp_path: Path,
) -> None:
    asked: list[int] = []

    def serve(peer: ssl.SSLSocket, head: bytes) -> None:
        connection = len(set(asked)) + 1
        while True:
            _read(peer, b"{}", head)
            asked.append(connection)
            if connection == 1 and asked.count(1) == 2:
                return
            peer.sendall(KEPT)
            head = b""

    with raw_origin(tmp_path, serve) as origin:
        options = options_for(tmp_path, origin.authority, origin.port)
        with running(options) as proxy:
            for way in (
                ["--connect-to", f"::127.0.0.1:{origin.port}", "--cacert", origin.authority],
                ["--proxy", f"http://127.0.0.1:{proxy.state.port}", "--cacert", proxy.certificate],
            ):
                asked.clear()
                command = ["curl", "-sS", "--fail", "--data", "{}", *way, *3 * [f"https://{HOST}{PATH}"]]
                done = subprocess.run(command, capture_output=True, timeout=30, check=False)
                assert (done.returncode, done.stdout, done.stderr) == (0, b"ok" * 3, b"")
                assert asked == [1, 1, 2, 2]


def test_a_question_that_a_new_connection_swallows_is_not_asked_twice(tmp_path: Path) -> None:
    """Whoever asks us over a connection that was kept would take an end without a word for a reason to ask again."""
    asked = 0

    def serve(peer: ssl.SSLSocket, _head: bytes) -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            peer.sendall(KEPT)

    with raw_origin(tmp_path, serve) as origin:
        options = options_for(tmp_path, origin.authority, origin.port)
        with running(options) as proxy, client(proxy.state.port, proxy.certificate) as peer:
            peer.sendall(ASK)
            _read(peer, b"ok")
            time.sleep(0.3)  # the service has hung up by now, between two questions
            peer.sendall(ASK)
            assert rest(peer).startswith(b"HTTP/1.1 502")
            assert asked == 2


@pytest.mark.parametrize("chunks", [b"", b"0\r\n\r\n"], ids=["none come", "their end comes"])
def test_an_answer_without_a_body_that_speaks_of_chunks_is_over_with_its_head(tmp_path: Path, chunks: bytes) -> None:
    """mitmproxy takes the two together for an attack and answers with an error; browsers read the head."""

    def serve(peer: ssl.SSLSocket, head: bytes) -> None:
        while True:
            _read(peer, b"{}", head)
            head = b""
            peer.sendall(b"HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\nx-said: so\r\n\r\n" + chunks)

    with raw_origin(tmp_path, serve) as origin:
        options = options_for(tmp_path, origin.authority, origin.port)
        with running(options) as proxy:
            trust, url = ssl.create_default_context(cafile=proxy.certificate), f"http://127.0.0.1:{proxy.state.port}"
            with httpx.Client(proxy=url, verify=trust, trust_env=False, timeout=10) as session:
                for _ in range(2):
                    answer = session.post(f"https://{HOST}{PATH}", content=b"{}")
                    assert (answer.status_code, answer.content, answer.headers["x-said"]) == (204, b"", "so")


def _may_unshare() -> bool:
    if not all(map(shutil.which, ("unshare", "ip"))):
        return False
    command = ["unshare", "-rn", "ip", "link", "set", "lo", "up"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not _may_unshare(), reason="needs unshare and ip, and leave to make a network of its own")
def test_a_question_into_a_network_that_went_silent_ends_so_that_it_is_asked_again(tmp_path: Path) -> None:
    """As after a sleep, or in another network: Linux alone would hold it for a quarter of an hour."""
    command = ["unshare", "-rn", sys.executable, "-m", "tests.silent_network", str(tmp_path)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, cwd=Path(__file__).parents[1]
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["bytes"] == 0
    assert told["seconds"] < 15
