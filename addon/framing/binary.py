"""Framings made of lengths: what all have in common, connect and gRPC envelopes, raw bytes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from addon.coding import MOST_BYTES, Budget, CodingError, Decoder, TooLarge
from addon.framing.alike import join_texts
from addon.framing.splitter import Piece, Splitter, Unit, new_event, times_of
from addon.framing.values import LARGEST_EVENT, NOT_JSON, parse, scan_at
from addon.turn import Event

_COMPRESSED = 0x01
_END_STREAM = 0x02
_TRAILERS = 0x80
_UNKNOWN = 0xFF & ~(_COMPRESSED | _END_STREAM | _TRAILERS)


class FrameSplitter(Splitter):
    """Frames that say their own length in front. A frame above the bound is skipped, a lying one ends the reading."""

    head_size = 5

    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems)
        self.adds: re.Pattern[bytes] | None = None
        """What stands before a text that adds to the one before (``Service.adds``)."""
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
            if not self._skip:
                position = self.read_plain(data, position, units, ends)
            else:
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

    def read_plain(self, data: bytes, position: int, units: list[Unit], ends: list[int]) -> int:
        """Append what the frames mean that need no second look, and where each ended; return where the last did."""
        return position

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

    def read_plain(self, data: bytes, position: int, units: list[Unit], ends: list[int]) -> int:
        """Read on while frames are whole, plain and of JSON, as most are; those that are alike as one."""
        texts: list[Piece] = []
        while self._as_json and data.startswith(b"\0", position):
            first, end = position + 5, position + 5 + int.from_bytes(data[position + 1 : position + 5])
            if end > len(data) or end == first or end - position > LARGEST_EVENT:
                break
            texts.append((end, data[first:end]))
            position = end
        few = texts[:: max(1, len(texts) // 2)]
        if self.adds and any(self.adds.search(text) for _, text in few):
            texts = list(join_texts(texts, self.adds))
        for stop, text in texts:
            units.append((self.payload(text), None))
            ends.append(stop or 0)
        return position

    def frame_size(self, head: bytes) -> int:
        if head[0] & _UNKNOWN:
            self.lose("bad-frame")
        return 5 + int.from_bytes(head[1:])

    def read(self, frame: bytes) -> Unit | None:
        flags, data = frame[0], frame[self.head_size :]
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
