"""`klimaspor setup` and `undo` with Debian's Chromium and Firefox, real NSS stores and a clean home."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from addon.state import ask_status
from tests.e2e.browsing import Chromium, Firefox, missing_tools, steer_firefox, wrap_browsers
from tests.e2e.company import CompanyProxy, company_proxy
from tests.e2e.sites import Sites
from tests.e2e.test_browser_window import BANK, KLIMASPOR, ask, example
from tests.rig import free_port
from tracker.setup import nss
from tracker.setup.places import find_firefox_profiles
from tracker.store import Store

pytestmark = pytest.mark.browser

GENERATOR = "/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator"
"""systemd's own reader of environment.d: what a login does."""


@dataclass
class Computer:
    """A home with two browsers, a proxy that runs, and sites that exist both directly and by a company's proxy."""

    home: Path
    folder: Path
    port: int
    debug_port: int
    sites: Sites
    company: CompanyProxy

    @property
    def data(self) -> Path:
        return self.home / ".local/share/klimaspor"

    @property
    def chromium_store(self) -> Path:
        return self.home / ".pki/nssdb"

    @property
    def firefox_profile(self) -> Path:
        (profile,) = find_firefox_profiles()
        return profile

    def start(self) -> None:
        self.run("start", "--detach", f"--port={self.port}", f"--upstream=http://127.0.0.1:{self.company.port}",
                 f"--upstream-ca={self.sites.authority_path}")  # fmt: skip

    def run(self, *arguments: str, code: int = 0) -> str:
        done = subprocess.run([*KLIMASPOR, *arguments], capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        return done.stdout + done.stderr

    def settings(self) -> dict[str, object]:
        """What set-up may touch, by listing."""
        profile = self.firefox_profile
        prefs = profile / "prefs.js"
        proxy_lines = (
            [line for line in prefs.read_text().splitlines() if "network.proxy" in line] if prefs.exists() else []
        )
        return {
            "chromium": nss.list_store(self.chromium_store),
            "firefox": nss.list_store(profile),
            "user.js": (profile / "user.js").exists(),
            "prefs.js": proxy_lines,
            "login": self.login(),
            "units": sorted(path.name for path in self.home.glob(".config/systemd/user/*")),
        }

    def login(self) -> dict[str, str]:
        """What environment.d adds to a new session."""
        done = subprocess.run([GENERATOR], capture_output=True, text=True, check=True, env={"HOME": str(self.home)})
        pairs = (line.partition("=") for line in done.stdout.splitlines())
        return {name: value for name, _, value in pairs if name not in {"HOME", "PATH"}}

    @contextmanager
    def chromium(self) -> Iterator[Chromium]:
        command = ["chromium", f"--user-data-dir={self.home / 'chromium'}", "--no-first-run", "about:blank"]
        with subprocess.Popen(command, env=os.environ | self.login(), stderr=subprocess.DEVNULL) as process:
            tab = Chromium(self.debug_port)
            yield tab
            tab.close()
            process.wait(30)

    @contextmanager
    def firefox(self) -> Iterator[Firefox]:
        command = ["firefox", "-no-remote", "-profile", str(self.firefox_profile), "about:blank"]
        with subprocess.Popen(command, env=os.environ | self.login(), stderr=subprocess.DEVNULL) as process:
            tab = Firefox(self.debug_port)
            yield tab
            tab.close()
            process.wait(30)


@pytest.fixture
def computer(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Computer]:
    assert missing_tools() == [], "apt-get install chromium firefox-esr libnss3-tools"
    monkeypatch.delenv("XDG_CURRENT_DESKTOP", raising=False)
    talk = example()
    sites = Sites([talk.host, BANK], tmp_path, [talk])
    with sites.serve() as site_port, company_proxy(site_port) as company:
        computer = Computer(home, tmp_path, free_port(), free_port(), sites, company)
        wrap_browsers(tmp_path / "bin", computer.debug_port, site_port, [BANK, talk.host])
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
        subprocess.run(
            ["firefox-esr", "--headless", "-CreateProfile", "mine"], check=True, capture_output=True, timeout=60
        )
        steer_firefox(computer.firefox_profile, site_port)
        for store in (computer.chromium_store, computer.firefox_profile):
            nss.make_store(store)
            nss.trust(store, "the sites' own authority", sites.authority_path)
        computer.start()
        yield computer
        computer.run("stop")


def test_set_up_and_undone_with_chromium_and_firefox(computer: Computer) -> None:
    talk = example()
    listed, bank = f"https://{talk.host}/", f"https://{BANK}/"
    before = computer.settings()
    assert "Nothing was changed" in computer.run("setup", "--dry-run", "--no-autostart", f"--port={computer.port}")
    assert computer.settings() == before

    said = computer.run("setup", "--yes", "--no-autostart", f"--port={computer.port}")
    assert "done: trust" in said
    assert computer.settings() != before
    again = computer.run("setup", "--yes", "--no-autostart", f"--port={computer.port}")
    assert "done:" not in again, "a second time changes nothing"
    assert "All is well" in computer.run("doctor")
    see_the_test_page_arrive(computer)

    for opened in (computer.chromium, computer.firefox):
        computer.company.asked.clear()
        with opened() as tab:
            assert tab.visit(listed) is None
            assert tab.evaluate(ask(talk)) == f"200 true {sum(map(len, talk.chunks))}"
            assert talk.host in computer.company.asked, "it came through our proxy"
            assert tab.visit(bank) is None
            assert tab.evaluate("document.title") == "ready"
            if isinstance(tab, Chromium):
                assert tab.issuers[talk.host].startswith("klimaspor on ")
                assert not tab.issuers[BANK].startswith("klimaspor")
        assert set(computer.company.asked) == {talk.host}, "the bank never reached the proxy"

    said = computer.run("undo")
    assert "All taken back" in said
    assert computer.settings() == before
    assert computer.run("undo") == "There is nothing to take back.\n"
    computer.company.asked.clear()
    for opened in (computer.chromium, computer.firefox):
        with opened() as tab:
            assert tab.visit(listed) is None
            assert tab.evaluate("document.title") == "ready"
    assert computer.company.asked == [], "nothing goes through us any more"
    with Store.open(computer.data / "klimaspor.db", readonly=True) as store:
        records = list(store.records())
    assert {record.service for record in records} == {"claude"}
    assert {record.source for record in records} == {"proxy"}


def see_the_test_page_arrive(computer: Computer) -> None:
    """The desktop's way to open a page starts Chromium with what a login knows."""
    opener = computer.folder / "bin/xdg-open"
    login = " ".join(f"{name}={value}" for name, value in computer.login().items())
    opener.write_text(
        f"#!/bin/sh\nexec env {login} chromium --user-data-dir={computer.home}/opened "
        '--no-first-run "$1" >/dev/null 2>&1 &\n'
    )
    opener.chmod(0o755)
    assert "the test page arrived" in computer.run("doctor", "--browser")
    assert not (computer.data / "arrival").exists()
    Chromium(computer.debug_port).close()
    time.sleep(1)


@pytest.mark.parametrize("kind", ["chromium", "firefox"])
def test_with_the_proxy_killed_pages_load_directly(computer: Computer, kind: str) -> None:
    talk = example()
    computer.run("setup", "--yes", "--no-autostart", f"--port={computer.port}")
    with computer.chromium() if kind == "chromium" else computer.firefox() as tab:
        assert tab.visit(f"https://{talk.host}/") is None
        assert computer.company.asked
        found = ask_status(computer.data)
        assert found is not None
        os.kill(found[0].pid, signal.SIGKILL)
        time.sleep(0.5)
        computer.company.asked.clear()
        assert tab.visit(f"https://{talk.host}/again") is None
        assert tab.evaluate("document.title") == "ready"
        assert computer.company.asked == []
    assert "WRONG" in computer.run("doctor", code=1)
    computer.run("undo")


def test_set_up_while_firefox_runs_is_refused_and_nothing_breaks(computer: Computer) -> None:
    before = computer.settings()
    with computer.firefox():
        said = computer.run("setup", "--yes", "--no-autostart", f"--port={computer.port}", code=1)
        assert "Firefox is running" in said
    computer.run("undo")
    assert computer.settings() == before
