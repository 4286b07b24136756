"""ChatGPT: one answer is one row, however it travels; what a person named is never kept."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from addon.exchange import Exchange, Message
from addon.reader import Reader
from addon.services.chatgpt import ChatGPT
from addon.waiting import ROOM
from tests.canary import write_har
from tests.examples import FOLDER, KEY, Example, build_exchange
from tracker.imports import Context
from tracker.imports.har import read_har
from tracker.record import Record
from tracker.store import Store


def load(name: str) -> Example:
    path = FOLDER / "chatgpt" / f"{name}.json"
    return Example(path, json.loads(path.read_text("utf-8")))


def told(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / "chatgpt" / f"{name}.json").read_text("utf-8"))["exchange"]


def read(*exchanges: Exchange, reader: Reader | None = None) -> list[Record]:
    reader = reader or Reader(KEY)
    return [record for exchange in exchanges for record in reader.read(exchange).records]


def later(exchange: Exchange, minutes: float) -> Exchange:
    return replace(exchange, started_at=exchange.started_at + timedelta(minutes=minutes))


def test_deltas_written_in_full_are_the_same_answer() -> None:
    content = told("text")
    path, operation, channel = "", "add", 0
    for event in content["events"]:
        if isinstance(event, dict) and event.get("event") == "delta":
            data = event["data"]
            path, operation, channel = data.get("p", path), data.get("o", operation), data.get("c", channel)
            event["data"] = {"p": path, "o": operation, "v": data["v"], "c": channel}
    (short,), (full,) = read(*load("text").exchanges), read(build_exchange(content))
    assert replace(full, response_bytes=short.response_bytes) == short


def test_other_lines_between_deltas_do_not_reset_what_is_inherited() -> None:
    content = told("text")
    between: list[Any] = []
    for event in content["events"]:
        between += [{"type": "message_marker", "event": "x"}, {"type": "ping"}, event]
    (plain,), (mixed,) = read(*load("text").exchanges), read(build_exchange(content | {"events": between}))
    assert (mixed.output_tokens, mixed.id) == (plain.output_tokens, plain.id)


def test_citation_markers_are_no_words() -> None:
    content = told("text")
    text = json.dumps(content, ensure_ascii=False).replace('" is"', '" is\ue200cite\ue202turn0search0\ue202x\ue201"')
    assert "\ue200" in text
    (plain,), (cited,) = read(*load("text").exchanges), read(build_exchange(json.loads(text)))
    assert cited.output_tokens == plain.output_tokens


def test_the_echo_of_the_question_is_not_the_answer() -> None:
    content = told("text")
    content["events"][2]["input_message"]["content"]["parts"] = ["a very long question " * 50]
    (plain,), (echoed,) = read(*load("text").exchanges), read(build_exchange(content))
    assert echoed.output_tokens == plain.output_tokens


@pytest.mark.parametrize("name", ["handoff", "handoff-resumed", "resumed", "continue", "image-later"])
def test_an_answer_in_several_exchanges_is_one_row_of_the_whole(name: str, tmp_path: Path) -> None:
    records = read(*load(name).exchanges)
    with Store.open(tmp_path / "k.db") as store:
        store.add(records)
        rows = list(store.records())
    assert len(rows) == 1
    assert rows[0].outcome == "complete"
    assert rows[0].input_tokens == records[0].input_tokens is not None
    assert (rows[0].output_tokens, rows[0].media_count) == (records[-1].output_tokens, records[-1].media_count)


def test_a_handed_over_answer_is_aborted_after_thirty_minutes_and_not_before() -> None:
    post = load("handoff").exchanges[0]
    other = build_exchange(told("snapshots"))
    reader = Reader(KEY)
    assert not reader.read(post).records
    assert [one.outcome for one in reader.read(later(other, 29)).records] == ["complete"]
    late = reader.read(later(other, 31)).records
    assert sorted(one.outcome for one in late) == ["aborted", "complete"]
    aborted = next(one for one in late if one.outcome == "aborted")
    (whole,) = read(*load("handoff").exchanges)
    assert aborted.id == whole.id
    assert (aborted.input_tokens, aborted.output_tokens) == (whole.input_tokens, None)


def test_at_the_very_end_what_waits_is_told() -> None:
    reader = Reader(KEY)
    assert not read(load("handoff").exchanges[0], reader=reader)
    assert [one.outcome for one in reader.overdue().records] == ["aborted"]
    assert not reader.overdue().records


def test_a_socket_that_is_read_before_its_stream_gives_the_same_row(tmp_path: Path) -> None:
    post, socket = load("handoff").exchanges
    (wanted,) = read(post, socket)
    early = replace(socket, started_at=post.started_at - timedelta(minutes=2))
    records = read(early, post)
    with Store.open(tmp_path / "k.db") as store:
        store.add(records)
        (row,) = store.records()
    assert (row.id, row.outcome) == (wanted.id, "complete")
    assert (row.input_tokens, row.output_tokens) == (wanted.input_tokens, wanted.output_tokens)


def test_a_second_socket_that_catches_up_adds_nothing() -> None:
    post, socket = load("handoff").exchanges
    (wanted,) = read(post, socket)
    half = len(socket.messages) // 2
    first = replace(socket, messages=socket.messages[:half], ending="error")
    frames = [json.loads(message.data) for message in socket.messages[2:half]]
    flat = [frame for one in frames for frame in (one if isinstance(one, list) else [one])]
    catchup = {"id": 8, "type": "reply", "reply": {"type": "subscribe", "catchups": flat}}
    again = Message(50, from_client=False, data=json.dumps(catchup).encode())
    second = later(replace(socket, messages=(again, *socket.messages[half:])), 0.1)
    (record,) = read(post, first, second)
    assert (record.id, record.output_tokens, record.outcome) == (wanted.id, wanted.output_tokens, "complete")


def test_the_same_turn_on_stream_and_socket_is_told_once() -> None:
    content = json.dumps(told("text")).replace('"e1"', '"e7"')
    stream, socket = build_exchange(json.loads(content)), load("handoff").exchanges[1]
    assert len(read(stream, socket)) == 1


def test_what_waits_is_bounded_and_each_is_told_once() -> None:
    reader, ids = Reader(KEY), set()
    post = load("handoff").exchanges[0]
    service = reader.find("POST", post.host, post.path)
    assert isinstance(service, ChatGPT)
    for number in range(3 * ROOM):
        chunks = tuple(replace(one, data=one.data.replace(b'"e7"', b'"e%d"' % number)) for one in post.chunks)
        ids |= {record.id for record in reader.read(replace(post, chunks=chunks)).records}
        assert len(service.waiting) <= ROOM + 1
    ids |= {record.id for record in reader.overdue().records}
    assert len(ids) == 3 * ROOM


def test_a_thousand_turns_on_one_socket_are_a_thousand_rows() -> None:
    _, socket = load("handoff").exchanges
    listener = Reader(KEY).open_socket(replace(socket, messages=()))
    assert listener is not None
    ids = set()
    for number in range(1000):
        for message in socket.messages:
            data = message.data.replace(b'"e7"', b'"t%d"' % number)
            for record in listener.hear(replace(message, data=data)).records:
                ids.add(record.id)
    assert len(ids) == 1000


def test_a_custom_gpt_is_custom() -> None:
    (record,) = read(*load("custom-gpt").exchanges)
    assert record.request_model == "custom"
    assert "canary" not in repr(record)


def test_a_thought_is_no_count() -> None:
    (record,) = read(*load("thinking").exchanges)
    assert record.reasoning_tokens is None
    assert record.reasoning_tokens_source == "unknown"
    assert record.thinking_ms == 12_000


def test_a_piece_that_was_never_heard_leaves_the_answer_aborted() -> None:
    first, rest = load("resumed").exchanges
    torn = replace(first, chunks=first.chunks[:-2])
    records = read(torn, rest)
    assert [record.outcome for record in records] == ["aborted", "aborted"]
    assert len({record.id for record in records}) == 1


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_in_an_archive_stream_and_socket_may_stand_in_any_order(order: tuple[int, int], tmp_path: Path) -> None:
    exchanges = load("handoff").exchanges
    (wanted,) = read(*exchanges)
    write_har([exchanges[number] for number in order], tmp_path / "a.har")
    records = imported(tmp_path / "a.har")
    with Store.open(tmp_path / "k.db") as store:
        store.add(records)
        (row,) = store.records()
    assert (row.id, row.outcome, row.source) == (wanted.id, "complete", "har")
    assert (row.input_tokens, row.output_tokens) == (wanted.input_tokens, wanted.output_tokens)


def test_an_archive_without_the_socket_tells_the_handed_over_answer_as_aborted(tmp_path: Path) -> None:
    write_har(load("handoff").exchanges[:1], tmp_path / "a.har")
    assert [record.outcome for record in imported(tmp_path / "a.har")] == ["aborted"]


def imported(path: Path) -> list[Record]:
    parts = read_har(path, Context(Reader(KEY), KEY), lambda _done, _all: None)
    return [record for part in parts if part.reading for record in part.reading.records]
