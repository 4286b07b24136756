"""One exchange as it was heard: the request, the wire bytes with their times, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

Ending = Literal["complete", "aborted", "error"]
Source = Literal["proxy", "har", "flow", "export", "agent-log"]

LAST_YEAR = 9000
"""Later moments are lies, and too near to the end of what a calendar can add to."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a response body as it came: still content-encoded, cut anywhere."""

    at_ms: int | None
    """Milliseconds after the request was sent; None where the source has no times."""
    data: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """One WebSocket message, inflated and whole."""

    at_ms: int | None
    from_client: bool
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """
    A request and what came back, in memory only and only until it is counted.

    ``chunks`` hold at most the bounded copy; ``request_bytes`` and ``response_bytes`` say how many
    bytes there were on the wire, also beyond that bound. A socket has ``messages`` instead of chunks
    when it is read whole (HAR); through the proxy its messages arrive one by one.
    """

    method: str
    host: str
    path: str
    query: str = ""
    request_headers: Mapping[str, str] = field(default_factory=dict)
    request_body: bytes = b""
    status: int
    response_headers: Mapping[str, str] = field(default_factory=dict)
    chunks: tuple[Chunk, ...] = ()
    messages: tuple[Message, ...] = ()
    started_at: datetime
    utc_offset_minutes: int = 0
    ended_ms: int | None = None
    ending: Ending = "complete"
    request_bytes: int = 0
    response_bytes: int = 0
    truncated: bool = False
    source: Source = "proxy"

    def __post_init__(self) -> None:
        if self.started_at.tzinfo is None:
            message = "started_at needs a time zone"
            raise ValueError(message)
        object.__setattr__(self, "started_at", self.started_at.astimezone(UTC))
        if not 1970 <= self.started_at.year <= LAST_YEAR:
            message = "started_at is no time at which anybody could have asked"
            raise ValueError(message)

    def request_header(self, name: str) -> str:
        """Return a header of the request by its name in small letters, however it was written; empty without one."""
        return _find(self.request_headers, name)

    def response_header(self, name: str) -> str:
        """Return a header of the response, in the same way."""
        return _find(self.response_headers, name)


def _find(headers: Mapping[str, str], name: str) -> str:
    return {key.lower(): value for key, value in headers.items()}.get(name, "")
