"""`klimaspor run`: the command works as without us, its AI calls are recorded, its exit code comes through."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.company import CompanyProxy, company_proxy
from tests.e2e.sites import Sites
from tracker.store import Store
from tracker.trial.dialects import script
from tracker.trial.script import Script

OTHER = "git.example.no"
KLIMASPOR = [sys.executable, "-c", "from tracker.cli import main; main()"]
TALK: Script = script(
    1,
    {"dialect": "claude", "model": "claude-sonnet-4-5", "prompt": "Why is the sky blue?",
     "answer": "Because air scatters the short waves most."},
)  # fmt: skip
CLIENT = f"""
import sys, urllib.request
body = {TALK.request!r}
headers = {{"content-type": "application/json"}}
call = urllib.request.Request("https://{TALK.host}{TALK.path}", data=body, headers=headers)
print(len(urllib.request.urlopen(call).read()), len(urllib.request.urlopen("https://{OTHER}/").read()))
sys.exit(7)
"""


@dataclass
class Office:
    """A computer that reaches the world through a company's proxy, and trusts the sites' authority."""

    arguments: list[str | Path]
    company: CompanyProxy
    sites: Sites
    db: Path


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    sites = Sites([TALK.host, OTHER], tmp_path, [TALK])
    monkeypatch.setenv("SSL_CERT_FILE", str(sites.authority_path))
    with sites.serve() as port, company_proxy(port) as company:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{company.port}")
        db = tmp_path / "data/klimaspor.db"
        yield Office(["run", "--db", db, "--upstream-ca", sites.authority_path, "--"], company, sites, db)


def test_calls_are_recorded_and_the_exit_code_comes_through(office: Office) -> None:
    command = [*KLIMASPOR, *office.arguments, sys.executable, "-c", CLIENT]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 7, done.stderr
    whole, page = done.stdout.split()
    assert int(whole) == sum(map(len, TALK.chunks))
    assert int(page) > 10, "another host, trusted by the roots the command had before"
    assert set(office.company.asked) == {TALK.host, OTHER}, "the company's proxy is still on the way"
    with Store.open(office.db, readonly=True) as store:
        assert [(record.service, record.outcome) for record in store.records()] == [("claude", "complete")]
    for path in office.db.parent.rglob("*"):
        if path.is_file():
            kept = path.read_bytes()
            assert not any(word in kept for word in (b"sky blue", b"scatters", OTHER.encode())), path.name
            public = {"klimaspor-ca.crt", "mitmproxy-dhparam.pem", "upstream-authorities.pem"}
            assert path.name in public or path.stat().st_mode & 0o077 == 0, f"{path.name} is for this person only"
    assert office.db.parent.stat().st_mode & 0o077 == 0


def test_other_hosts_keep_their_own_certificate(office: Office) -> None:
    script = (
        "import os, socket, ssl, urllib.parse as u\n"
        "p = u.urlsplit(os.environ['HTTPS_PROXY']); s = socket.create_connection((p.hostname, p.port))\n"
        f"s.sendall(b'CONNECT {OTHER}:443 HTTP/1.1\\r\\nHost: {OTHER}:443\\r\\n\\r\\n'); s.recv(4096)\n"
        f"t = ssl.create_default_context().wrap_socket(s, server_hostname='{OTHER}')\n"
        "print(t.getpeercert()['issuer'])\n"
    )
    command = [*KLIMASPOR, *office.arguments, sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "the sites' own authority" in done.stdout
    assert "klimaspor" not in done.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl_works_unchanged_and_is_recorded(office: Office, tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(TALK.request)
    call = ["curl", "-sS", "--fail", "-H", "content-type: application/json", "--data-binary", f"@{tmp_path / 'body'}"]
    command = [*KLIMASPOR, *office.arguments, *call, f"https://{TALK.host}{TALK.path}"]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == b"".join(TALK.chunks)
    assert done.stderr == b""
    with Store.open(office.db, readonly=True) as store:
        assert [record.service for record in store.records()] == ["claude"]


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node 24 or later")
def test_node_works_unchanged_and_is_recorded(office: Office) -> None:
    script = (
        f"fetch('https://{TALK.host}{TALK.path}', {{method: 'POST', body: {json.dumps(TALK.request.decode())},"
        "headers: {'content-type': 'application/json'}}).then(a => a.text()).then(t => console.log(t.length))"
    )
    major = int(subprocess.check_output(["node", "-p", "process.versions.node"], text=True).split(".")[0])
    if major < 24:
        pytest.skip(f"node {major} does not read HTTPS_PROXY by itself")
    done = subprocess.run(
        [*KLIMASPOR, *office.arguments, "node", "-e", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_signal_reaches_the_command_and_its_end_is_passed_on(office: Office) -> None:
    script = (
        "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(9)); print('up', flush=True)\n"
        "while True: time.sleep(1)"
    )
    command = [*KLIMASPOR, *office.arguments, sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 9


def test_a_command_ended_by_a_signal_gives_128_and_its_number(office: Office) -> None:
    command = [*KLIMASPOR, *office.arguments, sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]
    assert subprocess.run(command, timeout=60, check=False).returncode == 128 + 9


def test_an_unknown_command_is_one_sentence(office: Office) -> None:
    done = subprocess.run(
        [*KLIMASPOR, *office.arguments, "no-such-program"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert done.stderr == "Error: The command did not start · no-such-program (not found) · check its name\n"


def test_nothing_is_left_behind_but_the_data_folder(
    office: Office, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    subprocess.run([*KLIMASPOR, *office.arguments, "true"], timeout=60, check=True)
    assert list((tmp_path / "tmp").iterdir()) == []
    assert list(home.iterdir()) == []
