"""A reader that raises, hangs, eats memory or dies, a worker that is killed: no chat notices, the count does."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import brotli
import httpx
import pytest

from addon.ear import WorkerEar
from addon.jobs import HEAVIEST_QUEUE, LONGEST_QUEUE
from addon.parcel import PIECE_OVERHEAD, Copy, Pool, Tee
from tests.planted_worker import FAULTS
from tests.rig import OPENAI, QUESTION, Reply, Rig, completion, rig
from tracker.store import Store

PATH = "/v1/chat/completions"
REASONS = {"raise": "ValueError", "hang": "hang", "catastrophe": "hang", "eat": "MemoryError", "die": "crash"}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig(tmp_path_factory.mktemp("rig"), worker="tests.planted_worker") as made:
        yield made


def ask(rig: Rig, name: str, **more: object) -> bytes:
    pieces = completion(10, name=name)
    rig.origin.replies[PATH] = Reply(pieces)
    with httpx.Client(proxy=rig.proxy_url, verify=rig.trust, trust_env=False, timeout=20) as session:
        response = session.post(OPENAI, json={**QUESTION, **more})
    assert response.content == b"".join(pieces)
    return response.content


@pytest.mark.parametrize("fault", FAULTS)
def test_a_reader_that_misbehaves_changes_no_byte_and_is_counted(planted: Rig, fault: str) -> None:
    before = {(item.reason, item.n) for item in planted.unread()}
    started = time.monotonic()
    ask(planted, f"chatcmpl-{fault}", metadata={"fault": fault})
    assert time.monotonic() - started < 5  # the chat did not wait for the worker
    ask(planted, f"chatcmpl-after-{fault}")
    assert planted.records()[-1].response_model == "gpt-4o-2024-08-06"  # the next turn is recorded again
    fresh = {(item.reason, item.n) for item in planted.unread()} - before
    assert REASONS[fault] in {reason for reason, _ in fresh}


def test_a_bomb_passes_as_it_is_and_is_counted(planted: Rig) -> None:
    bomb = brotli.compress(bytes(200_000_000), quality=1)
    headers = [("content-type", "text/event-stream"), ("content-encoding", "br")]
    planted.origin.replies[PATH] = Reply([bomb], headers=headers)
    with (
        httpx.Client(proxy=planted.proxy_url, verify=planted.trust, trust_env=False, timeout=20) as session,
        session.stream("POST", OPENAI, json=QUESTION) as response,
    ):
        assert b"".join(response.iter_raw()) == bomb
    deadline = time.monotonic() + 20  # it is handed over a moment after the client has it
    while "too-large" not in (reasons := {item.reason for item in planted.unread()}) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "too-large" in reasons


def test_a_killed_worker_is_replaced_and_nothing_is_lost(planted: Rig) -> None:
    ask(planted, "chatcmpl-before-kill")
    planted.records()
    restarts = planted.proxy.ear.counters.restarts
    process = planted.proxy.ear.process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    ask(planted, "chatcmpl-after-kill-1")
    ask(planted, "chatcmpl-after-kill-2")
    assert len([r for r in planted.records() if r.input_tokens == 12]) >= 3
    assert planted.proxy.ear.counters.restarts == restarts + 1


def test_under_random_kills_every_turn_is_recorded_or_counted(planted: Rig) -> None:
    planted.origin.replies[PATH] = Reply(completion(6, name="chatcmpl-kill-@"), numbered=True)
    before = len(planted.records()), sum(item.n for item in planted.unread())
    over = threading.Event()

    def ask_on() -> None:
        with httpx.Client(proxy=planted.proxy_url, verify=planted.trust, trust_env=False, timeout=30) as session:
            for _ in range(15):
                assert session.post(OPENAI, json=QUESTION).status_code == 200

    def kill_on() -> None:
        chance = random.Random(7)
        while not over.wait(chance.uniform(0.3, 1.5)):
            process = planted.proxy.ear.process
            if process is not None and process.poll() is None:
                process.kill()

    killing = threading.Thread(target=kill_on)
    killing.start()
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(ask_on) for _ in range(4)]
        for one in asked:
            one.result()
    over.set()
    killing.join()
    recorded = len(planted.records()) - before[0]
    counted = sum(item.n for item in planted.unread()) - before[1]
    assert recorded > 0
    assert recorded + counted == 60  # none is both, none is neither


def test_a_stopped_worker_holds_nobody_up(planted: Rig) -> None:
    planted.records()
    process = planted.proxy.ear.process
    assert process is not None
    os.kill(process.pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        for i in range(5):
            ask(planted, f"chatcmpl-frozen-{i}")
        assert time.monotonic() - started < 10
    finally:
        os.kill(process.pid, signal.SIGCONT)
    assert planted.records()


def test_a_locked_database_only_delays_the_record(planted: Rig) -> None:
    before = len(planted.records())
    with Store.open(planted.db) as store:
        store.db.execute("BEGIN IMMEDIATE")
        ask(planted, "chatcmpl-locked")
        time.sleep(0.2)
        store.db.execute("ROLLBACK")
    assert len(planted.records()) == before + 1


def make_copy() -> Copy:
    return Copy("openai-api", "client", "POST", "api.openai.com", PATH, "", {}, Tee(Pool()))


def test_a_full_queue_drops_and_counts(tmp_path: Path) -> None:
    ear = WorkerEar(tmp_path / "klimaspor.db")  # never started: nobody takes anything out
    for _ in range(LONGEST_QUEUE + 25):
        ear.hand_over(make_copy())
    assert ear.counters.lost["overload"] == 25


def say_on_socket(ear: WorkerEar, socket: str, answers: int) -> None:
    """Open a socket of Codex and have that many answers pass over it, in four messages each."""
    copy = Copy("codex", "client", "GET", "chatgpt.com", "/backend-api/codex/responses", "", {}, Tee(Pool()))
    copy.status = 101
    ear.begin("codex")
    ear.open_socket(socket, copy)
    for n in range(answers):
        response = {"id": f"resp_{socket}_{n}", "object": "response", "model": "gpt-5.5-codex", "status": "in_progress"}
        done = {**response, "status": "completed", "usage": {"input_tokens": 12, "output_tokens": 20}}
        for from_client, said in (
            (True, {"type": "response.create", "model": "gpt-5.5-codex", "input": "How far?"}),
            (False, {"type": "response.created", "response": response}),
            (False, {"type": "response.output_text.delta", "item_id": "msg", "output_index": 0, "delta": "Far."}),
            (False, {"type": "response.completed", "response": done}),
        ):
            data = json.dumps(said).encode()
            ear.hear(socket, copy, time.monotonic_ns(), from_client=from_client, data=data)
    ear.close_socket(socket, copy, time.monotonic_ns(), "complete")


@pytest.mark.parametrize("fault", ["raise", "die"])
def test_what_passes_on_sockets_crosses_in_batches_and_survives_its_neighbours(tmp_path: Path, fault: str) -> None:
    ear = WorkerEar(tmp_path / "klimaspor.db", module="tests.planted_worker", tell=lambda _line: None)
    for n in range(3):  # before there is a worker, so that all of it crosses at once
        say_on_socket(ear, f"before-{n}", 2)
    bad = make_copy()
    bad.status, bad.request_body = 200, json.dumps({**QUESTION, "metadata": {"fault": fault}}).encode()
    ear.hand_over(bad)
    for n in range(3):
        say_on_socket(ear, f"after-{n}", 2)
    ear.start()
    assert ear.wait_until_ready(30) is None
    ear.settle()
    ear.close()
    with Store.open(tmp_path / "klimaspor.db", readonly=True) as store:
        assert [record.output_tokens for record in store.records()] == [20] * 12
        unread = store.db.execute("SELECT service, reason, n FROM unread").fetchall()
    assert unread == [("openai-api", REASONS[fault], 1)]


def test_what_was_lost_before_the_worker_ran_is_written_down(tmp_path: Path) -> None:
    told: list[str] = []
    ear = WorkerEar(tmp_path / "klimaspor.db", tell=told.append)
    for _ in range(3):
        heavy = make_copy()
        heavy.request_body = bytes(HEAVIEST_QUEUE)
        ear.hand_over(heavy)
    ear.start()
    assert ear.wait_until_ready(30) is None
    ear.settle()
    ear.close()
    with Store.open(tmp_path / "klimaspor.db", readonly=True) as store:
        assert store.db.execute("SELECT service, reason, n FROM unread").fetchall() == [("openai-api", "overload", 3)]
    assert told == []


def test_a_database_that_is_not_ours_is_said_at_start(tmp_path: Path) -> None:
    (tmp_path / "other.db").write_text("not a database at all, but long enough to look at" * 30)
    ear = WorkerEar(tmp_path / "other.db", tell=lambda _line: None)
    ear.start()
    assert "not a klimaspor database" in str(ear.wait_until_ready(30))
    ear.close()


def test_copies_share_a_bounded_room() -> None:
    pool = Pool(1_000_000)
    tees = [Tee(pool) for _ in range(20)]
    for _ in range(20):
        for tee in tees:
            assert tee(b"x" * 10_000) == b"x" * 10_000
    assert pool.left >= 0
    assert sum(len(data) for tee in tees for _, data in tee.pieces) <= 1_000_000
    assert any(tee.is_truncated for tee in tees)
    for tee in tees:
        tee.release()
        tee.release()
    assert pool.left == 1_000_000


def test_a_small_answer_that_waits_takes_little_room() -> None:
    pool = Pool(1_000_000)
    tees = [Tee(pool) for _ in range(200)]
    for tee in tees:
        assert tee(b"x" * 900) == b"x" * 900
        tee.close()
    assert [len(tee.pieces) for tee in tees] == [1] * 200
    assert pool.left > 700_000
    for tee in tees:
        tee.release()
    assert pool.left == 1_000_000


@pytest.mark.parametrize("piece", [b"x", b""], ids=["of one byte", "of none"])
def test_a_million_tiny_pieces_stop_being_kept(piece: bytes) -> None:
    tee = Tee(Pool())
    for _ in range(1_000_000):
        tee(piece)
    assert tee.size == 1_000_000 * len(piece)
    assert len(tee.pieces) < 400_000
    assert tee.is_truncated


@pytest.mark.parametrize("piece", [b"x", b""], ids=["of one byte", "of none"])
def test_tiny_pieces_of_many_answers_share_the_room_too(piece: bytes) -> None:
    pool = Pool(10_000_000)
    tees = [Tee(pool) for _ in range(50)]
    for _ in range(4_000):
        for tee in tees:
            tee(piece)
    assert sum(len(tee.pieces) for tee in tees) * PIECE_OVERHEAD <= 10_000_000
    for tee in tees:
        tee.close()
        tee.release()
    assert pool.left == 10_000_000


def test_the_worker_outlives_a_terminal_interrupt_and_ends_with_the_proxy(tmp_path: Path) -> None:
    ear = WorkerEar(tmp_path / "klimaspor.db", tell=lambda _line: None)
    ear.start()
    ear.wait_until_ready(30)
    process = ear.process
    assert process is not None
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    ear.settle()
    assert process.poll() is None
    ear.close()
    assert process.wait(5) == 0
