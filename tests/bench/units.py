"""The events of an example as bytes: its lines, frames or messages, and which of them are alike."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from addon.exchange import Exchange
from addon.framing.aws import is_aws_prelude

_BEFORE = re.compile(rb"^(?:data|\d+):")


def units_of(exchange: Exchange) -> list[bytes]:
    """Return the messages that came, or the answer cut where its events end."""
    if exchange.messages:
        return [message.data for message in exchange.messages if not message.from_client]
    body = b"".join(chunk.data for chunk in exchange.chunks)
    if frames := list(frames_of(body)):
        return frames
    # Server-sent events end in a blank line, of which a short example may have two.
    separator = next((one for one in (b"\r\n\r\n", b"\n\n", b"\n") if body.count(one) >= 2), None)
    return [unit + separator for unit in body.split(separator) if unit] if separator else []


def frames_of(body: bytes) -> Iterator[bytes]:
    """Yield the frames of an AWS event stream or of connect; none if the lengths in it do not add up."""
    frames, position = [], 0
    while position < len(body):
        head = body[position : position + 12]
        size = int.from_bytes(head[:4]) if is_aws_prelude(head) else 5 + int.from_bytes(head[1:5])
        frames.append(body[position : position + size])
        position += size
    if position == len(body) and len(frames) > 1:
        yield from frames


def payload_of(unit: bytes) -> bytes:
    """Return what a frame carries, or the unit itself if it is none."""
    if is_aws_prelude(unit):
        return unit[12 + int.from_bytes(unit[4:8]) : -4]
    return unit[5:] if unit[:1] == b"\0" else unit


def runs_of(units: Sequence[bytes]) -> list[tuple[int, int]]:
    """Return where each run of like units begins and how many it has, the longest first."""
    at, runs = 0, []
    for shape, run in groupby(units, key=shape_of):
        size = len(list(run))
        if shape:
            runs.append((at, size))
        at += size
    return sorted(runs, key=lambda run: (-run[1], run[0]))


def texts_of(units: Sequence[bytes]) -> tuple[bytes, ...]:
    """Return the JSON in each unit: after ``data:`` or a code, or the line itself."""
    found = []
    for unit in units:
        for line in payload_of(unit).split(b"\n"):
            text = _BEFORE.sub(b"", line).strip(b" \r\x1e")
            if text[:1] in b"{[" and _decodes(text):
                found.append(text)
    return tuple(found)


def shape_of(unit: bytes) -> str:
    """Return the names of keys in a unit, as deep as they go; empty if there is no JSON in it."""
    return " ".join(_shape(json.loads(text)) for text in texts_of([unit]))


def _shape(value: Any) -> str:
    match value:
        case dict():
            return "{" + ",".join(f"{key}:{_shape(one)}" for key, one in value.items()) + "}"
        case list():
            return "[" + ",".join(_shape(one) for one in value[:3]) + "]"
        case _:
            return type(value).__name__


def _decodes(text: bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
