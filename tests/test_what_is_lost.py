"""Whatever breaks, in the worker or in a message of a socket: each answer is written or counted, once."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from addon.ear import WorkerEar
from addon.jobs import HEAVIEST_QUEUE
from addon.parcel import Copy, Pool, Tee
from addon.tally import files_beside
from tests.bench.aftermath import look, told
from tests.rig import QUESTION, completion

PLANTED = "tests.planted_worker"
REASONS = {"raise": "ValueError", "die": "crash", "hang": "hang", "eat": "MemoryError"}


@dataclass(slots=True)
class Talk:
    """A real worker, what is said over it, and what became of that."""

    db: Path
    module: str = PLANTED
    asked: int = 0
    is_over: bool = False
    ear: WorkerEar = field(init=False)

    def __post_init__(self) -> None:
        self.ear = WorkerEar(self.db, module=self.module, tell=lambda _line: None)

    def ask(self, n: int = 3, *, at: float | None = None, **metadata: str) -> None:
        """Let a whole answer pass."""
        path = "/v1/chat/completions"
        copy = Copy("openai-api", "client", "POST", "api.openai.com", path, "", {}, Tee(Pool()), status=200)
        copy.request_body = json.dumps({**QUESTION, "metadata": metadata}).encode()
        copy.response_headers = {"content-type": "text/event-stream"}
        copy.started_at = copy.started_at if at is None else at
        self.asked += 1
        for piece in completion(n, name=f"chatcmpl-{self.asked}"):
            copy.response(piece)
        self.ear.begin("openai-api")
        self.ear.hand_over(copy)

    def open(self, name: str, query: str = "") -> Copy:
        """Open a socket."""
        path = "/backend-api/codex/responses"
        copy = Copy("codex", "client", "GET", "chatgpt.com", path, query, {}, Tee(Pool()), status=101)
        self.ear.begin("codex")
        self.ear.open_socket(name, copy)
        return copy

    def say(self, name: str, copy: Copy, *, fault: dict[str, Any] | None = None, where: int = -1) -> None:
        """Let one answer pass over a socket, in eight messages of which one may be broken."""
        for number, (from_client, one) in enumerate(self.messages()):
            more = fault if fault is not None and number == where else {}
            self.hear(name, copy, from_client=from_client, **one, **more)

    def messages(self) -> list[tuple[bool, dict[str, Any]]]:
        """What both sides say for one answer, and whether the client says it."""
        self.asked += 1
        response = {"id": f"resp_{self.asked}", "object": "response", "model": "gpt-5.5-codex", "status": "in_progress"}
        usage = {"input_tokens": 12, "output_tokens": 20, "total_tokens": 32}
        delta = {"type": "response.output_text.delta", "item_id": "msg", "output_index": 0, "delta": "Far."}
        completed = {**response, "status": "completed", "usage": usage}
        return [
            (True, {"type": "response.create", "model": "gpt-5.5-codex", "input": "How far?"}),
            (False, {"type": "response.created", "response": response}),
            *[(False, delta)] * 5,
            (False, {"type": "response.completed", "response": completed}),
        ]

    def hear(self, name: str, copy: Copy, *, from_client: bool, **said: Any) -> None:
        data = json.dumps(said).encode()
        self.ear.hear(name, copy, time.monotonic_ns(), from_client=from_client, data=data)

    def start(self) -> None:
        self.ear.start()
        assert self.ear.wait_until_ready(30) is None

    def hang_up(self, name: str, copy: Copy) -> None:
        self.ear.close_socket(name, copy, time.monotonic_ns(), "complete")

    def end(self) -> tuple[int, Counter[str]]:
        """Return how many rows there are now, and what was counted as lost; nothing may be left under way."""
        self.ear.settle()
        self.close()
        assert files_beside(self.db) == []  # of each service as many answers are done with as have begun
        return len(look(self.db.parent)), told(self.db.parent)

    def close(self) -> None:
        if not self.is_over:
            self.ear.close()
        self.is_over = True


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[Talk]:
    made = Talk(tmp_path / "klimaspor.db")
    yield made
    made.close()


@pytest.mark.parametrize("fault", ["outside", "afterwards"])
def test_a_batch_that_breaks_its_worker_as_a_whole_is_written_once(talk: Talk, fault: str) -> None:
    copy = talk.open("socket")  # before there is a worker, so that all of it crosses at once
    talk.say("socket", copy)
    for metadata in ({}, {"fault": fault}, {}):
        talk.ask(**metadata)
    talk.say("socket", copy)
    talk.hang_up("socket", copy)
    talk.start()
    assert talk.end() == (5, {})
    counters = talk.ear.counters
    assert (counters.handed, counters.read, counters.lost, counters.restarts) == (3, 3, {}, 1)


def test_an_exchange_that_breaks_in_the_worker_before_a_reader_sees_it_is_counted_once(talk: Talk) -> None:
    for at in (None, 1e12, None):  # no calendar has that year
        talk.ask(at=at)
    talk.start()
    talk.ear.settle()
    talk.ask(at=1e12)  # alone
    assert talk.end() == (2, {"ValueError": 2})
    assert talk.ear.counters.lost == {"ValueError": 2}
    assert (talk.ear.counters.read, talk.ear.counters.restarts) == (2, 0)


def test_a_heartbeat_that_breaks_counts_nothing_and_is_told(talk: Talk) -> None:
    talk.start()
    talk.ask()
    talk.ear.beat({"at": time.time(), "clean_stop": False, "counters": {}, "passed": [{}]})
    talk.ear.settle()
    assert talk.ear.trouble == "KeyError"
    talk.ear.beat({"at": time.time(), "clean_stop": False, "counters": {}, "passed": []})
    talk.ear.settle()
    assert talk.ear.trouble is None
    assert talk.end() == (1, {})


@pytest.mark.parametrize("where", [0, 1, 4, 7], ids=["question", "first word", "middle", "last word"])
@pytest.mark.parametrize("fault", ["raise", "die", "hang"])
def test_a_message_that_breaks_its_reader_costs_its_own_answer_and_no_other(talk: Talk, fault: str, where: int) -> None:
    copies = {name: talk.open(name) for name in ("one", "two")}
    talk.start()
    for n in range(3):
        talk.say("one", copies["one"], fault={"metadata": {"fault": fault}} if n == 1 else None, where=where)
        talk.ear.settle()
        talk.say("two", copies["two"])
    for name, copy in copies.items():
        talk.hang_up(name, copy)
    rows, lost = talk.end()
    assert rows == 5
    # When a worker dies of it, what that had heard of this answer is counted before the message itself.
    assert lost == {REASONS[fault] if fault == "raise" or where < 2 else "worker-lost": 1}


def test_a_question_is_known_to_the_worker_that_hears_its_answer(tmp_path: Path) -> None:
    talk = Talk(tmp_path / "klimaspor.db", "addon.worker")
    copy = talk.open("socket")
    talk.start()
    for times in range(3):
        question = {"type": "response.create", "model": "gpt-5.5-codex", "input": "How far is the moon?"}
        talk.hear("socket", copy, from_client=True, **question)
        for _ in range(times):
            talk.ear.settle()
            process = talk.ear.process
            assert process is not None
            os.kill(process.pid, signal.SIGKILL)
            process.wait(10)
        said = {"type": "message", "content": [{"type": "output_text", "text": "Far."}]}
        answer = {"id": f"resp_{times}", "model": "gpt-5.5-codex", "status": "completed", "output": [said]}
        talk.hear("socket", copy, from_client=False, type="response.completed", response=answer)
    talk.hang_up("socket", copy)
    assert talk.end() == (3, {})
    counted = {row.input_tokens for row in look(talk.db.parent).values()}
    assert len(counted) == 1
    assert None not in counted


@pytest.mark.parametrize("deaths", [1, 2, 3, 12])
def test_a_socket_whose_opening_kills_workers_is_opened_again_but_not_for_ever(talk: Talk, deaths: int) -> None:
    lives = [talk.db.with_name(f"life-{n}") for n in range(deaths)]
    for path in lives:
        path.touch()
    copy = talk.open("socket", "&".join(map(str, lives)))
    talk.start()
    for _ in range(3):
        talk.ear.settle()
        talk.say("socket", copy)
    talk.ask()
    talk.hang_up("socket", copy)
    rows, lost = talk.end()
    assert talk.ear.counters.restarts == deaths
    if deaths < 10:
        assert (rows, lost) == (4, {})
    else:  # what is said on it is heard no more; whatever else there is is
        assert rows == 1
        assert lost.keys() == {"crash"}


def test_a_socket_that_cannot_be_listened_to_counts_its_answers(talk: Talk) -> None:
    copy = talk.open("socket", "raise")
    talk.start()
    for _ in range(3):
        talk.say("socket", copy)
    talk.hang_up("socket", copy)
    assert talk.end() == (0, {"ValueError": 3})


def test_what_is_left_out_of_a_socket_for_want_of_room_costs_its_answers_and_no_more(talk: Talk) -> None:
    copy = talk.open("socket")
    for n in range(4):
        talk.say("socket", copy, fault={"filling": "x" * HEAVIEST_QUEUE} if n in {1, 2} else None, where=3 * n - 3)
    talk.hang_up("socket", copy)
    talk.start()
    assert talk.end() == (2, {"overload": 2})


def test_a_message_that_is_too_large_costs_its_answer_once(talk: Talk) -> None:
    copy = talk.open("socket")
    talk.start()
    for from_client in (True, False, False, False):
        talk.ear.miss("socket", copy, time.monotonic_ns(), from_client=from_client, reason="too-large")
    talk.say("socket", copy)
    talk.hang_up("socket", copy)
    assert talk.end() == (1, {"too-large": 1})


@pytest.mark.parametrize("where", ["before the row", "before the commit", "after the commit"])
def test_a_worker_killed_while_it_writes_what_a_socket_said_counts_no_answer_twice(tmp_path: Path, where: str) -> None:
    talk = Talk(tmp_path / "klimaspor.db", "tests.dying_worker")
    copy = talk.open("socket")
    talk.start()
    talk.say("socket", copy)
    talk.ear.settle()
    talk.ask(moment=where)  # it waits in the worker, and dies when the next is written
    talk.say("socket", copy)
    talk.say("socket", copy)
    talk.hang_up("socket", copy)
    rows, lost = talk.end()
    assert rows + sum(lost.values()) == 4
    assert talk.ear.counters.restarts > 0


def test_a_question_that_a_killed_worker_told_nobody_of_loses_no_answer(tmp_path: Path) -> None:
    talk = Talk(tmp_path / "klimaspor.db", "tests.dying_worker")
    one, two = talk.open("one"), talk.open("two")
    talk.start()
    lost, heard = talk.messages(), talk.messages()
    for from_client, said in lost[:4]:
        talk.hear("one", one, from_client=from_client, **said)
    talk.ear.settle()
    talk.hear("two", two, from_client=True, **heard[0][1])
    talk.ask(moment="after the commit")  # with the question before it, in one batch
    talk.ear.settle()
    for name, copy, messages in (("two", two, heard[1:]), ("one", one, lost[4:])):
        for from_client, said in messages:
            talk.hear(name, copy, from_client=from_client, **said)
        talk.hang_up(name, copy)
    assert talk.end() == (2, {"worker-lost": 1})


def test_a_stopped_worker_that_is_killed_costs_one_count_an_answer(talk: Talk) -> None:
    copy = talk.open("socket")
    talk.start()
    talk.say("socket", copy)
    talk.ear.settle()
    for _ in range(3):
        process = talk.ear.process
        assert process is not None
        os.kill(process.pid, signal.SIGSTOP)
        talk.say("socket", copy)
        time.sleep(0.1)
        os.kill(process.pid, signal.SIGKILL)
        talk.ear.settle()
    talk.hang_up("socket", copy)
    assert talk.end() == (4, {})
