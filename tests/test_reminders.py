"""Whoever wants is reminded of what their organisation has not approved; nobody else ever hears of it."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from addon.pulse import Pulse
from tests.test_store import make_at
from tracker import own_page, reminders
from tracker.cli import main
from tracker.settings import Settings
from tracker.settings_file import save
from tracker.store import Store, timestamp
from tracker.team.device import Device
from tracker.team.keys import JoinCode
from tracker.team.message import encode
from tracker.team.policy import Policy, first_policy

CODE = JoinCode("tls://nats.example:4222", "city", "device-000001", "", "", "")
RULE = '[services.chatgpt]\nstate = "unapproved"\nreason = "No contract yet"\n'
POLICY = first_policy("Fjellvik") + RULE


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC).astimezone()


@pytest.fixture
def db(tmp_path: Path, now: datetime) -> Path:
    path = tmp_path / "klimaspor.db"
    with Store.open(path) as store:
        store.add([make_at(now, 1), make_at(now, 2, service="claude")])
    return path


def policy(folder: Path, *, offered: bool = True) -> Path:
    path = folder / "policy.toml"
    path.write_text(POLICY.replace("reminder = false", "reminder = true") if offered else POLICY)
    return path


def say(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, [str(word) for word in words])
    return result.exit_code, result.output


def test_reminders_are_off_until_the_policy_offers_them_and_the_person_takes_them(db: Path, tmp_path: Path) -> None:
    assert not Policy.load(policy(tmp_path, offered=False)).reminder
    code, told = say("team", "remind", policy(tmp_path, offered=False), "--db", db)
    assert (code, "offers no reminders" in told) == (1, True)
    assert "not approved" not in say("today", "--db", db, "--lang", "en")[1]
    code, told = say("team", "remind", policy(tmp_path), "--db", db)
    assert code == 0
    assert told.startswith("chatgpt: No contract yet\n")
    line = "ChatGPT: not approved by your organisation. No contract yet. (Only you see this; `klimaspor"
    assert line in say("today", "--db", db, "--lang", "en")[1]
    assert "ikke godkjent" in say("today", "--db", db, "--lang", "nb")[1]
    assert say("team", "remind", "--off", "--db", db) == (0, "No reminders.\n")
    assert "not approved" not in say("today", "--db", db, "--lang", "en")[1]


def test_a_service_is_told_once_a_day_and_nothing_is_held(db: Path, tmp_path: Path, now: datetime) -> None:
    say("team", "remind", policy(tmp_path), "--db", db)
    pulse = Pulse()
    with Store.open(db) as store:
        first, again = pulse.look(store), pulse.look(store)
        tomorrow = now + timedelta(days=1)
        store.add([make_at(tomorrow, 3)])
        assert reminders.due_reminders(store, tomorrow) == {"chatgpt": "No contract yet"}
    for process in pulse.shown:
        process.wait(30)
    assert first["gate"] == {}
    assert [notice.partition(" · ")[0] for notice in first["notices"]] == [
        "Your organisation has not approved this (No contract yet)"
    ]
    assert again["notices"] == []


@pytest.mark.parametrize("damage", ["", "   ", "yesterday chatgpt"])
def test_a_damaged_note_of_what_was_told_tells_it_once_more(
    db: Path, tmp_path: Path, now: datetime, damage: str
) -> None:
    say("team", "remind", policy(tmp_path), "--db", db)
    with Store.open(db) as store:
        assert reminders.due_reminders(store, now) == {"chatgpt": "No contract yet"}
        with store.writing() as connection:
            assert connection.execute("UPDATE meta SET value = ? WHERE key = 'reminded'", (damage,)).rowcount == 1
        assert reminders.due_reminders(store, now) == {"chatgpt": "No contract yet"}
        assert reminders.due_reminders(store, now) == {}


def test_the_proxys_own_page_says_it(db: Path, now: datetime) -> None:
    save(db, Settings({"language": "nl", "notices.unapproved": ("chatgpt=Nog <geen> contract",)}))
    status = {"trouble": None, "passing": [], "turns": {"heard": 1, "lost": {}}, "port": 1, "hosts": 3, "local": {},
              "started_at": timestamp(now)}  # fmt: skip
    with Store.open(db, readonly=True) as store:
        page = own_page.show(store, status, "0" * 32)
    assert "ChatGPT: niet goedgekeurd door je organisatie. Nog &lt;geen&gt; contract." in page


def test_nothing_of_a_reminder_is_in_what_a_computer_sends(db: Path, tmp_path: Path, now: datetime) -> None:
    with Store.open(db) as store:
        before = Device(store).preview(CODE, now.date() + timedelta(days=7))
    say("team", "remind", policy(tmp_path), "--db", db)
    pulse = Pulse()
    with Store.open(db) as store:
        pulse.look(store)
        after = Device(store).preview(CODE, now.date() + timedelta(days=7))
    for process in pulse.shown:
        process.wait(30)
    assert encode(after) == encode(before)
    assert after.rows
    with sqlite3.connect(db) as connection:
        kept = connection.execute("SELECT value FROM meta WHERE key = 'reminded'").fetchall()
    connection.close()
    assert kept == [(f"{now.date().isoformat()} chatgpt",)]


@pytest.mark.parametrize("words", [("team", "remind"), ("team", "remind", "policy.toml", "--off")])
def test_a_file_or_an_end_has_to_be_named(words: tuple[str, ...]) -> None:
    assert say(*words)[0] == 2


def test_a_damaged_reason_is_named(db: Path) -> None:
    save(db, Settings({"notices.unapproved": ("chatgpt",)}))
    code, told = say("today", "--db", db)
    assert (code, "notices.unapproved" in told) == (1, True)
