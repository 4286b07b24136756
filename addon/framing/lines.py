"""Framings made of text lines: server-sent events, JSON lines, Gemini's length-prefixed lines, SignalR."""

from __future__ import annotations

from addon.framing.splitter import DelimitedSplitter, JsonSplitter, Splitter, Unit
from addon.framing.values import NotJson, parse, parse_several, scan, skip_space, value_or_text

_BOM = b"\xef\xbb\xbf"


class SseSplitter(DelimitedSplitter):
    """Server-sent events as the HTML standard has them, and a little more forgiving."""

    delimiter = b"\n\n"

    def __init__(self, problems: list[str], *, decode_json: bool = True) -> None:
        super().__init__(problems)
        self._value = value_or_text if decode_json else str
        self._after_return = False
        self._head: bytes | None = b""
        self._last = False

    def feed(self, data: bytes) -> list[Unit]:
        if self._head is not None:
            data = self._head + data
            if len(data) < 3 and _BOM.startswith(data):
                self._head = data
                return []
            self._head = None
            data = data.removeprefix(_BOM)
        if self._after_return and data:
            data = data.removeprefix(b"\n")
            self._after_return = False
        if b"\r" in data:
            self._after_return = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return super().feed(data)

    def read(self, block: bytes, units: list[Unit]) -> None:
        if block.startswith(b"data: ") and b"\n" not in block:
            value = self._value(block[6:].decode("utf-8", "replace"))
            if type(value) is str:
                self._add_text(value, None, units)
            else:
                units.append((value, None))
            return
        name: str | None = None
        values: list[str] = []
        for line in block.decode("utf-8", "replace").split("\n"):
            field, _, value = line.partition(":")
            match field:
                case "data":
                    values.append(value.removeprefix(" "))
                case "event":
                    name = value.removeprefix(" ") or None
                case _:
                    pass  # id, retry and comments say nothing about the answer
        if not values:
            return
        joined = self._value("\n".join(values))
        if len(values) > 1 and _is_broken(joined):
            # Some servers forget the blank line between events.
            for value in map(self._value, values):
                self._add(value, name, units)
            return
        self._add(joined, name, units)

    def read_last(self, block: bytes, units: list[Unit]) -> None:
        """An event without its blank line counts, unless it was cut in the middle of its JSON."""
        last: list[Unit] = []
        self._last = True
        self.read(block, last)
        units.extend(unit for unit in last if not _is_broken(unit[0]))

    def finish(self) -> list[Unit]:
        if self._head:
            self._rest += self._head
        return super().finish()

    def _add(self, value: object, name: str | None, units: list[Unit]) -> None:
        if isinstance(value, str):
            self._add_text(value, name, units)
        else:
            units.append((value, name))

    def _add_text(self, text: str, name: str | None, units: list[Unit]) -> None:
        """Add text that is not one JSON value: several in a row, or words, or something broken."""
        if not _is_broken(text) or self._value is str:
            units.append((text, name))
        elif found := parse_several(text):
            units.extend((value, name) for value in found)
        else:
            self.note("truncated" if self._last else "bad-json")
            units.append((text, name))


def _is_broken(value: object) -> bool:
    return isinstance(value, str) and value.startswith("{")


class LineSplitter(DelimitedSplitter):
    """JSON lines. If the first line is not JSON by itself, the whole is read as JSON values instead."""

    delimiter = b"\n"

    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems)
        self._whole: Splitter | None = None
        self._first = True

    def feed(self, data: bytes) -> list[Unit]:
        if self._whole:
            return self._whole.feed(data)
        units = super().feed(data)
        if self._whole and self._rest:
            units.extend(self._whole.feed(bytes(self._rest)))
            self._rest.clear()
        return units

    def finish(self) -> list[Unit]:
        units = super().finish()
        if self._whole:
            units.extend(self._whole.finish())
        return units

    def read(self, block: bytes, units: list[Unit]) -> None:
        if self._whole:
            units.extend(self._whole.feed(block + b"\n"))
            return
        text = block.decode("utf-8", "replace")
        if self._first:
            text = text.removeprefix("\ufeff")
        try:
            units.append((parse(text), None))
        except NotJson:
            if not text.strip():
                return
            if self._first:
                self._whole = JsonSplitter(self.problems)
                units.extend(self._whole.feed(block + b"\n"))
            elif found := parse_several(text):
                units.extend((value, None) for value in found)
            else:
                self.note("bad-json")
        self._first = False

    def read_last(self, block: bytes, units: list[Unit]) -> None:
        if self._whole:
            units.extend(self._whole.feed(block))
            return
        text = block.decode("utf-8", "replace").strip().removeprefix("\ufeff")
        if not text:
            return
        try:
            units.append((parse(text), None))
        except NotJson as refusal:
            self.note("truncated" if refusal.ends_early else "bad-json")


class LengthSplitter(DelimitedSplitter):
    """
    Gemini's web frames: a line with a length, then JSON.

    The lengths count UTF-16 units in some accounts and bytes in others, so they only separate the frames.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems)
        self._open: list[str] = []

    def read(self, block: bytes, units: list[Unit]) -> None:
        text = block.decode("utf-8", "replace").strip("\r \ufeff")
        if not text or text == ")]}'":
            return
        if text.isascii() and text.isdigit():
            self._close(units)
            return
        if not self._open:
            try:
                units.append((parse(text), None))
            except NotJson:
                self._open.append(text)
        elif len(self._open) < 10_000:
            self._open.append(text)

    def finish(self) -> list[Unit]:
        units = super().finish()
        self._close(units, last=True)
        return units

    def _close(self, units: list[Unit], *, last: bool = False) -> None:
        if not self._open:
            return
        text = "\n".join(self._open)
        self._open.clear()
        try:
            units.append((parse(text), None))
        except NotJson as refusal:
            self.note("truncated" if last and refusal.ends_early else "bad-json")


class SignalrSplitter(DelimitedSplitter):
    """SignalR's JSON hub protocol: each message ends in the record separator 0x1E."""

    delimiter = b"\x1e"

    def read(self, block: bytes, units: list[Unit]) -> None:
        text = block.decode("utf-8", "replace").strip()
        if not text:
            return
        try:
            units.append((parse(text), None))
        except NotJson:
            self.note("bad-json")

    def read_last(self, block: bytes, units: list[Unit]) -> None:
        text = block.decode("utf-8", "replace").strip()
        if not text:
            return
        try:
            units.append((parse(text), None))
        except NotJson as refusal:
            self.note("truncated" if refusal.ends_early else "bad-json")


class CodedSplitter(DelimitedSplitter):
    """Lines of ``code:json`` as the AI SDK and Le Chat write them; the event's name is the code."""

    def read(self, block: bytes, units: list[Unit]) -> None:
        self._read(block, units, "bad-json")

    def read_last(self, block: bytes, units: list[Unit]) -> None:
        self._read(block, units, "truncated")

    def _read(self, block: bytes, units: list[Unit], problem: str) -> None:
        code, colon, text = block.decode("utf-8", "replace").strip().partition(":")
        if not code:
            return
        try:
            if not colon or len(code) > 20:
                raise NotJson(ends_early=False)
            found = scan(text, skip_space(text, 0))
            if text[found.end :].strip() and not text.startswith("__context__:", found.end):
                raise NotJson(ends_early=False)
            units.append((found.value, code))
        except NotJson:
            self.note(problem)
