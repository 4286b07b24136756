"""A database that another program made or changed: a sentence, no false number, and nothing of theirs runs."""

from __future__ import annotations

import random
import sqlite3
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.test_store import make
from tests.test_store_faults import refused
from tracker.cli import main
from tracker.coverage import Moment
from tracker.record import Feature
from tracker.schema import TABLES
from tracker.store import Added, Store


def loosen(path: Path, table: str) -> sqlite3.Connection:
    """Make a table anew that takes values of any type, as tools do that know no STRICT."""
    other = sqlite3.connect(path, isolation_level=None)
    names = ", ".join(row[1] for row in other.execute(f"PRAGMA table_xinfo({table})"))
    other.execute(f"CREATE TABLE copy AS SELECT {names} FROM {table}")
    other.execute(f"DROP TABLE {table}")
    other.execute(f"ALTER TABLE copy RENAME TO {table}")
    return other


def test_the_names_of_the_tables_are_those_that_are_made(tmp_path: Path) -> None:
    with Store.open(tmp_path / "k.db") as store:
        made = {name for (name,) in store.db.execute("SELECT name FROM pragma_table_list WHERE strict")}
    assert made == TABLES


@pytest.mark.parametrize("table", sorted(TABLES))
def test_a_table_that_takes_any_type_is_refused(tmp_path: Path, table: str) -> None:
    path = tmp_path / "k.db"
    with Store.open(path) as store:
        store.add([make()])
    loosen(path, table).close()
    for readonly in (True, False):
        with refused("changed by another program"):
            Store.open(path, readonly=readonly)


ODD = {
    "a day in another notation": "UPDATE requests SET started_at = '2461000.5'",
    "the end of the calendar": "UPDATE requests SET started_at = '9999-12-31T00:00:00.000Z'",
    "a negative count": "UPDATE requests SET input_tokens = -5",
    "a negative sum": "UPDATE sums SET output_tokens = -9000000000000000000",
    "a broken key of sums": "UPDATE sums SET key = '{'",
    "half a key of sums": "UPDATE sums SET key = '[]'",
    "a beat at no time": "UPDATE heartbeat SET ended_at = 'x'",
    "a beat without a zone": "UPDATE heartbeat SET started_at = '2026-11-16', ended_at = '2026-11-17'",
    "a pause until no time": "INSERT INTO pauses VALUES ('', '2026-01-01T00:00:00.000Z', 'x')",
    "counts that overflow": "UPDATE requests SET input_tokens = 9223372036854775807",
}


@pytest.mark.parametrize("change", ODD)
def test_a_value_that_klimaspor_never_writes_is_a_sentence(tmp_path: Path, change: str) -> None:
    path = tmp_path / "k.db"
    with Store.open(path) as store:
        store.add(make(n) for n in range(4))
        store.beat(Moment(datetime(2026, 11, 16, 9, tzinfo=UTC), "boot", 1.0))
        if "sums" in ODD[change]:
            store.remember_sums(date(2027, 1, 1))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute(ODD[change])
    other.close()
    seen = 0
    for words in (["log"], ["report", "--since", "2026-11-01", "-o", "-"], ["pause"], ["doctor"], ["export"], ["rate"]):
        result = CliRunner().invoke(main, [*words, "--db", str(path)])
        assert result.exit_code in {0, 1}
        assert "not foresee" not in result.output
        seen += "The database" in result.output and str(path) in result.output
    assert seen


def test_a_file_with_bytes_that_were_changed_is_read_or_a_sentence(tmp_path: Path) -> None:
    path, chance = tmp_path / "k.db", random.Random(4)
    with Store.open(path) as store:
        store.add(make(n) for n in range(50))
        store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = path.read_bytes()
    for number in range(80):
        content = bytearray(whole)
        for _ in range(chance.choice((1, 3, 30, 300))):
            content[chance.randrange(100 if number % 3 == 0 else len(content))] = chance.randrange(256)
        path.write_bytes(content)
        for words in (["log"], ["pause", "1h"]):
            result = CliRunner().invoke(main, [*words, "--db", str(path)])
            assert result.exit_code in {0, 1}
            assert "not foresee" not in result.output


def test_a_feature_that_is_not_known_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "k.db"
    with Store.open(path) as store:
        store.add([make(features=(Feature("reasoning", "used"),))])
        store.db.execute(
            "UPDATE requests SET feature_set = 'telepathy.used reasoning.used x {\"a\":1} reasoning.thought'"
        )
        (activity,) = store.activities(date(2026, 1, 1), date(2027, 1, 1))
    assert activity.features == (("reasoning", "used"),)
    assert CliRunner().invoke(main, ["report", "--since", "2026-11-01", "-o", "-", "--db", str(path)]).exit_code == 0


def test_a_trigger_or_a_view_of_somebody_else_does_not_run(tmp_path: Path) -> None:
    path = tmp_path / "k.db"
    with Store.open(path) as store:
        store.add([make(1)])
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("CREATE TRIGGER away AFTER INSERT ON requests BEGIN DELETE FROM requests; END")
    other.execute("CREATE TRIGGER stay BEFORE DELETE ON requests BEGIN SELECT raise(IGNORE); END")
    other.execute("CREATE VIEW theirs AS SELECT 1")
    other.close()
    with Store.open(path) as store:
        assert store.add([make(2)]) == Added(new=1)
        assert len(list(store.records())) == 2
        with refused("changed by another program"), store.reading() as connection:
            connection.execute("SELECT count(*) FROM theirs").fetchone()
    assert CliRunner().invoke(main, ["forget", "--everything", "--yes", "--db", str(path)]).exit_code == 0
    with Store.open(path, readonly=True) as store:
        assert list(store.records()) == []
