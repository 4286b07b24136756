"""Rewrites Meta's binary socket messages: frames around JSON, or around protocol buffers, which JSON may hold too."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from json import JSONDecoder
from typing import Any

from addon.scrubbing.buffers import NotABuffer, scrub_buffer
from addon.scrubbing.framed import to_json
from addon.scrubbing.scrubber import Scrubber

_HEAD = 8
_KINDS = frozenset({0x0D, 0x0E, 0x0F})
"""Data, end and beginning of a stream."""
_EXTRA = (2, 0)
"""What the length counts beside the body: the last two bytes of the head, or in some recordings not."""
_PAYLOAD = "payload"


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
    except ValueError:
        return scrubber.string(payload, _PAYLOAD)
