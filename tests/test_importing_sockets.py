"""A recording's sockets are heard between its other requests, wherever their entry stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from addon.exchange import Exchange
from addon.reader import Reader
from addon.reading import NOTHING
from tests.examples import KEY, Example, load_examples, read_example
from tracker.imports import sockets
from tracker.imports.sockets import Sockets
from tracker.record import Record

EARLIER = timedelta(minutes=1)
CASES = [
    case for case in load_examples()
    if case.service in {"chatgpt", "poe"}
    and any(one.messages for one in case.exchanges) and not all(one.messages for one in case.exchanges)
]  # fmt: skip


def open_earlier(exchange: Exchange) -> Exchange:
    """Return the socket as a page opens it: long before anything is asked."""
    if not exchange.messages:
        return exchange
    shift = EARLIER // timedelta(milliseconds=1)
    messages = tuple(replace(one, at_ms=(one.at_ms or 0) + shift) for one in exchange.messages)
    return replace(exchange, started_at=exchange.started_at - EARLIER, messages=messages)


def read_all(exchanges: Iterable[Exchange]) -> list[Record]:
    reader = Reader(KEY)
    heard, reading = Sockets(reader), NOTHING
    for exchange in exchanges:
        reading += heard.read(exchange)
    return list((reading + heard.finish() + reader.overdue()).records)


def tell(records: Iterable[Record]) -> list[tuple[object, ...]]:
    return [
        (one.id, one.input_tokens, one.output_tokens, one.outcome, one.duration_ms, one.media_count) for one in records
    ]


def test_there_are_sockets_to_hear() -> None:
    assert len(CASES) >= 6


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.service}-{case.path.stem}")
def test_a_socket_opened_before_the_question_answers_it(case: Example) -> None:
    opened = sorted(map(open_earlier, case.exchanges), key=lambda one: one.started_at)
    assert tell(read_all(opened)) == tell(read_example(case).records)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.service}-{case.path.stem}")
def test_a_socket_saved_when_it_closed_answers_too(case: Example) -> None:
    saved = sorted(case.exchanges, key=lambda one: bool(one.messages))
    assert set(tell(read_all(saved))) == set(tell(read_example(case).records))


def test_more_than_there_is_room_for_is_heard_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    case = next(one for one in CASES if one.service == "poe" and one.path.stem == "both-halves")
    monkeypatch.setattr(sockets, "ROOM", 0)
    assert tell(read_all(case.exchanges)) == tell(read_example(case).records)
