"""The commands that show and change what was recorded: log, explain, budget, pause, rate, forget, config."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.test_store import make, make_at
from tracker.cli import main
from tracker.record import Feature
from tracker.store import Store

TALK = "c0ffee" + "0" * 26


@pytest.fixture
def db(tmp_path: Path) -> Path:
    now = datetime.now(UTC)
    with Store.open(tmp_path / "klimaspor.db") as store:
        store.add(
            make_at(now - timedelta(minutes=n), n, conversation=TALK, features=(Feature("web_search", "used", 2),))
            for n in range(3)
        )  # fmt: skip
        store.add([make_at(now - timedelta(days=30), 50, outcome="aborted", initiator="agent")])
    return tmp_path / "klimaspor.db"


def run(db: Path, *arguments: str, text: str | None = None) -> Result:
    result = CliRunner().invoke(main, [*arguments, "--db", str(db)], input=text)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_the_log_shows_the_newest_first(db: Path) -> None:
    lines = run(db, "log").output.splitlines()
    assert len(lines) == 5
    assert lines[1].split()[0] == make(0).id[:8]
    assert "~100" in lines[1]
    assert "web-searchx2" in lines[1]
    assert lines[4].endswith("aborted by agent")


def test_the_log_as_json_has_every_column(db: Path) -> None:
    rows = [json.loads(line) for line in run(db, "log", "--format", "json", "--last", "7d").stdout.splitlines()]
    assert [row["id"] for row in rows] == [make(n).id for n in range(3)]
    assert rows[0]["features"] == [{"feature": "web_search", "state": "used", "amount": 2}]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["log", "--last", "soon"], 2), (["log", "--since", "yesterday"], 2),
        (["log", "--last", "1d", "--since", "2026-01-01"], 2), (["explain", "ffffff"], 1), (["explain", ""], 1),
        (["budget", "remove", "7"], 1), (["budget", "add", "nan", "wh"], 2),
        (["config", "report.zone", "NOO"], 1), (["config", "footprint.zones", "openai=NOR,google=QQQ"], 1),
        (["pause", "long"], 2), (["pause", "1h", "--service", "chatgtp"], 1),
        (["rate", "ffff", "--worth", "3"], 1), (["forget"], 2), (["forget", "--conversation", "%"], 2),
        (["config", "languag"], 1), (["config", "language", "tlh"], 1),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_a_sentence(db: Path, arguments: list[str], code: int) -> None:
    result = run(db, *arguments)
    assert result.exit_code == code
    assert "Error: " in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "command", [["log"], ["budget"], ["config"], ["pause"], ["export"], ["rate"], ["explain", "ab"]]
)
def test_a_fresh_computer_gets_a_sentence(tmp_path: Path, command: list[str]) -> None:
    result = run(tmp_path / "new" / "klimaspor.db", *command)
    assert result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", [["rate"], ["rate", "3fa9c1", "--worth", "3"], ["pause"]], ids=" ".join)
def test_looking_into_a_database_that_is_not_there_makes_none(tmp_path: Path, command: list[str]) -> None:
    run(tmp_path / "slip-of-the-pen.db", *command)
    assert list(tmp_path.iterdir()) == []


def test_one_record_is_explained_step_by_step(db: Path) -> None:
    text = run(db, "explain", make(0).id[:8]).output
    assert "model gpt-5" in text
    assert re.search(r"answer +100 visible output x \(1 x [0-9.e-]+\) = [0-9.e-]+ Wh", text)
    assert re.search(r"Energy +[0-9.]+ Wh, [0-9.]+ to [0-9.]+", text)
    assert "What if these servers stood in NOR:" in run(db, "explain", make(0).id[:8], "--zone", "NOR").output
    explained = json.loads(run(db, "explain", make(0).id[:8], "--format", "json").output)
    assert explained["record"]["id"] == make(0).id
    assert explained["explanation"]["model"]["recorded"] == "gpt-5"


def test_budgets_are_set_shown_and_removed(db: Path) -> None:
    base = ["budget", "--db", str(db)]
    runner = CliRunner()
    assert "Budget set: 4 questions a week." in runner.invoke(main, [*base, "add", "4", "questions"]).output
    runner.invoke(main, [*base, "add", "4", "questions", "--hold"])
    shown = runner.invoke(main, base).output
    assert shown.count("questions") == 1
    assert "new turns are held" in shown
    assert json.loads(runner.invoke(main, [*base, "--format", "json"]).output)[0]["amount"] == 4
    assert "Budget removed" in runner.invoke(main, [*base, "remove", "1"]).output
    assert "No budget is set" in runner.invoke(main, base).output
    assert runner.invoke(main, [*base, "add", "1", "wh", "--feature", "nonsense"]).exit_code == 2
    assert "did you mean chatgpt?" in runner.invoke(main, [*base, "add", "1", "wh", "--service", "chatgtp"]).output


def test_recording_is_paused_and_goes_on(db: Path) -> None:
    assert "Nothing is paused" in run(db, "pause").output
    assert "paused until" in run(db, "pause", "2h").output
    assert "paused until" in run(db, "pause").output
    assert "goes on" in run(db, "pause", "off").output
    assert "Nothing was paused" in run(db, "pause", "off").output


def test_a_conversation_is_rated_by_its_mark_or_by_choosing(db: Path) -> None:
    assert "worth 4 of 5, 20 minutes saved" in run(db, "rate", TALK[:6], "--worth", "4", "--minutes", "20").output
    asked = run(db, "rate", text="1\n5\n-1\n")
    assert asked.exit_code == 0
    assert "3 questions" in asked.output
    with Store.open(db, readonly=True) as store:
        assert [(r.subject, r.kind, r.worth, r.minutes_saved) for r in store.ratings()] == [
            (TALK, "conversation", 5, None)
        ]


def test_forgetting_asks_first_and_says_what_it_removed(db: Path) -> None:
    declined = run(db, "forget", "--everything", text="n\n")
    assert declined.exit_code == 1
    assert "To be removed: 4 records" in declined.output
    assert "Removed: 3 records" in run(db, "forget", "--conversation", TALK[:8], "--yes").output
    assert "nothing to forget" in run(db, "forget", "--conversation", TALK[:8], "--yes").output
    assert "Removed: 1 record" in run(db, "forget", "--everything", "--yes").output


def test_settings_are_shown_set_and_unset(db: Path) -> None:
    assert "language = (unset)" in run(db, "config").output
    assert run(db, "config", "language", "nb").output == "language = nb\n"
    assert run(db, "config", "language").output == "nb\n"
    assert json.loads(run(db, "config", "--format", "json").output)["language"] == "nb"
    run(db, "config", "language", "--unset")
    assert run(db, "config", "language").output == "(unset)\n"
