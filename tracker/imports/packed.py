"""Logs that an agent packed away with zstd: their head, and their lines within bounds."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

HEAD_BYTES = 64 * 1024
LARGEST_RATIO = 200
"""How many times larger than its packed self a log may be."""
_DAMAGED = b"-"
_FAULTS = (zstd.ZstdError, EOFError)


def is_packed(path: Path) -> bool:
    return path.suffix == ".zst"


def read_head(path: Path) -> bytes:
    """Return the first 64 KiB of a log, unpacked; empty if it is damaged."""
    try:
        with zstd.open(path, "rb") if is_packed(path) else path.open("rb") as opened:
            return opened.read(HEAD_BYTES)
    except _FAULTS:
        return b""


def unpack_lines(path: Path, longest: int) -> Iterator[bytes]:
    """Yield the lines of a packed log; where it is damaged, or swells too much, it ends with a line that is no JSON."""
    room = max(longest, LARGEST_RATIO * path.stat().st_size)
    try:
        with zstd.open(path, "rb") as file:
            while data := file.readline(longest):
                room -= len(data)
                if room < 0:
                    yield _DAMAGED
                    return
                yield data
    except _FAULTS:
        yield _DAMAGED
