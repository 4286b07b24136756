"""Every reason that the doctor knows is planted, seen, and mended by the very command that it says."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from shlex import quote

import pytest

from addon.authority import KEY_FILE, LIFETIME, Authority
from addon.state import ask_status, have_it_look
from tests.rig import free_port
from tests.test_other_people import bot
from tests.test_store import make
from tracker.coverage import Moment
from tracker.heartbeat import this_moment
from tracker.record import Unread
from tracker.settings import settings_path
from tracker.setup import nss
from tracker.setup.ledger import LEDGER_FILE
from tracker.setup.listed import listed_hosts
from tracker.store import Store, timestamp

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or shutil.which("certutil") is None,
    reason="set-up is tried on Linux, with certutil: apt-get install libnss3-tools",
)
ROOT = Path(__file__).parent.parent


class LongAgo(datetime):
    """A clock that is nearly as far back as a certificate lives."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:
        return datetime.now(tz) - LIFETIME + timedelta(days=19, hours=12)


@dataclass
class Computer:
    """A home with one store of certificates and one Firefox profile, a terminal, and a doctor."""

    home: Path
    db: Path
    port: int
    verdict: str = ""

    def type(self, command: str, *, text: str = "y\n") -> subprocess.CompletedProcess[str]:
        """Paste a command into a shell; whatever is asked is answered with yes."""
        done = subprocess.run(
            ["sh", "-c", command], input=text, capture_output=True, text=True, timeout=120, check=False
        )
        assert "Traceback" not in done.stdout + done.stderr
        return done

    def run(self, words: str) -> str:
        done = self.type(f"klimaspor {words} --db {quote(str(self.db))}")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ask(self) -> dict[str, list[dict[str, str]]]:
        """Ask the doctor; return what is not good, by what was looked at."""
        told = json.loads(self.type(f"klimaspor doctor --format json --db {quote(str(self.db))}").stdout)
        found: dict[str, list[dict[str, str]]] = {}
        self.verdict = told["verdict"]
        for finding in told["findings"]:
            if finding["state"] != "good":
                assert finding["do"], f"no command: {finding['what']}"
                found.setdefault(finding["check"], []).append(finding)
        return found

    def mend(self, check: str, words: str) -> str:
        """See this very reason, paste its command and, at most twice, those of what is wrong then; return it."""
        first = self.ask()
        (finding,) = [one for one in first[check] if words in one["what"]]
        wrong = [finding]
        for _ in range(3):
            done = self.type(wrong[0]["do"])
            assert done.returncode == 0, (wrong[0], done.stdout + done.stderr)
            wrong = [one for ones in self.ask().values() for one in ones]
            wrong = [one for one in wrong if one["state"] == "wrong" or one["what"] == finding["what"]]
            if not wrong:
                return finding["do"]
        raise AssertionError(wrong)


@pytest.fixture
def computer(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Computer]:
    monkeypatch.delenv("XDG_CURRENT_DESKTOP", raising=False)
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "klimaspor").write_text(
        f'#!/bin/sh\nexec {sys.executable} -c "from tracker.cli import main; main()" "$@"\n'
    )
    (programs / "klimaspor").chmod(0o755)
    for name in ("PATH", "PYTHONPATH"):
        first = {"PATH": programs, "PYTHONPATH": ROOT}[name]
        monkeypatch.setenv(name, f"{first}{os.pathsep}{os.environ.get(name, '')}")
    monkeypatch.setenv("EDITOR", "rm")  # the shortest way to mend a file
    nss.make_store(home / ".pki/nssdb")
    profile = home / ".mozilla/firefox/abc.default"
    profile.mkdir(parents=True)
    (profile.parent / "profiles.ini").write_text("[Profile0]\nName=mine\nIsRelative=1\nPath=abc.default\n")
    made = Computer(home, tmp_path / "kari's data" / "klimaspor.db", free_port())
    made.db.parent.mkdir()
    monkeypatch.chdir(tmp_path)
    try:
        yield made
    finally:
        if found := ask_status(made.db.parent):
            os.kill(found[0].pid, signal.SIGKILL)


def test_what_is_wrong_with_the_proxy_is_mended_by_what_the_doctor_says(computer: Computer) -> None:
    computer.ask()
    assert computer.verdict.startswith("Well.")
    computer.mend("proxy", "does not run")
    found = ask_status(computer.db.parent)
    assert found is not None

    (computer.db.parent / "bots.toml").write_text(bot(host="bot.example.com"))
    again = computer.mend("hosts", "The running proxy does not know 1 listed host, such as bot.example.com.")
    assert again.startswith("klimaspor stop --db ")

    settings_path(computer.db).write_text("nonsense = = 1")
    assert have_it_look(computer.db.parent)
    seen = computer.ask()
    assert "has trouble: The settings cannot be read" in seen["worker"][0]["what"]
    assert computer.type(seen["worker"][0]["do"]).returncode == 0
    assert "settings" not in computer.ask()
    computer.run("stop")


def test_what_is_wrong_with_the_set_up_is_mended_by_what_the_doctor_says(computer: Computer) -> None:
    computer.run(f"start --detach --port {computer.port}")
    computer.run(f"setup --no-autostart --port {computer.port}")
    computer.ask()
    assert computer.verdict == "All is well."
    found = ask_status(computer.db.parent)
    assert found is not None

    os.kill(found[0].pid, signal.SIGKILL)
    time.sleep(0.3)
    computer.ask()
    assert computer.verdict == "Nothing is being recorded: the proxy does not run."
    assert f"--port {computer.port}" in computer.mend("proxy", "does not run")

    environment = computer.home / ".config/environment.d/50-klimaspor.conf"
    environment.unlink()
    assert "--no-autostart" in computer.mend("set-up", "No longer in force: Chromium and its family")
    assert environment.exists()
    (computer.home / ".mozilla/firefox/abc.default/user.js").write_text("")
    computer.mend("set-up", "No longer in force: Firefox asks")

    authority = computer.db.parent / "authority"
    made = Authority.load(authority)
    assert made is not None
    nss.distrust(computer.home / ".pki/nssdb", made.name)
    computer.mend("trust", "not in the store of Chromium")

    (authority / KEY_FILE).unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("addon.certificate.datetime", LongAgo)
        Authority.load_or_make(authority, listed_hosts(computer.db))
    computer.mend("expiry", "The certificate ends in 19 days.")
    (authority / KEY_FILE).unlink()
    Authority.load_or_make(authority, ["claude.ai"])
    computer.mend("hosts", "The certificate does not cover")

    (login,) = computer.ask()["login"]
    assert computer.type(f"{login['do']} && env | grep -q '^auto_proxy=http'").returncode == 0
    assert "All taken back" in computer.run("undo")
    assert not environment.parent.exists(), "a folder that was made for it goes with it"
    computer.run("stop")


def test_faulty_files_are_named_with_the_way_to_them(computer: Computer) -> None:
    settings_path(computer.db).write_text("languag = 'nb'")
    computer.mend("settings", "languag")
    (computer.db.parent / "bots.toml").write_text("[[bot]]\nname = 3")
    computer.mend("settings", "Bot 1")
    (computer.db.parent / LEDGER_FILE).write_text('{"version": 1, "entries": [')
    seen = computer.ask()["set-up"][0]
    assert "ledger of the set-up is damaged" in seen["what"]
    assert "systemd keeps our port" in computer.type(seen["do"]).stdout


def test_a_missing_certutil_is_told_with_its_package(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    computer.run(f"start --detach --port {computer.port}")
    computer.run(f"setup --no-autostart --port {computer.port}")
    only = computer.home / "only"
    only.mkdir()
    for name in ("sh", "apt-get", "env"):
        (only / name).symlink_to(shutil.which(name) or "/bin/false")
    monkeypatch.setenv("PATH", f"{os.environ['PATH'].split(os.pathsep)[0]}{os.pathsep}{only}")
    seen = computer.ask()["trust"]
    assert {one["do"] for one in seen} == {"sudo apt install libnss3-tools"}


def test_the_past_week_is_told_with_ways_to_look_at_it(computer: Computer) -> None:
    now = this_moment()
    with Store.open(computer.db) as store:
        for hours in (30.0, 29.99, 5.0, 4.99):
            earlier = timedelta(hours=hours)
            store.beat(Moment(now.at - earlier, now.boot_id, max(0.0, 1e6 - earlier.total_seconds())))
        day = now.at.date().isoformat()
        store.add_unread(
            Unread(day=day, service=service, shape="", reason=reason, n=3)
            for service, reason in (
                ("chatgpt", "ValueError"),
                ("gone", "truncated"),
                ("", "store"),
                ("claude", "killed"),
            )
        )
        store.note_passed_through("claude.ai", "claude", "challenge", now.at - timedelta(hours=4), now.at)
        store.add([make(1, source="proxy", started_at=timestamp(datetime.now(UTC)))])
    seen = computer.ask()
    assert "browser" not in seen
    assert [one["what"] for one in seen["gaps"]] == [
        "In the last week the proxy was down for 25.0 hours.",
        "In the last week claude passed unrecorded 4.0 h.",
    ]
    assert {one["what"] for one in seen["lost"]} == {
        "In the last week 3 answers were lost: the database could not be written.",
        "In the last week 3 answers were lost: the proxy was ended in the middle.",
    }
    commands = {one["what"].rpartition(" ")[2]: one["do"] for one in seen["unread"]}
    assert commands["chatgpt."].startswith("klimaspor capture chatgpt --db ")
    assert commands["gone."].startswith("klimaspor services --db ")
    for one in (*seen["gaps"], *seen["lost"]):
        assert computer.type(one["do"]).returncode == 0
    assert computer.type(commands["gone."]).returncode == 0
    waited = computer.type(f"{commands['chatgpt.']} --wait 1")
    assert "Now use chatgpt once" in waited.stderr


def test_hosts_that_pass_are_told_with_the_reason(computer: Computer) -> None:
    now = time.time()
    asides = [
        {"host": host, "reason": reason, "since": now, "until": now + 3000, "program": None}
        for host, reason in (
            ("claude.ai", "challenge"),
            ("chatgpt.com", "handshake"),
            ("grok.com", "certificate"),
            ("poe.com", "refusal"),
        )
    ]
    (computer.db.parent / "aside.json").write_text(json.dumps(asides))
    computer.run(f"start --detach --port {computer.port}")
    first, second, third, fourth = computer.ask()["passed-through"]
    assert "claude.ai passes unrecorded until" in first["what"]
    assert "the site asked for a check" in first["what"]
    assert "a program refuses our certificate" in second["what"]
    assert "the site's own certificate could not be checked" in third["what"]
    assert "the site refuses the proxy, or wants your certificate" in fourth["what"]
    for one in (first, second, third, fourth):
        assert computer.type(one["do"]).returncode == 0
