"""Log files of coding agents: finding them, reading their lines in little memory, and the record of one answer."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from pathlib import Path
from typing import Any

from addon.exchange import LAST_YEAR
from addon.reading import Reading
from tracker.imports import NotReadableError, Part, Progress
from tracker.imports.packed import is_packed, read_head, unpack_lines
from tracker.moments import timestamp, utc_offset_minutes
from tracker.naming import keep_model
from tracker.record import Feature, Initiator, Record, TokenSource, count_or_none, pseudonym

LONGEST_LINE = 64 << 20
"""Bytes; a longer line is no log entry and is left out."""
BATCH = 500
MOST_FILES = 200_000
_BY_NAME = attrgetter("feature", "state")


Line = tuple[int, bytes]
"""Its position, counted over all files from 1, and its bytes: none if it is too long."""

_decode = json.JSONDecoder().raw_decode


class Logs:
    """The lines of several files in order, with progress; symbolic links are not followed."""

    def __init__(self, paths: Iterable[Path], progress: Progress) -> None:
        self.paths = list(paths)
        self._progress = progress
        self._sizes = [path.stat().st_size for path in self.paths]
        self._done = 0
        self._position = 0

    def __iter__(self) -> Iterator[tuple[Path, Iterator[Line]]]:
        everything = sum(self._sizes)
        for path, size in zip(self.paths, self._sizes, strict=True):
            yield path, self._lines(path)
            self._done += size
            self._progress(self._done, everything)

    def _lines(self, path: Path) -> Iterator[Line]:
        if is_packed(path):
            for data in unpack_lines(path, LONGEST_LINE):
                self._position += 1
                yield self._position, data
            return
        with path.open("rb", buffering=1 << 20) as file:
            while data := file.readline(LONGEST_LINE):
                self._position += 1
                if len(data) >= LONGEST_LINE and not data.endswith(b"\n"):
                    while (rest := file.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                        continue
                    data = b""
                yield self._position, data


def find_files(path: Path, fits: Callable[[str], bool]) -> list[Path]:
    """Return the path itself if it is a file, else the files below it whose names fit, sorted."""
    if path.is_file():
        return [path]
    found = []
    for folder, folders, names in os.walk(path, followlinks=False):
        folders.sort()
        for name in sorted(names):
            file = Path(folder) / name
            if fits(name) and file.is_file() and not file.is_symlink():
                found.append(file)
        if len(found) > MOST_FILES:
            raise NotReadableError("it holds more files than any agent writes; give it the agent's own folder")
    return found


def holds(path: Path, head: bytes, fits: Callable[[str], bool], marks: Callable[[bytes], bool]) -> bool:
    """Whether a file's first bytes carry the marks of a log; of a folder, whether one of its first files does."""
    if path.is_file():
        return fits(path.name) and marks(read_head(path) if is_packed(path) else head)
    if not path.is_dir():
        return False
    looked_at = 0
    for folder, folders, names in os.walk(path, followlinks=False):
        folders.sort()
        for name in sorted(names):
            if not fits(name):
                continue
            file = Path(folder) / name
            if not file.is_symlink() and file.is_file():
                if marks(read_head(file)):
                    return True
                looked_at += 1
            if looked_at >= 50:
                return False
    return False


def parse(data: bytes) -> dict[str, Any] | None:
    """Return the JSON object of a line; None if it is not one."""
    try:
        text = data.strip(b" \t\r\n").decode()
        content, end = _decode(text)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) and end == len(text) else None


def in_batches(records: Iterable[Record | Part]) -> Iterator[Part]:
    """Put records together into parts of at most ``BATCH``; problems pass as they are."""
    batch: list[Record] = []
    for entry in records:
        if isinstance(entry, Part):
            yield entry
            continue
        batch.append(entry)
        if len(batch) >= BATCH:
            yield Part(0, Reading(records=tuple(batch)))
            batch = []
    if batch:
        yield Part(0, Reading(records=tuple(batch)))


def damaged(position: int, *, too_long: bool = False) -> Part:
    return Part(position, problem="it is too long" if too_long else "it is damaged")


def read_time(value: object) -> datetime | None:
    """
    Return a moment from ISO 8601 text, or from seconds or milliseconds since 1970; None if it is neither, or no
    moment at which anybody could have asked.
    """
    moment = _read_moment(value)
    return moment if moment is not None and 1970 <= moment.year <= LAST_YEAR else None


def _read_moment(value: object) -> datetime | None:
    try:
        match value:
            case str():
                moment = datetime.fromisoformat(value)
                return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            case bool():
                return None
            case int() | float():
                return datetime.fromtimestamp(value / 1000 if value > 10**11 else value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


def total(*counts: object) -> int | None:
    """Return the sum of the counts that are known; None if none is."""
    known = [count for value in counts if (count := count_or_none(value)) is not None]
    return sum(known) if known else None


@lru_cache(maxsize=4096)
def used(feature: str, amount: int) -> Feature:
    """Return that something was used so often: few are different."""
    return Feature(feature, "used", amount)


@lru_cache(maxsize=4096)
def mark_conversation(key: bytes, service: str, session: str) -> str:
    """Return the pseudonym of a session; logs name it on every line."""
    return pseudonym(key, service, session)


@lru_cache(maxsize=4096)
def _offset(quarter: int) -> int:
    """Return this computer's offset in a quarter of an hour since 1970: clocks change on no other moment."""
    return utc_offset_minutes(datetime.fromtimestamp(quarter * 900, UTC))


def make_record(
    *,
    identity: str,
    moment: datetime,
    service: str,
    provider: str | None,
    model: str | None,
    tokens: tuple[int | None, int | None, int | None, int | None],
    conversation: str | None,
    initiator: Initiator,
    client: str,
    reader: str,
    features: Sequence[Feature] = (),
    output_source: TokenSource = "reported",
    effort: str | None = None,
) -> Record:
    """Return the record of one logged answer. ``tokens`` are input, output, cached input and reasoning."""
    input_tokens, output_tokens, cached, reasoning = tokens
    if cached is not None and input_tokens is not None and cached > input_tokens:
        cached = None
    if reasoning is not None and output_tokens is not None and reasoning > output_tokens:
        reasoning = None
    return Record(
        id=identity,
        started_at=timestamp(moment),
        utc_offset_minutes=_offset(int(moment.timestamp()) // 900),
        service=service,
        provider=provider,
        initiator=initiator,
        response_model=keep_model(model),
        effort=effort,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cached_input_tokens=cached,
        reasoning_tokens=reasoning,
        input_tokens_source="unknown" if input_tokens is None else "reported",
        output_tokens_source="unknown" if output_tokens is None else output_source,
        reasoning_tokens_source="unknown" if reasoning is None else "reported",
        conversation=conversation,
        client=client,
        source="agent-log",
        reader=reader,
        features=tuple(sorted(features, key=_BY_NAME)) if features else (),
    )
