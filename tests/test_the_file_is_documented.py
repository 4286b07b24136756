"""Every table and column of the public file is in docs/record.md, and its queries run."""

from __future__ import annotations

import re
from pathlib import Path

from tests.test_store import make
from tracker.record import FEATURES
from tracker.store import Store

TEXT = (Path(__file__).parents[1] / "docs" / "record.md").read_text()


def test_every_table_and_column_is_documented(tmp_path: Path) -> None:
    with Store.open(tmp_path / "a.db") as store:
        for table in store.db.table_names():
            if table == "_sqlite_migrations":
                continue
            assert table in TEXT
            columns = [row[1] for row in store.db.execute(f"PRAGMA table_xinfo({table})")]
            if table not in {"sums", "sum_amounts", "summed_days"}:
                assert [column for column in columns if not re.search(rf"\b{column}\b", TEXT)] == [], table
    assert all(feature in TEXT for feature in FEATURES)


def test_the_queries_in_the_document_run(tmp_path: Path) -> None:
    (queries,) = re.findall(r"```sql\n(.*?)```", TEXT, re.DOTALL)
    with Store.open(tmp_path / "a.db") as store:
        store.add([make()])
        *_, last = [store.db.execute(query).fetchall() for query in queries.split(";") if query.strip()]
    assert last == [("counted", 1, 100)]
