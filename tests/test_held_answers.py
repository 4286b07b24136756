"""Answers that only the worker knows of (handed to a socket, begun on one) are written or counted if it is killed."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from addon.ear import WorkerEar
from addon.exchange import Exchange
from addon.parcel import Copy, Pool, Tee
from addon.reader import Reader
from addon.tally import files_beside, left_of, name_of
from tests.bench.aftermath import told
from tests.examples import KEY, Example, load_examples
from tracker.marks import Mark, marks_of
from tracker.store import Store

EXAMPLES = load_examples()
BY_SERVICE = {name: [one for one in EXAMPLES if one.service == name] for name in ("chatgpt", "claude", "codex", "poe")}


class Heard:
    """A real worker that is given examples as the tap would give them."""

    def __init__(self, db: Path) -> None:
        self.db = db
        self.begun: Counter[str] = Counter()
        self.ear = WorkerEar(db, tell=lambda _line: None)
        self.ear.start()
        assert self.ear.wait_until_ready(30) is None
        self._reader = Reader(KEY)
        (self.tally,) = files_beside(db)
        self._is_closed = False

    def take(self, exchange: Exchange) -> None:
        """Let a whole exchange pass."""
        copy = self.open(exchange)
        if copy is not None and exchange.messages:
            self.say(exchange, copy, 0, len(exchange.messages))
            self.ear.close_socket("socket", copy, copy.ended_ns, exchange.ending)
        elif copy is not None:
            self.ear.hand_over(copy)

    def open(self, exchange: Exchange) -> Copy | None:
        """Begin an exchange, if it is a service's turn; open its socket if it has one."""
        service = self._reader.find(exchange.method, exchange.host, exchange.path)
        if service is None:
            return None
        self.ear.begin(service.name)
        self.begun[service.name] += 1
        copy = Copy(
            service.name, "client", exchange.method, exchange.host, exchange.path, exchange.query,
            dict(exchange.request_headers), Tee(Pool()), request_body=exchange.request_body,
            request_bytes=exchange.request_bytes, started_at=exchange.started_at.timestamp(), status=exchange.status,
            response_headers=dict(exchange.response_headers), ending=exchange.ending,
        )  # fmt: skip
        for chunk in exchange.chunks:
            copy.response(chunk.data)
        copy.response.pieces = [
            (copy.started_ns + (chunk.at_ms or 0) * 1_000_000, chunk.data) for chunk in exchange.chunks
        ]
        copy.ended_ns = copy.started_ns + (exchange.ended_ms or 0) * 1_000_000
        if exchange.messages:
            self.ear.open_socket("socket", copy)
        return copy

    def say(self, exchange: Exchange, copy: Copy, first: int, until: int) -> None:
        """Let some of the socket's messages pass."""
        for message in exchange.messages[first:until]:
            ns = copy.started_ns + (message.at_ms or 0) * 1_000_000
            self.ear.hear("socket", copy, ns, from_client=message.from_client, data=message.data)

    def close(self) -> None:
        if not self._is_closed:
            self.ear.close()
        self._is_closed = True

    def marks(self) -> dict[str, Mark]:
        if not self._is_closed:
            self.ear.settle()
        with Store.open(self.db, readonly=True) as store:
            return {mark.service: mark for mark in marks_of(store, name_of(self.tally))}

    def left(self) -> dict[str, int]:
        """What the next start would count if proxy and worker were killed now."""
        done = {name: mark.done for name, mark in self.marks().items()}
        words = memoryview(self.tally.read_bytes()).cast("Q")
        return {one.service: one.n for one in left_of(words, done)}

    def rows(self) -> int:
        self.ear.settle()
        with Store.open(self.db, readonly=True) as store:
            return len(list(store.records()))

    def kill_worker(self) -> None:
        self.ear.settle()
        process = self.ear.process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
        self.ear.settle()  # the next one begins
        time.sleep(0.1)


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[Heard]:
    made = Heard(tmp_path / "klimaspor.db")
    yield made
    made.close()


def find(service: str, name: str) -> Example:
    (example,) = [one for one in BY_SERVICE[service] if one.path.stem == name]
    return example


@pytest.mark.parametrize("service", BY_SERVICE)
def test_when_all_is_heard_nothing_is_left_under_way(heard: Heard, service: str) -> None:
    for example in BY_SERVICE[service]:
        for exchange in example.exchanges:
            heard.take(exchange)
    held = {name: mark.held for name, mark in heard.marks().items() if mark.held}
    assert heard.left() == held  # what waits for its rest, and no more
    heard.close()
    assert {name: mark.done for name, mark in heard.marks().items()} == heard.begun
    assert {mark.held for mark in heard.marks().values()} == {0}
    assert not heard.tally.exists()


def test_an_answer_that_waits_for_its_rest_on_a_socket_is_counted_when_the_worker_is_killed(heard: Heard) -> None:
    stream, *_ = find("chatgpt", "handoff").exchanges
    heard.take(stream)
    assert (heard.left(), heard.rows()) == ({"chatgpt": 1}, 0)
    heard.kill_worker()
    assert (heard.left(), heard.rows(), told(heard.db.parent)) == ({}, 0, {"worker-lost": 1})
    heard.kill_worker()
    assert told(heard.db.parent) == {"worker-lost": 1}


def test_an_answer_on_a_socket_is_counted_once_and_its_rest_is_not_taken_for_another(heard: Heard) -> None:
    example = next(one for one in BY_SERVICE["codex"] if one.exchanges[0].messages)
    (exchange,) = example.exchanges
    copy = heard.open(exchange)
    assert copy is not None
    end = next(n for n, one in enumerate(exchange.messages) if b"response.completed" in one.data)
    heard.say(exchange, copy, 0, end)
    assert (heard.left(), heard.rows()) == ({"codex": 1}, 0)
    heard.kill_worker()
    heard.say(exchange, copy, end, end + 1)  # it tells how much the whole answer was
    assert (heard.left(), heard.rows(), told(heard.db.parent)) == ({}, 0, {"worker-lost": 1})
    heard.say(exchange, copy, 0, end + 1)
    assert (heard.left(), heard.rows(), told(heard.db.parent)) == ({}, 1, {"worker-lost": 1})
    heard.ear.close_socket("socket", copy, copy.ended_ns, "complete")
    heard.kill_worker()
    assert (heard.left(), heard.rows(), told(heard.db.parent)) == ({}, 1, {"worker-lost": 1})
