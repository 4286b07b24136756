"""Events that are alike but for the text they add are read as one, and the record is that of all of them."""

from __future__ import annotations

import base64
import json
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.exchange import Chunk, Exchange, Message
from addon.framing import read_events
from addon.framing.gathering import Gathering
from addon.reader import Reader
from addon.service import Event, Service, Turn, discover, each_of
from addon.services._bedrock import unwrap_all
from addon.services._dialect import TurnByTurn
from tests.bench.readers import lengthen
from tests.bench.units import units_of
from tests.examples import KEY, Example, load_examples
from tests.fuzz.shuffled import read_both_ways, shuffle
from tests.fuzz.truths import differ, read, read_plainly, service_of

ADDS = re.compile(rb'"text": ?"(?!")')
ADDING = [case for case in load_examples() if next(s for s in discover() if s.name == case.service).adds]


SHORT_TEXT = re.compile(rb'(?<=": ")[^"\\\\]{1,40} [^"\\\\]{0,40}(?=")|(?<=": ") [^"\\\\]{1,40}(?=")')
"""Words: what has a blank in it or before it is no name of anything."""
TEXTS = (b" tide", b" tide and", b" a", b"\\\\n\\\\n", b"\\\\u00e9 x", b"\\\\u001f", b" ")


def exchange(pieces: list[bytes]) -> Exchange:
    return Exchange(
        method="POST", host="chat.example", path="/", status=200, started_at=datetime(2026, 11, 22, tzinfo=UTC),
        response_headers={"content-type": "text/event-stream"},
        chunks=tuple(Chunk(10 * n, piece) for n, piece in enumerate(pieces)),
    )  # fmt: skip


def sse(value: Any, *, ascii_only: bool = True) -> bytes:
    text = json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":"))
    return f"data: {text}\n\n".encode("utf-8", "replace")


def told(pieces: list[bytes], adds: re.Pattern[bytes] | None = ADDS) -> list[tuple[Any, int | None]]:
    return [(event.data, event.at_ms) for event in read_events(exchange(pieces), adds=adds)]


def plainly(services: tuple[Service, ...]) -> tuple[Service, ...]:
    for service in services:
        vars(service)["adds"] = None
    return services


@pytest.mark.parametrize("case", ADDING, ids=lambda case: f"{case.service}-{case.path.stem}")
def test_a_long_answer_gives_the_record_of_each_of_its_events(case: Example) -> None:
    long = lengthen(case, 100)
    exchanges = [*case.exchanges[:-1], long.exchange if long else case.exchanges[-1]]
    joining, plain = Reader(KEY), Reader(KEY, services=plainly(Reader(KEY).services))
    for one in exchanges:
        assert joining.read(one) == plain.read(one)


@pytest.mark.parametrize(
    "case", [one for one in ADDING if one.exchanges[-1].messages], ids=lambda case: f"{case.service}-{case.path.stem}"
)
def test_a_socket_that_closes_within_an_answer_gives_the_record_of_each_of_its_messages(case: Example) -> None:
    long = lengthen(case, 30)
    exchange = long.exchange if long else case.exchanges[-1]
    for length in range(1, len(exchange.messages), 3):
        cut = replace(exchange, messages=exchange.messages[:length], ending="aborted")
        joining, plain = Reader(KEY), Reader(KEY, services=plainly(Reader(KEY).services))
        assert joining.read(cut) == plain.read(cut)


@given(
    texts=st.lists(st.text(max_size=5), min_size=1, max_size=20), ascii_only=st.booleans(),
    places=st.lists(st.integers(0, 400), max_size=4),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_no_letter_is_lost_or_made_up(texts: list[str], ascii_only: bool, places: list[int]) -> None:
    body = b"".join(sse({"kind": "delta", "text": text}, ascii_only=ascii_only) for text in texts)
    edges = [0, *sorted(min(place, len(body)) for place in places), len(body)]
    pieces = [body[start:end] for start, end in pairwise(edges)]
    joined, apart = told(pieces), told(pieces, None)
    assert "".join(data["text"] for data, _ in joined) == "".join(data["text"] for data, _ in apart)
    assert all(data.keys() == {"kind", "text"} for data, _ in joined)
    assert len(joined) <= len(apart)


def test_a_run_is_one_event_that_came_when_its_first_came() -> None:
    pieces = [sse({"begin": 1}), *(sse({"at": 0, "text": word}) for word in ("The ", '"tide" ', "ist schön")), sse([])]
    assert told(pieces) == [({"begin": 1}, 0), ({"at": 0, "text": 'The "tide" ist schön'}, 10), ([], 40)]
    assert told([b"".join(pieces)]) == [({"begin": 1}, 0), ({"at": 0, "text": 'The "tide" ist schön'}, 0), ([], 0)]


def test_what_chunks_pack_is_joined_and_what_is_told_between_them_stays_where_it_is() -> None:
    packed = [base64.b64encode(json.dumps({"text": word}).encode()).decode() for word in "abcd"]
    events = [Event({"bytes": one, "p": "x" * n}, "chunk", n) for n, one in enumerate(packed)]
    told = [Event({"text": "abcd"}, "chunk", 0)]
    other = [
        Event({"message": "a"}, "throttlingException", 4),
        Event({"text": "bare"}, "chunk", 5),
        Event("?", None, 6),
    ]
    broken = [Event({"bytes": one}, "chunk", 7) for one in ("", "e", "\u00e6", "fQ==")]
    assert list(unwrap_all([*events, *other, *events, *broken], ADDS)) == told + other + told
    apart = [Event({"text": word}, "chunk", n) for n, word in enumerate("abcd")]
    assert list(unwrap_all([*events, *other, *broken], None)) == apart + other


def test_what_differs_in_anything_else_stays_apart() -> None:
    for other in ({"at": 1, "text": "b"}, {"at": 0, "text": "b", "stop": True}, {"at": 0, "text": ""}, {"at": 0}):
        events = [{"at": 0, "text": "a"}, other, {"at": 0, "text": "c"}]
        assert [data for data, _ in told([*map(sse, events)])] == events


def test_two_texts_in_one_event_are_never_joined() -> None:
    events = [{"parts": [{"text": word}, {"text": "always"}]} for word in ("a", "b")]
    assert [data for data, _ in told([*map(sse, events)])] == events


def test_a_text_that_is_json_is_joined_with_no_other() -> None:
    *before, stream = next(
        one.exchanges for one in load_examples() if one.service == "replicate" and one.path.stem == "text-stream"
    )
    words = [f'event: output\ndata: {{"text": "{word}"}}\n\n'.encode() for word in ("tide", "and", "time")]
    written = replace(
        stream, chunks=tuple(Chunk(n, data) for n, data in enumerate([*words, b"event: done\ndata: {}\n\n"]))
    )
    service = service_of(stream)
    assert read([*before, written], [service]) == read_plainly([*before, written], [service])


def test_counters_and_letters_against_eavesdroppers_keep_nobody_apart() -> None:
    events = [{"text": str(n), "sequence_number": n, "id": "x", "obfuscation": "ab" * n} for n in range(9)]
    for pieces in ([*map(sse, events)], [b"".join(map(sse, events))]):
        assert [data for data, _ in told(pieces)] == [{"text": "012345678", "id": "x"}]


def test_of_the_tokens_so_far_the_last_are_told() -> None:
    def event(n: int, **more: Any) -> dict[str, Any]:
        details = {"reasoning_tokens": n // 2}
        return {"text": str(n), "id": "x", "usage": {"output_tokens": n, "output_tokens_details": details, **more}}

    events = [event(n) for n in range(9)]
    for pieces in (
        [*map(sse, events)],
        [b"".join(map(sse, events))],
        [*map(sse, events), sse({"text": "9", "id": "x"})],
    ):
        (joined,) = [data for data, _ in told(pieces)]
        assert joined == {**events[8], "text": "012345678" + "9" * (len(pieces) == 10)}
    each = re.compile(rb'"text": ?(?P<each>")(?!")')
    assert [data for data, _ in told([*map(sse, events)], each)] == [
        {**events[8], "text": "\x1f".join("01234567")}, events[8]
    ]  # fmt: skip
    other = [event(0), event(1, image_count=1), event(2)]
    assert [data for data, _ in told([*map(sse, other)])] == other


def test_a_text_that_each_event_says_twice_is_joined_once() -> None:
    adds = re.compile(rb'"content": ?"(?!")')
    words = ("The ", '"tide', '\\" ', "{is}", "", "\u00e6")
    events = [
        {"choices": [{"text": word, "seed": None, "delta": {"token_id": n, "content": word}}], "id": "x"}
        for n, word in enumerate(words)
    ]
    for ascii_only in (True, False):
        joined = [data for data, _ in told([sse(event, ascii_only=ascii_only) for event in events], adds)]
        assert len(joined) == 3
        assert "".join(data["choices"][0]["delta"]["content"] for data in joined) == "".join(words)


def test_an_event_that_is_cut_within_comes_with_its_end_and_what_has_no_end_does_not() -> None:
    whole = b"".join(sse({"text": word}) for word in "abcd")
    assert told([whole[:30], whole[30:]]) == [({"text": "abcd"}, 0)]
    begin = {"begin": "x" * 5000}
    pieces = [sse(begin), whole[:5], whole[5:9], whole[9:30], whole[30:]]
    assert told(pieces) == [(begin, 0), ({"text": "a"}, 30), ({"text": "bcd"}, 40)]
    assert told([whole[:-4]]) == [({"text": "abc"}, 0)]
    assert told([whole[:-1], whole[-1:]]) == [({"text": "abcd"}, 0)]


def test_a_large_answer_is_joined_wherever_the_network_cuts_it() -> None:
    whole = b"".join(sse({"text": f"word {n} "}) for n in range(2000))
    for size in (100, 1000, 16_384):
        events = told([whole[start : start + size] for start in range(0, len(whole), size)])
        assert "".join(data["text"] for data, _ in events) == "".join(f"word {n} " for n in range(2000))
        assert len(events) < 10


def test_a_long_text_stays_below_the_bound_of_one_event() -> None:
    events = told([sse({"text": "x" * 50_000})] * 400)
    assert sum(len(data["text"]) for data, _ in events) == 400 * 50_000
    assert 1 < len(events) < 400


def test_however_events_are_lost_doubled_moved_or_broken_they_are_read_as_one_by_one() -> None:
    read = 0
    for seed in range(400):
        service, cut, whole = shuffle(random.Random(seed))
        joined, apart = read_both_ways(service, cut, whole)
        assert not differ(joined, apart), (seed, service.name)
        read += bool(joined.records)
    assert read > 200


@pytest.mark.parametrize("case", ADDING, ids=lambda case: f"{case.service}-{case.path.stem}")
def test_whatever_happens_to_events_they_are_read_as_if_each_came_alone_and_at_the_same_times(case: Example) -> None:
    *before, last = case.exchanges
    joining, plain = Reader(KEY), Reader(KEY, services=plainly(Reader(KEY).services))
    for one in before:
        assert joining.read(one) == plain.read(one)
    for seed in range(12):
        changed = with_changes(last, random.Random(seed))
        assert joining.read(changed) == plain.read(changed), seed


def with_changes(exchange: Exchange, chance: random.Random) -> Exchange:
    """Return an exchange with some of its events lost, moved, repeated or with other texts, one a chunk or message."""
    if exchange.messages:
        sides = [(one.from_client, one.data) for one in exchange.messages]
        change(sides, chance)
        messages = tuple(Message(10 * n, from_client, data) for n, (from_client, data) in enumerate(sides))
        return replace(exchange, messages=messages)
    units = [(False, unit) for unit in units_of(exchange)]
    change(units, chance)
    return replace(exchange, chunks=tuple(Chunk(10 * n, data) for n, (_, data) in enumerate(units)))


def change(events: list[tuple[bool, bytes]], chance: random.Random) -> None:
    for _ in range(chance.choice((1, 2, 4))):
        if not events:
            return
        at, other = chance.randrange(len(events)), chance.randrange(len(events))
        from_client, data = events[at]
        match chance.randrange(4):
            case 0:
                del events[at]
            case 1:
                events[at], events[other] = events[other], events[at]
            case 2:
                texts = [chance.choice(TEXTS) for _ in range(chance.choice((2, 3, 40)))]
                events[at:at] = [(from_client, SHORT_TEXT.sub(text, data)) for text in texts]
            case _:
                events[at] = from_client, SHORT_TEXT.sub(chance.choice(TEXTS), data, chance.choice((0, 1)))


def test_texts_that_are_to_be_seen_each_come_with_a_seam_between_them_and_the_last_at_its_own_time() -> None:
    adds = re.compile(rb'"text": ?(?P<each>")(?!")')
    pieces = [sse({"text": word}) for word in ("The", " tide", ' "is"', " in")]
    assert told(pieces, adds) == [({"text": 'The\x1f tide\x1f "is"'}, 0), ({"text": " in"}, 30)]
    assert told(pieces[:1], adds) == [({"text": "The"}, 0)]
    with_a_seam = [sse({"text": word}) for word in ("a", "\x1f", "b")]
    assert told(with_a_seam, adds) == told(with_a_seam, None)
    assert each_of("a\x1fb") == ["a", "b"]
    assert each_of(7) == []


class Noting(TurnByTurn):
    """Notes what it is given to read."""

    def __init__(self, service: Service) -> None:
        super().__init__(service, exchange([]))
        self.taken: list[tuple[int | None, Any]] = []

    def take(self, message: Message) -> Iterable[Turn]:
        self.taken.append((message.at_ms, json.loads(message.data, strict=False)))
        return ()


def heard(messages: Sequence[tuple[bool, Any]]) -> list[tuple[int | None, Any]]:
    (copilot,) = [service() for service in discover() if service.name == "copilot"]
    listener = Noting(copilot)
    for n, (from_client, value) in enumerate(messages):
        listener.hear(Message(10 * n, from_client, json.dumps(value).encode()))
    listener.close("complete", 1000)
    return listener.taken


def test_messages_that_only_add_to_a_text_wait_for_another_and_are_read_as_one() -> None:
    def said(n: int, text: str) -> tuple[bool, dict[str, str]]:
        return False, {"event": "appendText", "messageId": "m1", "partId": "p1", "text": text, "id": str(n)}

    texts = [said(n, f" {n}") for n in range(2, 30)]
    others = [(False, {"event": "ping"}), (True, {"event": "pong"}), (False, {"event": "done"})]
    for other in others:
        (first, joined, *rest) = heard([*texts, other])
        assert first == (0, texts[0][1])
        assert joined[0] == 10
        assert joined[1]["text"] == "".join(text["text"] for _, text in texts[1:])
        assert [value for _, value in rest] == [other[1]]
    assert len(heard(texts)) == 2
    (_, middle), *_ = apart = [said(1, " a"), (False, {**said(2, " b")[1], "messageId": "m2"}), said(3, " c")]
    assert [value for _, value in heard(apart)] == [value for _, value in apart], middle


def test_a_socket_of_other_things_hears_texts_after_them_all_the_same() -> None:
    text = {"event": "appendText", "messageId": "m1", "partId": "p1", "text": " tide"}
    taken = heard([*[(False, {"event": "partialImageGenerated"})] * 100, *[(False, text)] * 100])
    assert len(taken) < 120
    assert sum(str(value.get("text", "")).count("tide") for _, value in taken) == 100


def test_frames_that_only_add_to_a_text_are_one_event_wherever_they_are_cut() -> None:
    (kimi,) = [service for service in discover() if service.name == "kimi"]
    values = [
        {
            "eventOffset": n,
            "op": "append",
            "mask": "block.text.content",
            "block": {"id": "2", "text": {"content": text}},
        }
        for n, text in enumerate([" tide", ' "is"', "", " \x1e", *[" in"] * 1000])
    ]
    texts = [json.dumps(value).encode() for value in values]
    texts[3] = texts[3].replace(b"\\u001e", b"\x1e")
    frames = b"".join(b"\0" + len(text).to_bytes(4) + text for text in texts)
    for size in (len(frames), 40, 1000):
        pieces = [frames[start : start + size] for start in range(0, len(frames), size)]
        came = replace(exchange(pieces), response_headers={"content-type": "application/connect+json"})
        joined, apart = (list(read_events(came, "connect", adds)) for adds in (kimi.adds, None))
        assert [event.data for event in apart] == values
        assert "".join(event.data["block"]["text"]["content"] for event in joined) == "".join(
            value["block"]["text"]["content"] for value in values
        )
        assert len(joined) < (20 if size == len(frames) else 600)


def test_two_searches_that_differ_in_their_query_alone_are_two() -> None:
    (case,) = [case for case in ADDING if (case.service, case.path.stem) == ("cohere-api", "chat-v1-tools")]
    exchange = case.exchanges[-1]
    events = b"".join(chunk.data for chunk in exchange.chunks).split(b"\n")
    at = next(n for n, event in enumerate(events) if b'"search-results"' in event)
    events.insert(at, events[at].replace(b"ferry", b"train"))
    (record,) = Reader(KEY).read(replace(exchange, chunks=(Chunk(0, b"\n".join(events)),))).records
    assert ("web_search", "used", 2) in [(one.feature, one.state, one.amount) for one in record.features]


def test_messages_that_come_whole_again_are_one_answer() -> None:
    (case,) = [case for case in ADDING if (case.service, case.path.stem) == ("minimax", "thinking")]
    exchange = case.exchanges[-1]
    whole = next(
        chunk.data for chunk in exchange.chunks if b'"agent_message":' in chunk.data and b"Rhine" in chunk.data
    )
    asked = replace(exchange, chunks=tuple(Chunk(n, whole) for n in range(5)))
    plain = Reader(KEY, services=plainly(Reader(KEY).services))
    assert Reader(KEY).read(asked).records == plain.read(asked).records != ()


RESPONSE = {"id": "resp_1", "model": "gpt-5.5-codex", "status": "completed"}
SAID_ON_A_SOCKET = (
    {"type": "response.output_text.delta", "item_id": "m", "delta": "Far."},
    {"type": "response.output_text.delta", "item_id": "m", "delta": " off"},
    {"item_id": "m", "delta": "of no kind"},
    {"delta": "last kind", "item_id": "m", "type": "response.output_text.delta"},
    {"type": "other.delta", "delta": "a"},
    {"response": RESPONSE},
    {"type": "response.created", "response": RESPONSE},
    {"type": "response.completed", "response": RESPONSE},
)


@given(said=st.lists(st.none() | st.sampled_from(SAID_ON_A_SOCKET), max_size=12))
@settings(max_examples=200, deadline=None)
def test_an_event_of_no_kind_on_a_socket_is_read_as_if_each_came_alone(said: list[Any]) -> None:
    question = {"type": "response.create", "model": "gpt-5.5-codex", "input": "How far?"}
    messages = tuple(Message(n, one is None, json.dumps(one or question).encode()) for n, one in enumerate(said))
    started_at = datetime(2026, 11, 22, tzinfo=UTC)
    whole = Exchange(
        method="GET", host="chatgpt.com", path="/backend-api/codex/responses", status=101, started_at=started_at,
        messages=messages,
    )  # fmt: skip
    plain = Reader(KEY, services=plainly(Reader(KEY).services))
    assert Reader(KEY).read(whole) == plain.read(whole)


@pytest.mark.parametrize("broken", [
    b'"usage":{"a_tokens":01}', b'"usage":{"a_tokens":1"b_tokens":2}', b'"usage":{"a_tokens":1,}',
    b'"usage":{"b_details":{"a_tokens":1,}}', b'"sequence_number":01', b'"eventOffset": 00, "id":"x"',
])  # fmt: skip
def test_what_is_no_json_stays_none(broken: bytes) -> None:
    whole = b'data: {"text":"a","usage":{"a_tokens":1},"sequence_number":1,"eventOffset": 1, "id":"x"}\n\n'
    events = [b'data: {"text":"a",%b}\n\n' % told for told in (b'"usage":{"a_tokens":1}', b'"usage":{"a_tokens":2}')]
    pieces = [whole, *events, b'data: {"text":"b",%b}\n\n' % broken, *events]
    joined, apart = told(pieces), told(pieces, None)
    assert [data for data, _ in apart if isinstance(data, str)] == [pieces[3].decode().strip()[6:]]
    assert [data for data, _ in joined if isinstance(data, str)] == [pieces[3].decode().strip()[6:]]


@pytest.mark.parametrize("between", [b"", b"\n", b"\x1e"])
def test_a_message_of_several_values_waits_for_no_other(between: bytes) -> None:
    one, other = (b'{"text": "%b"}' % word for word in (b"a", b"b"))
    gathering = Gathering(ADDS)
    gathering.follow(b'{"end": 1}' + between + one)
    assert not gathering.take(1, b'{"end": 1}' + between + other)
    gathering.follow(one)
    assert gathering.take(1, other)


def test_what_is_said_in_a_line_after_the_text_is_said_each_time() -> None:
    """And a sum of the tokens so far stays in the line that tells it."""
    block = b'data: {"text": "a"}\n{"x": 1, "usage": {"a_tokens": 5}}\nevent: end\ndata: {"y": {}}\n\n'
    pieces = [block] * 4
    assert told(pieces) == told(pieces, adds=None)
    assert not any("usage" in data for data, _ in told(pieces))
