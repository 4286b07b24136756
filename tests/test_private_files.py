"""Files that are for this person alone: whole or not at all, whoever else is writing."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tracker.private import make_private_folder, make_whole, write_whole


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=["with hard links", "without"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder; once on a file system such as FAT, which knows no hard links."""
    if request.param == "without":

        def link(_source: object, _target: object) -> None:
            raise PermissionError

        monkeypatch.setattr(os, "link", link)
    return tmp_path


def test_of_many_who_make_a_file_at_once_one_is_first_and_the_others_find_it(folder: Path) -> None:
    path = folder / "key"
    with ThreadPoolExecutor(8) as pool:
        first = list(pool.map(lambda n: make_whole(path, bytes([n]) * 32), range(8)))
    assert first.count(True) == 1
    assert path.read_bytes() == bytes([first.index(True)]) * 32
    assert mode(path) == 0o600
    assert list(folder.iterdir()) == [path]


def test_a_reader_sees_the_old_file_or_the_new_one_and_nothing_between(tmp_path: Path) -> None:
    path = tmp_path / "state"
    write_whole(path, "a" * 100_000)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(lambda: [write_whole(path, letter * 100_000) for letter in "bcdefghij" * 5])
        while not writing.done():
            text = path.read_text()
            assert len(text) == 100_000
            assert len(set(text)) == 1
        writing.result()


def test_what_cannot_be_written_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    write_whole(path, "old", to_disk=True)
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "\ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_another_mode_is_taken_where_it_is_asked_for(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_whole(tmp_path / "policy", "for all to read", 0o644)
    finally:
        os.umask(before)
    assert mode(tmp_path / "policy") == 0o644


def test_a_folder_is_made_private_and_one_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "a" / "b")
    assert mode(tmp_path / "a" / "b") == 0o700
    (tmp_path / "c").mkdir(mode=0o755)
    (tmp_path / "c").chmod(0o755)
    make_private_folder(tmp_path / "c")
    assert mode(tmp_path / "c") == 0o755
