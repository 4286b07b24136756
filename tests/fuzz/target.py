"""What the fuzzer throws bytes at: one service's reader, and every framing; anything raised is a finding."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

from addon.exchange import Chunk, Exchange, Message
from addon.framing import FRAMINGS, read_events, read_request, split_messages
from addon.reader import Reader
from addon.service import Service
from tests.examples import KEY, load_examples
from tracker.record import LARGEST_COUNT, Record

CODINGS = ("", "gzip", "br", "zstd", "deflate", "gzip, br")
BETWEEN = b"\x00\xff\x00"
"""Stands between question, answer and the messages of a socket."""


def _kinds() -> list[tuple[str, str, bool, Exchange]]:
    found: dict[tuple[str, str, bool], Exchange] = {}
    for case in load_examples():
        for exchange in case.exchanges:
            found.setdefault((case.service, exchange.path, bool(exchange.messages)), exchange)
    return [(*kind, exchange) for kind, exchange in found.items()]


KINDS = _kinds()
"""Every service, path and way of answering that an example shows, with an exchange to put bytes into."""


def pack(kind: int, exchange: Exchange) -> bytes:
    """Return the bytes that make ``throw`` read this exchange."""
    answers = [message.data for message in exchange.messages] or [b"".join(chunk.data for chunk in exchange.chunks)]
    return kind.to_bytes(2) + b"\x06" + BETWEEN.join([exchange.request_body, *answers])


def throw(data: bytes) -> None:
    """Read the bytes as one service's exchange and in one framing; raise if anything comes out that must not."""
    if len(data) < 4:
        return
    *_, exchange = KINDS[int.from_bytes(data[:2]) % len(KINDS)]
    service = service_of(exchange)
    coding, cut = CODINGS[data[2] % len(CODINGS)], 1 + data[2] * 7
    question, *parts = data[3:].split(BETWEEN)
    body = BETWEEN.join(parts)
    thrown = replace(
        exchange,
        request_body=question,
        response_headers={**exchange.response_headers, "content-encoding": coding},
        chunks=tuple(Chunk(at, body[at : at + cut]) for at in range(0, len(body), cut)),
        messages=tuple(Message(n, n % 2 == 0, part) for n, part in enumerate(parts)) if exchange.messages else (),
    )
    records = Reader(KEY, services=[service]).read(thrown).records
    if is_text(body) and not coding:
        whole = replace(thrown, chunks=(Chunk(0, body),))
        assert untimed(Reader(KEY, services=[service]).read(whole).records) == untimed(records)
        plain = service()
        vars(plain)["adds"] = None
        assert untimed(Reader(KEY, services=[plain]).read(whole).records) == untimed(records)
    for record in records:
        for count in (record.input_tokens, record.output_tokens, record.reasoning_tokens, record.media_count):
            assert count is None or 0 <= count <= LARGEST_COUNT
        for text in (record.request_model, record.response_model, record.effort, record.provider):
            assert text is None or (text.isprintable() and len(text) <= 80)
    read_request(thrown)
    framing = FRAMINGS[data[2] % len(FRAMINGS)]
    assert all(isinstance(problem, str) for problem in _problems(thrown, framing))
    split_messages(body, "signalr" if data[2] % 2 else "json")


def _problems(exchange: Exchange, framing: str) -> list[str]:
    events = read_events(exchange, framing)
    for _ in events:
        pass
    return events.problems


def is_text(body: bytes) -> bool:
    """Whether letters are the same wherever the bytes are cut or joined."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return re.search(rb"\\u[dD][89a-fA-F]", body) is None


def service_of(exchange: Exchange) -> type[Service]:
    """Whose turn an exchange of the examples is."""
    service = _reader().find(exchange.method, exchange.host, exchange.path)
    assert service is not None
    return type(service)


@cache
def _reader() -> Reader:
    return Reader(KEY)


def untimed(records: tuple[Record, ...]) -> list[Record]:
    """The records but for their times, which are those of the chunks."""
    return [
        replace(record, first_byte_ms=None, thinking_ms=None, time_to_first_token_ms=None, duration_ms=None)
        for record in records
    ]
