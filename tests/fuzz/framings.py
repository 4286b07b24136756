"""Every framing, by the name that a service gives it and by the content type of a response, and messages of sockets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from addon.exchange import Chunk, Exchange
from addon.framing import FRAMINGS, read_events, split_messages
from addon.framing.splitter import DelimitedSplitter
from tests.fuzz.cases import cases, choose, cut_up, frames_of, mend

TYPES = (
    "", "text/event-stream", "application/json", "application/x-ndjson", "application/connect+json",
    "application/connect+proto", "application/grpc-web", "application/vnd.amazon.eventstream", "audio/mpeg",
)  # fmt: skip
WAYS = {f"{framing} {kind}".encode(): (framing, kind) for framing in FRAMINGS for kind in TYPES}
ADDS = re.compile(rb'"(?:text|delta)": ?"(?!")')
LARGEST_SEED = 3000


def seeds() -> Iterator[bytes]:
    """Yield one answer for each framing, content type and service that an example shows, and one socket's message."""
    seen = set()
    for case in cases().values():
        for exchange in case.exchanges:
            kind = exchange.response_header("content-type").partition(";")[0]
            framing = case.service.framing
            if exchange.messages:
                framing, kind = "signalr" if "\x1e" in str(exchange.messages[0].data) else "json", "socket"
            body = b"".join(part.data for part in exchange.chunks or exchange.messages[:3])
            way = f"{framing} {kind}".encode()
            if body and len(body) <= LARGEST_SEED and (case.service, way) not in seen:
                seen.add((case.service, way))
                yield way + b"\n\x07\x31" + body
                if len(frames := frames_of(body, kind)) > 1:
                    yield way + b"\n\x87\x31" + b"\n".join(frames)


def throw(data: bytes) -> None:
    """Take bytes apart in three ways that must agree; raise if they do not, or if anything raises."""
    way, _, rest = data.partition(b"\n")
    (framing, kind), places, body = choose(way, WAYS), rest[:2], rest[2:]
    if places >= b"\x80":
        body = b"".join(mend(piece, kind) for piece in body.split(b"\n"))
    pieces = cut_up(body, places)
    whole = _read([body], framing, kind)
    assert _read(pieces, framing, kind) == whole, "cut and whole"
    with _the_long_way():
        assert _read([body], framing, kind) == whole, "short and long way"
    joined = list(read_events(_exchange(pieces, kind), framing, ADDS))
    assert len(joined) <= len(whole[0]) or not _is_plain(body)
    for events in (split_messages(body, "json"), split_messages(body, "signalr"), split_messages(body, framing)):
        assert all(event.name is None for event in events)


def _read(pieces: list[bytes], framing: str, kind: str) -> tuple[list[tuple[str, str | None]], set[str]]:
    events = read_events(_exchange(pieces, kind), framing)
    told = [(repr(event.data), event.name) for event in events]  # so that NaN is like NaN, and 1 unlike 1.0
    return told, {one.replace("truncated", "bad-json") for one in events.problems}  # a guess, where nothing follows


def _exchange(pieces: list[bytes], kind: str) -> Exchange:
    return Exchange(
        method="POST", host="chat.example", path="/", status=200, started_at=datetime(2026, 11, 22, tzinfo=UTC),
        response_headers={"content-type": kind}, chunks=tuple(Chunk(n, piece) for n, piece in enumerate(pieces)),
    )  # fmt: skip


def _is_plain(body: bytes) -> bool:
    return body.isascii() and b"\\" not in body


@contextmanager
def _the_long_way() -> Iterator[None]:
    begin = DelimitedSplitter._begin

    def never(_self: DelimitedSplitter, _block: bytes) -> int:
        return 0

    DelimitedSplitter._begin = never  # type: ignore[method-assign]  # for as long as this lasts
    try:
        yield
    finally:
        DelimitedSplitter._begin = begin  # type: ignore[method-assign]
