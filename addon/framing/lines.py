"""Framings made of text lines: JSON lines, Gemini's length-prefixed lines, SignalR, coded lines."""

from __future__ import annotations

import re
from collections.abc import Sequence

from addon.framing.json_values import JsonSplitter
from addon.framing.splitter import DelimitedSplitter, Piece, Splitter, Unit
from addon.framing.values import NotJson, parse, parse_several, scan, skip_space
from addon.turn import Event


class LineSplitter(DelimitedSplitter):
    """JSON lines. If the first line is not JSON by itself, the whole is read as JSON values instead."""

    delimiter = b"\n"

    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems)
        self._whole: Splitter | None = None
        self.plain = None  # until the first line was read

    def take(self, pieces: Sequence[Piece]) -> list[Event]:
        events: list[Event] = []
        for n, piece in enumerate(pieces):
            if self._whole:
                return events + self._whole.take(pieces[n:])
            if self.plain:
                return events + super().take(pieces[n:])
            events += super().take([piece])
            if self._whole and self._rest:
                events += self._whole.take([(piece[0], bytes(self._rest))])
                self._rest.clear()
        return events

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
        if not self.plain:
            text = text.removeprefix("\ufeff")
        try:
            units.append((parse(text), None))
        except NotJson:
            if not text.strip():
                return
            if not self.plain:
                self._whole = JsonSplitter(self.problems)
                units.extend(self._whole.feed(block + b"\n"))
                return
            if found := parse_several(text):
                units.extend((value, None) for value in found)
            else:
                self.note("bad-json")
        self.plain = LineSplitter.plain

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

    plain = None
    length = re.compile(rb"\d{1,9}\n")

    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems)
        self._open: list[str] = []

    def read(self, block: bytes, units: list[Unit]) -> None:
        if block.isdigit():
            self._close(units)
            return
        text = block.decode("utf-8", "replace").strip("\r \ufeff")
        if not text or text == ")]}'":
            return
        if text.isascii() and text.isdigit():
            self._close(units)
        elif self._open:
            if len(self._open) < 10_000:
                self._open.append(text)
        else:
            try:
                units.append((parse(text), None))
            except NotJson:
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

    plain = re.compile(rb"([!-9;-~]{1,20}):")

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
