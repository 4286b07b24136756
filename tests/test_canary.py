"""Words planted in every place where a person's words could stand never reach the disk, the screen or a report."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from addon.reader import Reader
from addon.scrubbing.example import make_example
from tests.canary import CANARY, SMALL, find, hide, poison, rename, write_har
from tests.examples import KEY, Example, load_examples
from tracker.cli import COMMANDS, main

EXAMPLES = load_examples()
every_example = pytest.mark.parametrize("case", EXAMPLES, ids=lambda case: f"{case.service}-{case.path.stem}")

PRINTING = [
    ["log"],
    ["log", "--format", "json"],
    ["report", "--last", "7d", "--format", "text"],
    ["report", "--last", "7d", "--format", "json"],
    ["report", "--last", "7d", "--format", "csv"],
    ["report", "--last", "7d", "-o", "page.html"],
    ["today"],
    ["services"],
    ["methods"],
    ["export", "--format", "csv"],
    ["export", "--format", "jsonl"],
    ["status"],
    ["doctor"],
    ["budget"],
    ["rate", "--help"],
    ["config"],
]


def test_the_canary_is_really_planted() -> None:
    for case in EXAMPLES:
        for exchange in case.exchanges:
            poisoned = poison(exchange)
            assert CANARY in poisoned.query
            if exchange.request_body.startswith(b"{"):
                assert CANARY.encode() in poisoned.request_body, case.path


@every_example
def test_no_record_and_no_shape_holds_a_planted_word(case: Example) -> None:
    reader = Reader(KEY)
    for exchange in case.exchanges:
        reading = reader.read(poison(exchange))
        kept = json.dumps([asdict(record) for record in reading.records] + [asdict(one) for one in reading.unread])
        assert CANARY.lower() not in kept.lower()


def test_small_words_are_really_hidden() -> None:
    hidden = [(hide(exchange), rename(exchange)) for case in EXAMPLES for exchange in case.exchanges]
    assert all(SMALL in one.query and SMALL in one.request_headers["originator"] for one, _ in hidden)
    assert sum(any(SMALL.encode() in chunk.data for chunk in one.chunks) for one, _ in hidden) > 100
    assert sum(any(SMALL.encode() in part.data for part in (*two.chunks, *two.messages)) for _, two in hidden) > 400
    assert sum(SMALL.encode() in one.request_body for one, _ in hidden) > 5


@every_example
def test_no_record_holds_a_small_word_of_what_only_machines_read(case: Example) -> None:
    hiding, renaming = Reader(KEY), Reader(KEY)
    for exchange in case.exchanges:
        reading = hiding.read(hide(exchange))
        assert SMALL not in json.dumps([asdict(one) for one in (*reading.records, *reading.unread)])
        reading = renaming.read(rename(exchange))
        told = [replace(one, shape="") for one in reading.unread]  # it tells names of kinds: see SECURITY.md
        assert SMALL not in json.dumps([asdict(one) for one in (*reading.records, *told)])


@every_example
def test_a_scrubbed_exchange_holds_no_planted_word(case: Example) -> None:
    for exchange in case.exchanges:
        example = make_example(poison(exchange))
        assert CANARY.lower() not in json.dumps(example).lower()


def test_no_command_prints_or_writes_a_planted_word(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    har = inbox / f"{CANARY}.har"
    write_har((poison(exchange) for case in EXAMPLES for exchange in case.exchanges), har)
    runner = CliRunner()

    def run(*words: str) -> str:
        result = runner.invoke(main, list(words))
        assert result.exception is None or isinstance(result.exception, SystemExit), (words, result.exception)
        return result.output

    printed = {"import": run("import", str(har))}
    assert printed["import"].replace(str(har), "").replace(har.name, "").count(CANARY) == 0
    for words in PRINTING:
        printed[" ".join(words)] = run(*words)
    for command, output in printed.items():
        if command != "import":  # it may name the file that the person named
            assert CANARY.lower() not in output.lower(), command
    har.unlink()
    assert list(find(home, tmp_path)) == []
    assert {words[0] for words in PRINTING} <= set(COMMANDS)
