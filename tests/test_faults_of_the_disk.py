"""A disk that is full or read-only, more than can be read, a service that is down: each with a proxy of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

import addon.run
from addon.jobs import HEAVIEST_QUEUE
from addon.run import ProxyError
from tests.rig import free_port
from tests.rogue import URL, Rogue, answer, proxied, question
from tests.test_store import make
from tracker.store import Store, StoreError


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of its own, if this process may mount one."""
    folder.mkdir()
    mounted = sys.platform == "linux" and shutil.which("mount") is not None
    mounted = (
        mounted
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(folder)],
            capture_output=True,
            check=False,
        ).returncode
    )
    if not mounted:
        pytest.skip("did not run: no file system can be mounted here (needs root on Linux)")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_delays_the_rows_and_says_so(tmp_path: Path, origin: Rogue) -> None:
    with small_disk(tmp_path / "disk", "1500k") as disk, proxied(tmp_path / "data", origin, db=disk / "k.db") as way:
        way.ask("right", "chatcmpl-before-full")
        assert way.count(1) == 1
        ballast = disk / "ballast"
        with pytest.raises(OSError, match="No space left"):
            ballast.write_bytes(b"x" * 4_000_000)  # as much of it as there is room for
        for n in range(40):
            name = f"chatcmpl-full-{n}"
            assert way.ask("right", name) == answer(name)
        way.proxy.ear.beat({"at": time.time(), "clean_stop": False, "counters": {}, "passed": []})
        before = len(way.records())
        assert before < 41
        assert "disk is full" in (way.proxy.ear.trouble or "").lower() + "".join(way.told).lower()
        ballast.unlink()
        assert way.count(41) == 41
        way.proxy.ear.beat({"at": time.time(), "clean_stop": False, "counters": {}, "passed": []})
        way.proxy.settle()
        assert way.proxy.ear.trouble is None


def test_a_read_only_file_system_can_be_read_and_is_refused_at_start(tmp_path: Path, origin: Rogue) -> None:
    with small_disk(tmp_path / "disk", "4m") as disk:
        with Store.open(disk / "k.db") as store:
            store.add([make(n) for n in range(3)])
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with Store.open(disk / "k.db", readonly=True) as store:
            assert len(list(store.records())) == 3
        with pytest.raises(StoreError, match="read-only"):
            Store.open(disk / "k.db")
        with pytest.raises(ProxyError, match="read-only"), proxied(tmp_path / "data", origin, db=disk / "k.db"):
            pass


@contextmanager
def failing_disk(folder: Path) -> Iterator[tuple[Path, Path]]:
    """A disk that turns read-only when one writes to the second path, as after an error of the hardware."""
    image = folder.with_suffix(".img")
    image.write_bytes(bytes(24_000_000))
    folder.mkdir()
    formatted = shutil.which("mkfs.ext4") and not _run("mkfs.ext4", "-q", "-F", str(image))
    if not formatted or _run("mount", "-o", "loop,errors=remount-ro", str(image), str(folder)):
        pytest.skip("did not run: no disk can be made and mounted here (needs root and ext4 on Linux)")
    try:
        with Path("/proc/mounts").open() as mounts:
            device = next(line.split()[0] for line in mounts if line.split()[1] == str(folder))
        switch = Path("/sys/fs/ext4", Path(device).name, "trigger_fs_error")
        if not switch.exists():
            pytest.skip("did not run: this system cannot be told that a disk fails")
        yield folder, switch
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _run(*command: str) -> int:
    return subprocess.run(command, capture_output=True, check=False).returncode


def test_a_disk_that_turns_read_only_meanwhile_costs_no_byte_and_no_row_that_was_written(
    tmp_path: Path, origin: Rogue
) -> None:
    with failing_disk(tmp_path / "disk") as (disk, switch):
        with proxied(tmp_path / "data", origin, db=disk / "k.db") as way:
            way.ask("right", "chatcmpl-before")
            assert way.count(1) == 1
            switch.write_text("1")
            for n in range(3):
                assert way.ask("right", f"chatcmpl-{n}") == answer(f"chatcmpl-{n}")
            way.proxy.ear.beat({"at": time.time(), "clean_stop": False, "counters": {}, "passed": []})
            way.proxy.settle()
            assert "The disk failed" in (way.proxy.ear.trouble or "")
        assert [line for line in way.told if "The disk failed" in line] != []
        shutil.copytree(disk, tmp_path / "copy", ignore=shutil.ignore_patterns("lost+found"))
    with Store.open(tmp_path / "copy" / "k.db") as store:
        assert store.db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert len(list(store.records())) == 1


def test_when_reading_cannot_keep_up_the_chat_goes_on_and_what_is_left_out_is_counted(
    tmp_path: Path, origin: Rogue
) -> None:
    with proxied(tmp_path, origin) as way:
        way.ask("right", "chatcmpl-warm")
        before = way.count(1)
        process = way.proxy.ear.process
        assert process is not None
        os.kill(process.pid, signal.SIGSTOP)
        large = answer("chatcmpl-large", 6000)
        turns = HEAVIEST_QUEUE // len(large) + 12
        try:
            with way.client() as session:
                slowest = 0.0
                for _ in range(turns):
                    started = time.monotonic()
                    assert session.post(URL, json=question("right", "chatcmpl-large", 6000)).content == large
                    slowest = max(slowest, time.monotonic() - started)
            assert slowest < 3
            assert way.proxy.ear.counters.handed == turns + 1
        finally:
            os.kill(process.pid, signal.SIGCONT)
        lost = {unread.reason: unread.n for unread in way.unread()}
        assert 0 < lost["overload"] < turns
        assert way.count(before + 1) == before + 1  # the same answer again and again is one row
        counters = way.proxy.ear.counters
        assert counters.read + counters.lost["overload"] == turns + 1


def test_a_service_that_is_down_is_told_and_leaves_nothing(tmp_path: Path, origin: Rogue) -> None:
    nobody = Rogue(free_port(), origin.authority, origin.quiet)
    with proxied(tmp_path, nobody) as way:
        with way.client() as session, pytest.raises(httpx.ProxyError, match="502"):
            session.post(URL, json=question())
        assert way.records() == {}
        assert way.unread() == []
    assert [path for path in tmp_path.iterdir() if "under-way" in path.name] == []  # nothing was under way
    with proxied(tmp_path, origin) as way:
        assert len(way.fresh(lambda: way.ask("right", "chatcmpl-up-again"))) == 1


@pytest.mark.parametrize("how", ["removed", "removed with all beside it", "an earlier one put there"])
def test_a_database_that_is_removed_or_replaced_meanwhile_costs_no_later_row(
    tmp_path: Path, origin: Rogue, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(addon.run, "BEAT_S", 0.2)
    place = tmp_path / "records"
    with proxied(tmp_path / "data", origin, db=place / "k.db") as way:
        way.ask("right", "chatcmpl-first")
        assert way.count(1) == 1
        backup = tmp_path / "backup.db"
        with Store.open(place / "k.db", readonly=True) as store:
            store.db.execute("VACUUM INTO ?", [str(backup)])
        way.ask("right", "chatcmpl-second")
        assert way.count(2) == 2
        if how == "removed with all beside it":
            shutil.rmtree(place)
        else:
            for path in place.glob("k.db*"):
                path.unlink()
        if how == "an earlier one put there":
            shutil.copy(backup, place / "k.db")
        before = way.proxy.ear.process
        _wait_for(lambda: way.proxy.ear.process not in {before, None} and (place / "k.db").exists())
        assert way.ask("right", "chatcmpl-third") == answer("chatcmpl-third")
        assert way.count(2 if how == "an earlier one put there" else 1) == (2 if "put" in how else 1)
        assert way.unread() == []


def _wait_for(is_there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_there():
        assert time.monotonic() < deadline
        time.sleep(0.05)
