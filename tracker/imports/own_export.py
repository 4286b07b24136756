"""Our own export, CSV or JSON lines, read back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import batched
from pathlib import Path

from addon.reading import Reading
from tracker.exports import COLUMNS, read_csv, read_json_lines
from tracker.imports import Context, NotReadableError, Part, Progress
from tracker.record import Record

BATCH = 500
_HEAD = ",".join(COLUMNS).encode()


def is_own_export(_path: Path, head: bytes) -> bool:
    """Whether this is what ``klimaspor export`` writes."""
    line = head.removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0].rstrip(b"\r")
    return line == _HEAD or (line.startswith(b'{"id":"') and b'"utc_offset_minutes":' in line and b'"reader":' in line)


def read_own_export(path: Path, _context: Context, progress: Progress) -> Iterator[Part]:
    """Yield the records as they were; a row that is not ours is left out, named by its place."""
    size = path.stat().st_size
    with path.open("rb") as raw, io.TextIOWrapper(raw, "utf-8-sig", errors="replace", newline="") as file:
        first = file.read(1)
        file.seek(0)
        rows = read_json_lines(file) if first == "{" else read_csv(file)
        position = 0
        try:
            for batch in batched(rows, BATCH):
                good = tuple(row for row in batch if isinstance(row, Record))
                for offset, row in enumerate(batch, 1):
                    if not isinstance(row, Record):
                        yield Part(position + offset, problem=str(row))
                position += len(batch)
                progress(min(raw.tell(), size), size)
                if good:
                    yield Part(position, Reading(records=good))
        except csv.Error as error:  # a NUL, or a field without an end
            raise NotReadableError("it is not the CSV that klimaspor writes; export it again") from error
