"""The examples as bytes that a fuzzer changes, and back: which example, how it is coded, and what was said in it."""

from __future__ import annotations

import gzip
import re
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import zip_longest

import brotli

from addon.exchange import Chunk, Exchange, Message
from addon.service import Service
from tests.examples import load_examples
from tests.fuzz.truths import service_of

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ASKS, TELLS, SAYS = b"\x00\xff\xfd\x00", b"\x00\xff\xff\x00", b"\x00\xff\xfe\x00"
"""Stand before a question, before each piece of what the service tells, and before what the client says on a socket."""
_PART = re.compile(rb"\x00\xff([\xfd-\xff])\x00")

Coder = Callable[[bytes], bytes]
CODERS: dict[str, Coder] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstd.compress,
    "br": lambda data: brotli.compress(data, quality=1),
}
CODINGS = ("", "", "", *CODERS, "gzip, br", "zstd, deflate, gzip")


@dataclass(frozen=True, slots=True)
class Case:
    """The exchanges of an example, to be filled with other bytes."""

    name: str
    exchanges: tuple[Exchange, ...]
    service: type[Service]


@cache
def cases() -> dict[bytes, Case]:
    """Return every example by its name: ``chatgpt/text``."""
    told = [(f"{one.service}/{one.path.stem}", tuple(one.exchanges)) for one in load_examples()]
    return {name.encode(): Case(name, exchanges, service_of(exchanges[0])) for name, exchanges in told}


def choose[V](word: bytes, known: dict[bytes, V]) -> V:
    """Return what is called so; something, always the same, for any other word."""
    return known[word] if word in known else list(known.values())[zlib.crc32(word) % len(known)]


def code(data: bytes, codings: str) -> bytes:
    """Apply codings as a ``content-encoding`` header lists them."""
    for name in filter(None, codings.split(", ")):
        data = CODERS[name](data)
    return data


def cut_up(data: bytes, places: Sequence[int]) -> list[bytes]:
    """Cut bytes into pieces of these sizes, again and again."""
    pieces, at, n = [], 0, 0
    while at < len(data):
        size = 1 + places[n % len(places)] if places else len(data)
        pieces.append(data[at : at + size])
        at, n = at + size, n + 1
    return pieces


def frames_of(data: bytes, content_type: str) -> list[bytes]:
    """Cut bytes into the frames that their framing has; bytes of other framings stay whole."""
    frames, is_aws = [], content_type.endswith("eventstream")
    while data and (is_aws or "connect+" in content_type or "grpc" in content_type):
        size = max(16, int.from_bytes(data[:4])) if is_aws else 5 + int.from_bytes(data[1:5])
        frames.append(data[:size])
        data = data[size:]
    return [*frames, data] if data else frames


def mend(piece: bytes, content_type: str) -> bytes:
    """Return a piece as one frame, with the lengths and checksums that its framing asks for, where it has any."""
    if content_type.endswith("eventstream"):
        headers = min(int.from_bytes(piece[4:8]), max(0, len(piece) - 16))
        size = max(16, len(piece))
        head = size.to_bytes(4) + headers.to_bytes(4)
        frame = (head + zlib.crc32(head).to_bytes(4) + piece[12:-4]).ljust(size - 4, b"\x00")
        return frame + zlib.crc32(frame).to_bytes(4)
    if "connect+" in content_type or "grpc" in content_type:
        return piece[:1].rjust(1, b"\x00") + len(piece[5:]).to_bytes(4) + piece[5:]
    return piece


def pack(case: Case) -> bytes:
    """Return the bytes that ``unpack`` makes the exchanges of this example of: not coded, cut as they are."""
    parts = []
    for exchange in case.exchanges:
        parts += [ASKS, exchange.request_body]
        for message in exchange.messages:
            parts += [SAYS if message.from_client else TELLS, message.data]
        for chunk in exchange.chunks:
            for piece in frames_of(chunk.data, exchange.response_header("content-type")):
                parts += [TELLS, piece]
    return case.name.encode() + b"\n\x00" + b"".join(parts)


@dataclass(frozen=True, slots=True)
class Thrown:
    """What a fuzzer's bytes stand for."""

    case: Case
    coding: str
    frames_hold: bool
    """Whether each piece is mended to be a whole frame, in the framings that have such."""
    told: tuple[tuple[bytes, tuple[tuple[bool, bytes], ...]], ...]
    """For each exchange its question, and the pieces of what was said: whether by the client, and what."""


def unpack(data: bytes) -> Thrown:
    """Return the case that bytes name, and what they put into it."""
    name, _, rest = data.partition(b"\n")
    mode, *parts = _PART.split(rest)
    told: list[tuple[bytes, list[tuple[bool, bytes]]]] = []
    for mark, part in zip(parts[::2], parts[1::2], strict=True):
        if mark == ASKS[2:3] or not told:
            told.append((part, []))
        else:
            told[-1][1].append((mark == SAYS[2:3], part))
    coding = CODINGS[mode[0] % len(CODINGS)] if mode else ""
    return Thrown(
        choose(name, cases()), coding, mode < b"\x80", tuple((question, tuple(said)) for question, said in told)
    )


def build(thrown: Thrown, *, whole: bool = False) -> Iterator[Exchange]:
    """Build the exchanges; ``whole``: each answer, unless on a socket, in one piece and not coded."""
    for exchange, told in zip_longest(thrown.case.exchanges, thrown.told[: len(thrown.case.exchanges)]):
        question, said = told or (b"", ())
        pieces = [piece for _, piece in said]
        headers = dict(exchange.response_headers)
        if thrown.frames_hold and not exchange.messages:
            pieces = [mend(piece, headers.get("content-type", "")) for piece in pieces]
        if whole:
            pieces = [b"".join(pieces)]
        elif thrown.coding:
            headers["content-encoding"] = thrown.coding
            coded = code(b"".join(pieces), thrown.coding)
            pieces = cut_up(coded, [len(piece) for piece in pieces])
        body = dict.fromkeys(("request_body",), question)
        if exchange.messages:
            messages = tuple(Message(10 * n, by_client, piece) for n, (by_client, piece) in enumerate(said))
            yield replace(exchange, messages=messages or exchange.messages, **body)
        else:
            chunks = tuple(Chunk(10 * n, piece) for n, piece in enumerate(pieces))
            yield replace(exchange, chunks=chunks, response_headers=headers, **body)
