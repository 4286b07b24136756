"""What lies where a file of ours should, and files that a command leaves: no wait without end, nothing half written."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.test_store import make
from tracker.private import read_json, read_plain
from tracker.store import Store

ROOT = Path(__file__).parent.parent
OLD = "what was there before\n"


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "home" / "k.db"
    with Store.open(path) as store:
        store.add(make(n) for n in range(400))
    return path


def run(*words: object, small_disk: bool = False) -> subprocess.CompletedProcess[str]:
    """Run the real command; with a small disk no file can grow beyond what the database keeps beside itself."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (32 << 10, 32 << 10))

    return subprocess.run(
        [sys.executable, "-m", "tracker", *map(str, words)], capture_output=True, text=True, cwd=ROOT, timeout=60,
        check=False, stdin=subprocess.DEVNULL, preexec_fn=limit if small_disk else None,
    )  # fmt: skip


def put(path: Path, what: str) -> None:
    """Put something at a place that is no small file, or the end of which never comes."""
    path.unlink(missing_ok=True)
    match what:
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "folder":
            path.mkdir()
        case _:
            with path.open("wb") as file:
                file.truncate(1 << 40)


@pytest.mark.parametrize("what", ["pipe", "device", "folder", "terabyte"])
@pytest.mark.parametrize(
    ("name", "command"),
    [("k.toml", ["today"]), ("bots.toml", ["services"]), ("k.key", ["import", "nothing.har"])],
    ids=["settings", "bots", "key"],
)
def test_what_is_no_small_file_is_a_sentence_in_the_place_of_ours(
    db: Path, name: str, command: list[str], what: str
) -> None:
    put(db.parent / name, what)
    (db.parent / "nothing.har").write_text('{"log": {"entries": []}}')
    words = [str(db.parent / word) if word.endswith(".har") else word for word in command]
    ended = run(*words, "--db", db)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: The ")
    assert ended.stderr.count(" · ") == 2
    assert name in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize("what", ["pipe", "device", "terabyte", "deep"])
def test_a_small_file_is_read_at_once_or_not_at_all(tmp_path: Path, what: str) -> None:
    path = tmp_path / "file"
    if what == "deep":
        path.write_text("[" * 200_000)
        assert len(read_plain(path)) == 200_000
    else:
        put(path, what)
        with pytest.raises(OSError):
            read_plain(path)
    with pytest.raises((OSError, ValueError)):
        read_json(path)


@pytest.mark.parametrize("command", [["log"], ["report"], ["pause", "1h"]], ids=" ".join)
def test_a_pipe_is_no_database(tmp_path: Path, command: list[str]) -> None:
    os.mkfifo(tmp_path / "k.db")
    ended = run(*command, "--db", tmp_path / "k.db")
    assert ended.returncode == 1
    assert ended.stderr == f"Error: This is not a file · {tmp_path / 'k.db'} · choose another place with --db\n"


@pytest.mark.parametrize("end", ["-journal", "-wal", "-shm"])
@pytest.mark.parametrize("command", [["log"], ["pause", "1h"]], ids=" ".join)
def test_a_pipe_beside_the_database_is_not_waited_for(db: Path, command: list[str], end: str) -> None:
    os.mkfifo(f"{db}{end}")
    ended = run(*command, "--db", db)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"Error: This is not a file · {db}{end} · ")


@pytest.mark.parametrize("what", ["pipe", "device"])
@pytest.mark.parametrize("name", ["a.har", "flows", "conversations.json", "a.zip", "session.jsonl", "opencode.db"])
def test_what_has_no_end_is_not_imported(db: Path, name: str, what: str) -> None:
    put(db.parent / name, what)
    ended = run("import", db.parent / name, "--db", db)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"Error: Cannot tell what this is · {name} · ")


@pytest.mark.parametrize("what", ["pipe", "device"])
def test_what_has_no_end_is_no_policy_and_no_grid(db: Path, what: str) -> None:
    odd = db.parent / "odd"
    put(odd, what)
    ended = run("team", "remind", odd, "--db", db)
    assert (ended.returncode, ended.stderr.split(" (")[0]) == (1, "Error: The policy cannot be read")
    db.with_suffix(".toml").write_text(f'[footprint]\nhourly = "{odd}"\n')
    ended = run("report", "--since", "2026-11-01", "-o", "-", "--db", db)
    assert (ended.returncode, ended.stderr.split(" · ")[0]) == (1, "Error: The hourly grid file cannot be read")


def test_a_name_that_is_none_is_no_database(tmp_path: Path) -> None:
    ended = run("log", "--db", "")
    assert ended.returncode == 2
    assert "is not the name of a file" in ended.stderr


LEAVING = {
    "report": ["report", "--since", "2026-11-01", "--until", "2026-11-20"],
    "report as a table": ["report", "--since", "2026-11-01", "--until", "2026-11-20", "--format", "csv"],
    "export": ["export"],
}


@pytest.mark.parametrize("command", ["report", "export"])
def test_a_disk_that_is_full_costs_no_file_that_was_there(db: Path, tmp_path: Path, command: str) -> None:
    out = tmp_path / "left"
    out.write_text(OLD)
    ended = run(*LEAVING[command], "-o", out, "--db", db, small_disk=True)
    assert ended.returncode == 1
    assert "could not be written (File too large)" in ended.stderr
    assert out.read_text() == OLD
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "left"]


@pytest.mark.parametrize("command", LEAVING)
def test_a_file_is_replaced_with_its_rights_and_a_link_stays_a_link(db: Path, tmp_path: Path, command: str) -> None:
    out, link = tmp_path / "left", tmp_path / "link"
    out.write_text(OLD)
    out.chmod(0o600)
    link.symlink_to(out)
    assert run(*LEAVING[command], "-o", link, "--db", db).returncode == 0
    assert link.is_symlink()
    assert OLD not in out.read_text()
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


@pytest.mark.parametrize("command", LEAVING)
def test_a_pipe_takes_what_is_written_and_stays_a_pipe(db: Path, tmp_path: Path, command: str) -> None:
    pipe, heard = tmp_path / "pipe", []
    os.mkfifo(pipe)
    listener = threading.Thread(target=lambda: heard.append(pipe.read_bytes()), daemon=True)
    listener.start()
    assert run(*LEAVING[command], "-o", pipe, "--db", db).returncode == 0
    listener.join(20)
    assert [len(text) > 1000 for text in heard] == [True]
    assert pipe.is_fifo()


def test_a_name_as_long_as_can_be_is_written(db: Path, tmp_path: Path) -> None:
    assert run("export", "-o", tmp_path / ("a" * 255), "--db", db).returncode == 0
    ended = run("export", "-o", tmp_path / ("a" * 256), "--db", db)
    assert ended.returncode == 1
    assert "could not be written" in ended.stderr
