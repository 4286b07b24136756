"""Claude's newer protocol: what the examples cannot tell, and that strange bytes cost a reading, never more."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from addon.exchange import Chunk, Exchange
from addon.reader import Reader
from addon.services._protobuf import number_in, read_fields, text_in
from addon.services.claude import Claude
from tests.examples import KEY, Example, load_examples
from tracker.imports.sockets import Sockets
from tracker.record import Record

EXAMPLES = {
    case.path.stem: case for case in load_examples() if case.service == "claude" and "timeline" in case.path.stem
}
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
def whole() -> Example:
    return EXAMPLES["timeline"]


def read(*exchanges: Exchange) -> list[Record]:
    reader = Reader(KEY)
    records = [record for exchange in exchanges for record in reader.read(exchange).records]
    return [*records, *reader.overdue().records]


def cut(exchange: Exchange, at_ms: int) -> Exchange:
    chunks = tuple(chunk for chunk in exchange.chunks if (chunk.at_ms or 0) < at_ms)
    return replace(exchange, chunks=chunks, ended_ms=at_ms, ending="aborted")


def test_an_answer_that_was_never_finished_is_told_in_the_end(whole: Example) -> None:
    action, timeline = whole.exchanges
    (record,) = read(action, cut(timeline, 3050))
    assert (record.outcome, record.reasoning_tokens, record.input_tokens) == ("aborted", 40, 10)
    assert record.output_tokens is not None


def test_a_question_that_nothing_answered_is_no_row(whole: Example) -> None:
    assert read(whole.exchanges[0]) == []


def test_in_whichever_order_it_is_one_row(whole: Example) -> None:
    action, timeline = whole.exchanges
    (first,), (second,) = read(action, timeline), read(timeline, action)
    assert (first.id, first.output_tokens) == (second.id, second.output_tokens)


def test_the_same_stream_twice_is_one_row(whole: Example) -> None:
    action, timeline = whole.exchanges
    later = replace(timeline, started_at=timeline.started_at + timedelta(minutes=5))
    assert len(read(action, timeline, later)) == 1


def test_a_recording_without_times_counts_the_same(whole: Example) -> None:
    action, timeline = whole.exchanges
    body = b"".join(chunk.data for chunk in timeline.chunks)
    timeless = replace(timeline, chunks=(Chunk(None, body),), source="har")
    heard = Sockets(Reader(KEY))
    records = [*heard.read(timeless).records, *heard.read(replace(action, source="har")).records]
    assert [(record.output_tokens, record.input_tokens) for record in records] == [(62, 10)]
    assert records[0].time_to_first_token_ms is None


def test_a_recording_that_holds_bytes_as_text_is_read(whole: Example) -> None:
    action = whole.exchanges[0]
    told = replace(action, request_body=action.request_body.decode("latin-1").encode("utf-8"), source="har")
    service = Claude()
    service.timelines.act(told)
    (turn,) = service.timelines.waiting.turns()
    assert turn.text("prompt") == "Name two more rivers."


@QUICK
@given(place=st.floats(0, 1), strange=st.binary(max_size=40))
def test_strange_bytes_raise_nothing(place: float, strange: bytes) -> None:
    for case in EXAMPLES.values():
        for number, exchange in enumerate(case.exchanges):
            body = b"".join(chunk.data for chunk in exchange.chunks)
            at = round(place * len(body))
            told = replace(
                exchange,
                chunks=(Chunk(0, body[:at] + strange + body[at + len(strange) :]),),
                request_body=exchange.request_body[: len(strange)]
                + strange
                + exchange.request_body[len(strange) * 2 :],
            )
            reading = Reader(KEY).read(told)
            assert not [one for one in reading.unread if one.reason.endswith(("Error", "Exception"))], number


@given(data=st.binary(max_size=200))
def test_any_bytes_are_fields_or_none(data: bytes) -> None:
    fields = read_fields(data)
    assert number_in(fields, 1) >= 0
    assert text_in(fields, 1, 2) is None or text_in(fields, 1, 2)
