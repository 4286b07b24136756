"""What is exported comes back as the same rows, runs in no spreadsheet, and brings nothing foreign in."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_store import make
from tracker.cli import main
from tracker.exports import COLUMNS, NotARecordError, read_csv, read_json_lines, write_csv, write_json_lines
from tracker.record import FEATURES, Feature, Record
from tracker.store import Store

COUNTS = st.none() | st.integers(0, 10**12)
RECORDS = st.lists(
    st.builds(
        make,
        st.integers(0, 10_000),
        revision=st.integers(1, 9),
        utc_offset_minutes=st.integers(-720, 840),
        request_model=st.sampled_from([None, "@cf/meta/llama-3.1-8b-instruct", "gpt-5.5", "custom"]),
        effort=st.sampled_from([None, "high"]),
        input_tokens=COUNTS,
        reasoning_tokens=COUNTS,
        media_seconds=st.none() | st.floats(0, 1e6),
        conversation=st.sampled_from([None, "c" * 32]),
        client=st.sampled_from([None, "cli/claude-code"]),
        outcome=st.sampled_from(["complete", "aborted", "refused"]),
        source=st.sampled_from(["proxy", "har", "agent-log"]),
        features=st.lists(
            st.builds(Feature, st.sampled_from(FEATURES), st.sampled_from(["asked", "used"]), COUNTS),
            max_size=3,
            unique_by=lambda feature: (feature.feature, feature.state),
        ).map(lambda found: tuple(sorted(found, key=lambda f: (f.feature, f.state)))),
    ),
    max_size=6,
    unique_by=lambda record: record.id,
)


@settings(max_examples=60, deadline=None)
@given(RECORDS)
def test_records_come_back_as_they_went_out(records: list[Record]) -> None:
    for write, read in ((write_csv, read_csv), (write_json_lines, read_json_lines)):
        file = io.StringIO(newline="")
        assert write(records, file) == len(records)
        file.seek(0)
        assert list(read(file)) == records


@pytest.mark.parametrize("name", ["records.csv", "records.jsonl"])
def test_an_export_into_an_empty_database_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    features = (Feature("reasoning", "asked"), Feature("web_search", "used", 3))
    with Store.open(tmp_path / "a.db") as store:
        store.add(
            [make(n, revision=2, features=features, media_seconds=1.5, request_model="gpt-4o") for n in range(1200)]
        )
        before = list(store.records())
    runner = CliRunner()
    out = tmp_path / name
    assert runner.invoke(main, ["export", "--db", str(tmp_path / "a.db"), "-o", str(out)]).exit_code == 0
    result = runner.invoke(main, ["import", "--db", str(tmp_path / "b.db"), str(out)])
    assert result.exit_code == 0, result.output
    assert "1200 new" in result.output
    with Store.open(tmp_path / "b.db", readonly=True) as store:
        assert list(store.records()) == before
    assert "1200 known" in runner.invoke(main, ["import", "--db", str(tmp_path / "b.db"), str(out)]).output


def test_no_cell_can_be_taken_for_a_formula() -> None:
    file = io.StringIO(newline="")
    write_csv([make(request_model="@SUM", response_model="=1+1", effort="+1", client="-1")], file)
    rows = list(csv.reader(file.getvalue().splitlines()))
    assert tuple(rows[0]) == COLUMNS
    for cell in rows[1]:
        assert not cell.startswith(("=", "+", "-", "@", "\t"))


@pytest.mark.parametrize(
    "changes",
    [
        {"service": "my secret\x1b[31m"}, {"effort": "=cmd()"}, {"id": "x"}, {"started_at": "2026-13-40T99:00:00.000Z"},
        {"started_at": "9999-12-31T23:59:59.999Z"}, {"started_at": "1969-12-31T23:59:59.000Z"}, {"input_tokens": 2**53},
        {"input_tokens": -5}, {"input_tokens": 1.5}, {"output_tokens": True}, {"media_seconds": float("nan")},
        {"features": [{"feature": "kanarifugl", "state": "used", "amount": 1}]}, {"features": "x"}, {"extra": 1},
        {"outcome": None}, {"conversation": "Jane"}, {"source": "elsewhere"}, {"revision": None},
    ],
)  # fmt: skip
def test_a_row_that_is_not_ours_is_named_by_its_column_and_left_out(changes: dict[str, object]) -> None:
    file = io.StringIO()
    write_json_lines([make()], file)
    line = json.dumps(json.loads(file.getvalue()) | changes)
    ((found),) = list(read_json_lines([line]))
    assert isinstance(found, NotARecordError)
    assert "kanarifugl" not in str(found)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_no_text_breaks_the_reading(text: str) -> None:
    for found in read_json_lines(text.splitlines()):
        assert isinstance(found, NotARecordError)
    with_head = io.StringIO(",".join(COLUMNS) + "\n" + text.replace("\0", ""), newline="")
    for found in read_csv(with_head):
        assert isinstance(found, NotARecordError)


def test_a_failed_export_leaves_the_old_file_alone(tmp_path: Path) -> None:
    Store.open(tmp_path / "a.db").close()
    (tmp_path / "dir").mkdir()
    result = CliRunner().invoke(main, ["export", "--db", str(tmp_path / "a.db"), "-o", str(tmp_path / "dir")])
    assert result.exit_code == 1
    assert "could not be written" in result.output
    (tmp_path / "old.csv").write_text("mine")
    result = CliRunner().invoke(main, ["export", "--db", str(tmp_path / "none.db"), "-o", str(tmp_path / "old.csv")])
    assert result.exit_code == 1
    assert (tmp_path / "old.csv").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.glob(".*")) == []


def test_an_export_goes_to_the_screen_unless_told_otherwise(tmp_path: Path) -> None:
    with Store.open(tmp_path / "a.db") as store:
        store.add([make(1), replace(make(2), started_at="2026-11-20T00:00:00.000Z")])
    result = CliRunner().invoke(main, ["export", "--db", str(tmp_path / "a.db"), "--since", "2026-11-18"])
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 2
