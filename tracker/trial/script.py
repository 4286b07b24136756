"""One exchange to play, and the small pieces that every dialect is made of (pure)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Script:
    """One exchange to play: what the client sends, and what the stand-in answers, chunk by chunk."""

    host: str
    path: str
    request: bytes
    chunks: tuple[bytes, ...]
    content_type: str = "text/event-stream; charset=utf-8"
    abort_after: float | None = None
    """The share of the answer after which the client hangs up; None where it listens to the end."""


def pieces(text: str) -> list[str]:
    """Cut a text into runs of a few words, as a model's stream does."""
    words = re.findall(r"\S+\s*", text.strip())
    return ["".join(words[start : start + 3]) for start in range(0, len(words), 3)]


def sse(data: object, event: str | None = None) -> bytes:
    """Return one server-sent event."""
    text = data if isinstance(data, str) else json.dumps(data)
    return (f"event: {event}\n" if event else "").encode() + f"data: {text}\n\n".encode()


def named(event: dict[str, Any]) -> bytes:
    """Return one server-sent event that is called by its own type."""
    return sse(event, event["type"])


def uuid(number: int, part: int) -> str:
    """Return an id for a part of the exchange of this number."""
    return str(UUID(int=number << 32 | part, version=4))
