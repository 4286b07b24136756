"""A chatbot's data export: the conversations in a zip, a folder or a file, and the zips that are refused."""

from __future__ import annotations

import errno
import json
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from addon.reading import Reading
from tracker.imports import NotReadableError, Part, Progress
from tracker.imports.arrays import read_array
from tracker.record import Record

_CONVERSATIONS = re.compile(r"(?:[^/\\]+/){0,3}conversations(?:[-_]\d{1,4})?\.json")
LARGEST_RATIO = 200
"""Text shrinks to a tenth or a twentieth; a bomb to a thousandth."""
LARGEST_EXPORT = 64 << 30
LARGEST_DIRECTORY = 16 << 20
"""Bytes of a zip's list of files: some hundred thousand of them, where an export has a few thousand."""
_DAMAGED = (zipfile.BadZipFile, EOFError, zlib.error, struct.error, OverflowError, ValueError)
"""Also lengths and places that no file has."""
_PACKED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
"""How exports come; other ways unpack in much memory, and break in ways of their own."""
_HARMLESS = 16 << 20
"""Bytes: below this no ratio can hurt."""
_UNKNOWN_WAY = "the zip is encrypted or packed in a way that is not known; unpack it and import the folder"
MOST_AGAIN = 1 << 28
"""Characters of questions in one conversation that are read again, each time for one more answer to the same one."""


def holds_conversations(path: Path, head: bytes, mark: bytes) -> bool:
    """
    Whether this is an export whose conversations carry the mark near their beginning.

    :raises NotReadableError: for a zip that is no export, or none that can be read: nothing else comes as a zip.
    """
    is_zip = head.startswith(b"PK")
    if is_zip or path.is_dir() or path.name.startswith("conversations"):
        try:
            with _explained(), _parts(path) as parts:
                for _, open_part in parts[:1]:
                    with open_part() as file:
                        return mark in file.read(1 << 20)
        except NotReadableError:
            if is_zip:
                raise
    return False


def read_export(
    path: Path, progress: Progress, read: Callable[[dict[str, Any]], Iterable[Record] | None]
) -> Iterator[Part]:
    """Yield a part for each conversation that has turns; ``read`` returns them, or None for what is no conversation."""
    for position, conversation in _conversations(path, progress):
        if conversation is None:
            yield Part(position, problem="it is damaged")
            continue
        try:
            found = read(conversation)
            records = None if found is None else tuple(found)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
            yield Part(position, problem="it is damaged")
            continue
        if records is None:
            yield Part(position, problem="it is no conversation")
        elif records:
            yield Part(position, Reading(records=records))


def _conversations(path: Path, progress: Progress) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """
    Yield the place (from 1) and content of each conversation, None for a broken one.

    A zip is checked to its last byte before anything is yielded, so that a damaged one changes nothing.
    """
    with _explained(), _parts(path) as parts:
        everything = sum(size for size, _ in parts)
        steps = 2 if _is_zip(path) else 1
        done = 0
        if steps == 2:
            for size, open_part in parts:
                done += _check(open_part(), size, lambda read, done=done: progress(done + read, everything * 2))  # type: ignore[misc]  # a default binds the value
        position = 0
        for size, open_part in parts:
            with open_part() as file:
                for element in read_array(file):
                    position += 1
                    progress(min(done + file.tell(), everything * steps), everything * steps)
                    yield position, element if isinstance(element, dict) else None
            done += size


@contextmanager
def _explained() -> Iterator[None]:
    """Turn what is raised for a zip into a sentence."""
    try:
        yield
    except NotReadableError:
        raise
    except RuntimeError as error:
        raise NotReadableError(_UNKNOWN_WAY) from error
    except (*_DAMAGED, OSError) as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:  # of a place before the file's beginning
            raise
        raise NotReadableError("the zip is damaged or was not downloaded to its end; download it again") from error


def _is_zip(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() != ".json"


def _check(file: BinaryIO, size: int, progress: Callable[[int], None]) -> int:
    read = 0
    with file:
        while piece := file.read(1 << 20):
            read += len(piece)
            progress(read)
    if read != size:
        raise NotReadableError("the zip is damaged or was not downloaded to its end; download it again")
    return read


@contextmanager
def _parts(path: Path) -> Iterator[list[tuple[int, Callable[[], BinaryIO]]]]:
    """The files with conversations: size, and how to open one."""
    if not _is_zip(path):
        files = [path] if path.is_file() else sorted(path.glob("conversations*.json"))
        files = [
            file for file in files if file.is_file() and not file.is_symlink() and _CONVERSATIONS.fullmatch(file.name)
        ]
        yield [(file.stat().st_size, _opener(file)) for file in files]
        return
    if _directory_bytes(path) > LARGEST_DIRECTORY:
        raise NotReadableError("the zip holds more files than any export; download the export again")
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        for member in members:
            _refuse(member)
        found = [member for member in members if _CONVERSATIONS.fullmatch(member.filename)]
        if not found:
            raise NotReadableError("the zip holds no conversations.json; give it the zip as the chatbot sent it")
        everything = sum(member.file_size for member in found)
        if everything > LARGEST_EXPORT or everything > max(_HARMLESS, LARGEST_RATIO * path.stat().st_size):
            raise NotReadableError("the zip would unpack to far more than an export holds; download the export again")
        found.sort(key=lambda member: member.filename)
        yield [(member.file_size, _member_opener(archive, member)) for member in found]


def _directory_bytes(path: Path) -> int:
    """Return how long the zip says that its list of files is, which is read as a whole; 0 if it does not say."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - (1 << 16) - 22))
        tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0:
        return 0
    if tail[max(0, end - 20) : end].startswith(b"PK\x06\x07"):  # a large one says so in a record before
        return int.from_bytes(tail[max(0, end - 36) : end - 28], "little")
    return int.from_bytes(tail[end + 12 : end + 16], "little")


def _opener(file: Path) -> Callable[[], BinaryIO]:
    return lambda: file.open("rb")


def _member_opener(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Callable[[], BinaryIO]:
    return lambda: cast("BinaryIO", archive.open(member))


def _refuse(member: zipfile.ZipInfo) -> None:
    name = member.filename.replace("\\", "/")
    if name.startswith("/") or ".." in name.split("/") or re.match(r"[A-Za-z]:", name):
        raise NotReadableError("the zip has names that lead out of it, as no export has; download the export again")
    if not _CONVERSATIONS.fullmatch(member.filename):
        return
    if stat.S_ISLNK(member.external_attr >> 16):
        raise NotReadableError("the zip has a link where its conversations should be; download the export again")
    if member.compress_type not in _PACKED:
        raise NotReadableError(_UNKNOWN_WAY)


class Questions:
    """The questions of one conversation that were read, so that one with very many answers is not read for ever."""

    def __init__(self) -> None:
        self._sizes: dict[int, int | None] = {}
        self._left = MOST_AGAIN

    def note(self, question: dict[str, Any]) -> None:
        """Note that a question is read; raises ``ValueError`` once too much has been read again."""
        if id(question) not in self._sizes:
            self._sizes[id(question)] = None
            return
        size = self._sizes[id(question)]
        if size is None:
            size = self._sizes[id(question)] = len(json.dumps(question))
        self._left -= size
        if self._left < 0:
            raise ValueError("its questions are answered over and over")
