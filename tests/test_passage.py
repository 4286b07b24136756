"""What is opened and what passes untouched; where nobody is led; stepping aside for those who refuse."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.aside import CHALLENGE_SECONDS, HANDSHAKE_SECONDS, Asides
from addon.hosts import allow_pattern, leads_home, open_hosts
from addon.service import discover
from tests.rig import OPENAI, OTHER, QUESTION, Reply, Rig, completion, rig
from tracker.store import Store

PATH = "/v1/chat/completions"
CLAUDE = "https://claude.ai/some/page"


@pytest.fixture
def way(tmp_path: Path) -> Iterator[Rig]:
    with rig(tmp_path) as made:
        yield made


def session(way: Rig, trust: ssl.SSLContext | None = None) -> httpx.Client:
    return httpx.Client(proxy=way.proxy_url, verify=trust or way.trust, trust_env=False, timeout=20)


def trust_origin(way: Rig) -> ssl.SSLContext:
    """A client that trusts the real certificates and not ours."""
    return ssl.create_default_context(cafile=str(way.origin.authority))


def tunnel(way: Rig, target: str, name: str, trust: ssl.SSLContext) -> ssl.SSLSocket:
    """Open a tunnel to ``target`` and ask for ``name`` in it."""
    plain = connect(way, target)
    return trust.wrap_socket(plain, server_hostname=name)


def connect(way: Rig, target: str) -> socket.socket:
    plain = socket.create_connection(("127.0.0.1", way.port), 10)
    plain.sendall(f"CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n\r\n".encode())
    head = plain.recv(4096)
    if b" 200 " not in head.split(b"\r\n")[0]:
        plain.close()
        raise ConnectionRefusedError(head.split(b"\r\n")[0])
    return plain


def test_another_host_keeps_its_own_certificate_and_is_not_opened(way: Rig) -> None:
    with tunnel(way, f"{OTHER}:443", OTHER, trust_origin(way)) as secure:
        issuer = dict(entry[0] for entry in secure.getpeercert()["issuer"])  # type: ignore[index, misc]  # a dict once verified
        assert "trustme" in issuer["organizationName"]
    with pytest.raises(ssl.SSLCertVerificationError):
        tunnel(way, f"{OTHER}:443", OTHER, way.trust)


def test_an_opened_host_shows_our_certificate(way: Rig) -> None:
    with tunnel(way, "claude.ai:443", "claude.ai", way.trust) as secure:
        assert secure.getpeercert()["subjectAltName"] == (("DNS", "claude.ai"),)  # type: ignore[index]  # a dict once verified


def test_what_a_tunnel_asks_for_decides_not_where_it_leads(way: Rig) -> None:
    with tunnel(way, "claude.ai:443", OTHER, trust_origin(way)) as secure:
        assert secure.getpeercert()  # passed untouched, though the tunnel was asked for a listed host


@pytest.mark.parametrize(
    "target",
    ["127.0.0.1:{port}", "localhost:{port}", "[::1]:{port}", "10.0.0.1:443", "192.168.1.1:443", "169.254.169.254:80",
     "127.1:{port}", "2130706433:{port}", "0.0.0.0:{port}", "[::ffff:127.0.0.1]:{port}", "printer.local:443"],
)  # fmt: skip
def test_no_tunnel_leads_to_this_computer_or_a_private_network(way: Rig, target: str) -> None:
    with pytest.raises(ConnectionRefusedError):
        connect(way, target.format(port=way.origin.port))
    assert way.origin.seen == []


@pytest.mark.parametrize("target", ["127.0.0.1:8080", "192.168.1.1:443", "printer.local:443"])
def test_no_company_s_proxy_is_asked_to_lead_to_a_private_network(tmp_path: Path, target: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as company:
        company.settimeout(0.5)
        with rig(tmp_path, upstream=f"http://127.0.0.1:{company.getsockname()[1]}", redirect={}) as way:
            with pytest.raises(ConnectionRefusedError):
                connect(way, target)
            with pytest.raises(TimeoutError):
                company.accept()


def test_a_name_that_resolves_to_this_computer_is_cut_before_a_byte_passes(tmp_path: Path) -> None:
    name = socket.gethostname()  # resolves, if at all, to an address of this computer
    try:
        address = socket.gethostbyname(name)
    except OSError:
        pytest.skip("this computer does not know its own name")
    heard: list[bytes] = []
    with socket.create_server((address, 0)) as server:

        def listen() -> None:
            peer, _ = server.accept()
            with peer:
                peer.settimeout(5)
                heard.append(peer.recv(100))

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        with rig(tmp_path, redirect={}) as way:
            try:
                with connect(way, f"{name}:{server.getsockname()[1]}") as plain:
                    plain.settimeout(5)
                    plain.sendall(b"secret")
                    assert plain.recv(100) == b""
            except OSError:
                pass  # refused or reset: as good
        thread.join(10)
    assert heard in ([], [b""])


def test_plain_requests_pass_unrecorded_but_not_to_private_addresses(way: Rig) -> None:
    with httpx.Client(proxy=way.proxy_url, trust_env=False, timeout=10) as plain:
        assert plain.get(f"http://127.0.0.1:{way.origin.port}/").status_code == 403
        assert plain.post("http://api.openai.com/v1/chat/completions", json=QUESTION).status_code in {400, 502}
    assert way.records() == []


def test_a_program_that_refuses_our_certificate_succeeds_at_its_second_try(way: Rig) -> None:
    way.origin.replies[PATH] = Reply(completion(3))
    strict = trust_origin(way)
    with session(way, strict) as pinned, pytest.raises(httpx.ConnectError):
        pinned.post(OPENAI, json=QUESTION)
    with session(way, strict) as pinned:
        assert pinned.post(OPENAI, json=QUESTION).status_code == 200
    assert way.records() == []
    (line,) = way.told
    assert "api.openai.com" in line
    assert [aside.host for aside in Asides(way.folder / "aside.json").current()] == ["api.openai.com"]


def test_another_kind_of_program_is_still_recorded(way: Rig) -> None:
    way.origin.replies[PATH] = Reply(completion(3))
    strict = trust_origin(way)
    strict.set_ciphers("ECDHE+AESGCM")  # says hello differently
    with session(way, strict) as pinned, pytest.raises(httpx.ConnectError):
        pinned.post(OPENAI, json=QUESTION)
    with session(way) as trusting:
        trusting.post(OPENAI, json=QUESTION)
    assert len(way.records()) == 1


def test_two_challenges_within_a_minute_make_the_host_pass_for_a_day(way: Rig) -> None:
    headers = [("content-type", "text/html"), ("cf-mitigated", "challenge")]
    way.origin.replies["/some/page"] = Reply([b"Just a moment"], 403, headers)
    with session(way) as trusting:
        assert trusting.get(CLAUDE).text == "Just a moment"
        assert way.told == []
        assert trusting.get(CLAUDE).text == "Just a moment"
        assert len(way.told) == 1
        assert "reload" in way.told[0]
        threading.Event().wait(2.5)  # the opened connection is closed once the page has arrived
        with pytest.raises(httpx.HTTPError):
            trusting.get(CLAUDE)  # the host's own certificate now
    with session(way, trust_origin(way)) as direct:
        assert direct.get(CLAUDE).status_code == 403
    way.proxy.ear.beat({**PULSE, "passed": [
        {"host": a.host, "service": "claude", "reason": a.reason, "since": a.since, "until": a.since + 60}
        for a in Asides(way.folder / "aside.json").current()
    ]})  # fmt: skip
    way.proxy.settle()
    with Store.open(way.db, readonly=True) as store:
        assert store.db.execute("SELECT host, reason FROM passed_through").fetchall() == [("claude.ai", "challenge")]


PULSE = {"at": 0.0, "clean_stop": False, "counters": {}}


def test_asides_end_by_themselves_and_survive_a_restart(tmp_path: Path) -> None:
    now = [1_000_000.0]
    told: list[str] = []
    asides = Asides(tmp_path / "aside.json", tell=told.append, clock=lambda: now[0])
    asides.refuse("claude.ai", "program")
    assert asides.holds("claude.ai", "program")
    assert not asides.holds("claude.ai", "another")
    again = Asides(tmp_path / "aside.json", tell=told.append, clock=lambda: now[0])
    assert again.holds("claude.ai", "program")
    now[0] += HANDSHAKE_SECONDS + 1
    assert not again.holds("claude.ai", "program")
    assert not again.challenge("chatgpt.com")
    now[0] += 61
    assert not again.challenge("chatgpt.com")
    now[0] += 30
    assert again.challenge("chatgpt.com")
    assert again.holds("chatgpt.com", "whoever")
    now[0] += CHALLENGE_SECONDS + 1
    assert not again.holds("chatgpt.com", "whoever")
    assert (tmp_path / "aside.json").stat().st_mode & 0o077 == 0


def test_only_what_passed_is_a_gap(tmp_path: Path) -> None:
    now = [1_000_000.0]
    asides = Asides(None, tell=lambda _line: None, clock=lambda: now[0])
    asides.refuse("claude.ai", "program")
    now[0] += 100
    assert asides.gaps() == []  # the program has not come back: nothing was missed
    assert asides.let_pass("claude.ai", "program")
    now[0] += 100
    assert not asides.let_pass("claude.ai", "browser")
    assert [(aside.host, until) for aside, until in asides.gaps()] == [("claude.ai", 1_000_100.0)]
    asides.challenge("chatgpt.com")
    asides.challenge("chatgpt.com")
    now[0] += 50
    assert ("chatgpt.com", 1_000_250.0) in [(aside.host, until) for aside, until in asides.gaps()]


def test_hanging_up_is_chance_unless_it_happens_again_and_again(tmp_path: Path) -> None:
    asides = Asides(None, tell=lambda _line: None, clock=lambda: 5.0)
    asides.hang_up("claude.ai", "program")
    asides.hang_up("claude.ai", "program")
    asides.succeed("claude.ai", "program")
    asides.hang_up("claude.ai", "program")
    assert not asides.holds("claude.ai", "program")
    asides.hang_up("claude.ai", "program")
    asides.hang_up("claude.ai", "program")
    assert asides.holds("claude.ai", "program")


@pytest.mark.parametrize("damage", ["", "{", "[1]", '[{"host": 1}]', "null"])
def test_a_damaged_file_of_asides_is_written_anew(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "aside.json"
    path.write_text(damage)
    asides = Asides(path, tell=lambda _line: None)
    asides.refuse("claude.ai", "program")
    assert Asides(path).holds("claude.ai", "program")


@given(st.sampled_from(["claude.ai", "chatgpt.com"]), st.text(max_size=12), st.integers(0, 70_000))
def test_the_pattern_matches_whole_names_only(host: str, more: str, port: int) -> None:
    import re

    pattern = re.compile(allow_pattern(["claude.ai", "chatgpt.com"]), re.IGNORECASE)
    assert pattern.search(f"{host}:{port}")
    other = f"{more}{host}:{port}"
    assert bool(pattern.search(other)) == (more == "")
    assert not pattern.search(f"{host}.{more}x:{port}")
    assert not re.compile(allow_pattern([])).search(other)


@pytest.mark.parametrize(
    ("host", "home"),
    [("claude.ai", False), ("1.1.1.1", False), ("2606:4700::1111", False), ("198.18.0.7", False),
     ("64:ff9b::10.0.0.1", True), ("64:ff9b::1.1.1.1", False), ("2002:7f00:1::", True), ("fe80::1%eth0", True),
     ("100.64.0.1", True), ("224.0.0.1", True), ("0x7f.1", True), ("017700000001", True), ("a.localhost", True),
     ("metadata.google.internal", True), ("LOCALHOST.", True), ("::127.0.0.1", True), ("fec0::1", True)],
)  # fmt: skip
def test_private_addresses_are_told_from_public_ones(host: str, home: bool) -> None:
    assert leads_home(host) is home


def test_hosts_that_carry_more_than_a_chatbot_are_opened_only_when_asked() -> None:
    services = discover()
    closed = [service for service in services if service.closed]
    normal = open_hosts(services)
    for service in closed:
        own = {host for host in service.hosts if not host.startswith("*.")}
        elsewhere = {host for other in services if not other.closed for host in other.hosts}
        assert not (own - elsewhere) & normal
        assert {host for host in own if not leads_home(host) and "." in host} <= open_hosts(
            services, opened=[service.name]
        )
    assert not any(host.startswith("*.") or leads_home(host) for host in normal)
