"""AWS event streams: what is read at a glance is what a second look gives, and what is not plain gets that look."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from unittest.mock import patch

from hypothesis import example, given, settings
from hypothesis import strategies as st

from addon.exchange import Chunk, Exchange
from addon.framing import read_events
from addon.framing.aws import AwsSplitter
from addon.reader import Reader
from addon.services import _bedrock_sonic
from addon.services._content import base64_size
from addon.services.bedrock import Bedrock
from tests.examples import KEY
from tests.test_framing import aws_frame

ADDS = Bedrock.adds

PACKED = st.text("Ab+/9=", max_size=9) | st.text(max_size=5)
"""Base64, and what a service might send instead."""
PAYLOADS = st.one_of(
    st.builds('{{"bytes":{}"{}"{}}}'.format, st.sampled_from(["", " ", "  "]), PACKED, st.sampled_from([
        "", ',"p":"ab"', ', "p": "ab"', ',"p":"a\\"b"', ',"p":1', ',"bytes":"xx"', " ", "}", ',"p":"a-b"', ',"p":"é"',
    ])),
    st.builds('{{"contentBlockIndex":{},"delta":{{"text":"{}"}}{}}}'.format, st.integers(0, 1), st.sampled_from([
        "a", "b c", "\\n", "\\u00e6", "æ", '"', "\\", "\x1e", "", "\x1f",
    ]), st.sampled_from(["", ',"p":"xyz"', ',"p":"x"', "\x1e"])),
    st.sampled_from(["", "{}", "{", '{"bytes":"', '{"bytes":"QQ==', '{"bytes": 1}', "[1]", "\x1e", "\ufeff{}", '"a"']),
)  # fmt: skip
PADDING = re.compile(r""", ?(['"])p\1: ?\1\w*\1(?=[,}])""")
NAMES = st.sampled_from(["contentBlockDelta", "chunk", "trace"])
ADDED = ("contentBlockDelta", '{"contentBlockIndex":0,"delta":{"text":"a"}}')
PADDED = ("contentBlockDelta", '{"bytes":"","p":"ab"}')


def exchange(pieces: list[bytes], path: str = "/model/m/converse-stream") -> Exchange:
    return Exchange(
        method="POST", host="bedrock-runtime.us-east-1.amazonaws.com", path=path, status=200,
        started_at=datetime(2026, 11, 22, tzinfo=UTC), request_headers={"content-type": "application/json"},
        response_headers={"content-type": "application/vnd.amazon.eventstream"}, request_body=b"{}",
        chunks=tuple(Chunk(10 * n, piece) for n, piece in enumerate(pieces)), ended_ms=10_000,
    )  # fmt: skip


def plainly(payload: str) -> Any:
    try:
        return json.loads(payload, strict=False) if payload else {}
    except ValueError:
        return payload


@contextmanager
def a_second_look() -> Iterator[None]:
    """Read every frame and every sound the long way."""
    with (
        patch.object(AwsSplitter, "read_plain", lambda _self, _data, position, *_: position),
        patch.object(_bedrock_sonic, "_size_of_sound", lambda _packed: 0),
    ):
        yield


@given(
    told=st.lists(st.tuples(NAMES, PAYLOADS), min_size=1, max_size=30),
    places=st.lists(st.integers(0, 3000), max_size=4),
)
@settings(max_examples=200, deadline=None)
def test_every_frame_is_what_json_makes_of_it_and_came_when_its_end_came(
    told: list[tuple[str, str]], places: list[int]
) -> None:
    frames = [aws_frame(payload.encode(), event_type=name) for name, payload in told]
    body = b"".join(frames)
    edges = [0, *sorted(min(place, len(body)) for place in places), len(body)]
    pieces = [body[start:end] for start, end in pairwise(edges)]
    events = list(read_events(exchange(pieces)))
    assert [(event.name, event.data) for event in events] == [(name, plainly(payload)) for name, payload in told]
    with a_second_look():
        assert list(read_events(exchange(pieces))) == events


@given(told=st.lists(st.tuples(NAMES, PAYLOADS), min_size=1, max_size=30), in_one=st.booleans())
@example(told=[ADDED] * 9, in_one=True)
@example(told=[PADDED, ADDED, ADDED, PADDED], in_one=False)
@settings(max_examples=200, deadline=None)
def test_joined_texts_say_what_each_says_and_nothing_else_is_joined(told: list[tuple[str, str]], in_one: bool) -> None:
    frames = [aws_frame(payload.encode(), event_type=name) for name, payload in told]
    pieces = [b"".join(frames)] if in_one else frames
    apart, joined = list(read_events(exchange(pieces))), list(read_events(exchange(pieces), adds=ADDS))
    assert "".join(map(text_in, joined)) == "".join(map(text_in, apart))
    assert [one for one in joined if one.name != "contentBlockDelta"] == [
        one for one in apart if one.name != "contentBlockDelta"
    ]
    assert joined[0].at_ms == apart[0].at_ms
    assert {one.at_ms for one in joined} <= {one.at_ms for one in apart}


def text_in(event: Any) -> str:
    """Return the text that an event adds, or all that it says but the letters against eavesdroppers."""
    try:
        return str(event.data["delta"]["text"])
    except (KeyError, TypeError):
        return PADDING.sub("", repr(event.data))


def test_a_run_of_frames_is_one_event_however_long_its_letters_against_eavesdroppers_are() -> None:
    said = [
        {"contentBlockIndex": 0, "delta": {"text": word}, "p": "abcdefghij"[: n % 7]}
        for n, word in enumerate(["tide "] * 300)
    ]
    frames = [
        aws_frame(json.dumps(one, separators=(",", ":")).encode(), event_type="contentBlockDelta") for one in said
    ]
    joined = list(read_events(exchange(frames), adds=ADDS))
    assert "".join(one.data["delta"]["text"] for one in joined) == "tide " * 300
    assert len(joined) < 20


FRAME = aws_frame(b'{"contentBlockIndex":0,"delta":{"text":"tide"}}', event_type="contentBlockDelta")


@given(place=st.integers(1, len(FRAME) - 1), bit=st.integers(0, 7))
@settings(max_examples=100, deadline=None)
def test_a_frame_like_those_before_that_is_cut_or_broken_is_not_read(place: int, bit: int) -> None:
    broken = bytearray(FRAME)
    broken[place] ^= 1 << bit
    for last in (FRAME[:place], bytes(broken)):
        events = read_events(exchange([2 * FRAME + last]))
        assert len(list(events)) == 2
        assert events.problems
        with a_second_look():
            again = read_events(exchange([2 * FRAME + last]))
            assert list(again) == list(events)
        assert again.problems == events.problems


SOUNDS = st.binary(max_size=30).map(lambda sound: base64.b64encode(sound).decode())
ODD = st.sampled_from(["/", "\\/", "\\u0041", '"', '","more":"', "data:,", "=", "==", "æ", "\n", " ", "\\"])


@st.composite
def sound_events(draw: st.DrawFn) -> str:
    """An event that carries sound, as plain as all are or written in another way."""
    sound = "".join(draw(st.lists(SOUNDS | ODD, max_size=3)))
    colon, comma = draw(st.sampled_from([":", ": ", " :"])), draw(st.sampled_from([",", ", "]))
    fields = draw(
        st.permutations([f'"content"{colon}"{sound}"', f'"role"{colon}"ASSISTANT"', f'"contentId"{colon}"c"'])
    )
    inner = comma.join(draw(st.sampled_from([fields[-1:], sorted(fields, key=lambda one: 'content"' in one), fields])))
    told = f'{{"event"{colon}{{"audioOutput"{colon}{{{inner}}}}}}}'
    packed = base64.b64encode(told.encode()).decode()
    return draw(st.sampled_from([packed, packed.rstrip("="), packed + "=", packed + "\n", packed[:-4], "=" + packed]))


@given(packed=sound_events())
@settings(max_examples=400, deadline=None)
def test_sound_that_is_measured_at_a_glance_is_as_much_as_json_has(packed: str) -> None:
    size = _bedrock_sonic._size_of_sound(packed)
    if size:
        told = json.loads(base64.b64decode(packed), strict=False)["event"]["audioOutput"]["content"]
        assert size == base64_size(told)


@given(packed=st.lists(sound_events(), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_a_call_is_as_long_as_it_is_the_long_way(packed: list[str]) -> None:
    form = {"mediaType": "audio/lpcm", "sampleRateHertz": 8, "bitsPerSample": 8, "channelCount": 1}
    begin = json.dumps({"event": {"contentStart": {"audioOutputConfiguration": form}}})
    chunks = [base64.b64encode(begin.encode()).decode(), *packed]
    frames = [aws_frame(json.dumps({"bytes": one}).encode(), event_type="chunk") for one in chunks]
    call = exchange(frames, "/model/m/invoke-with-bidirectional-stream")
    reading = Reader(KEY).read(call)
    with a_second_look():
        assert Reader(KEY).read(call) == reading


def test_plain_sound_is_measured_at_a_glance() -> None:
    sound = base64.b64encode(bytes(1000)).decode()
    for separators in ((",", ":"), (", ", ": ")):
        told = {"event": {"audioOutput": {"contentId": "c", "role": "ASSISTANT", "content": sound}}}
        packed = base64.b64encode(json.dumps(told, separators=separators).encode()).decode()
        assert _bedrock_sonic._size_of_sound(packed) == 1000
