"""Our own export, CSV or JSON lines, read back."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import batched
from pathlib import Path
from typing import TextIO

from addon.reading import Reading
from tracker.exports import COLUMNS, read_csv, read_json_lines
from tracker.imports import Context, Part, Progress
from tracker.record import Record

BATCH = 500
LONGEST_LINE = 1 << 16
"""Characters; a record takes some hundreds."""


def is_own_export(_path: Path, head: bytes) -> bool:
    """Whether this is what ``klimaspor export`` writes, also after a spreadsheet has quoted its cells."""
    line = head.removeprefix(b"\xef\xbb\xbf").replace(b"\r", b"\n").partition(b"\n")[0]
    return line.replace(b'"', b"") == ",".join(COLUMNS).encode() or (
        line.startswith(b'{"id":"') and b'"utc_offset_minutes":' in line and b'"reader":' in line
    )


def read_own_export(path: Path, _context: Context, progress: Progress) -> Iterator[Part]:
    """Yield the records as they were; a row that is not ours is left out, named by its place."""
    size = path.stat().st_size
    with path.open("rb") as raw, io.TextIOWrapper(raw, "utf-8-sig", errors="replace", newline=None) as file:
        first = file.read(1)
        file.seek(0)
        rows = read_json_lines(_lines(file)) if first == "{" else read_csv(_lines(file))
        position = 0
        for batch in batched(rows, BATCH):
            good = tuple(row for row in batch if isinstance(row, Record))
            for offset, row in enumerate(batch, 1):
                if not isinstance(row, Record):
                    yield Part(position + offset, problem=str(row))
            position += len(batch)
            progress(min(raw.tell(), size), size)
            if good:
                yield Part(position, Reading(records=good))


def _lines(file: TextIO) -> Iterator[str]:
    """Yield the lines; of one that is too long for a record only its beginning."""
    while line := file.readline(LONGEST_LINE):
        yield line
        while len(line) == LONGEST_LINE and not line.endswith("\n"):
            line = file.readline(LONGEST_LINE)
