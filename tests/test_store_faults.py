"""A database that cannot be used is a sentence, never a traceback, and nothing that was written is lost."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

import tracker.opening
from tests.test_store import make
from tracker.key import KeyFileError, load_key
from tracker.store import Added, NoDatabaseError, Store, StoreError

AS_ROOT = os.geteuid() == 0


@contextmanager
def refused(*words: str) -> Iterator[None]:
    with pytest.raises(StoreError) as error:
        yield
    sentence = str(error.value)
    assert sentence.count(" · ") == 2
    for word in words:
        assert word in sentence


def test_a_locked_database_is_a_sentence_and_the_next_try_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "k.db"
    Store.open(path).close()
    other = sqlite3.connect(path)
    with Store(tracker.opening.open_database(path, readonly=False, busy_timeout_s=0.1), path) as store:
        other.execute("BEGIN IMMEDIATE")
        with refused("locked"):
            store.add([make()])
        other.rollback()
        other.close()
        assert store.add([make()]) == Added(new=1)


@pytest.mark.parametrize("content", [b"hello, I am a text file\n" * 100, b"SQLite format 3\x00" + b"\x07" * 90])
def test_another_programs_file_is_refused_and_not_touched(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "k.db"
    path.write_bytes(content)
    with refused("not a klimaspor database"):
        Store.open(path)
    assert path.read_bytes() == content


def test_another_programs_database_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "k.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE precious (a)")
    other.close()
    before = path.read_bytes()
    for readonly in (True, False):
        with refused("not a klimaspor database"):
            Store.open(path, readonly=readonly)
    assert path.read_bytes() == before


def test_a_database_of_a_newer_klimaspor_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "k.db"
    with Store.open(path) as store:
        store.db.execute("PRAGMA user_version = 1000")
    for readonly in (True, False):
        with refused("newer klimaspor"):
            Store.open(path, readonly=readonly)


def test_a_damaged_database_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "k.db"
    with Store.open(path) as store:
        store.add(make(n) for n in range(2000))
        store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with refused("damaged"), Store.open(path) as store:
        store.activities(date(2026, 1, 1), date(2027, 1, 1))


def test_no_database_yet_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(NoDatabaseError, match="klimaspor try"):
        Store.open(tmp_path / "none.db", readonly=True)
    assert list(tmp_path.iterdir()) == []


def test_a_path_that_cannot_hold_a_database_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with refused("file"):
        Store.open(tmp_path / "file" / "k.db")
    with refused("k.db"):
        (tmp_path / "k.db").mkdir()
        Store.open(tmp_path / "k.db")


@pytest.mark.skipif(AS_ROOT, reason="root may write everywhere")
def test_a_read_only_database_can_be_read_and_says_so_when_written(tmp_path: Path) -> None:
    path = tmp_path / "k.db"
    with Store.open(path) as store:
        store.add([make()])
    path.chmod(0o400)
    tmp_path.chmod(0o500)
    try:
        with Store.open(path, readonly=True) as store:
            assert len(list(store.records())) == 1
        with refused("read-only"):
            Store.open(path)
    finally:
        tmp_path.chmod(0o700)


def test_writing_to_a_database_opened_for_reading_is_a_sentence(tmp_path: Path) -> None:
    Store.open(tmp_path / "k.db").close()
    with Store.open(tmp_path / "k.db", readonly=True) as store, refused("read-only"):
        store.add([make()])


def test_a_full_disk_is_a_sentence_and_keeps_what_was_there(tmp_path: Path) -> None:
    with Store.open(tmp_path / "k.db") as store:
        store.add([make(0)])
        pages = store.db.execute("PRAGMA page_count").fetchone()[0]
        store.db.execute(f"PRAGMA max_page_count = {pages + 1}")
        with refused("disk is full"):
            store.add(make(n) for n in range(1, 5000))
        assert len(list(store.records())) == 1
        store.db.execute("PRAGMA max_page_count = 1000000")
        assert store.add([make(1)]) == Added(new=1)


WRITER = """
import sys
from pathlib import Path
from tests.test_store import make
from tracker.store import Store
with Store.open(Path(sys.argv[1])) as store:
    for number in range(100_000):
        store.add([make(2 * number, features=()), make(2 * number + 1)])
        print(number, flush=True)
"""


def test_killed_in_the_middle_of_writing_keeps_every_committed_pair(tmp_path: Path) -> None:
    path = tmp_path / "k.db"
    written = 0
    chance = random.Random(5)
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]
        )
        assert process.stdout is not None
        line = process.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.3))
        process.send_signal(signal.SIGKILL)
        lines = (line + process.stdout.read()).split("\n")
        process.stdout.close()
        process.wait()
        written = max(written, *(int(number) + 1 for number in lines if number))
        with Store.open(path, readonly=True) as store:
            assert store.db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            count = len(list(store.records()))
            assert count % 2 == 0
            assert count >= 2 * written
    assert written > 0


def test_killed_while_the_file_is_made_leaves_a_file_that_can_be_used(tmp_path: Path) -> None:
    path = tmp_path / "k.db"
    sqlite3.connect(path).execute("PRAGMA journal_mode = WAL").connection.close()
    with Store.open(path) as store:
        assert store.add([make()]) == Added(new=1)


def test_two_programs_may_make_the_database_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.test_store import make; from tracker.store import Store\n"
        "from tracker.key import load_key\n"
        "print(load_key(Path(sys.argv[1])).hex())\n"
        "with Store.open(Path(sys.argv[1])) as store: store.add([make(int(sys.argv[2]))])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "new" / "k.db")]
    both = [
        subprocess.Popen([*command, str(n)], cwd=Path(__file__).parents[1], stdout=subprocess.PIPE, text=True)
        for n in range(4)
    ]
    keys = {process.communicate()[0] for process in both}
    assert [process.returncode for process in both] == [0] * 4
    assert len(keys) == 1
    with Store.open(tmp_path / "new" / "k.db", readonly=True) as store:
        assert len(list(store.records())) == 4


def test_the_key_is_made_once_and_a_damaged_one_is_not_replaced(tmp_path: Path) -> None:
    key = load_key(tmp_path / "k.db")
    assert len(key) == 32
    assert load_key(tmp_path / "k.db") == key
    assert (tmp_path / "k.key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "k.key").write_bytes(b"short")
    with pytest.raises(KeyFileError, match="damaged"):
        load_key(tmp_path / "k.db")
    assert (tmp_path / "k.key").read_bytes() == b"short"
