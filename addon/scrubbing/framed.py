"""Writes scrubbed events in the framing they came in, binary ones with their lengths and checksums."""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from addon.exchange import Chunk, Exchange
from addon.framing import read_events
from addon.framing.aws import AwsSplitter
from addon.framing.binary import ConnectSplitter, RawSplitter
from addon.framing.json_values import JsonSplitter
from addon.framing.lines import CodedSplitter, LengthSplitter, LineSplitter, SignalrSplitter
from addon.framing.splitter import Splitter
from addon.framing.sse import SseSplitter
from addon.scrubbing.buffers import NotABuffer, scrub_buffer
from addon.scrubbing.files import empty
from addon.scrubbing.pages import scrub_page
from addon.scrubbing.refusals import Refused
from addon.scrubbing.scrubber import Scrubber
from addon.scrubbing.words import is_public
from addon.service import Event

_REASONS = {"bad-coding": "coding", "too-large": "large"}
_BROKEN = "{] time people way day man"
"""JSON that is broken, and not because it ends too early."""
_END_STREAM = 0x02
_TRAILERS = 0x80
_AWS_TEXT = 7
_AWS_FAILURE = re.compile(
    r"(throttling|validation|internalServer|serviceUnavailable|modelStreamError|modelTimeout|accessDenied"
    r"|modelNotReady|serviceQuotaExceeded)Exception",
    re.IGNORECASE,
)
_GUARD = b")]}'\n\n"


def scrub_answer(exchange: Exchange, framing: str, scrubber: Scrubber) -> tuple[Chunk, ...]:
    """
    Return the answer's bytes with every event at its own time.

    The events are those that the reader hears, found by the same framing; what is between them is not kept.
    Raises ``Refused`` where they are packed or framed in a way that cannot be undone.
    """
    events = read_events(exchange, framing)
    chunks: list[Chunk] = []
    for event in events:
        data = b"" if events.splitter is None else _write(event, events.splitter, scrubber, first=not chunks)
        _append(chunks, event.at_ms, data)
    last_ms = chunks[-1].at_ms if chunks else None
    if isinstance(events.splitter, JsonSplitter) and events.splitter.elements and "truncated" not in events.problems:
        _append(chunks, last_ms, b"]" if chunks else b"[]")
    for problem in events.problems:
        if problem in _REASONS:
            raise Refused(_REASONS[problem])
        if events.splitter is not None:
            _append(chunks, last_ms, _break(problem, events.splitter))
    return tuple(_begin(chunks, exchange, events.splitter))


def _break(problem: str, splitter: Splitter) -> bytes:
    """Return an end that gives the reader the same problem, for a frame that was broken."""
    match splitter, problem:
        case ConnectSplitter(), _:
            return b"\xff\0\0\0\0" if problem == "bad-frame" else b"\0\0\0\0\xff"
        case AwsSplitter(), _:
            return bytes(16) if problem == "bad-checksum" else bytes(4)
        case SseSplitter(), "truncated":
            return b'data: {"'
        case ((LineSplitter() | JsonSplitter() | LengthSplitter() | SignalrSplitter()), "truncated"):
            return b'{"'
        case CodedSplitter(), "truncated":
            return b'0:{"'
        case ((LineSplitter() | JsonSplitter() | LengthSplitter()), "bad-json"):
            return f"\n{_BROKEN}\n".encode()
        case ((CodedSplitter() | SignalrSplitter()), "bad-json"):
            return f"{_BROKEN}\n\x1e".encode()
    return b""


def _append(chunks: list[Chunk], at_ms: int | None, data: bytes) -> None:
    if chunks and chunks[-1].at_ms == at_ms:
        chunks[-1] = Chunk(at_ms, chunks[-1].data + data)
    else:
        chunks.append(Chunk(at_ms, data))


def _begin(chunks: list[Chunk], exchange: Exchange, splitter: Splitter | None) -> Iterable[Chunk]:
    """Let the first byte come when it came, which may be before the first event was whole."""
    if not chunks or not exchange.chunks or chunks[0].at_ms == exchange.chunks[0].at_ms:
        return chunks
    first, at_ms = chunks[0], exchange.chunks[0].at_ms
    if not isinstance(splitter, ConnectSplitter | AwsSplitter | RawSplitter):
        return [Chunk(at_ms, b"\n"), *chunks]
    return [Chunk(at_ms, first.data[:1]), Chunk(first.at_ms, first.data[1:]), *chunks[1:]]


def _write(event: Event, splitter: Splitter, scrubber: Scrubber, *, first: bool) -> bytes:
    match splitter:
        case ConnectSplitter():
            return write_envelope(event, scrubber)
        case AwsSplitter():
            return _write_aws(event, scrubber)
        case RawSplitter():
            return _write_raw(event.data, scrubber)
    name = event.name if event.name is None or is_public(event.name) else scrubber.string(event.name, "event")
    text = _text(event.data, scrubber, sse=isinstance(splitter, SseSplitter))
    match splitter:
        case SseSplitter():
            data = "".join(f"data: {line}\n" for line in text.split("\n"))
            written = (f"event: {name}\n" if name else "") + data + "\n"
        case LengthSplitter():
            units = len(f"\n{text}\n".encode("utf-16-le")) // 2
            written = f"{units}\n{text}\n"
        case CodedSplitter():
            written = f"{name or 0}:{text}\n"
        case SignalrSplitter():
            written = text + "\x1e"
        case JsonSplitter() if splitter.elements:
            written = ("[" if first else ",") + text
        case LineSplitter() | JsonSplitter() | _:
            written = text + "\n"
    guard = _GUARD if first and isinstance(splitter, LengthSplitter) else b""
    return guard + written.encode()


def _text(data: Any, scrubber: Scrubber, *, sse: bool) -> str:
    """Return an event's data as text: JSON, but in server-sent events what was no JSON is none again."""
    if sse and isinstance(data, str):
        if data.startswith("{"):
            return _BROKEN
        return data if data in {"", "[DONE]"} else scrubber.string(data, "data")
    return to_json(scrubber.value(data))


def to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def write_envelope(event: Event, scrubber: Scrubber) -> bytes:
    """Return a connect or gRPC frame."""
    flags = 0
    match event:
        case Event(data=str(trailers), name="end"):
            lines = [line.partition(":") for line in trailers.splitlines() if ":" in line]
            kept = [f"{key}:{value}" for key, _, value in lines if key.strip().lower() == "grpc-status"]
            flags, data = _TRAILERS, "\r\n".join(kept).encode()
        case Event(data=bytes(binary)):
            data = scrub_binary(binary, scrubber)
        case Event(data=value, name=name):
            flags = _END_STREAM if name == "end" else 0
            data = to_json(scrubber.value(value)).encode()
    return bytes([flags]) + struct.pack(">I", len(data)) + data


def scrub_binary(data: bytes, scrubber: Scrubber) -> bytes:
    """Return a message that is a protocol buffer with other texts; any other becomes as many zeros."""
    try:
        return scrub_buffer(data, scrubber)
    except NotABuffer:
        scrubber.removed["binary message"] += 1
        return bytes(len(data))


def _write_aws(event: Event, scrubber: Scrubber) -> bytes:
    """Return a frame of an AWS event stream, with both of its checksums."""
    is_bytes = isinstance(event.data, bytes)
    known = event.name and (is_public(event.name) or _AWS_FAILURE.fullmatch(event.name))
    name = event.name if event.name and known else scrubber.string(event.name or "", "event")
    fails = bool(event.name) and ("exception" in str(event.name).lower() or "error" in str(event.name).lower())
    headers = {
        ":exception-type" if fails else ":event-type": name,
        ":content-type": "application/octet-stream" if is_bytes else "application/json",
        ":message-type": "exception" if fails else "event",
    }
    data = bytes(len(event.data)) if is_bytes else to_json(scrubber.value(event.data)).encode()
    head = b"".join(_aws_header(key, value) for key, value in headers.items() if value)
    frame = struct.pack(">II", 16 + len(head) + len(data), len(head))
    frame += struct.pack(">I", zlib.crc32(frame)) + head + data
    return frame + struct.pack(">I", zlib.crc32(frame))


def _aws_header(name: str, value: str) -> bytes:
    told = value.encode()
    return bytes([len(name)]) + name.encode() + bytes([_AWS_TEXT]) + struct.pack(">H", len(told)) + told


def _write_raw(data: Any, scrubber: Scrubber) -> bytes:
    """Return a page with other words, or an emptied file."""
    if not isinstance(data, bytes):
        return b""
    if data.lstrip()[:1] == b"<":
        return scrub_page(data.decode("utf-8", "replace"), scrubber).encode()
    scrubber.removed["file"] += 1
    return empty(data)


def scrub_events(events: Iterable[Event], scrubber: Scrubber) -> Iterator[str]:
    """Yield the texts of a socket message's events."""
    for event in events:
        yield _text(event.data, scrubber, sse=True)
