"""``report``, ``today`` and ``schedule`` as a person runs them."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests import golden
from tracker.cli import main
from tracker.report import archive, demo
from tracker.setup import timer
from tracker.store import Store


@pytest.fixture
def db(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for place in ("tracker.cli.report.clock", "tracker.report.computer.clock"):
        monkeypatch.setattr(place, lambda: demo.NOW)
    monkeypatch.chdir(tmp_path)
    with golden.small_store(tmp_path, 12) as store:
        return store.path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_a_page_is_written_here_under_the_name_of_the_week(db: Path) -> None:
    result = run("report", "--db", db)
    assert (result.exit_code, result.output) == (0, "report-2026-W47.html\n")
    assert "12 questions" in Path("report-2026-W47.html").read_text("utf-8")


@pytest.mark.parametrize(("choice", "name"), [("--last=7d", "2026-11-17--2026-11-23"), ("--week=2026-W46", "2026-W46")])
def test_another_period_has_another_name(db: Path, choice: str, name: str) -> None:
    assert run("report", choice, "--db", db).output == f"report-{name}.html\n"


def test_other_formats_go_to_the_terminal(db: Path) -> None:
    assert json.loads(run("report", "--format", "json", "--db", db).output)["questions"] == 12
    assert "12 spørsmål" in run("report", "--format", "text", "--lang", "nb", "--db", db).output
    assert not list(Path().glob("report-*"))


def test_a_table_opens_in_a_spreadsheet_of_each_language(db: Path) -> None:
    for lang, separator, decimal in (("en", ",", "."), ("nb", ";", ","), ("nl", ";", ",")):
        text = run("report", "--format", "csv", "--lang", lang, "--db", db).output
        rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff")), delimiter=separator))
        total = rows[2]
        assert total[0] == "2026-11-16/2026-11-23"
        assert total[1:3] == ["12", "12"]
        assert float(total[6].replace(decimal, ".")) > 0


def test_without_a_database_the_report_is_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("report", "--format", "text", "--db", tmp_path / "none.db")
    assert result.exit_code == 0
    assert "nothing was recorded" in result.output
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--week", "2026-W99"), ("--last", "soon"), ("--since", "2026-11-30", "--until", "2026-11-01"),
        ("--week", "2026-W47", "--last", "7d"), ("--until", "2026-11-01"), ("--lang", "fr"), ("--method", "tea"),
        ("--format", "json", "--open"),
    ],
)  # fmt: skip
def test_what_does_not_exist_is_a_sentence_and_exit_code_2(db: Path, arguments: Sequence[str]) -> None:
    result = run("report", *arguments, "--db", db)
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert "Error: " in result.output


@pytest.mark.parametrize("zone", ["ATLANTIS", "../../x", "ZZZ"])
def test_a_place_nobody_knows_is_a_sentence_and_exit_code_1(db: Path, zone: str) -> None:
    result = run("report", "--zone", zone, "--db", db)
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert not list(Path().glob("report-*"))


def test_a_place_to_write_that_is_none_is_a_sentence(db: Path, tmp_path: Path) -> None:
    result = run("report", "-o", tmp_path / "no" / "such" / "folder.html", "--db", db)
    assert result.exit_code == 1
    assert "choose another place with -o" in result.output


def test_a_damaged_database_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "damaged.db"
    path.write_bytes(b"not a database at all " * 50)
    for command in ("report", "today"):
        result = run(command, "--db", path)
        assert result.exit_code == 1
        assert result.output.startswith("Error: ")


def test_the_language_follows_setting_then_computer(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "nl_NL.UTF-8")
    assert "12 vragen" in run("report", "--format", "text", "--db", db).output
    db.with_suffix(".toml").write_text('language = "nb"\n', "utf-8")
    assert "12 spørsmål" in run("report", "--format", "text", "--db", db).output


def test_today_is_a_glance(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("tracker.cli.report.clock", "tracker.report.computer.clock"):
        monkeypatch.setattr(place, lambda: demo.NOW - timedelta(days=5))
    result = run("today", "--db", db, "--lang", "en")
    assert result.exit_code == 0
    assert result.output.startswith("Today: ")
    assert "estimated" in result.output
    assert json.loads(run("today", "--format", "json", "--db", db).output)["questions"] > 0


def test_the_missing_week_is_written_once_and_listed(db: Path) -> None:
    folder = archive.reports_folder(db)
    with Store.open(db, readonly=True) as store:
        path = archive.write_missing(store, folder, demo.NOW, "nl")
        assert path == db.parent / "reports" / "2026-W47.html"
        assert archive.write_missing(store, folder, demo.NOW, "nl") is None
    index = (folder / "index.html").read_text("utf-8")
    assert 'href="2026-W47.html"' in index
    assert "Jouw AI-spoor, week voor week" in index
    if os.name == "posix":
        assert path.stat().st_mode & 0o077 == 0


def test_a_running_week_is_not_yet_missing(db: Path) -> None:
    with Store.open(db, readonly=True) as store:
        assert archive.missing_week(db.parent, demo.NOW - timedelta(days=4), store.first_day()) is None


def test_a_damaged_summary_costs_only_its_line(tmp_path: Path, db: Path) -> None:
    with Store.open(db, readonly=True) as store:
        archive.write_missing(store, tmp_path, demo.NOW, "en")
    (tmp_path / "2026-W40.json").write_text('{"week": "<script>"}', "utf-8")
    (tmp_path / "2026-W41.json").write_text("{" * 4000, "utf-8")
    assert [entry["week"] for entry in archive.summaries(tmp_path)] == ["2026-W47"]


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ``systemctl`` that notes in this file what it is asked; with ``refuses`` beside it, it enables nothing."""
    asked, tool = tmp_path / "asked", tmp_path / "bin/systemctl"
    tool.parent.mkdir()
    tool.write_text(
        f'#!/bin/sh\necho "$@" >> {asked}\ncase "$*" in *enable*) test ! -e {tmp_path}/refuses;; esac\n', "utf-8"
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=os.pathsep)
    return asked


def test_the_timer_is_made_and_taken_back_without_a_trace(systemd: Path) -> None:
    files = timer.install(["/opt/a b/klimaspor", "schedule", "now", "--db", "/data/100%$x.db"])
    assert 'ExecStart="/opt/a b/klimaspor" schedule now --db' in files.service.read_text("utf-8")
    assert "100%%$$x.db" in files.service.read_text("utf-8")
    assert "Persistent=true" in files.timer.read_text("utf-8")
    assert "--user enable --now klimaspor-report.timer" in systemd.read_text().splitlines()
    assert sorted(timer.remove()) == sorted([files.service, files.timer])
    assert systemd.read_text().splitlines()[-2:] == [
        "--user disable --now klimaspor-report.timer", "--user daemon-reload",
    ]  # fmt: skip
    assert not files.service.exists()
    assert timer.remove() == []


def test_a_timer_that_is_not_ours_is_left_alone(systemd: Path) -> None:
    files = timer.unit_files()
    files.timer.parent.mkdir(parents=True)
    files.timer.write_text("[Timer]\nOnCalendar=daily\n", "utf-8")
    assert timer.remove() == []
    assert files.timer.exists()
    assert not systemd.exists()


def test_a_systemd_that_refuses_leaves_nothing_behind(systemd: Path) -> None:
    (systemd.parent / "refuses").touch()
    with pytest.raises(OSError, match="did not take the timer"):
        timer.install(["klimaspor"])
    assert not timer.unit_files().timer.exists()


def test_schedule_works_where_there_is_no_systemd(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert "the running proxy writes" in run("schedule", "weekly", "--db", db).output
    assert archive.mark_path(db).exists()
    assert run("schedule", "now", "--db", db).output.strip().endswith("2026-W47.html")
    assert run("schedule", "now", "--db", db).output == "No report is missing.\n"
    assert str(archive.mark_path(db)) in run("schedule", "off", "--db", db).output
    assert run("schedule", "off", "--db", db).output == "Nothing was scheduled.\n"


def test_the_demonstration_is_the_whole_year(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("report", "--demo")
    assert result.output == "report-demo.html\n"
    page = Path("report-demo.html").read_text("utf-8")
    assert "An example with made-up numbers" in page
    assert datetime.fromisoformat("2026-11-22T00:00").strftime("%d Nov %Y") in page


def test_each_assumption_alone_is_told_for_the_last_weeks(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.cli.sensitivity.today", demo.NOW.date)
    lines = run("methods", "--sensitivity", "--db", db).output.splitlines()
    assert lines[0].startswith("2026-10-27 to 2026-11-23, estimated: ")
    told = json.loads(run("methods", "--sensitivity", "--format", "json", "--db", db).output)
    assert [line.split("  ")[0] for line in lines[4:]] == [row["key"] for row in told["rows"]]
    norway = next(row for row in told["rows"] if row["key"] == "zone NOR")
    assert norway["energy_wh"]["low"] == norway["energy_wh"]["high"] == pytest.approx(told["energy_wh"])
    assert norway["ghg_g"]["high"] < norway["ghg_g"]["low"] == pytest.approx(told["ghg_g"])


def test_where_nothing_was_recorded_no_assumption_moves_anything(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.cli.sensitivity.today", lambda: demo.NOW.date() - timedelta(days=100))
    assert "Nothing was recorded" in run("methods", "--sensitivity", "--db", db).output
