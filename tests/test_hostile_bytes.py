"""
Bytes that mean harm, through the whole Reader of every service: bounded time and memory, no exception, no false number.

What each framing does with single bytes is in ``test_framing``, content codings in ``test_coding``, wrong types in
``test_wrong_types``, patterns in ``test_patterns_stay_quick``, lying lengths on the wire in ``test_faults``.
"""

from __future__ import annotations

import gzip
import random
import re
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import brotli
import pytest

from addon.coding import MOST_BYTES
from addon.exchange import Chunk, Exchange, Message
from addon.framing import read_events
from addon.reader import Reader
from addon.reading import Reading
from tests.examples import KEY, build_exchange, load_examples, tell
from tests.test_framing import aws_frame, envelope
from tracker.record import LARGEST_COUNT, Record
from tracker.store import Store

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SECONDS = 8.0
"""Processor time that one hostile answer may take; the worker is killed at 20."""
MEGABYTES = 350
"""Of Python objects; the worker may have 1024."""


def kinds() -> Iterator[Any]:
    """One exchange of every service for each way its answers come."""
    seen = set()
    for case in load_examples():
        for told in case.content.get("exchanges") or [case.content["exchange"]]:
            made = build_exchange(told)
            kind = (case.service, "socket" if made.messages else made.response_headers["content-type"])
            if kind not in seen and any(item.data for item in (*made.messages, *made.chunks)) and made.status < 400:
                seen.add(kind)
                yield pytest.param(made, id=f"{case.service}-{case.path.stem}")


EVERY = list(kinds())
every_kind = pytest.mark.parametrize("exchange", EVERY)


EXAMPLES = {(case.service, case.path.stem): case for case in load_examples()}


def named(service: str, stem: str) -> Exchange:
    return EXAMPLES[service, stem].exchanges[-1]


CHAT, KIMI, OLLAMA = named("openai-api", "chat-stream"), named("kimi", "thinking"), named("ollama", "chat-lines")
REFUSED = named("midjourney", "refused")
BEDROCK, GEMINI, CLAUDE = named("bedrock", "converse-stream"), named("gemini", "text"), named("claude", "text")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store.open(tmp_path_factory.mktemp("hostile") / "k.db") as opened:
        yield opened


def check(reading: Reading, store: Store) -> None:
    """What was read is sane, is no leak, and can be written to the database and read again."""
    for record in reading.records:
        counts = (record.input_tokens, record.output_tokens, record.cached_input_tokens, record.reasoning_tokens,
                  record.media_count, record.media_pixels, record.attachment_bytes, record.thinking_ms)  # fmt: skip
        assert all(count is None or 0 <= count <= LARGEST_COUNT for count in counts)
    store.add(reading.records)
    store.add_unread(reading.unread)
    assert [store.record(record.id) for record in reading.records if store.record(record.id) is None] == []


def read(exchange: Exchange, *, seconds: float = SECONDS) -> Reading:
    started = time.process_time()
    reading = Reader(KEY).read(exchange)
    assert time.process_time() - started < seconds
    return reading


def with_body(exchange: Exchange, *pieces: bytes, **headers: str) -> Exchange:
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return replace(
        exchange,
        chunks=tuple(Chunk(n, piece) for n, piece in enumerate(pieces)),
        response_headers={**exchange.response_headers, **more},
        response_bytes=sum(map(len, pieces)),
    )


def rewrite(exchange: Exchange, change: Callable[[bytes], bytes]) -> Exchange:
    """Change every piece that came from the service."""
    return replace(
        exchange,
        chunks=tuple(replace(chunk, data=change(chunk.data)) for chunk in exchange.chunks),
        messages=tuple(
            message if message.from_client else replace(message, data=change(message.data))
            for message in exchange.messages
        ),
    )


# Bombs, and streams without end.

CODES: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "br": lambda data: brotli.compress(data, quality=5),
    "zstd": zstd.compress,
}


@pytest.mark.parametrize("codings", ["gzip", "br", "zstd", "gzip, br", "zstd, gzip", "br, zstd, gzip"])
def test_a_bomb_costs_little_and_what_came_before_it_counts(codings: str) -> None:
    body = b"".join(chunk.data for chunk in CHAT.chunks) + b"\n" * 120_000_000
    for coding in codings.split(", "):
        body = CODES[coding](body)
    tracemalloc.start()
    try:
        reading = read(with_body(CHAT, body, content_encoding=codings))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MEGABYTES * 1_000_000
    told: list[object] = [record.output_tokens for record in reading.records]
    told = told or [unread.reason for unread in reading.unread]
    assert told in ([24], ["too-large"])


def test_a_question_that_is_a_bomb_is_read_within_bounds() -> None:
    bomb = gzip.compress(gzip.compress(b'{"model": "gpt-4o", "messages": [{"content": "' + b"a" * 150_000_000))
    headers = {"content-type": "application/json", "content-encoding": "gzip, gzip"}
    for one in (CHAT, CLAUDE, named("gemini-api", "stream")):
        tracemalloc.start()
        try:
            assert len(read(replace(one, request_body=bomb, request_headers=headers)).records) == 1
            assert tracemalloc.get_traced_memory()[1] < MEGABYTES * 1_000_000
        finally:
            tracemalloc.stop()


def test_bombs_inside_frames_share_one_budget() -> None:
    frame = envelope(1, gzip.compress(b'{"a": "' + b"a" * 3_000_000 + b'"}'))
    bombs = with_body(KIMI, *[frame] * 400, content_type="application/connect+json")
    assert len(read(bombs).records) <= 1
    events = read_events(bombs, "connect")
    assert sum(len(event.data["a"]) for event in events) <= MOST_BYTES + 3_000_000  # of 1.2 GB
    assert events.problems == ["too-large"]


@every_kind
def test_a_stream_that_repeats_itself_costs_no_more_than_its_length(exchange: Exchange, store: Store) -> None:
    items: tuple[Any, ...] = exchange.messages or exchange.chunks
    size = sum(len(item.data) for item in items)

    def grown(target: int) -> Exchange:
        middle = (items[1:-1] or items) * (target // size + 1)
        longer = (items[0], *middle, items[-1])
        return replace(exchange, messages=longer) if exchange.messages else replace(exchange, chunks=longer)

    taken = []
    for target in (60_000, 480_000):
        started = time.process_time()
        check(read(grown(target)), store)
        taken.append(time.process_time() - started)
    # Eight times the bytes in eight times the time; four times that is far below a square.
    assert taken[1] < 32 * taken[0] + 0.5, taken


def test_many_answers_in_one_exchange_cost_no_more_than_its_length() -> None:
    refusal = b"".join(chunk.data for chunk in REFUSED.chunks)
    taken = []
    for n in (1, 200, 6400):  # the first loads what counts
        started = time.process_time()
        assert len(read(with_body(REFUSED, *[refusal] * n), seconds=20).records) == n
        taken.append(time.process_time() - started)
    assert taken[2] < 80 * taken[1] + 0.5, taken  # 32 times the bytes; a square is 1024


def test_a_number_that_is_a_lie_is_not_counted_to() -> None:
    asked = named("midjourney", "two-jobs")
    lie = replace(asked, request_body=asked.request_body.replace(b'"imagePrompts": 1', b'"imagePrompts": 999999999'))
    assert lie != asked
    assert [record.attachments for record in read(lie, seconds=1).records] == [100, 100]


@pytest.mark.parametrize(
    ("exchange", "event", "n"),
    [
        pytest.param(CLAUDE, b"data: 1\n\n", 1_000_000, id="sse"),
        pytest.param(OLLAMA, b"{}\n", 250_000, id="ndjson"),
        pytest.param(GEMINI, b"1\n[]\n", 250_000, id="length-prefixed"),
        pytest.param(KIMI, envelope(0, b""), 1_000_000, id="connect"),
        pytest.param(BEDROCK, aws_frame(b""), 100_000, id="aws"),
    ],
)
def test_a_million_tiny_events_take_bounded_time(exchange: Exchange, event: bytes, n: int) -> None:
    pieces = [event * 8_000] * (n // 8_000)
    reading = read(with_body(exchange, *pieces))
    assert len(reading.records) + len(reading.unread) <= 2


@pytest.mark.parametrize(
    ("exchange", "start"),
    [(CHAT, b"data: "), (CHAT, b'{"a":"'), (CHAT, b"["), (CHAT, b""), (OLLAMA, b""), (GEMINI, b"12\n["),
     (KIMI, b"\x00\x3f\xff\xff\xff")],
    ids=["sse", "json", "array", "text", "ndjson", "length-prefixed", "connect"],
)  # fmt: skip
def test_a_line_of_a_gigabyte_stays_small_in_memory(exchange: Exchange, start: bytes) -> None:
    piece = b"x" * (1 << 20)
    pieces = [start, *[piece] * 1024]  # the same megabyte again and again: what is kept of it is the reader's doing
    tracemalloc.start()
    try:
        reading = read(with_body(exchange, *pieces))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MEGABYTES * 1_000_000
    assert all(record.output_tokens is None for record in reading.records)


# Values that do not belong.


def longest_text(exchange: Exchange) -> bytes:
    """The longest plain text in what the service sent, as it stands between its quotation marks."""
    data = b"\n".join(item.data for item in (*exchange.chunks, *exchange.messages))
    parts = [part for part in data.split(b'"')[1::2] if part.isascii() and b"\\" not in part]
    return max(parts, key=len, default=b"")


HOSTILE_TEXTS = {
    "not utf-8": b"\xff\xfe\xed\xa0\x80\xf5\x80",
    "lone surrogates": b"\\ud800 \\udfff\\ud800",
    "zero and control": b"\\u0000\\u001b[2J\\u202e",
    "deep": b"[" * 900,
    "quotes": b'","',
    "long": b"a" * 200_000,
}


@every_kind
def test_hostile_text_is_counted_or_passed_over(exchange: Exchange, store: Store) -> None:
    text = longest_text(exchange)
    for hostile in HOSTILE_TEXTS.values():
        if text:
            check(read(rewrite(exchange, spoiler(text, text[:3] + hostile))), store)
        check(read(replace(exchange, request_body=exchange.request_body.replace(b'": "', b'": "' + hostile))), store)


@every_kind
def test_a_lone_surrogate_in_every_text_still_makes_rows_that_can_be_written(exchange: Exchange, store: Store) -> None:
    for surrogate in (b"\\ud83d", b"\\udc00\\ud800"):
        change = spoiler(b'": "', b'": "' + surrogate)
        check(read(replace(rewrite(exchange, change), request_body=change(exchange.request_body))), store)


def replacer(pattern: bytes, new: bytes) -> Callable[[bytes], bytes]:
    return lambda data: re.sub(pattern, lambda _found: new, data)


def spoiler(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data.replace(old, new)


@every_kind
def test_deep_json_in_any_place_is_no_exception(exchange: Exchange, store: Store) -> None:
    chance = random.Random(7)
    for depth in (900, 9_000, 90_000):
        for nest in (b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth):

            def bury(data: bytes, nest: bytes = nest) -> bytes:
                places = [found.end() for found in re.finditer(rb'": ?(?=["\d\[{])', data)]
                at = chance.choice(places) if places else 0
                rest = re.sub(rb'^("[^"]*"|\d+)', b"", data[at:])  # in place of a text or number; else it is broken
                return data[:at] + nest + rest if places else data

            once = replace(exchange, chunks=exchange.chunks[:3], messages=exchange.messages[:4])
            check(read(rewrite(once, bury)), store)
            check(read(replace(once, request_body=bury(exchange.request_body))), store)


@every_kind
def test_numbers_that_cannot_be_are_never_counted(exchange: Exchange, store: Store) -> None:
    for number in (b"1e999", b"-5", b"-1e999", b"9" * 5000, b"NaN", b"0.5", b"true"):
        check(read(rewrite(exchange, replacer(rb'": ?\d+', b'": ' + number))), store)


def test_the_last_of_two_keys_wins_and_none_of_them_can_lie() -> None:
    (whole,) = read(CHAT).records
    assert (whole.output_tokens, whole.output_tokens_source) == (24, "reported")
    for spoiled, told in ((b'7, "completion_tokens": 8', (8, "reported")), (b'7, "completion_tokens": -5', None)):
        doubled = replacer(rb'"completion_tokens": ?24', b'"completion_tokens": ' + spoiled)
        (record,) = read(rewrite(CHAT, doubled)).records
        assert (record.output_tokens, record.output_tokens_source) == told or record.output_tokens_source == "counted"


# Lengths that lie, and cuts.


@every_kind
def test_a_length_in_the_header_changes_nothing(exchange: Exchange) -> None:
    told = [tell(one) for one in read(exchange).records]
    for length in ("0", "-1", "9" * 40, "abc", "1, 2"):
        headers = {**exchange.response_headers, "content-length": length}
        asked = {**exchange.request_headers, "content-length": length}
        lying = replace(exchange, response_headers=headers, request_headers=asked)
        assert [tell(one) for one in read(lying).records] == told


@pytest.mark.parametrize("claimed", [0, 1, 2**31 - 1, 2**32 - 1])
def test_a_frame_that_lies_about_its_length_ends_the_reading(claimed: int, store: Store) -> None:
    frame = bytearray(envelope(0, b'{"a": 1}'))
    frame[1:5] = claimed.to_bytes(4)
    body = b"".join(chunk.data for chunk in KIMI.chunks)
    for pieces in ((bytes(frame), body), (body, bytes(frame)), (bytes(frame) * 1000,)):
        check(read(with_body(KIMI, *pieces)), store)
    aws = bytearray(aws_frame(b'{"a": 1}'))
    aws[0:4] = claimed.to_bytes(4)
    check(read(with_body(BEDROCK, bytes(aws) * 100)), store)
    check(read(with_body(GEMINI, b")]}'\n\n%d\n[[1]]\n" % claimed * 100)), store)


def padded(exchange: Exchange) -> Exchange | None:
    """The exchange with its longest text made so long that every event reaches over several cuts."""
    text = longest_text(exchange)
    if len(text) < 8 or exchange.messages:
        return None
    body = b"".join(chunk.data for chunk in exchange.chunks)
    return with_body(exchange, body.replace(text, text + b" word" * 30_000, 3))


@every_kind
def test_frames_across_cuts_at_64_k_are_the_same_record(exchange: Exchange) -> None:
    whole = padded(exchange)
    if whole is None:
        return
    (chunk,) = whole.chunks
    for size in (65_536, 65_535, 16_384):
        cut = [chunk.data[at : at + size] for at in range(0, len(chunk.data), size)]
        assert untimed(read(with_body(exchange, *cut))) == untimed(read(whole))


def untimed(reading: Reading) -> list[Record]:
    return [
        replace(record, time_to_first_token_ms=None, thinking_ms=None, first_byte_ms=None) for record in reading.records
    ]


@every_kind
def test_bytes_flipped_at_random_are_no_exception(exchange: Exchange, store: Store) -> None:
    chance = random.Random(f"{exchange.host}{exchange.path}")

    def flip(data: bytes) -> bytes:
        changed = bytearray(data)
        for _ in range(max(1, len(changed) // 200)):
            if changed:
                changed[chance.randrange(len(changed))] = chance.choice(b'{}[]",:\\\n\r\x1e\x00\xff' + bytes([65]))
        return bytes(changed)

    for _ in range(5):
        check(read(replace(rewrite(exchange, flip), request_body=flip(exchange.request_body))), store)


def test_socket_messages_of_every_kind_of_junk_are_no_exception(store: Store) -> None:
    junk = [b"", b"\x1e" * 1000, b"[" * 90_000, b'{"type":', b"\xff" * 100, b"1e999", b'"\\ud800"', b"{}" * 20_000]
    for one in EVERY:
        exchange: Exchange = one.values[0]
        if exchange.messages:
            thrown = tuple(Message(n, n % 3 == 0, data) for n, data in enumerate(junk * 3))
            check(read(replace(exchange, messages=(*exchange.messages[:2], *thrown, *exchange.messages[2:]))), store)


def test_nothing_here_was_left_out_for_want_of_an_example() -> None:
    assert len({Path(str(one.id)).name.split("-")[0] for one in EVERY}) > 40
    assert sum(padded(one.values[0]) is not None for one in EVERY) > 50
    assert sum(bool(longest_text(one.values[0])) for one in EVERY) > 70
