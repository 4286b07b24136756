"""The elements of a JSON array one by one, in little memory, so that one fault costs one element."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from tracker.imports import NotReadableError

PIECE = 1 << 20
LARGEST_ELEMENT = 128 << 20
"""Characters; an element that seems longer than this has lost its end."""

MOST_BROKEN = 10_000
"""Elements; after so many the rest is taken for one that is broken, too."""

_GAP = re.compile(r"[\s,]*")
_NEXT = re.compile(r'\}\s*,\s*(?=\{\s*"(?:title|id|uuid|name|mapping|conversation_id|create_time)"\s*:)')
_CUT = ("Unterminated string", "Invalid \\escape", "Invalid \\uXXXX", "Invalid control")


def read_array(file: BinaryIO) -> Iterator[Any]:
    """
    Yield the elements; None for one that is broken, and then goes on at the next one that can be found.

    :raises NotReadableError: if it is not a JSON array in UTF-8.
    """
    window = _Window(file)
    if not window.opens():
        raise NotReadableError("it is not a list of conversations; give it the export as the chatbot sent it")
    while (element := window.take()) is not _END:
        yield element


_END = object()


class _Window:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("replace").decode
        self._parse = json.JSONDecoder(parse_constant=lambda _word: None).raw_decode
        self._text = ""
        self._at = 0
        self._broken = 0

    def opens(self) -> bool:
        """Move behind the bracket that opens the array; return whether there is one."""
        head = self._file.read(4)
        if head[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE} or b"\x00" in head:
            raise NotReadableError("its text is not UTF-8; give it the export as the chatbot sent it")
        self._text = self._decode(head)
        while not self._text.strip() and self._more(PIECE):
            continue
        bracket = re.compile(r"\s*\[").match(self._text)
        if bracket:
            self._at = bracket.end()
        return bracket is not None

    def take(self) -> Any:
        """Return the next element, None for a broken one, ``_END`` at the end."""
        while True:
            self._at = _GAP.match(self._text, self._at).end()  # type: ignore[union-attr]  # it matches an empty text too
            if self._at < len(self._text):
                break
            if not self._more(PIECE):
                return None if self._lost_end() else _END
        if self._text[self._at] == "]":
            return _END
        while True:
            try:
                element, end = self._parse(self._text, self._at)
                if end == len(self._text) and self._more(PIECE):
                    continue  # a number may go on
            except json.JSONDecodeError as error:
                if self._may_go_on(error) and self._more(max(PIECE, len(self._text) - self._at)):
                    continue
                return self._skip()
            except RecursionError:
                return self._skip()
            self._at = end
            return element

    def _may_go_on(self, error: json.JSONDecodeError) -> bool:
        """Whether what is missing may be what was not read yet."""
        if len(self._text) - self._at > LARGEST_ELEMENT:
            return False
        return error.msg.startswith(_CUT) or error.pos >= len(self._text) - 16

    def _skip(self) -> None:
        """Go behind the broken element."""
        self._at += 1
        self._broken += 1
        if self._broken > MOST_BROKEN:
            self._text, self._at = "]", 0
            return
        while (found := _NEXT.search(self._text, self._at)) is None:
            self._at = max(self._at, len(self._text) - 200)
            if not self._more(PIECE):
                self._text, self._at = "]", 0
                return
        self._at = found.end()

    def _lost_end(self) -> bool:
        lost, self._text, self._at = self._text != "]", "]", 0
        return lost

    def _more(self, size: int) -> bool:
        data = self._file.read(size)
        self._text = self._text[self._at :] + self._decode(data, not data)
        self._at = 0
        return bool(data)
