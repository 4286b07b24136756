"""Framings: the same events wherever the bytes are cut, what came of a cut stream, and nothing ever raised."""

from __future__ import annotations

import base64
import gzip
import json
import struct
import time
import tracemalloc
import zlib
from datetime import UTC, datetime
from typing import Any

import brotli
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.exchange import Chunk, Exchange
from addon.framing import FRAMINGS, read_events, read_request, split_messages
from addon.framing.choice import choose
from addon.framing.lines import CodedSplitter, SignalrSplitter
from addon.framing.sse import SseSplitter
from addon.framing.values import LARGEST_EVENT
from tests.test_coding import cut

CUTS = st.lists(st.integers(0, 600), max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.lists(st.dictionaries(st.text(max_size=6), JSON, max_size=3), min_size=1, max_size=5)


def exchange(pieces: list[bytes], content_type: str = "", encoding: str = "", **more: Any) -> Exchange:
    headers = {"Content-Type": content_type} | ({"Content-Encoding": encoding} if encoding else {})
    return Exchange(
        method="POST", host="chat.example", path="/", status=200, started_at=datetime(2026, 11, 20, tzinfo=UTC),
        response_headers=headers, chunks=tuple(Chunk(10 * n, piece) for n, piece in enumerate(pieces)), **more,
    )  # fmt: skip


def read(
    pieces: list[bytes] | bytes, content_type: str = "", framing: str = "auto", encoding: str = "", **more: Any
) -> tuple[list[tuple[Any, str | None]], list[str]]:
    if isinstance(pieces, bytes):
        pieces = [pieces]
    events = read_events(exchange(pieces, content_type, encoding, **more), framing)
    return [(event.data, event.name) for event in events], events.problems


def values(*arguments: Any, **more: Any) -> list[Any]:
    return [data for data, _ in read(*arguments, **more)[0]]


def envelope(flags: int, data: bytes) -> bytes:
    return struct.pack(">BI", flags, len(data)) + data


def aws_frame(payload: bytes, **headers: str) -> bytes:
    packed = b""
    for name, value in headers.items():
        label = (":" + name.replace("_", "-")).encode()
        packed += bytes([len(label)]) + label + b"\x07" + struct.pack(">H", len(value)) + value.encode()
    head = struct.pack(">II", len(packed) + len(payload) + 16, len(packed))
    frame = head + struct.pack(">I", zlib.crc32(head)) + packed + payload
    return frame + struct.pack(">I", zlib.crc32(frame))


def gemini_frame(text: str) -> str:
    body = f"\n{text}\n"
    return str(len(body.encode("utf-16-le")) // 2) + body


# Cut anywhere, the same events.


@given(
    objects=OBJECTS, places=CUTS, newline=st.sampled_from(["\n", "\r\n", "\r"]), encoding=st.sampled_from(["", "br"])
)
@settings(max_examples=80, deadline=None)
def test_sse_is_read_wherever_it_is_cut(objects: list[Any], places: list[int], newline: str, encoding: str) -> None:
    body = "".join(f"event: e{newline}data: {json.dumps(o)}{newline}{newline}" for o in objects).encode()
    data = brotli.compress(body) if encoding else body
    assert read(cut(data, places), "text/event-stream", encoding=encoding) == ([(o, "e") for o in objects], [])


@given(objects=OBJECTS, places=CUTS, last=st.sampled_from(["\n", ""]))
@settings(max_examples=60, deadline=None)
def test_json_lines_are_read_wherever_they_are_cut(objects: list[Any], places: list[int], last: str) -> None:
    body = ("\n".join(json.dumps(o, ensure_ascii=False) for o in objects) + last).encode("utf-8", "replace")
    assert read(cut(body, places), "application/x-ndjson") == ([(json.loads(json.dumps(o)), None) for o in objects], [])


@given(objects=OBJECTS, places=CUTS, separator=st.sampled_from(["", "\n", " \r\n", "\t"]))
@settings(max_examples=60, deadline=None)
def test_json_objects_in_a_row_are_read_wherever_they_are_cut(
    objects: list[Any], places: list[int], separator: str
) -> None:
    body = separator.join(json.dumps(o) for o in objects).encode()
    assert read(cut(body, places), "application/json") == ([(o, None) for o in objects], [])


@given(elements=st.lists(JSON, max_size=5), places=CUTS, separator=st.sampled_from([",", ",\r\n", " ,\n "]))
@settings(max_examples=80, deadline=None)
def test_a_json_array_is_read_element_by_element(elements: list[Any], places: list[int], separator: str) -> None:
    body = ("[" + separator.join(json.dumps(e) for e in elements) + "\n]\n").encode()
    assert read(cut(body, places), "application/json") == ([(e, None) for e in elements], [])
    assert values(cut(body, places), framing="json") == [elements]


@given(texts=st.lists(st.text(max_size=12), min_size=1, max_size=4), places=CUTS)
@settings(max_examples=60, deadline=None)
def test_gemini_frames_are_read_wherever_they_are_cut(texts: list[str], places: list[int]) -> None:
    rows = [[["wrb.fr", None, json.dumps(text)]] for text in texts]
    frames = "".join(gemini_frame(json.dumps(row, ensure_ascii=False)) for row in rows)
    body = (")]}'\n\n" + frames).encode("utf-8", "replace")
    assert values(cut(body, places), "application/json; charset=utf-8", framing="length_prefixed") == rows
    assert values(cut(body, places), "application/json") == rows


@given(objects=OBJECTS, places=CUTS, squeeze=st.booleans())
@settings(max_examples=60, deadline=None)
def test_connect_envelopes_are_read_wherever_they_are_cut(objects: list[Any], places: list[int], squeeze: bool) -> None:
    packed = [json.dumps(o).encode() for o in objects]
    body = b"".join(envelope(1, gzip.compress(p)) if squeeze else envelope(0, p) for p in packed) + envelope(2, b"{}")
    events, problems = read(cut(body, places), "application/connect+json")
    assert events == [*((o, None) for o in objects), ({}, "end")]
    assert problems == []


@given(objects=OBJECTS, places=CUTS)
@settings(max_examples=60, deadline=None)
def test_aws_event_streams_are_read_wherever_they_are_cut(objects: list[Any], places: list[int]) -> None:
    body = b"".join(
        aws_frame(json.dumps(o).encode(), message_type="event", event_type="contentBlockDelta") for o in objects
    )
    events, problems = read(cut(body, places), "application/vnd.amazon.eventstream")
    assert events == [(o, "contentBlockDelta") for o in objects]
    assert problems == []


@given(objects=OBJECTS, places=CUTS)
@settings(max_examples=40, deadline=None)
def test_signalr_is_read_wherever_it_is_cut(objects: list[Any], places: list[int]) -> None:
    body = b"".join(json.dumps(o).encode() + b"\x1e" for o in objects)
    assert read(cut(body, places), framing="signalr") == ([(o, None) for o in objects], [])
    assert [event.data for event in split_messages(body, "signalr")] == objects


SCRAPS_OF_ALL = [
    b"data: ", b"data:", b"event: e\n", b"id: 1\n", b"\n", b"\n\n", b"\r", b"\r\n\r\n", b": ping", b"[DONE]", b"words",
    b'{"a":1}', b'{"a":"\n"}', b'{"a":', b'"{"', b"1", b".", b"[", b"]", b",", b" ", b"12\n", b")]}'\n", b"0:", b"a b:",
    "ü€".encode(), b"\xc3", b"\xbf", b"\xef\xbb\xbf", b"\x1e", b"\0\0\0\0\5", b"\0\x7f\xff\xff\xff",
    envelope(0, b'{"a":1}'), envelope(0, b'{"a":'), envelope(2, b"{}"), envelope(1, gzip.compress(b'{"c":1}')),
    aws_frame(b'{"a":1}', event_type="e"), aws_frame(b"{}", event_type="f"), aws_frame(b"", content_type="x")[:-1],
]  # fmt: skip


@pytest.mark.parametrize("framing", FRAMINGS)
@given(
    parts=st.lists(st.sampled_from(SCRAPS_OF_ALL) | st.binary(max_size=4), max_size=20),
    places=st.lists(st.integers(0, 300), max_size=12), kind=st.sampled_from(["", "application/connect+json"]),
)  # fmt: skip
@settings(max_examples=80, deadline=None)
def test_pieces_taken_together_are_what_each_is_by_itself_and_came_when_it_came(
    framing: str, parts: list[bytes], places: list[int], kind: str
) -> None:
    body = b"".join(parts)
    pieces = [*enumerate(cut(body, places))]
    told = []
    for groups, long_way in (([pieces], False), ([[piece] for piece in pieces], False), ([pieces], True)):
        problems: list[str] = []
        splitter = choose(framing, kind, body[:16], problems)
        if long_way and isinstance(splitter, SseSplitter | CodedSplitter | SignalrSplitter):
            splitter.plain = None
        events = [event for group in groups for event in splitter.take(group)]
        told.append((repr(events), repr(splitter.finish()), problems))
    assert told[0] == told[1] == told[2]


# Never an exception.

FORM = "application/x-www-form-urlencoded"
KINDS = [
    "", "text/event-stream", "application/json", "application/x-ndjson", "application/connect+json",
    "application/grpc", "text/html", "audio/mpeg",
]  # fmt: skip
SCRAPS = [b"data: {", b"\n\n", b"\r", b"[{", b"}", b"\x1e", b'"', b",", b"12\n", b"\0\0\0\0\5"]


@pytest.mark.parametrize("framing", FRAMINGS)
@given(
    pieces=st.lists(st.binary(max_size=120) | st.sampled_from(SCRAPS), max_size=12),
    content_type=st.sampled_from(KINDS),
    encoding=st.sampled_from(["", "", "gzip", "br", "zstd", "deflate", "no-such"]), truncated=st.booleans(),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_arbitrary_bytes_never_raise(
    framing: str, pieces: list[bytes], content_type: str, encoding: str, truncated: bool
) -> None:
    events, problems = read(pieces, content_type, framing, encoding, truncated=truncated)
    assert all(isinstance(problem, str) for problem in problems)
    assert truncated <= ("truncated" in problems)
    assert len(events) <= sum(map(len, pieces)) * 1000


@given(
    body=st.binary(max_size=400), kind=st.sampled_from([*KINDS, "multipart/form-data; boundary=x", FORM]),
    encoding=st.sampled_from(["", "gzip", "zstd", "huh"]),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_arbitrary_requests_never_raise(body: bytes, kind: str, encoding: str) -> None:
    result = read_request(
        exchange([], request_body=body, request_headers={"content-type": kind, "content-encoding": encoding})
    )
    assert result is None or isinstance(result, dict | list | str | int | float | bool | bytes)


@given(data=st.binary(max_size=300), framing=st.sampled_from(["json", "signalr", "auto"]))
@settings(max_examples=150, deadline=None)
def test_arbitrary_socket_messages_never_raise(data: bytes, framing: str) -> None:
    assert all(event.at_ms == 7 for event in split_messages(data, framing, at_ms=7))


# Server-sent events, in detail.


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'data:{"a":1}\n\n', [({"a": 1}, None)]),
        (b": ping\n\ndata: 1\n\n", [(1, None)]),
        (b"data: one\ndata: two\n\n", [("one\ntwo", None)]),
        (b'data: {"a":\ndata: 1}\n\n', [({"a": 1}, None)]),
        (b'data: {"a":1}\ndata: {"a":2}\n\n', [({"a": 1}, None), ({"a": 2}, None)]),
        (b"event:done\nid: 4\nretry: 10\ndata: [DONE]\n\n", [("[DONE]", "done")]),
        (b"\xef\xbb\xbfdata: 1\n\n", [(1, None)]),
        (b"event: empty\n\n", []),
        (b"\n\n\n\ndata: 1\n\n\n\n\n", [(1, None)]),
        (b'data: {"a":1}', [({"a": 1}, None)]),
        (b"data:  two spaces\n\n", [(" two spaces", None)]),
        (b"data: \xff\xfe\n\n", [("\ufffd\ufffd", None)]),
        (b"data\n\n", [("", None)]),
    ],
)
def test_server_sent_events_are_read_as_their_standard_says_wherever_they_are_cut(
    body: bytes, expected: list[Any]
) -> None:
    for size in (1, 2, 3, 5, 1000):
        pieces = [body[n : n + size] for n in range(0, len(body), size)]
        assert read(pieces, "text/event-stream") == (expected, [])


def test_json_values_glued_together_are_told_apart() -> None:
    assert values(b'data: {"a":1}{"b":2}\n\n', "text/event-stream") == [{"a": 1}, {"b": 2}]
    assert values(b'{"a":1}\n{"b":2}{"c":3}\n', "application/x-ndjson") == [{"a": 1}, {"b": 2}, {"c": 3}]
    cut_off = b'data: {"a":1}\ndata: {"b":2}\ndata: {"c":'
    assert read(cut_off, "text/event-stream") == ([({"a": 1}, None), ({"b": 2}, None)], ["truncated"])


def test_sse_text_is_not_taken_for_json() -> None:
    assert values(b"data: 1.0\n\ndata: true\n\n", framing="sse_text") == ["1.0", "true"]


def test_a_cut_sse_stream_gives_what_came_and_says_so() -> None:
    assert read(b'data: {"a":1}\n\ndata: {"b":', "text/event-stream") == ([({"a": 1}, None)], ["truncated"])


def test_broken_json_in_the_middle_is_passed_over() -> None:
    events, problems = read(b'data: {"a":}\n\ndata: {"b":2}\n\n', "text/event-stream")
    assert events == [('{"a":}', None), ({"b": 2}, None)]
    assert problems == ["bad-json"]


def test_each_event_has_the_time_of_the_chunk_that_completed_it() -> None:
    pieces = [b'data: {"a":1}\n', b'\ndata: {"b":2}\n\ndata: {"c":3}', b"\n\n"]
    assert [event.at_ms for event in read_events(exchange(pieces, "text/event-stream"))] == [10, 10, 20]
    pieces = [b'[{"a":"xxxxxxxxxxxxxxxxx"}', b',\n{"b":2},{"c":', b"3}]"]
    assert [event.at_ms for event in read_events(exchange(pieces, "application/json"))] == [0, 10, 20]


def test_coded_lines_are_named_by_their_code() -> None:
    body = b'15:{"json":{"a":":"}}\n8:null\nnot a line\n0:"x'
    assert read([body[:9], body[9:]], framing="coded_lines") == (
        [({"json": {"a": ":"}}, "15"), (None, "8")],
        ["bad-json", "truncated"],
    )
    assert values(b'{"error":1}', framing="coded_lines") == [{"error": 1}]


# The header says one thing, the bytes another.


@pytest.mark.parametrize(
    ("content_type", "framing", "body", "expected"),
    [
        ("", "auto", b'data: {"a":1}\n\n', [{"a": 1}]),
        ("application/json", "auto", b'event: x\ndata: {"a":1}\n\n', [{"a": 1}]),
        ("text/plain", "auto", b'{"a":1}\n{"a":2}\n', [{"a": 1}, {"a": 2}]),
        ("text/event-stream", "sse", b'{"error":{"code":1}}', [{"error": {"code": 1}}]),
        ("application/x-ndjson", "ndjson", b'{\n  "error": 1\n}', [{"error": 1}]),
        ("application/x-ndjson", "auto", b'data: {"a":1}\n\n', [{"a": 1}]),
        ("application/json", "json", b')]}\'\n{"a":1}', [{"a": 1}]),
        ("application/json", "auto", b'   \n  {"a":1}', [{"a": 1}]),
        ("text/html", "auto", b"<html>", [b"<html>"]),
    ],
)
def test_bytes_win_over_headers(content_type: str, framing: str, body: bytes, expected: list[Any]) -> None:
    assert values(body, content_type, framing) == expected


def test_a_body_that_an_archive_has_already_decoded_is_read() -> None:
    body = b'data: {"a":1}\n\n'
    for encoding in ("gzip", "br", "zstd", "deflate"):
        assert read([body[:4], body[4:]], "text/event-stream", encoding=encoding) == ([({"a": 1}, None)], [])


# Cut and broken.


@pytest.mark.parametrize(
    ("body", "content_type", "expected", "problem"),
    [
        (b'{"a":1}\n{"b":"x', "application/x-ndjson", [{"a": 1}], "truncated"),
        (b'[{"a":1},{"b":', "application/json", [{"a": 1}], "truncated"),
        (b'[{"a":1},', "application/json", [{"a": 1}], "truncated"),
        (b'{"a":1', "application/json", [], "truncated"),
        (b'{"a" 1, "and then it goes on": 2}', "application/json", [], "bad-json"),
        (b'{"a":1}\nnot json at all\n{"b":2}\n', "application/x-ndjson", [{"a": 1}, {"b": 2}], "bad-json"),
        (envelope(0, b"{}") + b"\0\0\0\0\xff{", "application/connect+json", [{}], "truncated"),
        (envelope(0, b"{}") + b"\x70\0\0\0\1{", "application/connect+json", [{}], "bad-frame"),
        (envelope(1, b"\x1f\x8bnonsense"), "application/connect+json", [], "bad-coding"),
        (aws_frame(b"{}") + aws_frame(b"{}")[:-1] + b"?", "application/vnd.amazon.eventstream", [{}], "bad-checksum"),
        (aws_frame(b"{}") + b"\0\0\0\x10" * 2 + b"?" * 8, "application/vnd.amazon.eventstream", [{}], "bad-checksum"),
        (aws_frame(b"{}")[:-3], "application/vnd.amazon.eventstream", [], "truncated"),
    ],
)  # fmt: skip
def test_what_came_before_a_fault_is_kept(body: bytes, content_type: str, expected: list[Any], problem: str) -> None:
    events, problems = read(body, content_type)
    assert [data for data, _ in events] == expected
    assert problem in problems


def test_an_aws_stream_whose_header_was_lost_is_told_by_its_first_checksum() -> None:
    frame = aws_frame(b'{"usage": {}}', message_type="event", event_type="metadata")
    for kind in ("", "application/octet-stream", "application/json"):
        assert read(frame, kind)[0] == [({"usage": {}}, "metadata")]


def test_an_exception_in_an_aws_stream_is_its_name() -> None:
    frame = aws_frame(b'{"message":"slow down"}', message_type="exception", exception_type="throttlingException")
    assert read(frame, "application/vnd.amazon.eventstream")[0] == [({"message": "slow down"}, "throttlingException")]


def test_a_cut_gzip_stream_gives_what_came() -> None:
    engine = zlib.compressobj(wbits=31)
    sent = engine.compress(b'data: {"a":1}\n\n') + engine.flush(zlib.Z_SYNC_FLUSH)
    assert read(sent, "text/event-stream", encoding="gzip", ending="aborted") == ([({"a": 1}, None)], ["truncated"])


def test_grpc_messages_are_bytes_and_trailers_are_named() -> None:
    body = envelope(0, b"\x08\x01") + envelope(0x80, b"grpc-status: 0\r\n")
    assert read(body, "application/grpc-web+proto")[0] == [(b"\x08\x01", None), ("grpc-status: 0\r\n", "end")]


# Bounds.


def test_an_event_above_the_bound_is_dropped_and_the_next_is_read() -> None:
    piece = b"x" * 1_000_000
    pieces = [b'data: {"a":1}\n\ndata: "', *[piece] * 20, b'"\n', b'\ndata: {"b":2}\n\n']
    assert read(pieces, "text/event-stream") == ([({"a": 1}, None), ({"b": 2}, None)], ["too-large"])
    pieces = [b'{"a":1}\n"', *[piece] * 20, b'"\n{"b":2}\n']
    assert read(pieces, "application/x-ndjson") == ([({"a": 1}, None), ({"b": 2}, None)], ["too-large"])
    frame = envelope(0, piece * 20)
    pieces = [envelope(0, b"{}"), *(frame[n : n + 777_777] for n in range(0, len(frame), 777_777)), envelope(0, b"{}")]
    assert read(pieces, "application/connect+json")[0] == [({}, None), ({}, None)]


@pytest.mark.parametrize(
    "framing", ["sse", "ndjson", "json", "json_array", "length_prefixed", "signalr", "connect", "raw"]
)
def test_a_line_without_end_stays_bounded_in_memory(framing: str) -> None:
    piece = b"x" * 1_048_576
    chunks = [b'{"a":"' if framing.startswith("json") else b"data: ", *[piece] * 300]
    tracemalloc.start()
    try:
        read(chunks, framing=framing)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * LARGEST_EVENT


@pytest.mark.parametrize("encode", [gzip.compress, lambda data: brotli.compress(gzip.compress(data, 9))])
def test_bombs_are_cut_off(encode: Any) -> None:
    bomb = encode(b'data: {"a":1}\n\n' + b" " * 150_000_000)
    events, problems = read(bomb, "text/event-stream", encoding="gzip" if bomb[:2] == b"\x1f\x8b" else "gzip, br")
    assert events == [({"a": 1}, None)]
    assert "too-large" in problems


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        '{"a":' * 200_000,
        "1" * 10_000,
        '{"a":' + "9" * 10_000 + "}",
        '{"a":' * 90_000 + "1" + "}" * 90_000,
    ],
)
def test_depth_and_length_of_json_never_raise(text: str) -> None:
    for body, kind in (
        (text, "application/json"),
        (f"data: {text}\n\n", "text/event-stream"),
        (text + "\n", "application/x-ndjson"),
    ):
        _, problems = read(body.encode(), kind)
        assert isinstance(problems, list)
    assert (
        read_request(exchange([], request_body=text.encode(), request_headers={"content-type": "application/json"}))
        is None
    )
    assert len(split_messages(text.encode())) == 1


def test_odd_json_is_read_as_python_reads_it() -> None:
    [value] = values(b'{"a":1e999,"b":NaN,"c":"\\ud800","d":1,"d":2,"e":-5,"f":"\n"}', "application/json")
    assert value["a"] == float("inf")
    assert value["b"] != value["b"]
    assert (value["c"], value["d"], value["e"], value["f"]) == ("\ud800", 2, -5, "\n")


def test_hostile_cuts_of_a_json_body_cost_linear_time() -> None:
    body = b'{"a":"' + b"}" * 400_000 + b'"}'
    started = time.process_time()
    assert len(values([body[n : n + 10] for n in range(0, len(body), 10)], "application/json")) == 1
    assert time.process_time() - started < 5


# Requests.


def request(body: bytes, content_type: str = "", encoding: str = "") -> Any:
    headers = {"Content-Type": content_type, "Content-Encoding": encoding}
    return read_request(exchange([], request_body=body, request_headers=headers))


def test_requests_are_decoded_by_what_they_are() -> None:
    assert request(b'{"a":1}', "application/json") == {"a": 1}
    assert request(b'{"a":1}', "text/plain;charset=UTF-8") == {"a": 1}
    assert request(gzip.compress(b'{"a":1}'), "application/json", "gzip") == {"a": 1}
    assert request(b'{"a":1}', "application/json", "gzip") == {"a": 1}
    assert request(b"f.req=%5B1%5D&at=", "application/x-www-form-urlencoded;charset=utf-8") == {
        "f.req": "[1]",
        "at": "",
    }
    assert request(envelope(0, b'{"a":1}'), "application/connect+json") == {"a": 1}
    assert request(b'{"a":1', "application/json") is None
    assert request(b"", "application/json") is None
    assert request(b"plain words", "text/plain") is None


def test_an_upload_gives_small_fields_and_sizes_but_no_file_names() -> None:
    body = (
        b'--q\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
        b'--q\r\nContent-Disposition: form-data; name="file"; filename="secret.mp3"\r\nContent-Type: audio/mpeg\r\n\r\n'
        + bytes(1000)
        + b'\r\n--q\r\nContent-Disposition: form-data; name="long"\r\n\r\n'
        + b"x" * 300_000
        + b"\r\n--q--\r\n"
    )
    result = request(body, "multipart/form-data; boundary=q")
    assert result == {
        "fields": {"model": "whisper-1"},
        "files": [{"size": 1000, "type": "audio/mpeg", "field": "file"}],
    }
    assert "secret" not in repr(result)


# Socket messages.


def test_socket_messages_may_hold_several_values() -> None:
    assert [event.data for event in split_messages(b'{"a":1}{"b":2}')] == [{"a": 1}, {"b": 2}]
    assert [event.data for event in split_messages(b'{"type":1}\x1e{"type":3}\x1e')] == [{"type": 1}, {"type": 3}]
    assert [event.data for event in split_messages(b'42["message",{}]')] == ['42["message",{}]']
    assert [event.data for event in split_messages(b"\x00\xff")] == [b"\x00\xff"]
    assert split_messages(b"") == []


def test_reading_keeps_pace_with_the_plain_json_decoder() -> None:
    chunk = {
        "id": "x" * 30,
        "object": "chat.completion.chunk",
        "model": "m",
        "choices": [{"index": 0, "delta": {"content": "word "}}],
    }
    line = json.dumps(chunk)
    lines = [line] * 20_000
    body = "".join(f"data: {line}\n\n" for line in lines).encode()
    pieces = [body[n : n + 16_384] for n in range(0, len(body), 16_384)]

    def plain() -> None:
        for text in lines:
            json.loads(text)

    def ours() -> None:
        assert sum(1 for _ in read_events(exchange(pieces, "text/event-stream"))) == len(lines)

    assert fastest(ours) < 2 * fastest(plain)


def fastest(action: Any) -> float:
    times = []
    for _ in range(5):
        started = time.process_time()
        action()
        times.append(time.process_time() - started)
    return min(times)


def test_base64_images_pass_through_as_one_event() -> None:
    picture = base64.b64encode(bytes(6_000_000)).decode()
    body = json.dumps({"data": [{"b64_json": picture}]}).encode()
    [value] = values([body[n : n + 65_536] for n in range(0, len(body), 65_536)], "application/json")
    assert len(value["data"][0]["b64_json"]) == len(picture)
