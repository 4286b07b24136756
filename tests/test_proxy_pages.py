"""The proxy's own port: the PAC for all, everything else under a secret path and for this person only."""

from __future__ import annotations

import http.client
import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from addon.holders import ask_owner, look_up_owner, owner_of, port_is_taken
from addon.state import TOKEN_FILE, State, ask_status, forget_state, load_token, read_state, write_state
from tests.rig import Rig
from tracker.cli import main

Find = Callable[[tuple[str, int], tuple[str, int]], int | None]


def get(way: Rig, path: str, *, host: str | None = None, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", way.port, timeout=30)
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("host", f"127.0.0.1:{way.port}" if host is None else host)
    connection.endheaders()
    response = connection.getresponse()
    answer = response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    connection.close()
    return answer


def secret(way: Rig, path: str = "") -> str:
    return f"/{way.proxy.state.token}/{path}"


def test_the_pac_file_is_there_for_every_program(way: Rig) -> None:
    status, headers, body = get(way, "/proxy.pac")
    assert status == 200
    assert headers["content-type"].startswith("application/x-ns-proxy-autoconfig")
    assert b'"claude.ai":1' in body
    assert f"PROXY 127.0.0.1:{way.port}".encode() in body


@pytest.mark.parametrize(
    "path", ["/", "/status.json", "/0/status.json", "/../etc/passwd", "//", "/%2e%2e/", "/proxy.pac/x"]
)
def test_without_the_secret_path_there_is_nothing(way: Rig, path: str) -> None:
    status, _, body = get(way, path)
    assert status == 404
    assert way.proxy.state.token.encode() not in body


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1.evil.example:{port}", "[::1]:{port}", ""])
def test_a_page_of_another_name_reaches_nothing(way: Rig, host: str) -> None:
    pages = (secret(way, "status.json"), "/proxy.pac")
    for path in (*pages, *(f"http://127.0.0.1:{way.port}{page}" for page in pages)):
        status, _, body = get(way, path, host=host.format(port=way.port))
        assert status != 200
        assert b"claude.ai" not in body


def test_pages_cannot_be_framed_quoted_or_followed(way: Rig) -> None:
    _, headers, _ = get(way, secret(way, "status.json"))
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-resource-policy"] == headers["cross-origin-opener-policy"] == "same-origin"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in headers


def test_only_reading_is_possible(way: Rig) -> None:
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert get(way, secret(way, "status.json"), method=method)[0] == 405


def test_the_certificate_can_be_fetched(way: Rig) -> None:
    status, headers, body = get(way, secret(way, "certificate"))
    assert status == 200
    assert headers["content-type"].startswith("application/x-x509-ca-cert")
    assert body == way.ca_file.read_bytes()
    assert b"PRIVATE" not in body


def test_the_status_tells_of_the_machinery_only(way: Rig) -> None:
    status, _, body = get(way, secret(way, "status.json"))
    answer = json.loads(body)
    assert status == 200
    assert answer["pid"] == os.getpid()
    assert answer["turns"] == {"heard": 0, "read": 0, "lost": {}}
    assert answer["passing"] == []


def test_the_status_page_and_the_report_open(way: Rig) -> None:
    for path in ("", "report"):
        status, headers, body = get(way, secret(way, path))
        assert status == 200, body
        assert headers["content-type"].startswith("text/html")
        assert b"</html>" in body


def test_the_own_pages_answer_through_the_proxy_too(way: Rig) -> None:
    with httpx.Client(proxy=way.proxy_url, trust_env=False, timeout=10) as session:
        assert session.get(f"http://127.0.0.1:{way.port}/proxy.pac").status_code == 200


@pytest.mark.skipif(sys.platform != "linux" or os.getuid() != 0, reason="needs another user: run as root on Linux")
@pytest.mark.parametrize(("family", "host"), [("AF_INET", "127.0.0.1"), ("AF_INET6", "::ffff:127.0.0.1")])
def test_another_user_of_this_computer_is_refused(way: Rig, family: str, host: str) -> None:
    script = f"""
import os, socket
os.setuid(65534)
with socket.socket(socket.{family}) as peer:
    peer.settimeout(10)
    peer.connect(("{host}", {way.port}))
    try:
        peer.sendall(b"GET /proxy.pac HTTP/1.1\\r\\nhost: 127.0.0.1:{way.port}\\r\\n\\r\\n")
        print(peer.recv(100))
    except OSError:
        print(b"")
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "b''"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
@pytest.mark.parametrize("find", [owner_of, ask_owner, look_up_owner])
def test_the_owner_of_a_connection_is_found(find: Find) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert find(client.getsockname(), server.getsockname()) == os.getuid()
        assert find(("127.0.0.1", 1), server.getsockname()) is None
        assert find(server.getsockname(), ("127.0.0.1", 1)) is None  # nobody is connected: somebody listens there
        with socket.socket(socket.AF_INET6) as mapped:
            mapped.connect(("::ffff:127.0.0.1", server.getsockname()[1]))
            assert find(("127.0.0.1", mapped.getsockname()[1]), server.getsockname()) == os.getuid()
        assert find(("::1", client.getsockname()[1]), server.getsockname()) is None


@pytest.mark.skipif(sys.platform != "linux" or os.getuid() != 0, reason="needs another user to connect as")
@pytest.mark.parametrize("find", [ask_owner, look_up_owner])
def test_a_connection_of_another_user_is_told(find: Find) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        script = f"""
import os, socket
os.setuid(65534)
peer = socket.socket()
peer.connect({server.getsockname()})
print(peer.getsockname()[1], flush=True)
input()
"""
        command = [sys.executable, "-c", script]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout is not None
            assert find(("127.0.0.1", int(other.stdout.readline())), server.getsockname()) == 65534
            other.communicate("\n")


def test_the_secret_stays_and_is_private(tmp_path: Path) -> None:
    token = load_token(tmp_path)
    assert len(token) == 32
    assert int(token, 16) >= 0
    assert load_token(tmp_path) == token
    path = tmp_path / TOKEN_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)  # somebody may have read it
    assert load_token(tmp_path) != token


def test_a_state_file_of_a_dead_proxy_is_no_proxy(tmp_path: Path) -> None:
    state = State(pid=1, port=9, token="0" * 32, started_at="")
    write_state(tmp_path, state)
    assert read_state(tmp_path) == state
    assert "0" * 32 not in repr(state)
    assert ask_status(tmp_path) is None


@pytest.mark.parametrize(
    "damage",
    [
        b"", b"{]", b"\xff\xfe", b"[" * 100_000, b"null", b"[1]", b'{"pid": 1}',
        b'{"pid": 1, "port": 9, "token": 5, "started_at": ""}',
        b'{"pid": -1, "port": 9, "token": "", "started_at": ""}',
        b'{"pid": 1, "port": 99999, "token": "", "started_at": ""}',
        b'{"pid": 1, "port": "9", "token": "", "started_at": ""}',
        b'{"pid": 1, "port": 9, "token": "", "started_at": "", "more": 1}',
        b'{"pid": 1, "port": 9, "token": "", "started_at": "", "local": 5}',
        b'{"pid": 1, "port": 9, "token": "", "started_at": "", "local": {"ollama": "x"}}',
    ],
)  # fmt: skip
def test_a_damaged_state_file_is_no_proxy_and_the_next_one_takes_its_place(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "proxy.json").write_bytes(damage)
    assert read_state(tmp_path) is None
    assert ask_status(tmp_path) is None
    told = CliRunner().invoke(main, ["status", "--db", str(tmp_path / "k.db")])
    assert told.exit_code in {0, 1}
    assert "does not run" in told.output
    forget_state(tmp_path, 1)
    state = State(pid=1, port=9, token="0" * 32, started_at="")
    write_state(tmp_path, state)
    assert read_state(tmp_path) == state


def test_a_taken_port_is_noticed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert port_is_taken(server.getsockname()[1])
    assert not port_is_taken(0)
