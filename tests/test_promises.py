"""What klimaspor promises to other people's programs: ids they can work out, rows they can read, commands alike."""

from __future__ import annotations

import hashlib
import hmac
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from tests import golden
from tracker.cli import COMMANDS, main

NO_DATABASE_OF_ONE_S_OWN = {
    "try",  # makes its own, and leaves it where --keep says
    "schedule", "team",  # only the commands in them do something
    "team init", "team load", "team report", "team policy", "team access-log",  # the organisation's, by --dsn
}  # fmt: skip


def run(*arguments: str, text: str | None = None) -> Result:
    result = CliRunner().invoke(main, list(arguments), input=text)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def commands() -> Iterator[tuple[str, click.Command]]:
    for name in COMMANDS:
        command = main.get_command(click.Context(main), name)
        assert command is not None
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {one}", inner) for one, inner in command.commands.items())


def entry(url: str, request: Any, answer: Any) -> dict[str, Any]:
    post = {"mimeType": "application/json", "text": json.dumps(request)}
    content = {"mimeType": "application/json", "text": json.dumps(answer)}
    return {
        "startedDateTime": "2026-11-17T10:00:00.000+01:00",
        "time": 5,
        "request": {"method": "POST", "url": url, "headers": [], "postData": post},
        "response": {"status": 200, "headers": [], "content": content},
    }


@pytest.mark.parametrize("name", [name for name, _ in commands()])
def test_every_command_has_an_example_and_says_where_its_database_is(name: str) -> None:
    result = run(*name.split(), "--help")
    assert result.exit_code == 0
    assert "Example" in result.output
    assert f"klimaspor {name.split(maxsplit=1)[0]}" in result.output
    assert ("--db " in result.output) == (name not in NO_DATABASE_OF_ONE_S_OWN)


def test_anyone_with_the_key_can_work_out_an_id(tmp_path: Path) -> None:
    named = entry(
        "https://api.openai.com/v1/chat/completions",
        {"model": "gpt-4o", "messages": [{"role": "user", "content": "Say hello."}]},
        {
            "id": "chatcmpl-Ck3Bq7fTq8yKxXv2Yd5mPzR1w", "object": "chat.completion", "model": "gpt-4o",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello."}}],
        },
    )  # fmt: skip
    nameless = entry(
        "http://localhost:11434/api/chat",
        {"model": "llama3.2", "messages": [{"role": "user", "content": "Say hello."}], "stream": False},
        {"model": "llama3.2", "message": {"role": "assistant", "content": "Hello."}, "done": True, "eval_count": 2},
    )
    recording = tmp_path / "chat.har"
    recording.write_text(json.dumps({"log": {"entries": [named, nameless]}}))
    assert run("import", str(recording), "--db", str(tmp_path / "k.db")).exit_code == 0
    key = (tmp_path / "k.key").read_bytes()
    bodies = [part["text"].encode() for part in (nameless["request"]["postData"], nameless["response"]["content"])]
    parts = {
        "openai-api": b"chatcmpl-Ck3Bq7fTq8yKxXv2Yd5mPzR1w",
        "ollama": b"".join(hashlib.sha256(body).digest() for body in bodies),
    }
    with sqlite3.connect(tmp_path / "k.db") as connection:
        found = dict(connection.execute("SELECT service, id FROM requests").fetchall())
    connection.close()
    assert found == {
        service: hmac.digest(key, service.encode() + part, "sha256")[:16].hex() for service, part in parts.items()
    }


def test_every_row_of_every_list_tells_the_same_four_things(tmp_path: Path) -> None:
    with golden.demo_store(tmp_path) as store:
        data = golden.week(store)
    lists = [name for name in data if name.startswith("by_")]
    assert len(lists) >= 6
    for name in lists:
        for row in data[name]:
            assert {"key", "requests", "tokens", "impacts"} <= row.keys(), name
            assert {"input", "output", "reasoning", "cached", "by_source"} <= row["tokens"].keys(), name
            assert row["impacts"].keys() == data["impacts"].keys(), name


def test_a_budget_takes_the_database_before_and_after_its_command(tmp_path: Path) -> None:
    path = str(tmp_path / "k.db")
    assert run("budget", "--db", path, "add", "5", "questions").exit_code == 0
    assert run("budget", "add", "7", "wh", "--hold", "--db", path).output.endswith("new turns are held.\n")
    assert len(json.loads(run("budget", "--db", path, "--format", "json").stdout)) == 2
    assert run("budget", "remove", "1", "--db", path).exit_code == 0


@pytest.mark.parametrize("period", [("--week", "2999-W01"), ("--since", "2999-01-01", "--until", "2999-02-01")])
def test_days_to_come_are_no_quiet_week(tmp_path: Path, period: tuple[str, ...]) -> None:
    result = run("report", *period, "--format", "json", "--db", str(tmp_path / "k.db"))
    assert result.exit_code == 2
    assert "has not begun" in result.output


@pytest.mark.parametrize("answer", ["", "n\n"])
def test_a_question_without_a_yes_says_that_nothing_was_done(tmp_path: Path, answer: str) -> None:
    path = str(tmp_path / "k.db")
    run("pause", "off", "--db", path)
    result = run("forget", "--everything", "--db", path, text=answer)
    assert result.exit_code == 1
    assert "nothing was done · klimaspor forget ·" in result.output


def test_a_number_that_is_none_is_named_plainly(tmp_path: Path) -> None:
    for arguments in (["budget", "add", "x", "wh"], ["rate", "ab", "--worth", "x"], ["log", "--limit", "x"]):
        result = run(*arguments, "--db", str(tmp_path / "k.db"))
        assert result.exit_code == 2
        assert "'x' is not a valid number." in result.output


@pytest.mark.parametrize("name", ["csv", "jsonl"])
def test_a_dash_is_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    path = str(tmp_path / "k.db")
    run("pause", "off", "--db", path)
    assert run("export", "--format", name, "-o", "-", "--db", path).exit_code == 0
    assert not (tmp_path / "-").exists()


def test_a_report_without_a_database_names_the_one_it_looked_for(tmp_path: Path) -> None:
    result = run("report", "--format", "json", "--db", str(tmp_path / "slip.db"))
    assert "slip.db" in result.stderr
    assert json.loads(result.stdout)["requests"] == 0


def test_status_tells_of_a_pause_also_while_nothing_runs(tmp_path: Path) -> None:
    path = str(tmp_path / "k.db")
    assert json.loads(run("status", "--format", "json", "--db", path).stdout) == {"running": False, "paused": {}}
    run("pause", "1h", "--service", "chatgpt", "--db", path)
    assert list(json.loads(run("status", "--format", "json", "--db", path).stdout)["paused"]) == ["chatgpt"]


def test_a_setting_that_does_nothing_is_named(tmp_path: Path) -> None:
    path = str(tmp_path / "k.db")
    run("pause", "off", "--db", path)
    run("config", "footprint.without", "nonsense", "--db", path)
    result = run("report", "--format", "json", "--db", path)
    assert result.exit_code == 1
    assert "There is no such extension · nonsense · use some of prefill" in result.output


def test_what_is_no_address_of_a_database_is_a_sentence() -> None:
    result = run("team", "status", "--dsn", "nonsense")
    assert result.exit_code == 1
    assert "PostgreSQL" in result.output or "not installed" in result.output
    assert "foresee" not in result.output


def test_a_recording_without_chatbots_says_so(tmp_path: Path) -> None:
    recording = tmp_path / "other.har"
    recording.write_text(json.dumps({"log": {"entries": [entry("https://shop.example/buy", {}, {})]}}))
    result = run("import", str(recording), "--db", str(tmp_path / "k.db"))
    assert "Nothing in it is an answer of a service that is read" in result.output
