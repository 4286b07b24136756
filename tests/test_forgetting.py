"""Forgetting removes what was chosen, down to the last byte, and nothing else."""

from __future__ import annotations

import sqlite3
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.test_store import MONDAY, make
from tracker.forgetting import Choice, forget, preview
from tracker.record import Feature, Unread
from tracker.store import Rating, Store, StoreError

TALK = "c0ffee" + "0" * 26


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "klimaspor.db") as opened:
        opened.add(make(n, conversation=TALK, features=(Feature("tool", "used", 1),)) for n in range(3))
        opened.add([make(5, service="claude"), make(7, started_at="2026-11-20T10:00:00.000Z")])
        opened.rate(Rating(TALK, "conversation", 4, None, "2026-11-16T12:00:00.000Z"))
        opened.add_unread([Unread(day="2026-11-16", service="claude", shape="", reason="ValueError")])
        yield opened


def left(store: Store) -> int:
    return len(list(store.records()))


@pytest.mark.parametrize(
    ("choice", "removed"),
    [
        (Choice(MONDAY, MONDAY + timedelta(days=1)), (4, 1, 1)),
        (Choice(service="claude"), (1, 0, 1)),
        (Choice(conversation="c0ffee"), (3, 1, 0)),
        (Choice(since=date(2026, 11, 20)), (1, 0, 0)),
        (Choice(since=date(2026, 12, 1)), (0, 0, 0)),
        (Choice(), (5, 1, 1)),
    ],
)
def test_what_is_chosen_goes_and_nothing_else(store: Store, choice: Choice, removed: tuple[int, int, int]) -> None:
    found = preview(store, choice)
    assert (found.records, found.ratings, found.counters) == removed
    assert left(store) == 5
    assert forget(store, choice) == found
    assert left(store) == 5 - removed[0]
    features = store.db.execute("SELECT count(*) FROM features WHERE request_id NOT IN (SELECT id FROM requests)")
    assert features.fetchone() == (0,)


def test_the_rating_stays_as_long_as_a_turn_of_its_conversation_does(store: Store) -> None:
    store.add([make(9, conversation=TALK, started_at="2026-11-21T10:00:00.000Z")])
    forget(store, Choice(MONDAY, MONDAY + timedelta(days=1)))
    assert len(store.ratings()) == 1
    forget(store, Choice(conversation=TALK))
    assert store.ratings() == []


@pytest.mark.parametrize("overwritten", [True, False], ids=["rows overwritten", "rows left to the rewriting"])
def test_no_byte_is_left_in_the_file_or_beside_it(store: Store, overwritten: bool) -> None:
    assert store.db.execute("PRAGMA secure_delete").fetchone() == (1,)
    store.db.execute(f"PRAGMA secure_delete = {overwritten:d}")
    store.add([make(n, request_model="gpt-4o-mini-transcribe-2025-12-15", started_at="2026-11-22T10:00:00.000Z")
               for n in range(1000, 1200)])  # fmt: skip
    store.remember_sums(date(2026, 12, 1))
    store.db.execute("PRAGMA wal_checkpoint(PASSIVE)")
    content = b"".join(path.read_bytes() for path in store.path.parent.iterdir())
    assert b"mini-transcribe" in content
    forget(store, Choice(since=date(2026, 11, 22)))
    content = b"".join(path.read_bytes() for path in store.path.parent.iterdir())
    assert b"mini-transcribe" not in content
    assert left(store) == 5


def test_a_program_that_still_reads_the_old_state_is_told_of(store: Store) -> None:
    store.db.execute("PRAGMA busy_timeout = 100")
    other = sqlite3.connect(store.path)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM requests").fetchone()
    with pytest.raises(StoreError, match="another program"):
        forget(store, Choice())
    other.close()
    assert left(store) == 0
    assert forget(store, Choice()).records == 0
