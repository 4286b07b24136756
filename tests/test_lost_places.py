"""What a worker had heard on a socket when it was killed is counted, and what still comes of it is no other answer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from addon.exchange import Chunk, Ending, Exchange, Message
from addon.reader import Reader
from addon.reading import NOTHING
from addon.service import Event, Listener, Service, Turn
from addon.socket_reader import SocketReader
from tests.examples import KEY, load_examples
from tests.lost_places import answers_of, places_of, within

EXAMPLES = {f"{one.service}/{one.path.stem}": one for one in load_examples()}


@pytest.mark.parametrize(
    "name",
    [
        "codex/socket", "character-ai/no-last-word", "gemini-api/live-interrupted", "m365-copilot/two-turns",
        "grok/socket", "mistral-api/speech-socket", "openai-api/live", "poe/both-halves",
    ],
)  # fmt: skip
def test_a_worker_killed_anywhere_on_a_socket_leaves_each_answer_written_or_counted(name: str) -> None:
    with within():
        right = answers_of(EXAMPLES[name])
        assert right.total() >= 1
        for place in places_of(EXAMPLES[name]):
            assert (str(place), answers_of(EXAMPLES[name], place).total()) == (str(place), right.total())


def test_the_rest_of_what_was_handed_over_to_a_socket_is_counted_once_but_for_a_last_word_after_its_end() -> None:
    example = EXAMPLES["chatgpt/handoff"]
    with within():
        found = Counter(answers_of(example, place).total() for place in places_of(example))
    assert found == {1: 10, 2: 1}


class Twins(Service):
    """Whatever is said ends three turns that have no id."""

    name, title, hosts, grade, verified = "twins", "Twins", ("twins.example",), "captured", date(2026, 11, 22)
    path = re.compile("/both")
    methods = ("GET", "POST")

    def turns(self, exchange: Exchange, body: Any, events: Iterable[Event]) -> Iterator[Turn]:
        for word in ("ebb", "flow", "slack"):
            turn = Turn(self, exchange)
            turn.answer(word)
            yield turn

    def listen(self, opening: Exchange) -> Listener:
        return Both(self, opening)


class Both:
    def __init__(self, service: Service, opening: Exchange) -> None:
        self.service, self.opening = service, opening

    def hear(self, message: Message) -> Iterable[Turn]:
        return self.service.turns(self.opening, None, ())

    def close(self, ending: Ending, at_ms: int | None) -> Iterable[Turn]:
        return ()

    def open_turns(self) -> int:
        return 0


def opening(host: str, path: str = "/") -> Exchange:
    started_at = datetime(2026, 11, 22, tzinfo=UTC)
    return Exchange(method="GET", host=host, path=path, status=101, started_at=started_at)


def test_turns_without_an_id_that_one_message_ended_are_told_apart_from_all_others() -> None:
    messages = tuple(Message(n, False, b"tide %d" % n) for n in range(3))
    socket = SocketReader(KEY, Twins(), opening("twins.example"), Both(Twins(), opening("twins.example")))
    ids = [one.id for message in messages for one in socket.hear(message).records]
    assert len(set(ids)) == 9
    read = Reader(KEY, services=[Twins]).read(replace(opening("twins.example", "/both"), messages=messages))
    assert [one.id for one in read.records] == ids


def test_turns_without_an_id_of_one_answer_are_told_apart() -> None:
    answers = [
        replace(opening("twins.example", "/both"), method="POST", status=200, chunks=(Chunk(0, body),))
        for body in (b"ebb", b"flow")
    ]
    ids = [one.id for answer in answers for one in Reader(KEY, services=[Twins]).read(answer).records]
    assert len(set(ids)) == 6


def codex() -> SocketReader:
    socket = Reader(KEY).open_socket(opening("chatgpt.com", "/backend-api/codex/responses"))
    assert socket is not None
    return socket


ASK = Message(0, True, b'{"type":"response.create","model":"gpt-5.5-codex","input":"How far?"}')
LIMITS = Message(1, False, b'{"type":"codex.rate_limits"}')
BEGIN = Message(2, False, b'{"type":"response.created","response":{"id":"resp_1","model":"gpt-5.5-codex"}}')
END = Message(3, False, b'{"type":"response.completed","response":{"id":"resp_1","model":"gpt-5.5-codex"}}')


def test_an_answer_is_under_way_from_its_first_word_to_its_last() -> None:
    socket = codex()
    told = []
    for message in (LIMITS, ASK, BEGIN, END, LIMITS, ASK):
        socket.hear(message)
        told.append((socket.is_asked, socket.under_way))
    assert told == [(False, 0), (True, 0), (False, 1), (False, 0), (False, 0), (True, 0)]


def test_the_rest_of_a_lost_answer_is_no_answer_and_the_next_one_is() -> None:
    socket = codex()
    socket.expect_rests(1)
    assert socket.hear(END) == NOTHING
    socket.hear(ASK)
    socket.hear(BEGIN)
    assert len(socket.hear(END).records) == 1


def test_a_question_ends_the_wait_for_the_rest_of_a_lost_answer() -> None:
    socket = codex()
    socket.expect_rests(1)
    socket.hear(ASK)
    socket.hear(BEGIN)
    assert socket.under_way == 1
    assert len(socket.hear(END).records) == 1
