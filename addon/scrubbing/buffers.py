"""Rewrites protocol buffers without their descriptions: every text in them, and every number that is not small."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from addon.scrubbing.files import empty
from addon.scrubbing.scrubber import Scrubber
from addon.scrubbing.words import is_public_name

_SMALL = 10**4
_SECOND = 10**9
_DEEPEST = 12
_PRINTED = frozenset(range(0x20, 0x100)) | {0x09, 0x0A, 0x0D}
_OPAQUE = re.compile(r"(?=[\w.-]*[_\d])[\w.-]+")
"""An id, where nothing says what a field is; not so where text stands as well."""


class NotABuffer(ValueError):  # noqa: N818 - reads better where it is caught
    """The bytes are no protocol buffer."""


@dataclass(frozen=True, slots=True)
class Field:
    number: int
    kind: int
    """0 a whole number, 1 eight bytes, 2 as many bytes as it says, 5 four bytes."""
    value: int | bytes


def scrub_buffer(data: bytes, scrubber: Scrubber, path: str = "") -> bytes:
    """
    Return a protocol buffer with every text in it replaced, and every number that is not small.

    Raises ``NotABuffer`` for anything else. Bytes that can be read as text are text, unless they are a message made
    of nothing but texts with their lengths.
    """
    written = b""
    moment: float | None = None
    for field in read_buffer(data):
        at_moment = moment is not None and field.number == 2  # the rest of a moment, in nanoseconds
        moment = scrubber.moment(field.value) if isinstance(field.value, int) else None
        written += _number((field.number << 3) | field.kind)
        match field.value:
            case int(number):
                written += _number(number if number < (_SECOND if at_moment else _SMALL) else int(moment or 1))
            case bytes(inner) if field.kind == 2:
                told = _scrub_field(inner, scrubber, f"{path}.{field.number}")
                written += _number(len(told)) + told
            case bytes(inner):
                written += bytes(len(inner))
    return written


def _scrub_field(data: bytes, scrubber: Scrubber, path: str) -> bytes:
    try:
        fields = list(read_buffer(data)) if path.count(".") < _DEEPEST else []
        if fields and (not _PRINTED.issuperset(data) or all(field.kind == 2 for field in fields)):
            return scrub_buffer(data, scrubber, path)
    except NotABuffer:
        pass  # then it is text, or a file
    try:
        text = data.decode()
    except UnicodeDecodeError:
        scrubber.removed["file"] += 1
        return empty(data)
    slot = scrubber.fillers.slot((scrubber.side, "buffer", path))
    if _OPAQUE.fullmatch(text) and not is_public_name(text) and not slot.is_text:
        return scrubber.string(text, path, "buffer_id").encode()
    return scrubber.string(text, "buffer", path).encode()


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
