"""What all framings share: a splitter takes bytes cut anywhere and returns the events they complete."""

from __future__ import annotations

import codecs
from typing import Any

from addon.framing.values import LARGEST_EVENT, NotJson, is_settled, scan, skip_space

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
    """Units that end in a fixed delimiter. Search only new bytes, join once, drop units above the bound."""

    delimiter = b"\n"

    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems)
        self._rest = bytearray()
        self._dropping = False

    def feed(self, data: bytes) -> list[Unit]:
        delimiter = self.delimiter
        overlap = len(delimiter) - 1
        rest = self._rest
        if not rest and not self._dropping and data.find(delimiter) == len(data) - len(delimiter) > 0:
            # As most chunks come: one whole unit.
            unit: list[Unit] = []
            if len(data) <= LARGEST_EVENT:
                self.read(data[: -len(delimiter)], unit)
                return unit
        start = max(0, len(rest) - overlap)
        rest += data
        if rest.find(delimiter, start) < 0:
            self._bound()
            return []
        blocks = bytes(rest).split(delimiter)
        self._rest = bytearray(blocks.pop())
        if self._dropping:
            self._dropping = False
            del blocks[0]
        if len(rest) > LARGEST_EVENT and any(len(block) > LARGEST_EVENT for block in blocks):
            self.note("too-large")
            blocks = [block for block in blocks if len(block) <= LARGEST_EVENT]
        units: list[Unit] = []
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
