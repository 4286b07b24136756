"""The copy of one exchange while it passes, and how it crosses to the worker's process as bytes (pure)."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate, chain, pairwise
from typing import Any

from addon.exchange import Chunk, Ending, Exchange, Message

LARGEST_COPY = 16 * 1024 * 1024
"""Wire bytes of one body that are kept; the rest passes uncopied and the exchange counts as truncated."""
ALLOWANCE = 64 * 1024
"""A body takes room in such steps, so that the hot path compares two numbers and no more."""
PIECE_OVERHEAD = 150
"""What a small piece costs beside its bytes, in bytes."""

type Parcel = tuple[bytes, ...]
"""What crosses to the worker at once, in its parts: the head first."""

_HEAD = struct.Struct("<I")
_ns = time.monotonic_ns


class Pool:
    """The room that all copies share, so that many large answers at once cannot fill the memory."""

    def __init__(self, size: int = 96 * 1024 * 1024) -> None:
        self.left = size

    def take(self, amount: int) -> bool:
        """Take room if there is enough."""
        if amount > self.left:
            return False
        self.left -= amount
        return True

    def give_back(self, amount: int) -> None:
        self.left += amount


class Tee:
    """Passes every piece on at once and keeps it, with its time, while there is room."""

    __slots__ = ("_room", "_weight", "pieces", "pool", "size", "taken")

    def __init__(self, pool: Pool) -> None:
        self.pieces: list[tuple[int, bytes]] = []
        self.size = 0
        self._weight = 0
        self._room = 0
        self.taken = 0
        self.pool = pool

    def __call__(self, data: bytes) -> bytes:
        # The hot path of the whole product: it runs outside mitmproxy's guard and must neither raise nor wait.
        try:
            size = len(data)
            self.size += size
            self._weight += size + PIECE_OVERHEAD
            if self._weight <= self._room or self._make_room():
                self.pieces.append((_ns(), data))
        except Exception:  # noqa: BLE001 - whatever breaks in here, bytes go on
            self._room = -1
        return data

    @property
    def is_truncated(self) -> bool:
        """Whether some of the bytes were not kept."""
        return self._room < 0

    def _make_room(self) -> bool:
        if self._room < 0:
            return False
        needed = self._weight - self._room + ALLOWANCE
        if self.size > LARGEST_COPY or self._weight > 2 * LARGEST_COPY or not self.pool.take(needed):
            self._room = -1
            return False
        self.taken += needed
        self._room += needed
        return True

    def close(self) -> None:
        """Nothing more comes: give back what was set aside and not needed."""
        if self._weight < self.taken and not self.is_truncated:
            self.pool.give_back(self.taken - self._weight)
            self.taken = self._weight

    def release(self) -> None:
        """Let the copy go and give its room back; safe to call twice."""
        self.pieces = []
        self.pool.give_back(self.taken)
        self.taken, self._room = 0, -1


@dataclass(slots=True)
class Copy:
    """One exchange while it passes. Lives in memory only; its repr tells nothing of what passed."""

    service: str
    client: str
    """The client connection it came over, by its random id."""
    method: str = field(repr=False)
    host: str = field(repr=False)
    path: str = field(repr=False)
    query: str = field(repr=False)
    request_headers: dict[str, str] = field(repr=False)
    response: Tee = field(repr=False)
    request: Tee | None = field(default=None, repr=False)
    request_body: bytes = field(default=b"", repr=False)
    request_bytes: int = 0
    started_at: float = field(default_factory=time.time)
    started_ns: int = field(default_factory=_ns)
    status: int = 0
    response_headers: dict[str, str] = field(default_factory=dict, repr=False)
    ended_ns: int = 0
    ending: Ending = "complete"

    @property
    def weight(self) -> int:
        """Roughly how many bytes of memory it holds."""
        heads = (self.path, self.query, *self.request_headers.values(), *self.response_headers.values())
        bodies = len(self.request_body) + self.response.taken + (self.request.taken if self.request else 0)
        return 1000 + sum(map(len, heads)) + bodies

    def elapsed_ms(self, ns: int) -> int:
        """Return the whole milliseconds from its start to a moment of the monotonic clock."""
        return max(0, ns - self.started_ns) // 1_000_000

    def release(self) -> None:
        """Let everything that was copied go."""
        self.request_body = b""
        for tee in (self.request, self.response):
            if tee is not None:
                tee.release()


def pack(kind: str, copy: Copy, **more: Any) -> Parcel:
    """Return the exchange as a parcel: a small JSON header, then the request body and the response pieces."""
    body = copy.request_body
    cut = copy.response.is_truncated
    if copy.request is not None:
        body = b"".join(data for _, data in copy.request.pieces)
        cut = cut or copy.request.is_truncated
    pieces = [(ns, data) for ns, data in copy.response.pieces if data]
    start = copy.started_ns
    header = {
        "kind": kind,
        "service": copy.service,
        "method": copy.method,
        "host": copy.host,
        "path": copy.path,
        "query": copy.query,
        "request_headers": copy.request_headers,
        "request_bytes": copy.request_bytes,
        "status": copy.status,
        "response_headers": copy.response_headers,
        "response_bytes": copy.response.size,
        "started_at": copy.started_at,
        "ended_ms": copy.elapsed_ms(copy.ended_ns),
        "ending": copy.ending,
        "truncated": cut,
        "body": len(body),
        "times": [max(0, ns - start) // 1_000_000 for ns, _ in pieces],
        "sizes": [len(data) for _, data in pieces],
        **more,
    }
    return wrap(header, body, *(data for _, data in pieces))


def pack_message(socket: str, copy: Copy, ns: int, *, from_client: bool, data: bytes, number: int) -> Parcel:
    """Return one message of a socket as a parcel."""
    header = {"kind": "hear", "socket": socket, "at_ms": copy.elapsed_ms(ns), "from_client": from_client}
    return wrap({**header, "number": number}, data)


def wrap(header: Mapping[str, Any], *blobs: bytes) -> Parcel:
    """Return a header and bytes as one parcel."""
    head = json.dumps(header).encode()
    return (_HEAD.pack(len(head)) + head, *blobs)


def wrap_together(parcels: Sequence[Parcel], number: int) -> Parcel:
    """Return several parcels, the last of this number, as one."""
    sizes = [sum(map(len, parcel)) for parcel in parcels]
    return wrap({"kind": "batch", "sizes": sizes, "number": number}, *chain.from_iterable(parcels))


def split(parcel: bytes | memoryview) -> tuple[dict[str, Any], memoryview]:
    """Return the header of a parcel, whose parts are now in one place, and a view of the bytes after it."""
    (length,) = _HEAD.unpack_from(parcel)
    view = memoryview(parcel)[_HEAD.size :]
    header: dict[str, Any] = json.loads(bytes(view[:length]))
    return header, view[length:]


def unpack(header: Mapping[str, Any], blob: memoryview) -> Exchange:
    """Return the Exchange that ``pack`` was given, times as milliseconds since the request was sent."""
    body, data = header["body"], bytes(blob)  # to cut bytes is quicker than to cut a view of them
    edges = pairwise(accumulate(header["sizes"], initial=body))
    return Exchange(
        method=header["method"],
        host=header["host"],
        path=header["path"],
        query=header["query"],
        request_headers=header["request_headers"],
        request_body=data[:body],
        status=header["status"],
        response_headers=header["response_headers"],
        chunks=tuple(Chunk(at_ms, data[begin:end]) for at_ms, (begin, end) in zip(header["times"], edges, strict=True)),
        started_at=datetime.fromtimestamp(header["started_at"], UTC),
        utc_offset_minutes=utc_offset(header["started_at"]),
        ended_ms=header["ended_ms"],
        ending=header["ending"],
        request_bytes=header["request_bytes"],
        response_bytes=header["response_bytes"],
        truncated=header["truncated"],
    )


def unpack_message(header: Mapping[str, Any], blob: memoryview) -> Message:
    """Return the socket message that ``pack_message`` was given."""
    return Message(header["at_ms"], header["from_client"], bytes(blob))


def utc_offset(at: float) -> int:
    """Return the local offset from UTC at a moment (seconds since the epoch), in minutes."""
    offset = datetime.fromtimestamp(at, UTC).astimezone().utcoffset()
    return 0 if offset is None else int(offset.total_seconds() // 60)
