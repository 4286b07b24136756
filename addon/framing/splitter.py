"""What all framings share: a splitter takes bytes cut anywhere and returns the events they complete."""

from __future__ import annotations

import codecs
import re
from typing import Any

from addon.framing.values import LARGEST_EVENT, NOT_JSON, NotJson, is_settled, scan, scan_at, skip_space

type Unit = tuple[Any, str | None]
"""An event's data and name, before it gets its time."""


class Splitter:
    """Base of all framings. ``problems`` is the list that ``Events`` shows; each kind is noted once."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems

    def feed(self, data: bytes) -> list[Unit]:
        """Return what ``data`` completes."""
        raise NotImplementedError

    def finish(self) -> list[Unit]:
        """Nothing more comes: return what can be read of the rest."""
        return []

    def note(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)


class DelimitedSplitter(Splitter):
    """
    Units that end in a fixed delimiter. Search only new bytes, join once, drop units above the bound.

    Whole units of JSON in the plainest form, as nearly all come, are read where they stand: ``plain`` is what stands
    before the value, its group the event's name. The first that is not so plain, and all after it, go the long way.
    """

    delimiter = b"\n"
    plain: re.Pattern[str] | None = re.compile("()")

    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems)
        self._rest = bytearray()
        self._dropping = False
        self._delimiter = self.delimiter.decode()
        self._head: tuple[str | None, str | None] = (None, None)

    def feed(self, data: bytes) -> list[Unit]:
        rest, delimiter = self._rest, self.delimiter
        units: list[Unit] = []
        if not rest and not self._dropping and len(data) <= LARGEST_EVENT:
            if self.plain:
                data = self.read_plain(self.plain, data, units)
            if not data:
                return units
            if data.find(delimiter) == len(data) - len(delimiter) > 0:  # one whole unit
                self.read(data[: -len(delimiter)], units)
                return units
        start = max(0, len(rest) - len(delimiter) + 1)
        rest += data
        if rest.find(delimiter, start) < 0:
            self._bound()
            return units
        blocks = bytes(rest).split(delimiter)
        self._rest = bytearray(blocks.pop())
        if self._dropping:
            self._dropping = False
            del blocks[0]
        if len(rest) > LARGEST_EVENT and any(len(block) > LARGEST_EVENT for block in blocks):
            self.note("too-large")
            blocks = [block for block in blocks if len(block) <= LARGEST_EVENT]
        for block in blocks:
            if block:
                self.read(block, units)
        self._bound()
        return units

    def finish(self) -> list[Unit]:
        rest, self._rest = bytes(self._rest), bytearray()
        units: list[Unit] = []
        if rest and not self._dropping:
            self.read_last(rest, units)
        return units

    def read(self, block: bytes, units: list[Unit]) -> None:
        """Append what one whole block means."""
        raise NotImplementedError

    def read_last(self, block: bytes, units: list[Unit]) -> None:
        """Append what the block without its delimiter means."""
        self.read(block, units)

    def read_plain(self, plain: re.Pattern[str], data: bytes, units: list[Unit]) -> bytes:
        """Append the plain units that ``data`` begins with; return the rest."""
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return data  # cut within a character, or broken
        delimiter, position = self._delimiter, 0
        head, name = self._head
        while position < len(text):
            if head is None or not text.startswith(head, position):  # most begin as the one before did
                if not (found := plain.match(text, position)):
                    break
                head, name = self._head = found[0], found[1] or None
            start = position + len(head)
            try:
                value, end = scan_at(text, start)
            except NOT_JSON:
                break
            if not text.startswith(delimiter, end) or text.find("\n", start, end) >= 0:
                break
            units.append((value, name))
            position = end + len(delimiter)
        return text[position:].encode() if position else data

    def _bound(self) -> None:
        if self._dropping or len(self._rest) > LARGEST_EVENT:
            self.note("too-large")
            self._dropping = True
            # The last bytes may be the first of a delimiter.
            self._rest = self._rest[-(len(self.delimiter) - 1) :] if len(self.delimiter) > 1 else bytearray()


class JsonSplitter(Splitter):
    """
    JSON values one after another, with or without white space between them; or the elements of one array.

    The C decoder finds where a value ends. Trying too early wastes work, so failed tries may together cost no
    more than the bytes received: reading stays linear whatever comes.
    """

    def __init__(self, problems: list[str], *, elements: bool = False) -> None:
        super().__init__(problems)
        self.elements = elements
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("replace").decode
        self._parts: list[str] = []
        self._pending = 0
        self._received = 0
        self._wasted = 0
        self._opened = False
        self._closed = False

    def feed(self, data: bytes) -> list[Unit]:
        text = self._decode(data)
        if self._closed or not text:
            return []
        if self._opened and not self._pending and not self.elements and text[0] == "{":
            try:
                value, end = scan_at(text, 0)
            except NOT_JSON:
                self._wasted += len(text)
            else:
                if skip_space(text, end) == len(text):
                    return [(value, None)]  # as most pieces come: one whole object
        self._parts.append(text)
        self._pending += len(text)
        self._received += len(text)
        if not self._may_be_complete(data) or self._wasted > self._received + LARGEST_EVENT // 64:
            if self._pending > LARGEST_EVENT:
                self._give_up("too-large")
            return []
        return self._take(final=False)

    def finish(self) -> list[Unit]:
        if self._closed:
            return []
        text = self._decode(b"", final=True)
        self._parts.append(text)
        return self._take(final=True)

    def _may_be_complete(self, data: bytes) -> bool:
        if self.elements:
            return b"}" in data or b"]" in data or b"," in data[-1:]
        return data.rstrip()[-1:] in {b"}", b"]", b'"'} or b"}\n" in data or b"}{" in data or b"}\r" in data

    def _take(self, *, final: bool) -> list[Unit]:
        text = "".join(self._parts)
        units: list[Unit] = []
        position = self._start(text)
        while position < len(text) and not self._closed:
            try:
                found = scan(text, position)
            except NotJson as refusal:
                self._wasted += len(text) - position
                if final:
                    self.note("truncated" if refusal.ends_early else "bad-json")
                break
            if not is_settled(found.value, text, found.end):
                if not final:
                    break
                if found.end < len(text):
                    self.note("bad-json")
                    break
            units.append((found.value, None))
            position = self._separator(text, found.end)
        if final and self.elements and not self._closed:
            self.note("truncated")
        self._parts = [text[position:]]
        self._pending = len(text) - position
        if self._pending > LARGEST_EVENT:
            self._give_up("too-large")
        return units

    def _start(self, text: str) -> int:
        position = skip_space(text, 0)
        if self._opened:
            return self._separator(text, position) if self.elements else position
        for guard in (")]}'", "for (;;);", "while(1);"):
            if text.startswith(guard, position):
                position = skip_space(text, position + len(guard))
        if position < len(text):
            self._opened = True
            if self.elements and text[position] == "[":
                return self._separator(text, position + 1)
        return position

    def _separator(self, text: str, position: int) -> int:
        position = skip_space(text, position)
        if self.elements:
            while text.startswith(",", position):
                position = skip_space(text, position + 1)
            if text.startswith("]", position):
                self._closed = True
        return position

    def _give_up(self, problem: str) -> None:
        self.note(problem)
        self._closed = True
        self._parts = []
        self._pending = 0
