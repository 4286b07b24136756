"""A running proxy writes the finished week's report by itself, where that was asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from addon.errand import EVERY_BEATS, Errand
from tests.organisation import use
from tracker.store import Store


def last_monday() -> str:
    today = datetime.now(UTC).astimezone().date()
    return (today - timedelta(days=today.weekday() + 7)).isoformat()


def beat(errand: Errand, times: int) -> None:
    for _ in range(times):
        errand.beat()
        errand.wait()


def test_the_missing_week_is_written_within_the_first_two_beats_and_only_if_it_was_asked_for(tmp_path: Path) -> None:
    db = tmp_path / "klimaspor.db"
    with Store.open(db) as store:
        store.add(use(1, 5, last_monday()))
    beat(Errand(db), 3)
    assert not (tmp_path / "reports").exists()
    db.with_suffix(".weekly").touch()
    beat(Errand(db), 2)
    pages = list((tmp_path / "reports").glob("*-W*.html"))
    assert len(pages) == 1


def test_it_looks_once_an_hour(tmp_path: Path) -> None:
    db = tmp_path / "klimaspor.db"
    db.with_suffix(".weekly").touch()
    errand = Errand(db)
    beat(errand, 2)
    first = errand._process
    beat(errand, EVERY_BEATS - 1)
    assert errand._process is first
    beat(errand, 1)
    assert errand._process is not first
