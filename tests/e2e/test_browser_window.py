"""`klimaspor browser` with Debian's Chromium and Firefox: records the listed hosts, and nobody else notices."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from addon.authority import Authority
from addon.hosts import open_hosts
from addon.pac import as_data_url, write_pac
from addon.service import discover
from tests.e2e.browsing import Chromium, Firefox, missing_tools, steer_firefox, wrap_browsers
from tests.e2e.company import CompanyProxy, company_proxy
from tests.e2e.sites import Sites
from tests.rig import free_port
from tests.theft import FORBIDDEN, forge_leaf, forge_twin
from tracker.setup import nss
from tracker.setup.browsers import Browser, choose_browser
from tracker.setup.recording import recording
from tracker.setup.window import close_window, open_window, trust_of
from tracker.store import Store
from tracker.trial.dialects import script
from tracker.trial.script import Script

pytestmark = pytest.mark.browser

BANK = "nettbank.example.no"
REFUSED = (*(host for host in FORBIDDEN if host != BANK), "sparebank.example.no", "login.claude.ai")
TWIN = "twin.example.no"
KLIMASPOR = [sys.executable, "-c", "from tracker.cli import main; main()"]
FETCH = """(async () => {
  const answer = await fetch(%s, {method: 'POST', headers: {'content-type': 'application/json'}, body: %s});
  const reader = answer.body.getReader();
  let chunks = 0, bytes = 0;
  for (;;) {
    const {done, value} = await reader.read();
    if (done) return [answer.status, chunks > 1, bytes].join(' ');
    chunks += 1; bytes += value.length;
  }
})()"""


@pytest.fixture(autouse=True)
def tools() -> None:
    assert missing_tools() == [], "apt-get install chromium firefox-esr libnss3-tools"


def ask(talk: Script) -> str:
    return FETCH % (json.dumps(talk.path), json.dumps(talk.request.decode()))


def example() -> Script:
    talk = {"dialect": "claude", "model": "claude-sonnet-4-5", "prompt": "Why is the sky blue?",
            "answer": "Because air scatters the short waves most."}  # fmt: skip
    return script(1, talk)


@dataclass
class Desk:
    """A computer with a window open on it."""

    tab: Chromium | Firefox
    sites: Sites
    company: CompanyProxy
    process: subprocess.Popen[str]
    db: Path
    debug_port: int


@contextmanager
def open_desk(kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    data = folder / "data"
    authority = Authority.load_or_make(data / "authority", open_hosts(discover()))
    talk = example()
    sites = Sites([talk.host, BANK], folder, [talk])
    for host in REFUSED:
        sites.stolen[host] = forge_leaf(authority.folder, host, folder)
    sites.stolen[TWIN] = forge_leaf(authority.folder, TWIN, folder, between=forge_twin(authority.folder))
    debug_port = free_port()
    with sites.serve() as site_port, company_proxy(site_port) as company:
        wrap_browsers(folder / "bin", debug_port, site_port, [BANK, TWIN, *REFUSED])
        monkeypatch.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")
        profile = choose_browser(kind).profile_folder(data)
        store = profile if kind == "firefox" else profile / "home/.pki/nssdb"
        if kind == "firefox":
            steer_firefox(profile, site_port)
        nss.make_store(store)
        nss.trust(store, "the sites' own authority", sites.authority_path)
        command = [*KLIMASPOR, "browser", "--db", data / "klimaspor.db", "--browser", kind,
                   "--upstream", f"http://127.0.0.1:{company.port}", "--upstream-ca", sites.authority_path]  # fmt: skip
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            tab = Firefox(debug_port) if kind == "firefox" else Chromium(debug_port)
            yield Desk(tab, sites, company, process, data / "klimaspor.db", debug_port)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)


@pytest.mark.parametrize("kind", ["chromium", "firefox"])
def test_a_window_records_listed_hosts_and_leaves_all_others_alone(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = example()
    with open_desk(kind, tmp_path, monkeypatch) as desk:
        assert desk.tab.visit(f"https://{talk.host}/") is None
        expected = f"200 true {sum(map(len, talk.chunks))}"
        assert desk.tab.evaluate(ask(talk)) == expected, "the page reads the stream piece by piece"

        assert desk.tab.visit(f"https://{BANK}/") is None
        assert desk.tab.evaluate("document.title") == "ready"
        assert desk.sites.served.count(BANK) >= 1
        if isinstance(desk.tab, Chromium):
            assert desk.tab.issuers[talk.host].startswith("klimaspor on ")
            assert desk.tab.issuers[BANK] != desk.tab.issuers[talk.host]

        for host in (*REFUSED, TWIN):
            error = desk.tab.visit(f"https://{host}/")
            assert error, host
            assert "ERR_CERT_INVALID" in error or "SEC_ERROR_CERT_NOT_IN_NAME_SPACE" in error, (host, error)
            assert host in desk.sites.asked, "it was refused by the browser, not for want of a connection"
        assert not {*REFUSED, TWIN} & set(desk.sites.served)
        assert set(desk.company.asked) == {talk.host}, "nothing else ever reached the proxy"

        desk.tab.close()
        assert desk.process.stdout is not None
        said = desk.process.stdout.read()
        desk.process.wait(30)
    assert desk.process.returncode == 0, said
    assert "The trail of this window: 1 question, 1 answer (claude 1)" in said
    with Store.open(desk.db, readonly=True) as store:
        (record,) = store.records()
    assert (record.service, record.outcome, record.source) == ("claude", "complete", "proxy")


@pytest.mark.parametrize("kind", ["chromium", "firefox"])
def test_a_page_notices_nothing_of_a_kept_connection_that_ends_as_it_is_asked(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As without us, for both browsers ask again; had we answered in its place (502), the page would show that."""
    talk = example()
    with open_desk(kind, tmp_path, monkeypatch) as desk:
        assert desk.tab.visit(f"https://{talk.host}/") is None
        desk.sites.hang_ups = 1
        for _ in range(10):  # a browser may ask over a new connection first, which it opened beforehand
            assert desk.tab.evaluate(ask(talk)).startswith("200 ")
            if not desk.sites.hang_ups:
                break
        assert desk.sites.hang_ups == 0
        desk.tab.close()
        desk.process.wait(30)
    with Store.open(desk.db, readonly=True) as store:
        assert [record.outcome for record in store.records()] == ["complete"]


def test_where_no_store_can_be_used_the_window_gets_an_authority_for_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on macOS, on Windows and in a flatpak: by the pin of a key that is gone when the window is closed."""
    talk = example()
    sites = Sites([talk.host], tmp_path, [talk])
    debug_port = free_port()
    with sites.serve() as site_port, company_proxy(site_port) as company:
        wrap_browsers(tmp_path / "bin", debug_port, site_port, [])
        command = (str(tmp_path / "bin/chromium"),)
        chosen = Browser("chromium", "Chromium", "chromium", command, "flatpak", "org.chromium.Chromium")
        assert trust_of(chosen) == "pin"
        with recording(
            tmp_path / "data/klimaspor.db",
            for_this_window=True,
            upstream=f"http://127.0.0.1:{company.port}",
            upstream_ca=sites.authority_path,
            tell=print,
        ) as way:
            authority = Authority.load(way.certificate.path.parent)
            assert authority is not None
            assert authority.expires - datetime.now(UTC) <= timedelta(hours=24)
            assert stat.S_IMODE(way.certificate.path.parent.stat().st_mode) == 0o700
            pac = as_data_url(write_pac(way.hosts, way.port))
            window = open_window(chosen, chosen.profile_folder(tmp_path), way.certificate, pac, "about:blank")
            try:
                tab = Chromium(debug_port)
                assert tab.visit(f"https://{talk.host}/") is None
                assert tab.evaluate(ask(talk)).startswith("200 true ")
                tab.close()
                window.wait(30)
            finally:
                close_window(window)
            way.settle()
        assert not way.certificate.path.parent.exists(), "the key is gone with the window"
    with Store.open(tmp_path / "data/klimaspor.db", readonly=True) as store:
        assert [record.service for record in store.records()] == ["claude"]


def test_ctrl_c_closes_the_window_and_tells_the_trail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_desk("chromium", tmp_path, monkeypatch) as desk:
        desk.process.send_signal(signal.SIGINT)
        said, _ = desk.process.communicate(timeout=120)
    assert desk.process.returncode == 0, said
    assert "Nothing was recorded" in said
    assert "Traceback" not in said


def test_a_browser_that_cannot_open_a_window_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    broken = tmp_path / "bin/chromium"
    broken.write_text("#!/bin/sh\nexit 7\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    command = [*KLIMASPOR, "browser", "--db", tmp_path / "data/k.db", "--browser", "chromium"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "Error: Chromium ended at once · exit code 7" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_closed_terminal_leaves_no_window_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_desk("chromium", tmp_path, monkeypatch) as desk:
        desk.process.send_signal(signal.SIGHUP)
        desk.process.communicate(timeout=60)
    assert desk.process.returncode == 0
    with pytest.raises(OSError, match=r"\S"), socket.create_connection(("127.0.0.1", desk.debug_port), timeout=2):
        pass
