"""What other people could put in our way: poison from a service, a bot file, a recording, a link in a file's place."""

from __future__ import annotations

import copy
import csv
import io
import json
import random
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from addon.company import BotsError, load_bots
from addon.hosts import open_hosts
from addon.reader import Reader
from addon.state import State, load_token, write_state
from tests.examples import KEY, load_examples
from tests.test_importing_recordings import SIMPLE, to_entry
from tests.test_store import make, make_at
from tests.test_wrong_types import spoil
from tracker.cli import main
from tracker.imports.logs import read_time
from tracker.private import write_whole
from tracker.store import Store, timestamp

STEERING = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069"
    r"\u200b\u2028\u2029\u2060\ufeff\U000e0041\ud800-\udfff]"
)
"""What could steer a terminal or turn text around; tabs and line feeds are ours."""
FORMULAS = ("=", "+", "-", "@", "|", "%", "'=")
POISON = (
    "=HYPERLINK(1)",
    "\\u001b]0;owned\\u0007\\u001b[2J",
    "\\u202egpj",
    "+1",
    "@SUM(A1)",
    "-2+3",
    "%0a|calc",
    "<b>",
)
RUN = CliRunner()


def poisoned(data: bytes, poison: str) -> bytes:
    """Every text of a JSON body with poison in front."""
    return re.sub(rb'": ?"', lambda found: found[0] + poison.encode(), data)


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which every service has said poison, and another program has written some too."""
    path = tmp_path_factory.mktemp("poisoned") / "k.db"
    with Store.open(path) as store:
        for number, case in enumerate(load_examples()):
            for exchange in case.exchanges:
                poison = POISON[number % len(POISON)]
                bad = replace(
                    exchange,
                    chunks=tuple(replace(one, data=poisoned(one.data, poison)) for one in exchange.chunks),
                    messages=tuple(replace(one, data=poisoned(one.data, poison)) for one in exchange.messages),
                    request_body=poisoned(exchange.request_body, poison),
                    request_headers={**exchange.request_headers, "user-agent": poison},
                )
                reading = Reader(KEY).read(bad)
                store.add(reading.records)
                store.add_unread(reading.unread)
    return path


def row_count(db: Path) -> int:
    with Store.open(db, readonly=True) as store:
        return len(list(store.records()))


@pytest.mark.parametrize(
    "arguments",
    [["log"], ["report", "--since", "2026-11-01", "--format", "text", "-o", "-"],
     ["report", "--since", "2026-11-01", "--format", "csv", "-o", "-"],
     ["report", "--since", "2026-11-01", "--format", "html", "-o", "-"], ["services"], ["export", "--format", "csv"]],
    ids=lambda words: "-".join(word.strip("-") for word in words[:1] + words[3:5]),
)  # fmt: skip
def test_what_a_service_says_steers_no_terminal_and_starts_no_formula(db: Path, arguments: list[str]) -> None:
    assert row_count(db) > 150
    result = RUN.invoke(main, [*arguments, "--db", str(db)])
    assert result.exit_code == 0, result.output
    text = result.stdout
    assert len(text) > 100
    assert not STEERING.search(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    assert "<b>=" not in text
    assert "<b><b>" not in text
    assert "HYPERLINK" not in text
    if "csv" in arguments:
        for row in csv.reader(io.StringIO(text.removeprefix("\ufeff"))):
            assert not [cell for cell in row if cell.startswith(FORMULAS) and not re.fullmatch(r"-?[\d.]+", cell)]


STEERS = (
    "\x1b]0;owned\x07\x1b[2J\u202e\u200b\u2028\ufeff\U000e0041</script><svg onload=alert(1)><script>alert(1)</script>"
)
CELL = "=cmd|' /C calc'!A0"


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that somebody else made: poison in every column that takes it."""
    path = tmp_path_factory.mktemp("foreign") / "k.db"
    now = datetime.now(UTC)
    with Store.open(path) as store:
        store.add(make_at(now - timedelta(seconds=n), n) for n in range(40))
    kept = {"id", "started_at", "local_day"}
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        columns = [name for _, name, kind, *_ in other.execute("PRAGMA table_info(requests)") if kind == "TEXT"]
        ids = [row[0] for row in other.execute("SELECT id FROM requests")]
        for n, name in enumerate(sorted(set(columns) - kept)):
            for place, poison in ((2 * n, STEERS), (2 * n + 1, CELL)):
                other.execute(f"UPDATE requests SET {name} = ? WHERE id = ?", (poison, ids[place]))
        today, long = now.astimezone().date().isoformat(), "2999-01-01T00:00:00.000Z"
        other.execute("INSERT INTO unread VALUES (?, ?, ?, ?, 3)", (today, STEERS, STEERS, STEERS))
        other.execute("INSERT INTO refused VALUES (?, ?, 2)", (today, STEERS))
        other.execute("INSERT INTO pauses VALUES (?, ?, ?)", (STEERS, timestamp(now), long))
        other.execute("INSERT INTO meta VALUES (?, CAST(x'ff1b5b324a' AS TEXT))", (STEERS,))
    return path


@pytest.mark.parametrize(
    "arguments",
    [["log"], ["today"], ["report", "--format", "text", "-o", "-"], ["report", "--format", "csv", "-o", "-"],
     ["report", "--format", "html", "-o", "-"], ["export", "--format", "csv"], ["export", "--format", "jsonl"],
     ["pause"], ["doctor"], ["budget"], ["rate"]],
    ids=" ".join,
)  # fmt: skip
def test_a_database_that_somebody_else_made_steers_no_terminal(foreign: Path, arguments: list[str]) -> None:
    result = RUN.invoke(main, [*arguments, "--db", str(foreign)])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    text = result.output
    assert len(text) > 40
    assert not STEERING.search(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    if "html" in arguments:
        assert "<script" not in text
        assert "<svg onload" not in text
    if "csv" in arguments:
        for row in csv.reader(io.StringIO(text.removeprefix("\ufeff"))):
            assert not [cell for cell in row if cell.startswith(("=", "+", "@", "|", "%", "\t"))]


@pytest.mark.parametrize("arguments", [["config"], ["today"], ["report", "--format", "text", "-o", "-"]], ids=" ".join)
def test_settings_that_somebody_else_wrote_steer_no_terminal(tmp_path: Path, arguments: list[str]) -> None:
    with Store.open(tmp_path / "k.db") as store:
        store.add([make(1)])
    (tmp_path / "k.toml").write_text('[footprint]\nhourly = "\\u001b]0;x\\u0007\\u202e.csv"\n', "utf-8")
    result = RUN.invoke(main, [*arguments, "--db", str(tmp_path / "k.db")])
    assert ".csv" in result.output
    assert not STEERING.search(result.output)


@pytest.mark.parametrize(
    "arguments", [["explain", STEERS], ["rate", STEERS], ["capture", STEERS], [STEERS], ["log", "--db", STEERS]]
)
def test_an_argument_copied_from_elsewhere_steers_no_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setenv("KLIMASPOR_DB", str(tmp_path / "k.db"))
    with Store.open(tmp_path / "k.db") as store:
        store.add([make(1)])
    result = RUN.invoke(main, arguments)
    assert len(result.output) > 20
    assert not STEERING.search(result.output)


def bot(**changes: str) -> str:
    fields = {"name": "acme", "host": "a.example", "path": "/a", "shape": "gemini", **changes}
    return "[[bot]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in fields.items())


def test_a_bot_s_title_steers_no_terminal(tmp_path: Path) -> None:
    for title in ("\x1b[2J", "a\u202eb", "x\n" * 50, "", "é" * 5000):
        (tmp_path / "bots.toml").write_text(bot(title=title), "utf-8")
        result = RUN.invoke(main, ["services", "--db", str(tmp_path / "k.db")])
        assert result.exit_code == 0
        assert not STEERING.search(result.stdout)
        assert max(map(len, result.stdout.splitlines())) < 400
        assert [service.title for service in load_bots(tmp_path)] == ["acme"]


@pytest.mark.parametrize(
    "text",
    [
        bot(path="/" + "*" * 40), bot(path="/*a*b*c*d"), bot(path="/a\n"), bot(path="/(a+)+"), bot(path="/a?b"),
        bot(host="evil.example/x"), bot(host="user@evil.example"), bot(host="evil.example:443"), bot(host="*.example"),
        bot(host="localhost"), bot(host="Evil.example"), bot(host="evil.example."), bot(host="evil.example\n"),
        bot(host="[::1]"), bot(name="../../x"), bot(name="claude"), bot(name="a" * 80), bot(shape="__class__"),
        bot() + bot(), "bot = 1", "bot = [1]",
        "bot = [[[[" + "[" * 5000, "[[bot]]\nname = 1e999", "a = " + "9" * 5000,
    ],
)  # fmt: skip
def test_a_bot_file_that_means_harm_is_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "bots.toml").write_text(text, "utf-8")
    with pytest.raises(BotsError, match=r"^[A-Z][^·]+ · bots\.toml · [^·]+$"):
        load_bots(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"path": "/../../etc"}, {"path": "/" + "a" * 70_000}, {"path": "/a/*/b"}, {"host": "127.0.0.1"},
        {"host": "printer.local"}, {"host": "10.0.0.1"}, {"provider": "\x1b[2J"}, {"extra": "__import__('os')"},
    ],
)  # fmt: skip
def test_what_a_bot_file_may_say_opens_one_host_and_one_path(tmp_path: Path, changes: dict[str, str]) -> None:
    (tmp_path / "bots.toml").write_text(bot(**changes), "utf-8")
    (one,) = load_bots(tmp_path)
    host, path = changes.get("host", "a.example"), changes.get("path", "/a")
    assert one.hosts == (host,)
    assert one.matches("POST", host, path.replace("*", "any"))
    assert not one.matches("POST", host, "/" + "x/" * 50)
    assert not one.matches("POST", host, path + "/b")
    assert not one.matches("POST", "chat." + host, path)
    assert one.provider is None
    assert open_hosts([one]) == ({"a.example"} if host == "a.example" else set())


# Recordings.


def write_har(folder: Path, entries: list[Any]) -> Path:
    path = folder / "h.har"
    path.write_text(json.dumps({"log": {"version": "1.2", "creator": {"name": "WebInspector"}, "entries": entries}}))
    return path


ODD_ENTRIES: dict[str, Callable[[dict[str, Any]], object]] = {
    "the year 9999": lambda entry: entry.update(startedDateTime="9999-12-31T23:59:59.999Z"),
    "the year 1": lambda entry: entry.update(startedDateTime="0001-01-01T00:00:00+14:00"),
    "time as a list": lambda entry: entry.update(startedDateTime=[]),
    "an endless answer": lambda entry: entry.update(time=1e308),
    "a negative duration": lambda entry: entry.update(time=-5),
    "a file's address": lambda entry: entry["request"].update(url="file:///etc/passwd"),
    "a way out": lambda entry: entry["request"].update(url="https://api.openai.com/../../v1/chat/completions"),
    "a broken address": lambda entry: entry["request"].update(url="https://[::1/v1"),
    "a user in the address": lambda entry: entry["request"].update(url="https://api.openai.com@evil.example/v1"),
    "broken base64": lambda entry: entry["response"]["content"].update(text="%%%", encoding="base64"),
    "headers of the wrong kind": lambda entry: entry["response"].update(headers={"a": 1}),
    "a status of text": lambda entry: entry["response"].update(status="200; DROP TABLE requests"),
    "an impossible status": lambda entry: entry["response"].update(status=10**30),
    "poisoned text": lambda entry: entry["response"]["content"].update(text="data: \x1b]0;x\x07\n\n" * 50),
}


def harmless(result: Any, db: Path) -> None:
    assert result.exit_code in {0, 1}, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert not STEERING.search(result.output.replace("\r", ""))
    with Store.open(db) as store:
        assert store.db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert all(record.duration_ms is None or record.duration_ms >= 0 for record in store.records())


@pytest.mark.parametrize("odd", ODD_ENTRIES)
def test_a_har_that_means_harm_costs_its_own_entry_at_most(tmp_path: Path, odd: str) -> None:
    entries = [to_entry(case) for case in SIMPLE[:4]]
    good = len(entries)
    for entry in copy.deepcopy(entries):
        ODD_ENTRIES[odd](entry)
        entries.insert(0, entry)
    db = tmp_path / "k.db"
    result = RUN.invoke(main, ["import", "--db", str(db), str(write_har(tmp_path, entries))])
    harmless(result, db)
    with Store.open(db, readonly=True) as store:
        assert len(list(store.records())) >= good  # the others are all there


def test_entries_with_wrong_types_anywhere_are_no_exception(tmp_path: Path) -> None:
    chance = random.Random(3)
    for number in range(6):
        entries = [spoil(to_entry(case), chance) for case in SIMPLE]
        folder = tmp_path / str(number)
        folder.mkdir()
        result = RUN.invoke(main, ["import", "--db", str(folder / "k.db"), str(write_har(folder, entries))])
        if (folder / "k.db").exists():
            harmless(result, folder / "k.db")
        else:
            assert result.exit_code == 1
            assert "Traceback" not in result.output


def test_a_name_of_a_file_steers_no_terminal(tmp_path: Path) -> None:
    path = tmp_path / "x\x1b[2J\u202e\u200b\udcff.har"
    path.write_text("{}")
    result = RUN.invoke(main, ["import", "--db", str(tmp_path / "k.db"), str(path)])
    assert result.exit_code == 1
    assert not STEERING.search(result.output)
    path.write_text(json.dumps({"log": {"entries": [to_entry(SIMPLE[0])]}}))
    result = RUN.invoke(main, ["import", "--db", str(tmp_path / "k.db"), str(path)])
    assert "1 new" in result.output
    assert not STEERING.search(result.output)


# Links where files should be.


def links(folder: Path, names: list[str]) -> Iterator[Path]:
    victim = folder / "victim"
    victim.write_text("precious")
    for name in names:
        (folder / name).symlink_to(victim)
    yield victim


def test_a_link_in_the_place_of_our_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    state = State(pid=1, port=2, token="0" * 32, started_at="")
    for victim in links(tmp_path, ["proxy.json", "proxy.token", "other"]):
        write_state(tmp_path, state)
        token = load_token(tmp_path)
        write_whole(tmp_path / "other", "mine")
        assert victim.read_text() == "precious"
        assert (tmp_path / "proxy.token").read_text() == token
        for name in ("proxy.json", "proxy.token", "other"):
            assert not (tmp_path / name).is_symlink()
            assert (tmp_path / name).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", 253402300799000, -5e10, 1e308, "x"])
def test_a_moment_at_which_nobody_could_have_asked_is_no_moment(moment: object) -> None:
    assert read_time(moment) is None
