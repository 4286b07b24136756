"""Rewrites binary socket messages: JSON in Meta's frames, and the protocol buffers within that JSON."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from json import JSONDecoder
from typing import Any

from addon.scrubbing.framed import to_json
from addon.scrubbing.scrubber import Scrubber

_HEAD = 8
_KINDS = frozenset({0x0D, 0x0E, 0x0F})
"""Data, end and beginning of a stream."""
_EXTRA = (2, 0)
"""What the length counts beside the body: the last two bytes of the head, or in some recordings not."""
_PAYLOAD = "payload"
_SMALL = 10**4
_DEEPEST = 12
_PRINTED = frozenset(range(0x20, 0x100)) | {0x09, 0x0A, 0x0D}


class NotABuffer(ValueError):  # noqa: N818 - reads better where it is caught
    """The bytes are no protocol buffer."""


@dataclass(frozen=True, slots=True)
class Field:
    number: int
    kind: int
    """0 a whole number, 1 eight bytes, 2 as many bytes as it says, 5 four bytes."""
    value: int | bytes


def scrub_gateway(data: bytes, scrubber: Scrubber) -> bytes | None:
    """Return the frames of a binary message with their JSON scrubbed and their lengths true; None if it has none."""
    if len(data) < _HEAD or data[0] not in _KINDS:
        return None
    read = ((extra, found) for extra in _EXTRA if (found := list(_frames(data, extra))))
    extra, bodies = next(read, (_EXTRA[0], [(data, data[_HEAD:])]))
    return b"".join(_write_frame(frame, extra, _scrub_body(body, scrubber)) for frame, body in bodies)


def _frames(data: bytes, extra: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield every frame with its body, or nothing if the lengths do not add up."""
    found, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at + 3 : at + 6], "little") - extra
        frame = data[at : at + _HEAD + size]
        if size < 0 or len(frame) != _HEAD + size or frame[0] not in _KINDS:
            return
        found.append((frame, frame[_HEAD:]))
        at += len(frame)
    yield from found


def _write_frame(frame: bytes, extra: int, body: bytes) -> bytes:
    return frame[:1] + bytes(2) + (len(body) + extra).to_bytes(3, "little") + frame[6:_HEAD] + body


def _scrub_body(body: bytes, scrubber: Scrubber) -> bytes:
    values: list[Any] = []
    decoder, text = JSONDecoder(strict=False), body.decode("utf-8", "replace")
    start = text.find("{")
    while start >= 0:
        try:
            value, start = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            break
        values.append(value)
        start = text.find("{", start)
    if not values:
        try:
            return scrub_buffer(body, scrubber)
        except NotABuffer:
            return b""
    return "".join(to_json(_scrub_object(value, scrubber)) for value in values).encode()


def _scrub_object(value: Any, scrubber: Scrubber) -> Any:
    match value:
        case {"payload": str(payload)} if isinstance(value, dict):
            rest = {key: inner for key, inner in value.items() if key != _PAYLOAD}
            return scrubber.value(rest) | {_PAYLOAD: _scrub_payload(payload, scrubber)}
    return scrubber.value(value)


def _scrub_payload(payload: str, scrubber: Scrubber) -> str:
    try:
        buffer = base64.b64decode(payload, validate=True)
        return base64.b64encode(scrub_buffer(buffer, scrubber)).decode()
    except (binascii.Error, NotABuffer):
        return scrubber.string(payload, _PAYLOAD)


def scrub_buffer(data: bytes, scrubber: Scrubber, *path: str) -> bytes:
    """
    Return a protocol buffer with every text in it replaced, and every number that is not small.

    Raises ``NotABuffer`` for anything else. Bytes that can be read as text are text, unless they are a message made
    of nothing but texts with their lengths.
    """
    written = b""
    for field in read_buffer(data):
        written += _number((field.number << 3) | field.kind)
        match field.value:
            case int(number):
                written += _number(number if number < _SMALL else 1)
            case bytes(inner) if field.kind == 2:
                told = _scrub_field(inner, scrubber, (*path, str(field.number)))
                written += _number(len(told)) + told
            case bytes(inner):
                written += bytes(len(inner))
    return written


def _scrub_field(data: bytes, scrubber: Scrubber, path: tuple[str, ...]) -> bytes:
    printed = _PRINTED.issuperset(data)
    try:
        fields = list(read_buffer(data)) if len(path) < _DEEPEST else []
        if fields and (not printed or all(field.kind == 2 for field in fields)):
            return scrub_buffer(data, scrubber, *path)
    except NotABuffer:
        pass  # then it is text, or a file
    try:
        return scrubber.string(data.decode(), "buffer", *path).encode()
    except UnicodeDecodeError:
        scrubber.removed["file"] += 1
        return bytes(len(data))


def read_buffer(data: bytes) -> Iterator[Field]:
    """Yield the fields of a protocol buffer; raise ``NotABuffer`` if it is none."""
    at = 0
    while at < len(data):
        tag, at = _read_number(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, at = _read_number(data, at)
            yield Field(number, kind, value)
            continue
        if kind == 2:
            size, at = _read_number(data, at)
        elif kind in {1, 5}:
            size = 8 if kind == 1 else 4
        else:
            raise NotABuffer
        if not number or at + size > len(data):
            raise NotABuffer
        yield Field(number, kind, data[at : at + size])
        at += size


def _read_number(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 64:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise NotABuffer


def _number(value: int) -> bytes:
    written = bytearray()
    while value >= 0x80:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)
