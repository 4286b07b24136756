"""``klimaspor services``: what is supported, told from code, and hosts opened one by one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from addon.service import discover
from tracker.cli import main
from tracker.settings import load


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "klimaspor.db"


def run(db: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["services", "--db", str(db), *arguments])


def test_json_has_every_service_with_the_promised_keys(db: Path) -> None:
    told = json.loads(run(db, "--format", "json").stdout)
    assert [one["service"] for one in told] == [service.name for service in discover()]
    for one in told:
        assert {"service", "hosts", "transports", "tokens", "features", "grade", "verified"} <= one.keys()
        assert one["grade"] in {"captured", "documented", "inferred"}


def test_text_has_a_line_for_every_service(db: Path) -> None:
    text = run(db).stdout
    assert all(service.name in text for service in discover())


def test_opening_says_what_else_passes_there_and_is_remembered(db: Path) -> None:
    closed = next(one for one in discover() if one.closed and not one.hosts[0].endswith(".localhost"))
    result = run(db, "--open", closed.name)
    assert result.exit_code == 0
    assert closed.closed in result.output
    assert load(db).get("proxy.open") == (closed.name,)
    told = {one["service"]: one for one in json.loads(run(db, "--format", "json").stdout)}
    assert told[closed.name]["open"] is True


def test_closing_takes_it_back(db: Path) -> None:
    closed = next(one for one in discover() if one.closed and not one.hosts[0].endswith(".localhost"))
    run(db, "--open", closed.name)
    assert run(db, "--close", closed.name).exit_code == 0
    assert load(db).get("proxy.open") == ()


def test_opening_what_is_open_changes_nothing(db: Path) -> None:
    result = run(db, "--open", "claude")
    assert result.exit_code == 0
    assert "open already" in result.output
    assert load(db).get("proxy.open") == ()


def test_a_local_server_is_not_opened_but_given_a_port(db: Path) -> None:
    result = run(db, "--open", "ollama")
    assert result.exit_code == 1
    assert "--local ollama=11434" in result.output


def test_an_unknown_name_is_a_sentence_with_the_nearest(db: Path) -> None:
    result = run(db, "--open", "claud")
    assert result.exit_code == 1
    assert "claude" in result.output


def test_a_faulty_file_of_bots_is_a_sentence(db: Path) -> None:
    (db.parent / "bots.toml").write_text("[[bot]]\nname = 'UPPER'\n")
    result = run(db)
    assert result.exit_code == 1
    assert "bots.toml" in result.output


def test_a_company_bot_is_listed(db: Path) -> None:
    (db.parent / "bots.toml").write_text(
        "[[bot]]\nname = 'acme-helper'\nhost = 'chat.acme.example'\npath = '/api/*/chat'\nshape = 'openai-chat'\n"
    )
    told = {one["service"]: one for one in json.loads(run(db, "--format", "json").stdout)}
    assert told["acme-helper"]["hosts"] == ["chat.acme.example"]
