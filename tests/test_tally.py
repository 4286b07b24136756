"""The count of answers under way outlives a proxy that is killed, and names nothing but services."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.ear import WorkerEar
from addon.outbox import LARGEST_HEAP, Outbox
from addon.reading import NOTHING, Reading
from addon.tally import SLOTS, Tally, left_of, leftovers, name_of
from tests.test_store import make
from tracker.forgetting import Choice, forget
from tracker.marks import marks_of
from tracker.record import Unread
from tracker.report import view_trust
from tracker.report.coverage import Listening, coverage
from tracker.report.language import Language
from tracker.store import Added, Store

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="did not run: no lock that ends with its process")
ONE = {"claude": 1}
HOLDER = """
import sys, time
from pathlib import Path
from addon.tally import Tally
tally = Tally.make(Path(sys.argv[1]))
for service in sys.argv[2:]:
    tally.begin(service)
print(tally.path, flush=True)
time.sleep(60)
"""


def made(db: Path) -> Tally:
    tally = Tally.make(db)
    assert tally is not None
    return tally


def left(db: Path) -> dict[str, int]:
    """What the next start would count as lost."""
    found: Counter[str] = Counter()
    for path, words in leftovers(db):
        done: dict[str, int] | None = None
        if db.exists():
            with Store.open(db, readonly=True) as store:
                done = {mark.service: mark.done for mark in marks_of(store, name_of(path))}
        found.update({one.service: one.n for one in left_of(words, done)})
    return dict(found)


def kill_one(db: Path, *services: str) -> Path:
    """Let a process count answers and die by SIGKILL; return the file it left."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(db), *services], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    path = Path(process.stdout.readline().strip())
    assert left(db) == {}  # it is held
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return path


def test_what_a_killed_process_counted_is_found(tmp_path: Path) -> None:
    path = kill_one(tmp_path / "k.db", "chatgpt", "claude", "chatgpt")
    assert left(tmp_path / "k.db") == {"chatgpt": 2, "claude": 1}
    assert path.stat().st_mode & 0o077 == 0
    assert left(tmp_path / "another.db") == {}


def test_an_orderly_end_leaves_nothing(tmp_path: Path) -> None:
    tally = made(tmp_path / "k.db")
    worker = Tally(tally.path)
    tally.begin("claude")
    tally.begin("claude")
    tally.begin("chatgpt")
    tally.withdraw("chatgpt")
    worker.note("claude", 2)
    worker.save()
    worker.close()
    tally.close()
    assert list(tmp_path.iterdir()) == []


def test_what_an_orderly_end_had_no_time_for_is_left_to_be_counted(tmp_path: Path) -> None:
    tally = made(tmp_path / "k.db")
    before = int(time.time())
    tally.begin("claude")
    tally.close()
    ((path, words),) = leftovers(tmp_path / "k.db")
    (one,) = left_of(words)
    assert (one.service, one.n, one.begun) == ("claude", 1, 1)
    assert before <= one.latest <= time.time()
    assert path.exists()


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(["begin", "withdraw", "finish", "hear", "forget"]), st.sampled_from("abc"))))
def test_the_file_says_what_was_counted(tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, str]]) -> None:
    db = tmp_path_factory.mktemp("tally") / "k.db"
    tally = made(db)
    begun, held = dict.fromkeys("abc", 0), dict.fromkeys("abc", 0)
    with Store.open(db) as store:
        outbox = Outbox(store, Tally(tally.path))
        for act, service in acts:
            match act:
                case "begin":
                    tally.begin(service)
                    begun[service] += 1
                case "withdraw" if begun[service] > 0:
                    tally.withdraw(service)
                    begun[service] -= 1
                case "finish" if begun[service] > 0:
                    outbox.put(NOTHING, service, None, done={service: 1})
                    begun[service] -= 1
                case "hear" if begun[service] or held[service]:  # the worker sees another begin, on a socket
                    outbox.put(NOTHING, service, None, done={service: -1}, held={service: 1})
                    held[service] += 1
                case "forget":
                    forget(store, Choice())
        expected = {name: n for name in "abc" if (n := begun[name] + held[name])}
        assert tally_of(tally, store) == expected
        assert tally_of(tally) == expected
        # A worker that begins where this one was killed counts what it held as lost, and once.
        for _ in range(2):
            Outbox(store, Tally(tally.path)).take_over()
        told = Counter({one.service: one.n for one in store.unread(date(2000, 1, 1), date(9000, 1, 1))})
        assert all(told[name] in {0, held[name]} for name in "abc")  # what was forgotten is counted at the very end
        expected = {name: n for name in "abc" if (n := begun[name] + held[name] - told[name])}
        assert tally_of(tally, store) == expected
    tally.close()


def test_more_services_than_there_is_room_for_and_odd_names_break_nothing(tmp_path: Path) -> None:
    tally = made(tmp_path / "k.db")
    for n in range(SLOTS + 20):
        tally.begin(f"bot-{n}")
    for name in ("", "x" * 49, "é" * 3):
        tally.begin(name)
        tally.withdraw(name)
    tally.close()
    assert sum(left(tmp_path / "k.db").values()) == SLOTS


def slot(begun: int, latest: int) -> bytes:
    """A slot that somebody else wrote."""
    return b"claude".ljust(48, b"\0") + b"".join(word.to_bytes(8, sys.byteorder) for word in (begun, latest, 0))


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff" * 100, os.urandom(30_000), b"claude" + bytes(50), slot(2_000_000, 1), slot(2**63, 1), slot(3, 2**40)],
)
def test_a_damaged_file_is_no_exception(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "k.under-way-1-x").write_bytes(data)
    ((_, words),) = leftovers(tmp_path / "k.db")
    assert left_of(words) == []


def test_a_file_that_somebody_else_wrote_well_is_a_count_under_a_name(tmp_path: Path) -> None:
    (tmp_path / "k.under-way-1-x").write_bytes(slot(3, 1) + slot(4, 1).replace(b"claude", b"=cmd|x"))
    ((_, words),) = leftovers(tmp_path / "k.db")
    assert [(one.service, one.n) for one in left_of(words)] == [("claude", 3)]


def test_a_link_in_the_place_of_the_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "k.under-way-1-x").symlink_to(tmp_path / "victim")
    assert list(leftovers(tmp_path / "k.db")) == []
    assert (tmp_path / "victim").read_text() == "precious"


def test_the_next_proxy_writes_down_what_was_under_way_once(tmp_path: Path) -> None:
    db = tmp_path / "k.db"
    path = kill_one(db, "chatgpt", "claude", "chatgpt")
    for _ in range(2):
        ear = WorkerEar(db, tell=lambda _line: None)
        ear.start()
        assert ear.wait_until_ready(30) is None
        for _ in range(2):
            ear.beat({"at": time.time(), "clean_stop": False, "counters": {}, "passed": []})
        ear.settle()
        ear.close()
    assert not path.exists()
    with Store.open(db, readonly=True) as store:
        told = {(item.service, item.reason): item.n for item in store.unread(date(2000, 1, 1), date(9000, 1, 1))}
        today = datetime.now(UTC).astimezone().date()
        services = {one.service: one.unread for one in store.coverage(today, today + timedelta(days=1)).services}
    assert told == {("chatgpt", "killed"): 2, ("claude", "killed"): 1}
    assert services == {"chatgpt": 2, "claude": 1}


COUNTER = """
import os, signal, sys
from pathlib import Path
from addon.outbox import Outbox
from tracker.store import Store
Path.unlink = lambda *_arguments, **_more: os.kill(os.getpid(), signal.SIGKILL)
with Store.open(Path(sys.argv[1])) as store:
    Outbox(store).count_killed()
"""


def test_a_kill_between_counting_and_removing_the_file_counts_once(tmp_path: Path) -> None:
    db = tmp_path / "k.db"
    path = kill_one(db, "chatgpt", "claude", "chatgpt")
    for _ in range(2):
        assert subprocess.run([sys.executable, "-c", COUNTER, str(db)], check=False).returncode == -signal.SIGKILL
    assert path.exists()
    with Store.open(db) as store:
        Outbox(store).count_killed()
        told = {one.service: one.n for one in store.unread(date(2000, 1, 1), date(9000, 1, 1))}
        assert told == {"chatgpt": 2, "claude": 1}
        assert not path.exists()
        assert store.db.execute("SELECT count(*) FROM under_way").fetchone() == (0,)


def test_an_answer_is_done_when_its_row_is_there_and_not_before(tmp_path: Path) -> None:
    tally = made(tmp_path / "k.db")
    with Store.open(tmp_path / "k.db") as store, Store.open(tmp_path / "k.db") as other:
        store.db.execute("PRAGMA busy_timeout = 0")
        outbox = Outbox(store, tally)
        for n in range(3):
            tally.begin("claude")
            outbox.put(Reading(records=(make(n),)), "claude", None, done=ONE)
        other.db.execute("BEGIN IMMEDIATE")
        for n in range(3, LARGEST_HEAP + 13):
            tally.begin("claude")
            outbox.put(Reading(records=(make(n),)), "claude", None, done=ONE)
        assert tally_of(tally, other) == {"claude": LARGEST_HEAP + 10}
        assert len(outbox.waiting) == LARGEST_HEAP + 1
        other.db.execute("ROLLBACK")
        outbox.flush()
        assert tally_of(tally, other) == {}
        assert len(list(store.records())) == LARGEST_HEAP + 3
        assert [(item.reason, item.n) for item in store.unread(date(2000, 1, 1), date(9000, 1, 1))] == [("store", 10)]
    tally.close()


def test_a_row_that_no_database_takes_costs_only_itself(tmp_path: Path) -> None:
    tally = made(tmp_path / "k.db")
    with Store.open(tmp_path / "k.db") as store:
        outbox = Outbox(store, tally)
        bad = make(1, input_tokens=10**30)
        with outbox.together():
            for record in (make(0), bad, make(2)):
                tally.begin("claude")
                outbox.put(Reading(records=(record,)), "claude", None, done=ONE)
        assert len(list(store.records())) == 2
        assert tally_of(tally, store) == {}
        assert [(item.reason, item.n) for item in store.unread(date(2000, 1, 1), date(9000, 1, 1))] == [("store", 1)]
    tally.close()


def test_what_can_neither_be_written_nor_counted_is_let_go(tmp_path: Path) -> None:
    with Store.open(tmp_path / "k.db") as store:
        tries: list[None] = []
        add = store.add

        def count(*arguments: Any, **more: Any) -> Added:
            tries.append(None)
            if len(tries) > 100:
                pytest.fail("tried for ever")
            return add(*arguments, **more)

        store.add = count  # type: ignore[method-assign]  # to end what would not end by itself
        outbox = Outbox(store)
        with outbox.together():
            outbox.put(Reading(records=(make(1, input_tokens=10**30),)), "\ud800", None)
            outbox.put(Reading(records=(make(2),)), "claude", None)
        assert outbox.waiting == []
        assert [record.id for record in store.records()] == [make(2).id]


def tally_of(tally: Tally, store: Store | None = None) -> dict[str, int]:
    """What another process would find if this one died now; without a database what the file alone says."""
    words = memoryview(tally.path.read_bytes()).cast("Q")
    done = None if store is None else {mark.service: mark.done for mark in marks_of(store, tally.name)}
    return {one.service: one.n for one in left_of(words, done)}


def test_the_report_tells_what_was_lost_from_what_is_not_known() -> None:
    day = "2026-11-20"
    unread = [
        Unread(day=day, service="chatgpt", shape="", reason="killed", n=2),
        Unread(day=day, service="chatgpt", shape="", reason="overload", n=3),
        Unread(day=day, service="chatgpt", shape="data", reason="unknown-events", n=1),
    ]
    told = coverage([], unread, [], Listening())
    (sentence,) = view_trust.coverage({"coverage": told, "requests": 0}, Language("en"))["sentences"]
    assert "5 answers of ChatGPT were lost before they were read" in sentence
    assert "One answer of ChatGPT had a form that is not known here" in sentence
    assert told["unread"] == 6


TALKER = """
import json, sys, time
from pathlib import Path
from addon.ear import WorkerEar
from addon.parcel import Copy, Pool, Tee
ear = WorkerEar(Path(sys.argv[1]), tell=lambda line: None)
ear.start()
ear.wait_until_ready(30)
ear.begin("codex")
copy = Copy("codex", "client", "GET", "chatgpt.com", "/backend-api/codex/responses", "", {}, Tee(Pool()))
copy.status = 101
ear.open_socket("socket", copy)
def hear(from_client, **said):
    data = json.dumps(said).encode()
    ear.hear("socket", copy, time.monotonic_ns(), from_client=from_client, data=data)
def answer(name, ends):
    hear(True, type="response.create", model="gpt-5.5-codex", input="How far?")
    response = {"id": name, "object": "response", "model": "gpt-5.5-codex", "status": "in_progress"}
    hear(False, type="response.created", response=response)
    hear(False, type="response.output_text.delta", item_id="msg", output_index=0, delta="Far " * 20)
    if ends:
        usage = {"input_tokens": 12, "output_tokens": 20, "total_tokens": 32}
        hear(False, type="response.completed", response={**response, "status": "completed", "usage": usage})
answer("resp_1", True)
answer("resp_2", False)
ear.settle()
print(ear.process.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("worker_too", [False, True], ids=["the worker reads what came", "nobody is left"])
def test_an_answer_under_way_on_a_socket_is_recorded_or_counted(tmp_path: Path, worker_too: bool) -> None:
    db = tmp_path / "k.db"
    process = subprocess.Popen([sys.executable, "-c", TALKER, str(db)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    worker = int(process.stdout.readline())
    if worker_too:
        os.kill(worker, signal.SIGSTOP)  # or it might live for long enough to read
    process.send_signal(signal.SIGKILL)
    if worker_too:
        os.kill(worker, signal.SIGKILL)
    process.communicate()
    deadline = time.monotonic() + 20
    while not list(leftovers(db)) and time.monotonic() < deadline:
        time.sleep(0.05)
    with Store.open(db, readonly=True) as store:
        outcomes = sorted(record.outcome for record in store.records())
    assert outcomes == (["complete"] if worker_too else ["aborted", "complete"])
    assert left(db) == ({"codex": 1} if worker_too else {})
