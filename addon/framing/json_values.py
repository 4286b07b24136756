"""JSON values one after another, or the elements of one array, taken out of bytes cut anywhere."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from typing import Any

from addon.framing.splitter import Piece, Splitter, Unit, new_event
from addon.framing.values import LARGEST_EVENT, NOT_JSON, NotJson, is_settled, scan, scan_at, skip_space
from addon.turn import Event


class JsonSplitter(Splitter):
    """
    JSON values one after another, with or without white space between them; or the elements of one array.

    The C decoder finds where a value ends. Trying too early wastes work, so failed tries may together cost no
    more than the bytes received: reading stays linear whatever comes.
    """

    def __init__(self, problems: list[str], *, elements: bool = False) -> None:
        super().__init__(problems)
        self.elements = elements
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._parts: list[str] = []
        self._pending = 0
        self._received = 0
        self._wasted = 0
        self._opened = False
        self._closed = False
        self._between = False
        """Whether all that came was read, so that a value may begin."""

    def take(self, pieces: Sequence[Piece]) -> list[Event]:
        return [new_event(Event, (value, None, at_ms)) for at_ms, data in pieces for value in self._read(data)]

    def _read(self, data: bytes) -> list[Any]:
        if self._between and data.startswith(b"{"):
            try:
                text = data.decode()
                value, end = scan_at(text, 0)
            except NOT_JSON:
                self._wasted += len(data)
            else:
                if end == len(text) or skip_space(text, end) == len(text):
                    return [value]  # as most pieces come: one whole object
        values = self._read_slowly(data)
        undecoded, _ = self._decoder.getstate()
        self._between = self._opened and not (self._closed or self._pending or undecoded or self.elements)
        return values

    def _read_slowly(self, data: bytes) -> list[Any]:
        text = self._decoder.decode(data)
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
        text = self._decoder.decode(b"", final=True)
        self._parts.append(text)
        return [(value, None) for value in self._take(final=True)]

    def _may_be_complete(self, data: bytes) -> bool:
        if self.elements:
            return b"}" in data or b"]" in data or b"," in data[-1:]
        return data.rstrip()[-1:] in {b"}", b"]", b'"'} or b"}\n" in data or b"}{" in data or b"}\r" in data

    def _take(self, *, final: bool) -> list[Any]:
        text = "".join(self._parts)
        values: list[Any] = []
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
            values.append(found.value)
            position = self._separator(text, found.end)
        if final and self.elements and not self._closed:
            self.note("truncated")
        self._parts = [text[position:]]
        self._pending = len(text) - position
        if self._pending > LARGEST_EVENT:
            self._give_up("too-large")
        return values

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
