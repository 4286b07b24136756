"""What docs/organisation.md tells an administrator to type leads from nothing to a first report."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.canary import CANARY, find
from tests.organisation import TODAY, Nats, free_port, use
from tracker.cli import main
from tracker.cli import team_computer as commands
from tracker.store import Store
from tracker.team import loader
from tracker.team.configuration import nats_configurations
from tracker.team.engine import connect

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "organisation.md").read_text("utf-8")
LAST_WEEK = "2026-11-09"
PEOPLE = 12


def typed() -> list[list[str]]:
    """Return the words of the ten commands."""
    block = PAGE.partition("<!-- commands")[2].partition("```console\n")[2].partition("```")[0]
    return [shlex.split(line.removeprefix("$ ")) for line in block.splitlines() if line.startswith("$ ")]


class Today(datetime):
    """The organisation's day, so that the test is the same on every weekday."""

    @classmethod
    def now(cls, tz: object = None) -> Today:
        return cls(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=tz)  # type: ignore[arg-type]


def test_there_are_ten_commands_and_what_they_install_is_what_the_project_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines = typed()
    assert len(lines) == 10
    (install,) = (words for words in lines if words[:3] == ["uv", "tool", "install"])
    installed = {install[3].partition("[")[0], install[5]}
    servers = {re.split(r"[\[>=]", name)[0] for name in project["dependency-groups"]["servers"]}
    assert installed <= servers | {project["project"]["name"]}
    assert "team" in project["project"]["optional-dependencies"]


@pytest.mark.servers
def test_the_ten_commands_lead_to_a_report_and_nothing_planted_is_on_the_way(
    server: str, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(commands, "_today", lambda: TODAY)
    monkeypatch.setattr(loader, "datetime", Today)
    with connect(server) as connection:
        connection.execute("DROP SCHEMA IF EXISTS klimaspor CASCADE")
    port, done, nats = free_port(), [], None
    computers = [home / f"computer-{number}" / "klimaspor.db" for number in range(1, PEOPLE + 1)]
    for number, path in enumerate(computers):
        with Store.open(path) as store:
            store.add(use(number, 9, LAST_WEEK))

    def run(words: list[str], **options: str) -> str:
        place = {"postgresql:///ai": server, "tls://127.0.0.1:4222": f"tls://127.0.0.1:{port}"}
        result = CliRunner().invoke(main, [place.get(word, word) for word in words], **options)  # type: ignore[arg-type]
        assert result.exit_code == 0, (words, result.output)
        return result.output

    try:
        for words in typed():
            match words:
                case ["uv", "tool", "install", *_] | ["createdb", _]:
                    pass  # the packages and the database are there
                case ["nats-server", "-c", configuration, "&"]:
                    nats = Nats(tmp_path / configuration)
                    nats.start()
                    nats.wait(port)
                case ["klimaspor", "team", "join", code]:
                    for number, path in enumerate(computers, start=1):
                        mine = code.replace("000001", f"{number:06}")
                        shown = run(["team", "join", mine, "--db", str(path)], input="y\n")
                        assert '"service": "claude"' in shown
                case ["klimaspor", "team", "ship"]:
                    for path in computers:
                        assert "Sent 1 of 1" in run(["team", "ship", "--db", str(path)])
                case ["klimaspor", "team", "policy", file, *rest]:
                    text = Path(file).read_text().replace("publish_after_days = 7", "publish_after_days = 1")
                    Path(file).write_text(text)
                    run(["team", "policy", file, *rest])
                    assert len(list(Path("papers").iterdir())) == 3
                case ["klimaspor", *rest]:
                    done.append(run(rest))
    finally:
        if nats is not None:
            nats.kill()
    _, nothing, taken, _ = done
    assert "0 messages" in nothing
    assert f"{PEOPLE} messages: {PEOPLE} weeks taken" in taken
    assert f"Published: {LAST_WEEK}" in taken
    page = Path("week.html").read_text("utf-8")
    assert "<html" in page
    assert "Fjellvik kommune" in page
    assert "postgres" in run(["team", "access-log", "--dsn", server])
    looks = json.loads(run(["team", "access-log", "--dsn", server, "--format", "json"]))
    assert looks[0].keys() == {"at", "who", "what", "week"}
    held = json.loads(run(["team", "status", "--dsn", server, "--format", "json"]))
    assert held == {"weeks": [{"week": LAST_WEEK, "devices": PEOPLE, "published": True}], "refused": []}
    sent = json.loads(run(["team", "status", "--db", str(computers[0]), "--format", "json"]))
    assert [week["week"] for week in sent["weeks"]] == [LAST_WEEK]
    assert list(find(tmp_path)) == []
    assert CANARY not in page


def test_the_three_nodes_of_the_page_are_what_init_writes() -> None:
    told = PAGE.partition("What differs from one node:")[2].partition("```\n")[2].partition("```")[0]
    nodes = [(f"nats-{number}.example", 4222) for number in (1, 2, 3)]
    written = nats_configurations(Path("/srv/keys"), nodes, ["{}"])["nats-1.conf"]
    lines = {line.strip() for line in written.splitlines()}
    assert {line.strip() for line in told.splitlines()} <= lines


def test_every_key_of_the_facts_is_described() -> None:
    from tests import team_demo

    facts = team_demo.weeks()[-1].facts
    described = set(re.findall(r"`([\w.]+)`", PAGE.partition("## What is published")[2].partition("## Who can see")[0]))
    assert set(facts) - {"coverage"} <= described
    assert "coverage.listening" in described
