"""Real recordings, where they are: the readers agree with an independent reading, host by host."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from addon.exchange import Chunk, Exchange
from addon.reader import Reader
from tests.captures import FOLDER, compare, differ
from tests.examples import KEY, load_examples, read_example
from tracker.cli import main
from tracker.store import Store

where_they_are = pytest.mark.skipif(
    not FOLDER.is_dir(),
    reason=f"did not run: the recordings are not here ({FOLDER}); they are no part of the repository",
)


@where_they_are
def test_every_host_agrees_to_99_in_100() -> None:
    hosts = compare()
    assert sum(told.comparable for told in hosts.values()) > 300
    for host, told in hosts.items():
        assert told.agreeing >= 0.99 * told.comparable, (host, told.differences)


@where_they_are
def test_every_recording_goes_through_import_into_one_database(tmp_path: Path) -> None:
    paths = sorted((FOLDER / "api").glob("*.har"))
    db = tmp_path / "klimaspor.db"
    for round_number in (1, 2):
        arguments = [*map(str, paths), "--db", str(db), "--format", "json"]
        result = CliRunner().invoke(main, ["import", *arguments])
        assert result.exit_code == 0, result.output
        told = json.loads(result.stdout)
        assert all(one["left_out"] == [] and one["fault"] is None for one in told)
        assert (sum(one["new"] for one in told) > 400) is (round_number == 1)
        assert (sum(one["new"] for one in told) == 0) is (round_number == 2)
    with Store.open(db, readonly=True) as store:
        assert all(record.source == "har" for record in store.records())


@where_they_are
def test_copilot_in_the_editor_is_read_right() -> None:
    """Numbers as an eye finds them in the recording's last event."""
    exchange = Exchange(
        method="POST",
        host="api.githubcopilot.com",
        path="/chat/completions",
        status=200,
        response_headers={"content-type": "text/event-stream"},
        chunks=(Chunk(5, (FOLDER / "copilot-ide.response.sse").read_bytes()),),
        started_at=datetime(2026, 11, 16, tzinfo=UTC),
    )
    (record,) = Reader(KEY).read(exchange).records
    assert (record.service, record.response_model, record.outcome) == (
        "copilot-ide",
        "gpt-4o-mini-2024-07-18",
        "complete",
    )
    assert (record.input_tokens, record.output_tokens, record.cached_input_tokens) == (1193, 47, 0)


def test_the_comparison_sees_a_difference() -> None:
    """The comparison itself is tested where no recordings are: a wrong number, a missing row, a row too many."""
    case = next(case for case in load_examples() if (case.service, case.path.stem) == ("openai-api", "chat"))
    records = read_example(case).records
    right = {
        "counts": True,
        "input_tokens": 31,
        "output_tokens": 24,
        "cached_input_tokens": 0,
        "reasoning_tokens": None,
    }
    assert differ(records, right) == []
    assert differ(records, {**right, "output_tokens": 25}) == ["output_tokens"]
    assert differ((), right) == ["no row"]
    assert differ(records, {"counts": False}) == ["a row that should not be"]
