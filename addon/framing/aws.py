"""AWS event streams: frames with two lengths and two checksums, headers of their own, and JSON for the most part."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Any
from zlib import crc32

from addon.framing.alike import join_texts
from addon.framing.binary import FrameSplitter
from addon.framing.splitter import Piece, Unit

_PRELUDE = struct.Struct(">III")
_MOST_PRELUDES = 1000
_PIECES = frozenset({"contentBlockDelta"})
"""Events that do nothing but add to a text; of others, such as the steps of an agent, each counts."""
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Kind of a header's value → its bytes, where these are always as many."""
_PACKED = (b'{"bytes":"', b'{"bytes": "')
_PADDED = re.compile(rb'", ?"p": ?"(\w*)"\}')
"""What follows what is packed, if letters against eavesdroppers do."""


def is_aws_prelude(head: bytes) -> bool:
    """Whether bytes begin as an AWS event stream does: two lengths, and the checksum of these."""
    return len(head) >= 12 and crc32(head[:8]) == int.from_bytes(head[8:12])


class AwsSplitter(FrameSplitter):
    """AWS event streams; the event's name is its ``:event-type``, or ``:exception-type`` when the stream fails."""

    head_size = 12

    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems)
        self._headers = b""
        self._name: str | None = None
        self._is_json = True
        self._sizes: dict[bytes, int] = {}
        """Preludes that were found right, of frames with these headers, and the sizes they tell."""

    def read_plain(self, data: bytes, position: int, units: list[Unit], ends: list[int]) -> int:
        """Read on while frames have the same headers as the one before, and one of the sizes that were there."""
        texts: list[Piece] = []
        first = 12 + len(self._headers)
        while size := self._sizes.get(data[position : position + 12]):
            end = position + size
            if end > len(data) or not data.startswith(self._headers, position + 12):
                break
            if crc32(data[position : end - 4]) != int.from_bytes(data[end - 4 : end]):
                break
            texts.append((end, data[position + first : end - 4]))
            position = end
        if self.adds and self._name in _PIECES and self._is_json and len(texts) > 1:
            texts = list(join_texts(texts, self.adds))
        for stop, text in texts:
            units.append((self._value(text), self._name))
            ends.append(stop or 0)
        return position

    def frame_size(self, head: bytes) -> int:
        total, headers, checksum = _PRELUDE.unpack(head)
        if crc32(head[:8]) != checksum:
            self.lose("bad-checksum")
        elif total < headers + 16:
            self.lose("bad-frame")
        return int(total)

    def read(self, frame: bytes) -> Unit | None:
        if crc32(frame[:-4]) != int.from_bytes(frame[-4:]):
            self.lose("bad-checksum")
            return None
        first = 12 + int.from_bytes(frame[4:8])
        if frame[12:first] != self._headers or len(self._sizes) >= _MOST_PRELUDES:
            self._headers, self._sizes = frame[12:first], {}
            headers = dict(_read_headers(self._headers))
            self._name = headers.get(":exception-type") or headers.get(":error-code") or headers.get(":event-type")
            self._is_json = headers.get(":content-type", "application/json").endswith("json")
        self._sizes[frame[:12]] = len(frame)
        return self._value(frame[first:-4]), self._name

    def _value(self, data: bytes) -> Any:
        if not data:
            return {}
        if not self._is_json:
            return data
        if data.startswith(_PACKED):
            start = 11 if data.startswith(b" ", 9) else 10
            end = data.find(b'"', start)
            packed, rest = data[start:end], data[end:]
            if packed.isascii() and b"\\" not in packed:
                if rest == b'"}':
                    return {"bytes": packed.decode()}
                if padded := _PADDED.fullmatch(rest):
                    return {"bytes": packed.decode(), "p": padded[1].decode()}
        return self.payload(data)


def _read_headers(data: bytes) -> Iterator[tuple[str, str]]:
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
        elif kind in _SIZES:
            size = _SIZES[kind]
        else:
            return
        position += size
