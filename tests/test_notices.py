"""A used budget is told on the desktop, over a real bus to a real service; without a desktop nothing is different."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from addon.pulse import Pulse
from tests.rig import OPENAI, QUESTION, Reply, completion, rig
from tests.test_store import make_at
from tracker import desktop
from tracker.budget import Budget
from tracker.cli import main
from tracker.limits import Standing
from tracker.settings import Settings
from tracker.settings_file import save
from tracker.store import Store

if sys.platform != "linux" or shutil.which("dbus-daemon") is None:
    pytest.skip("notices are tried on Linux, with dbus-daemon: apt-get install dbus", allow_module_level=True)
from tests.noticeboard import Noticeboard, noticeboard, session_bus

DAY = date(2026, 11, 16)


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with session_bus() as address:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        yield address


@pytest.fixture
def board(bus: str) -> Iterator[Noticeboard]:
    with noticeboard(bus) as made:
        yield made


def standing(used: float, **more: object) -> Standing:
    return Standing(Budget(10, "questions", "week", **more), used, DAY, DAY)  # type: ignore[arg-type]  # fields as told


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", "Budget 10 questions a week, ChatGPT, Deep research: 80% used, 8 questions"),
        ("nb", "Budsjett 10 spørsmål i uken, ChatGPT, "),
        ("nl", "Budget 10 vragen per week, ChatGPT, "),
    ],
)
def test_a_notice_says_which_budget_in_the_persons_language(board: Noticeboard, lang: str, words: str) -> None:
    shown = desktop.show([standing(8, service="chatgpt", feature="deep_research")], lang)
    assert shown is not None
    assert shown.wait(30) == 0
    ((app, title, message),) = board.shown
    assert (app, title) == ("klimaspor", "klimaspor")
    assert message.startswith(words)
    assert message.count("\n") == 0


def test_a_hold_is_told_with_the_way_out(board: Noticeboard) -> None:
    shown = desktop.show([standing(10, hold=True), standing(9)], "en")
    assert shown is not None
    assert shown.wait(30) == 0
    first, second = board.shown[0][2].splitlines()
    assert first.endswith("New turns are held back; `klimaspor open` lets you go on for an hour.")
    assert second.endswith("90% used, 9 questions")


@pytest.mark.parametrize("wanted", [True, False])
def test_a_used_budget_is_told_once_and_only_if_wanted(board: Noticeboard, tmp_path: Path, *, wanted: bool) -> None:
    pulse = Pulse()
    with Store.open(tmp_path / "klimaspor.db") as store:
        save(store.path, Settings({"notices.desktop": wanted}, (Budget(1, "questions", "day"),)))
        store.add([make_at(datetime.now(UTC))])
        first, again = pulse.look(store), pulse.look(store)
    for process in pulse.shown:
        process.wait(30)
    assert ["100% of your budget is used" in notice for notice in first["notices"]] == [True]
    assert again["notices"] == []
    assert [message.partition(":")[0] for _, _, message in board.shown] == ["Budget 1 question a day"] * wanted


def test_the_answer_that_uses_a_budget_up_is_told_while_the_proxy_runs(board: Noticeboard, tmp_path: Path) -> None:
    db = tmp_path / "data" / "klimaspor.db"
    save(db, Settings({"language": "nl"}, (Budget(1, "questions", "day", hold=True),)))
    with rig(tmp_path) as way:
        way.origin.replies["/v1/chat/completions"] = Reply(completion(5))
        with httpx.Client(proxy=way.proxy_url, verify=way.trust, trust_env=False, timeout=20) as session:
            assert session.post(OPENAI, json=QUESTION).status_code == 200
        deadline = time.monotonic() + 30
        while not board.shown and time.monotonic() < deadline:
            time.sleep(0.1)
    ((_, title, message),) = board.shown
    assert title == "klimaspor"
    assert message.startswith("Budget 1 vraag per dag: 100% gebruikt, 1 vraag. Nieuwe vragen worden tegengehouden;")


def test_a_desktop_that_does_not_answer_holds_nobody_up(board: Noticeboard, monkeypatch: pytest.MonkeyPatch) -> None:
    board.takes.clear()
    shown = desktop.show([standing(8)], "en")
    assert shown is not None
    with pytest.raises(subprocess.TimeoutExpired):
        shown.wait(1)
    board.takes.set()
    assert shown.wait(30) == 0


@pytest.mark.parametrize("address", ["unix:path=/nowhere", "nonsense", ""])
def test_without_a_desktop_nothing_happens(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    monkeypatch.delenv("DISPLAY", raising=False)
    shown = desktop.show([standing(8)], "en")
    assert shown is not None
    assert shown.wait(30) in {0, 1}
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    assert desktop.show([standing(8)], "en") is None


def test_a_bus_on_which_nobody_shows_notices_is_no_trouble(bus: str) -> None:
    shown = desktop.show([standing(8)], "en")
    assert shown is not None
    assert shown.wait(30) in {0, 1}


def test_today_says_how_the_budgets_stand(tmp_path: Path) -> None:
    db = tmp_path / "klimaspor.db"
    with Store.open(db) as store:
        store.add([make_at(datetime.now(UTC))])
    save(db, Settings(budgets=(Budget(4, "questions"), Budget(1, "questions", "day", "chatgpt", hold=True))))
    done = CliRunner().invoke(main, ["today", "--db", str(db), "--lang", "en"])
    assert done.exit_code == 0, done.output
    assert "\nBudget 4 questions a week: 25% used, 1 question\n" in done.output
    assert "\nBudget 1 question a day, ChatGPT: 100% used, 1 question. New turns are held back" in done.output
