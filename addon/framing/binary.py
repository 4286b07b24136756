"""Framings made of lengths: connect and gRPC envelopes, AWS event streams, raw bytes."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

from addon.coding import MOST_BYTES, Budget, CodingError, Decoder, TooLarge
from addon.framing.splitter import Piece, Splitter, Unit, new_event, times_of
from addon.framing.values import LARGEST_EVENT, NOT_JSON, parse, scan_at
from addon.turn import Event

_PRELUDE = struct.Struct(">III")
_COMPRESSED = 0x01
_END_STREAM = 0x02
_TRAILERS = 0x80
_UNKNOWN = 0xFF & ~(_COMPRESSED | _END_STREAM | _TRAILERS)


def is_aws_prelude(head: bytes) -> bool:
    """Whether bytes begin as an AWS event stream does: two lengths, and the checksum of these."""
    return len(head) >= 12 and zlib.crc32(head[:8]) == int.from_bytes(head[8:12])


class FrameSplitter(Splitter):
    """Frames that say their own length in front. A frame above the bound is skipped, a lying one ends the reading."""

    head_size = 5

    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems)
        self._rest = bytearray()
        self._needed = 0
        """How many bytes the rest must have before there is more to read."""
        self._skip = 0
        self._lost = False

    def take(self, pieces: Sequence[Piece]) -> list[Event]:
        if self._lost:
            return []
        kept = len(self._rest)
        self._rest += b"".join([data for _, data in pieces])
        if len(self._rest) < self._needed:
            return []
        units, ends = self._read_all(bytes(self._rest))
        times = times_of([end - kept for end in ends], pieces)
        return [new_event(Event, (*unit, at_ms)) for unit, at_ms in zip(units, times, strict=True)]

    def _read_all(self, data: bytes) -> tuple[list[Unit], list[int]]:
        """Return what the whole frames mean, and where each ended; keep the rest."""
        units: list[Unit] = []
        ends: list[int] = []
        position = 0
        self._needed = self.head_size
        while True:
            if self._skip:
                step = min(self._skip, len(data) - position)
                position += step
                self._skip -= step
            if self._skip or len(data) - position < self.head_size:
                break
            size = self.frame_size(data[position : position + self.head_size])
            if self._lost:
                break
            if size > LARGEST_EVENT:
                self.note("too-large")
                self._skip = size
                continue
            if len(data) - position < size:
                self._needed = size
                break
            unit = self.read(data[position : position + size])
            if self._lost:
                break
            position += size
            if unit is not None:
                units.append(unit)
                ends.append(position)
        self._rest = bytearray() if self._lost else bytearray(data[position:])
        return units, ends

    def finish(self) -> list[Unit]:
        if self._rest or self._skip:
            self.note("truncated")
        self._rest.clear()
        return []

    def frame_size(self, head: bytes) -> int:
        """Return the size of the whole frame, head included."""
        raise NotImplementedError

    def read(self, frame: bytes) -> Unit | None:
        """Return what one whole frame means, if anything."""
        raise NotImplementedError

    def lose(self, problem: str) -> None:
        """Say that the frames can no longer be told apart."""
        self.note(problem)
        self._lost = True

    def payload(self, data: bytes) -> Any:
        """Return decoded JSON, else the text."""
        text = data.decode("utf-8", "replace")
        try:
            value, end = scan_at(text, 0)
            return value if end == len(text) else parse(text)  # nearly always the first
        except NOT_JSON:
            self.note("bad-json")
            return text


class ConnectSplitter(FrameSplitter):
    """Connect and gRPC(-web): a flag byte, four bytes of length, the message. The last message is named ``end``."""

    def __init__(self, problems: list[str], *, as_json: bool) -> None:
        super().__init__(problems)
        self._as_json = as_json
        self._budget = Budget()
        self._inflated = 0

    def frame_size(self, head: bytes) -> int:
        if head[0] & _UNKNOWN:
            self.lose("bad-frame")
        return 5 + int.from_bytes(head[1:])

    def read(self, frame: bytes) -> Unit | None:
        flags, data = frame[0], frame[self.head_size :]
        if not flags and data and self._as_json:
            return self.payload(data), None  # as most come
        if flags & _COMPRESSED and data:
            try:
                data = self._inflate(data)
            except TooLarge:
                self.note("too-large")
                return None
            except CodingError:
                self.note("bad-coding")
                return None
        if flags & _TRAILERS:
            return data.decode("utf-8", "replace"), "end"
        if flags & _END_STREAM:
            return self.payload(data or b"{}"), "end"
        if self._as_json:
            return (self.payload(data), None) if data else None
        return data, None

    def _inflate(self, data: bytes) -> bytes:
        # The coding is named in a header of its own; the bytes tell as well.
        encoding = "gzip" if data[:2] == b"\x1f\x8b" else "zstd" if data[:4] == b"\x28\xb5\x2f\xfd" else "br"
        if self._inflated > MOST_BYTES:
            raise TooLarge("the frames together decode to more than the budget")
        decoder = Decoder(encoding, self._budget)
        inflated = decoder.feed(data)
        self._inflated += len(inflated)
        return inflated + decoder.finish()


class AwsSplitter(FrameSplitter):
    """AWS event streams; the event's name is its ``:event-type``, or ``:exception-type`` when the stream fails."""

    head_size = 12

    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems)
        self._headers = b""
        self._name: str | None = None
        self._is_json = True

    def frame_size(self, head: bytes) -> int:
        total, headers, checksum = _PRELUDE.unpack(head)
        if zlib.crc32(head[:8]) != checksum:
            self.lose("bad-checksum")
        elif total < headers + 16:
            self.lose("bad-frame")
        return int(total)

    def read(self, frame: bytes) -> Unit | None:
        if zlib.crc32(frame[:-4]) != int.from_bytes(frame[-4:]):
            self.lose("bad-checksum")
            return None
        headers_end = 12 + int.from_bytes(frame[4:8])
        if not frame.startswith(self._headers, 12) or headers_end != 12 + len(self._headers):
            self._headers = frame[12:headers_end]
            headers = dict(_aws_headers(self._headers))
            self._name = headers.get(":exception-type") or headers.get(":error-code") or headers.get(":event-type")
            self._is_json = headers.get(":content-type", "application/json").endswith("json")
        data = frame[headers_end:-4]
        if not data:
            return {}, self._name
        return self.payload(data) if self._is_json else data, self._name


_AWS_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}


def _aws_headers(data: bytes) -> Iterator[tuple[str, str]]:
    """Yield the text headers; stop at anything malformed."""
    position = 0
    while position < len(data):
        name_end = position + 1 + data[position]
        name = data[position + 1 : name_end].decode("utf-8", "replace")
        if name_end >= len(data):
            return
        kind, position = data[name_end], name_end + 1
        if kind in {6, 7}:
            size = int.from_bytes(data[position : position + 2])
            position += 2
            if kind == 7:
                yield name, data[position : position + size].decode("utf-8", "replace")
        elif kind in _AWS_SIZES:
            size = _AWS_SIZES[kind]
        else:
            return
        position += size


class RawSplitter(Splitter):
    """All bytes as one event, for media; none if there are more than the bound."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems)
        self._parts: list[bytes] = []
        self._size = 0

    def take(self, pieces: Sequence[Piece]) -> list[Event]:
        for _, data in pieces:
            self._size += len(data)
            if self._size > LARGEST_EVENT:
                self.note("too-large")
                self._parts.clear()
            else:
                self._parts.append(data)
        return []

    def finish(self) -> list[Unit]:
        data = b"".join(self._parts)
        return [(data, None)] if data else []
