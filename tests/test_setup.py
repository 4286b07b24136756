"""Set-up notes every step before it is made, and undo takes back our part and nothing else."""

from __future__ import annotations

import json
import plistlib
import stat
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner

from addon.pac import Previous
from tracker.cli import main
from tracker.setup import SetupError, autostart, places, plan
from tracker.setup.ledger import LEDGER_FILE, Ledger
from tracker.setup.manual import list_manual_steps
from tracker.setup.places import find_firefox_profiles, find_locks, find_places, has_own_proxy
from tracker.setup.plan import Plan, carry_out
from tracker.setup.steps import FileStep, FirefoxStep
from tracker.setup.undoing import take_back

PAC = "http://127.0.0.1:47821/proxy.pac"


@pytest.fixture(autouse=True)
def no_desktop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CURRENT_DESKTOP", raising=False)


@pytest.fixture
def profile(home: Path) -> Path:
    root = home / ".config/mozilla/firefox"
    profile = root / "abc.default"
    profile.mkdir(parents=True)
    (root / "profiles.ini").write_text("[Profile0]\nName=mine\nIsRelative=1\nPath=abc.default\n")
    return profile


def test_a_step_is_on_disk_before_it_is_made(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path)
    step = FileStep(str(tmp_path / "made"), "text\n", "a test")
    ledger.begin(step)
    assert not (tmp_path / "made").exists()
    assert Ledger.open(tmp_path).entries == ledger.entries
    assert stat.S_IMODE((tmp_path / LEDGER_FILE).stat().st_mode) == 0o600


def test_what_was_interrupted_half_way_can_be_taken_back(tmp_path: Path) -> None:
    """The power went between the note and the change, or between two changes."""
    ledger = Ledger.open(tmp_path)
    first, second = (FileStep(str(tmp_path / name), "text\n", "a test") for name in ("first", "second"))
    ledger.begin(first)
    first.do()
    ledger.begin(second)
    assert take_back(Ledger.open(tmp_path), tmp_path, lambda _line: None) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "damage",
    [
        b'{"version": 1, "entries": [', b"", b"null", b"\xff\xfe", b"[" * 100_000, b'{"version": 1, "entries": 5}',
        b'{"version": 1, "entries": [5]}', b'{"version": 1, "entries": [{"kind": "file"}]}',
        b'{"version": 1, "entries": [{"kind": "file", "fields": 5, "memory": {}, "done_at": ""}]}',
        b'{"version": 99, "entries": []}',
    ],
)  # fmt: skip
def test_a_damaged_ledger_is_said_and_kept(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / LEDGER_FILE).write_bytes(damage)
    done = CliRunner().invoke(main, ["undo", "--db", str(tmp_path / "k.db")])
    assert done.exit_code == 1
    assert "ledger of the set-up is damaged" in done.output
    assert (tmp_path / LEDGER_FILE).read_bytes() == damage


def test_a_file_that_was_changed_since_stays(tmp_path: Path) -> None:
    step = FileStep(str(tmp_path / "made"), "ours\n", "a test")
    ledger = Ledger.open(tmp_path)
    ledger.begin(step)
    step.do()
    (tmp_path / "made").write_text("ours\nand theirs\n")
    said: list[str] = []
    assert take_back(ledger, tmp_path, said.append) == []
    assert "was changed since, so it stays" in said[0]
    assert (tmp_path / "made").read_text() == "ours\nand theirs\n"


def test_a_file_of_somebody_else_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("theirs")
    with pytest.raises(SetupError, match="A file is in the way"):
        FileStep(str(tmp_path / "theirs"), "ours", "a test").do()


def test_firefox_keeps_every_line_that_is_not_ours(profile: Path) -> None:
    mine = 'user_pref("browser.startup.homepage", "https://example.no");\n'
    old = 'user_pref("network.proxy.type", 1);\n'
    (profile / "user.js").write_text(mine)
    (profile / "prefs.js").write_text(mine + old)
    step = FirefoxStep(str(profile), PAC)
    memory = step.remember()
    step.do()
    assert step.is_done()
    firefox_at_work = 'user_pref("network.proxy.autoconfig_url", "' + PAC + '");\nuser_pref("network.proxy.type", 2);\n'
    newer = 'user_pref("browser.theme", "dark");\n'
    (profile / "prefs.js").write_text(mine + firefox_at_work + newer)
    assert step.undo(memory) is None
    assert step.is_undone(memory)
    assert (profile / "user.js").read_text() == mine
    assert (profile / "prefs.js").read_text() == mine + newer + old


def test_a_user_js_that_we_made_goes_with_us(profile: Path) -> None:
    step = FirefoxStep(str(profile), PAC)
    memory = step.remember()
    step.do()
    step.undo(memory)
    assert not (profile / "user.js").exists()


def test_a_firefox_that_was_pointed_elsewhere_since_stays_so(profile: Path) -> None:
    step = FirefoxStep(str(profile), PAC)
    memory = step.remember()
    step.do()
    theirs = (
        'user_pref("network.proxy.type", 2);\nuser_pref("network.proxy.autoconfig_url", "http://corp.example/pac");\n'
    )
    (profile / "prefs.js").write_text(theirs)
    step.undo(memory)
    assert (profile / "prefs.js").read_text() == theirs


def test_a_running_firefox_is_not_touched(profile: Path) -> None:
    (profile / "lock").symlink_to("127.0.1.1:+1")
    with pytest.raises(SetupError, match="Firefox is running"):
        FirefoxStep(str(profile), PAC).do()
    (profile / "lock").unlink()
    (profile / "lock").symlink_to("127.0.1.1:+4194305")  # above every process number: it crashed long ago
    FirefoxStep(str(profile), PAC).do()


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("", False),
        ('user_pref("network.proxy.type", 5);\n', False),
        ('user_pref("network.proxy.type", 1);\n', True),
        ('user_pref("network.proxy.type", 0);\n', True),
        (
            'user_pref("network.proxy.type", 2);\nuser_pref("network.proxy.autoconfig_url", "http://corp/p.pac");\n',
            True,
        ),
        (f'user_pref("network.proxy.type", 2);\nuser_pref("network.proxy.autoconfig_url", "{PAC}");\n', False),
    ],
)
def test_a_firefox_with_proxy_settings_of_its_own_keeps_them(
    profile: Path, tmp_path: Path, text: str, own: bool
) -> None:
    (profile / "prefs.js").write_text(text)
    assert has_own_proxy(profile) == own
    made = plan.make_plan(tmp_path / "data/k.db", 47821, look_only=True)
    assert any(isinstance(step, FirefoxStep) for step in made.network) != own
    assert any("has proxy settings of its own" in note for note in made.notes) == own


def test_firefox_profiles_are_found_wherever_they_are(home: Path, profile: Path) -> None:
    snap = home / "snap/firefox/common/.mozilla/firefox"
    (snap / "x").mkdir(parents=True)
    elsewhere = home / "elsewhere"
    elsewhere.mkdir()
    text = f"[Profile0]\nIsRelative=1\nPath=x\n[Profile1]\nIsRelative=0\nPath={elsewhere}\n[Profile2]\nPath=gone\n"
    (snap / "profiles.ini").write_text(text)
    assert find_firefox_profiles() == [profile, snap / "x", elsewhere]


def test_snaps_and_flatpaks_have_stores_of_their_own(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    (home / "snap/chromium/current").mkdir(parents=True)
    (home / ".var/app/com.google.Chrome").mkdir(parents=True)
    assert [place.folder for place in find_places()] == [
        home / "snap/chromium/current/.pki/nssdb",
        home / ".var/app/com.google.Chrome/.pki/nssdb",
    ]


def test_a_policy_about_proxies_locks_everything(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    managed = tmp_path / "managed"
    managed.mkdir()
    monkeypatch.setattr(places, "_CHROMIUM_POLICIES", {"Chromium": str(managed)})
    (managed / "other.json").write_text('{"HomepageLocation": "https://example.no"}')
    assert find_locks("plain") == []
    (managed / "proxy.json").write_text('{"ProxyMode": "direct"}')
    done = CliRunner().invoke(main, ["setup", "--yes", "--no-autostart", "--db", str(tmp_path / "data/k.db")])
    assert done.exit_code == 1
    assert "A policy decides about proxies here, so nothing was changed" in done.output
    assert "klimaspor setup --policy DIR" in done.output
    assert list(home.rglob("*")) == []
    assert not (tmp_path / "data").exists()


def test_firefox_policies_lock_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_FIREFOX_POLICIES", (str(tmp_path / "policies.json"),))
    (tmp_path / "policies.json").write_text('{"policies": {"Proxy": {"Mode": "manual", "HTTPProxy": "corp:3128"}}}')
    assert find_locks("plain") == [f"Firefox: {tmp_path / 'policies.json'}"]
    (tmp_path / "policies.json").write_text('{"policies": {"Proxy": {"Mode": "system"}}}')
    assert find_locks("plain") == []


def test_it_never_starts_by_itself_from_a_project(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="run: uv tool install"):
        autostart.refuse_passing_installation()
    done = CliRunner().invoke(main, ["setup", "--yes", "--db", str(tmp_path / "k.db")])
    assert done.exit_code == 1
    assert "uv tool install ." in done.output


@pytest.mark.parametrize(
    ("prefix", "refused"),
    [
        ("/home/kari/.local/share/uv/tools/klimaspor", False),
        ("/home/kari/.local/share/pipx/venvs/klimaspor", False),
        ("/home/kari/.cache/uv/archive-v0/x1y2", True),
        ("/tmp/try/venv", True),
    ],
)
def test_what_may_be_gone_tomorrow_does_not_start_by_itself(
    prefix: str, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", prefix)
    monkeypatch.setattr(autostart, "_is_editable", lambda: False)
    monkeypatch.setattr(autostart.tempfile, "gettempdir", lambda: "/tmp")
    if refused:
        with pytest.raises(SetupError):
            autostart.refuse_passing_installation()
    else:
        autostart.refuse_passing_installation()


def test_no_browser_is_sent_to_a_proxy_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trust = FileStep(str(tmp_path / "trust"), "text\n", "a test")
    network = FileStep(str(tmp_path / "network"), "text\n", "a test")
    ledger = Ledger.open(tmp_path)
    monkeypatch.setattr(plan, "check_served", lambda _port: (_ for _ in ()).throw(SetupError("no", "answer", "start")))
    with pytest.raises(SetupError):
        carry_out(Plan((trust,), (network,), (), 1), ledger, lambda _line: None)
    assert trust.is_done()
    assert not network.is_done()
    assert [entry.fields["path"] for entry in ledger.entries] == [str(tmp_path / "trust")]


def test_a_newer_text_takes_the_place_of_the_older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "check_served", lambda _port: None)
    ledger = Ledger.open(tmp_path)
    for text in ("one\n", "two\n"):
        step = FileStep(str(tmp_path / "made"), text, "a test")
        carry_out(Plan((step,), (), (), 1), ledger, lambda _line: None)
    assert (tmp_path / "made").read_text() == "two\n"
    assert len(ledger.entries) == 1
    assert take_back(ledger, tmp_path, lambda _line: None) == []
    assert list(tmp_path.iterdir()) == []


def test_files_for_an_administrator(tmp_path: Path) -> None:
    db, out = tmp_path / "data/k.db", tmp_path / "out"
    done = CliRunner().invoke(main, ["setup", "--policy", str(out), "--db", str(db), "--port", "5555"])
    assert done.exit_code == 0, done.output
    chromium = json.loads((out / "chrome-edge-policy.json").read_text())
    (entry,) = chromium["CACertificatesWithConstraints"]
    assert "claude.ai" in entry["constraints"]["permitted_dns_names"]
    assert chromium["ProxySettings"] == {"ProxyMode": "pac_script", "ProxyPacUrl": "http://127.0.0.1:5555/proxy.pac"}
    firefox = json.loads((out / "firefox-policies.json").read_text())["policies"]
    assert firefox["Proxy"]["AutoConfigURL"] == "http://127.0.0.1:5555/proxy.pac"
    with (out / "no.klimaspor.plist").open("rb") as file:
        assert "--port=5555" in plistlib.load(file)["ProgramArguments"]
    assert ET.fromstring((out / "klimaspor-task.xml").read_text()) is not None
    assert not any(b"PRIVATE" in path.read_bytes() for path in out.iterdir())


@pytest.mark.parametrize(("platform", "word"), [("darwin", "add-trusted-cert -p ssl"), ("win32", "certutil -user")])
def test_where_nothing_was_tried_the_steps_are_only_shown(
    platform: str, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "\n".join(list_manual_steps(platform, tmp_path, 47821))
    assert word in text
    assert text.count("undo") == 3
    monkeypatch.setattr(sys, "platform", platform)
    done = CliRunner().invoke(main, ["setup", "--dry-run", "--db", str(tmp_path / "data/k.db")])
    assert done.exit_code == 0, done.output
    assert "not tried" in done.output
    done = CliRunner().invoke(main, ["setup", "--yes", "--db", str(tmp_path / "data/k.db")])
    assert done.exit_code == 1
    assert "changes nothing on this system" in done.output
    assert not (tmp_path / "data").exists()


def test_the_doctor_says_one_verdict_first_and_ends_reasons_in_commands(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["doctor", "--db", str(tmp_path / "data/k.db"), "--format", "json"])
    assert done.exit_code == 0, done.output
    answer = json.loads(done.output)
    assert answer["verdict"].startswith("Well.")
    assert {finding["check"] for finding in answer["findings"]} >= {"proxy", "certificate", "set-up", "browser"}
    assert all(finding["do"].startswith("klimaspor ") for finding in answer["findings"] if finding["do"])
    assert not (tmp_path / "data").exists(), "looking changes nothing"


def test_the_doctor_sees_what_is_no_longer_in_force(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path)
    ledger.begin(FileStep(str(tmp_path / "gone"), "text\n", "our file"))
    done = CliRunner().invoke(main, ["doctor", "--db", str(tmp_path / "k.db")])
    assert done.exit_code == 1
    assert done.output.startswith("Nothing is being recorded: the proxy does not run.\n")
    assert "WRONG  No longer in force: our file" in done.output


def test_the_previous_settings_survive_the_file() -> None:
    kept = Previous(kind="manual", https="corp:3128", ignore=("*.intern", "10.0.0.0/8"))
    assert Previous.from_json(kept.to_json()) == kept
    with pytest.raises(ValueError, match="not a description"):
        Previous.from_json('{"kind": "other"}')
