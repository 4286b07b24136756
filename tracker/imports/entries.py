"""The entries of a HAR file one by one, in little memory, so that one fault costs one entry."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from tracker.imports import NotReadableError, Progress

PIECE = 1 << 20
LARGEST_ENTRY = 128 * PIECE
"""Characters; an entry that seems longer than this has lost its end."""
PATIENCE = 16
"""Times that a file's length is read again for entries that lost their ends; then the rest of it is one of them."""

_ENTRIES = re.compile(r'(?<!\\)"entries"\s*:\s*\[')
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|(?P<cut>\\?\Z))|[{}]', re.DOTALL)
_NEXT_ENTRY = re.compile(
    r'\{\s*"(?:startedDateTime|_initiator|_connectionId|_fromCache|_priority|_resourceType|pageref|_securityState)"\s*:'
)
_BOMS = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its place, and its content or None if it is broken."""

    position: int
    content: dict[str, Any] | None


def read_entries(path: Path, progress: Progress) -> Iterator[Entry]:
    """Yield the entries in the order of the file. Raise ``NotReadableError`` if it is not a HAR file at all."""
    size = path.stat().st_size
    with path.open("rb") as raw:
        start = raw.read(2)
    encoding = next((name for bom, name in _BOMS if start == bom), "utf-8-sig")
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        window = _Window(file, size, progress)
        if not window.seek(_ENTRIES):
            raise NotReadableError("it has no list of entries; save it again from the browser's network panel")
        position = 0
        while (text := window.take_object()) is not None:
            position += 1
            content = _parse(text)
            if content is None:
                window.step_back(text)
            yield Entry(position, content)


class _Window:
    """A part of the file's text, from what was not yet taken onwards."""

    def __init__(self, file: TextIO, size: int, progress: Progress) -> None:
        self._file, self._size, self._progress = file, size, progress
        self._text, self._at, self._read = "", 0, 0
        self._lost = 0

    def _more(self) -> bool:
        piece = self._file.read(max(PIECE, len(self._text) - self._at))
        self._read += len(piece)
        self._progress(min(self._read, self._size), self._size)
        self._text, self._at = self._text[self._at :] + piece, 0
        return bool(piece)

    def seek(self, pattern: re.Pattern[str]) -> bool:
        """Move behind the first match."""
        while True:
            if found := pattern.search(self._text, self._at):
                self._at = found.end()
                return True
            self._at = max(self._at, len(self._text) - 200)
            if not self._more():
                return False

    def take_object(self) -> str | None:
        """Return the next object's text, ``""`` for one that lost its end, None at the end of the list."""
        if not self._find_start():
            return None
        if self._lost > PATIENCE * max(self._size, PIECE):
            self._text, self._at = "]", 0
            return ""
        end = self._find_end()
        if end is not None:
            text, self._at = self._text[self._at : end], end
            return text
        self._lost += len(self._text) - self._at
        resume = _NEXT_ENTRY.search(self._text, self._at + 1)
        self._at = resume.start() if resume else len(self._text)
        return ""

    def step_back(self, text: str) -> None:
        """Return to the entry that a broken one, just taken, has swallowed; to nowhere if it swallowed none."""
        swallowed = _NEXT_ENTRY.search(text, 1)
        if swallowed:
            self._lost += len(text)
            self._at -= len(text) - swallowed.start()

    def _find_start(self) -> bool:
        while True:
            rest = self._text[self._at : self._at + 64].lstrip(" \t\r\n,")
            if rest:
                break
            self._at = min(self._at + 64, len(self._text))
            if self._at == len(self._text) and not self._more():
                return False
        if rest[0] == "]":
            return False
        self._at = self._text.index(rest[0], self._at)
        return True

    def _find_end(self) -> int | None:
        """Return where the object that starts here ends; None if it does not."""
        depth, scanned = 0, self._at
        while True:
            for token in _TOKEN.finditer(self._text, scanned):
                if token["cut"] is not None:
                    break  # a string that goes on beyond the window
                mark = token[0]
                if mark == "{":
                    depth += 1
                elif mark == "}":
                    depth -= 1
                    if depth <= 0:
                        return token.end()
                scanned = token.end()
            done = scanned - self._at
            if len(self._text) - self._at > LARGEST_ENTRY or not self._more():
                return None
            scanned = self._at + done


def _parse(text: str) -> dict[str, Any] | None:
    try:
        content = json.loads(text, parse_constant=lambda _word: None)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None
