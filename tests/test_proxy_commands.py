"""start, stop, status and open as a person runs them: in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from addon.state import ask_status
from tests.bench.aftermath import count, lives
from tests.rig import OPENAI, OTHER, QUESTION, Origin, Reply, completion, free_port, origin
from tracker.store import Store

ROOT = Path(__file__).parent.parent
KLIMASPOR = [sys.executable, "-c", "from tracker.cli import main; main()"]
REDIRECTED = """
import sys
from pathlib import Path
from addon.run import ProxyOptions, serve
folder, port, ca = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
serve(ProxyOptions(db=folder / "klimaspor.db", folder=folder, port=0, upstream_ca=ca,
                   redirect={"*": ("127.0.0.1", port)}), ready=lambda state: print(state.port, flush=True))
"""


def klimaspor(*arguments: str, db: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*KLIMASPOR, *arguments, f"--db={db}"], capture_output=True, text=True, timeout=120, cwd=ROOT, check=False
    )


@contextmanager
def proxy_process(folder: Path, made: Origin) -> Iterator[tuple[subprocess.Popen[str], int]]:
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", REDIRECTED, str(folder), str(made.port), str(made.authority)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def core_dumps() -> Iterator[None]:
    """Whatever this shell says, a program started from here may leave core dumps unless it forbids them itself."""
    if sys.platform == "win32":
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))


@pytest.mark.usefixtures("core_dumps")
def test_start_status_and_stop(tmp_path: Path) -> None:
    db, port = tmp_path / "klimaspor.db", str(free_port())
    started = klimaspor("start", "--detach", "--port", port, db=db)
    try:
        assert started.returncode == 0, started.stderr
        assert f"127.0.0.1:{port}" in started.stdout
        again = klimaspor("start", "--port", port, db=db)
        assert again.returncode == 1
        assert "runs already" in again.stderr
        elsewhere = klimaspor("start", "--port", port, db=tmp_path / "other" / "klimaspor.db")
        assert elsewhere.returncode == 1
        assert port in elsewhere.stderr
        status = klimaspor("status", "--format", "json", db=db)
        answer = json.loads(status.stdout)
        assert (status.returncode, answer["running"], answer["port"]) == (0, True, int(port))
        process = Path(f"/proc/{answer['pid']}/limits")
        if process.exists():
            (line,) = [line for line in process.read_text().splitlines() if line.startswith("Max core")]
            assert line.split()[4:6] == ["0", "0"]
    finally:
        stopped = klimaspor("stop", db=db)
    assert stopped.returncode == 0
    stopped = klimaspor("status", db=db)
    assert stopped.returncode == 1
    assert f"Records: {db}" in stopped.stdout
    assert json.loads(klimaspor("status", "--format", "json", db=db).stdout) == {"running": False, "paused": {}}
    assert "does not run" in klimaspor("stop", db=db).stdout
    assert klimaspor("open", db=db).returncode == 1
    with Store.open(db, readonly=True) as store:
        assert store.db.execute("SELECT clean_stop FROM heartbeat").fetchall() == [(1,)]
    for path in tmp_path.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path.name


def test_a_taken_port_is_told_with_the_program_that_holds_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for more in ([], ["--detach"]):
            result = klimaspor("start", "--port", str(port), *more, db=tmp_path / "klimaspor.db")
            assert result.returncode == 1
            assert f"{port} by " in result.stderr
            assert "--port" in result.stderr
            if sys.platform == "linux":
                assert f"process {os.getpid()}" in result.stderr
            assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--upstream-ca", "/nowhere/company.pem"], "missing"),
        (["--upstream-ca", __file__], "PEM"),
        (["--upstream", "company"], "http://host:port"),
        (["--upstream", "ftp://me:hunter2@company:21"], "http://host:port"),
        (["--local", "ollama"], "ollama=11434"),
        (["--local", "nobody=1234"], "nobody"),
    ],
)
def test_what_cannot_work_is_refused_at_start(tmp_path: Path, arguments: list[str], told: str) -> None:
    result = klimaspor("start", "--port", str(free_port()), *arguments, db=tmp_path / "klimaspor.db")
    assert result.returncode == 1
    assert told in result.stderr
    assert "hunter2" not in result.stderr
    assert "Traceback" not in result.stderr


def test_a_database_that_is_not_ours_is_refused_at_start(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("my own notes, not a database " * 100)
    result = klimaspor("start", "--port", str(free_port()), db=tmp_path / "notes.db")
    assert result.returncode == 1
    assert "not a klimaspor database" in result.stderr
    assert "Traceback" not in result.stderr


def test_stopping_the_proxy_in_mid_answer_records_what_was_heard(tmp_path: Path) -> None:
    pieces, gate = completion(30), threading.Event()
    with (
        origin(tmp_path / "origin", ["api.openai.com", OTHER]) as made,
        proxy_process(tmp_path / "data", made) as (process, port),
    ):
        made.replies["/v1/chat/completions"] = Reply([b"".join(pieces[:20]), *pieces[20:]], gate=gate)
        trust = ssl.create_default_context(cafile=str(tmp_path / "data/authority/klimaspor-ca.crt"))
        with (
            httpx.Client(proxy=f"http://127.0.0.1:{port}", verify=trust, trust_env=False, timeout=20) as session,
            session.stream("POST", OPENAI, json=QUESTION) as response,
        ):
            arriving = response.iter_raw()
            next(arriving)
            process.send_signal(signal.SIGTERM)
            with pytest.raises(httpx.HTTPError):
                list(arriving)
        gate.set()
        assert process.wait(20) == 0
    with Store.open(tmp_path / "data" / "klimaspor.db", readonly=True) as store:
        (record,) = store.records()
        assert record.outcome == "aborted"
        assert store.db.execute("SELECT clean_stop FROM heartbeat").fetchall() == [(1,)]
    assert not (tmp_path / "data" / "proxy.json").exists()


def test_a_killed_proxy_leaves_no_worker_behind_and_no_false_state(tmp_path: Path) -> None:
    with (
        origin(tmp_path / "origin", ["api.openai.com"]) as made,
        proxy_process(tmp_path / "data", made) as (process, port),
    ):
        made.replies["/v1/chat/completions"] = Reply(completion(5))
        trust = ssl.create_default_context(cafile=str(tmp_path / "data/authority/klimaspor-ca.crt"))
        with httpx.Client(proxy=f"http://127.0.0.1:{port}", verify=trust, trust_env=False, timeout=20) as session:
            session.post(OPENAI, json=QUESTION)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        workers = [int(pid) for pid in children.read_text().split()] if children.exists() else []
        written = time.monotonic() + 20
        while not count(tmp_path / "data") and time.monotonic() < written:
            time.sleep(0.05)
        process.kill()
        process.wait(10)
        deadline = time.monotonic() + 15
        while any(map(lives, workers)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(map(lives, workers))
        assert ask_status(tmp_path / "data") is None
    assert count(tmp_path / "data") == 1


def test_nothing_that_passed_is_in_any_file_or_on_the_terminal(tmp_path: Path) -> None:
    canary = "kanarifugl-7261"
    with (
        origin(tmp_path / "origin", ["api.openai.com", OTHER]) as made,
        proxy_process(tmp_path / "data", made) as (process, port),
    ):
        made.replies["/v1/chat/completions"] = Reply(completion(5, name=canary, model="gpt-4o"))
        trust = ssl.create_default_context(cafile=str(tmp_path / "data/authority/klimaspor-ca.crt"))
        with httpx.Client(proxy=f"http://127.0.0.1:{port}", verify=trust, trust_env=False, timeout=20) as session:
            headers = {"cookie": canary, "user-agent": canary, "authorization": canary}
            question = {**QUESTION, "user": canary, "messages": [{"role": "user", "content": canary}]}
            session.post(OPENAI + f"?q={canary}", json=question, headers=headers)
            session.get(f"https://api.openai.com/{canary}", headers=headers)
        with httpx.Client(proxy=f"http://127.0.0.1:{port}", trust_env=False, timeout=20) as session:
            session.get(f"http://{OTHER}/{canary}", headers={"cookie": canary})
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        assert process.stdout is not None
        assert process.stderr is not None
        said = process.stdout.read() + process.stderr.read()
    assert canary not in said
    files = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert any(path.name == "klimaspor.db" for path in files)
    assert [path.name for path in files if canary.encode() in path.read_bytes()] == []
