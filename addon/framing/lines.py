"""Framings made of text lines: JSON lines, Gemini's length-prefixed lines, SignalR, coded lines."""

from __future__ import annotations

import re

from addon.framing.splitter import DelimitedSplitter, JsonSplitter, Splitter, Unit
from addon.framing.values import NotJson, parse, parse_several, scan, skip_space


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

    def read_plain(self, plain: re.Pattern[str], data: bytes, units: list[Unit]) -> bytes:
        rest = super().read_plain(plain, data, units)
        self._first = self._first and not units
        return rest

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

    plain = re.compile(r"()(?:\d+\n)?")

    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems)
        self._open: list[str] = []

    def read_plain(self, plain: re.Pattern[str], data: bytes, units: list[Unit]) -> bytes:
        if self._open:
            return data
        rest = super().read_plain(plain, data, units)
        units[:] = [unit for unit in units if type(unit[0]) is not int]  # a length after a length
        return rest

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

    plain = re.compile(r"([^\s:]{1,20}):")

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
