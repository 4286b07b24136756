"""Server-sent events, as the HTML standard has them and as servers write them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from addon.framing.splitter import DelimitedSplitter, Piece, Unit
from addon.framing.values import parse_several, value_or_text
from addon.turn import Event


class SseSplitter(DelimitedSplitter):
    """Server-sent events as the HTML standard has them, and a little more forgiving."""

    delimiter = b"\n\n"
    plain: re.Pattern[bytes] | None = re.compile(rb"(?:id: ?\S*\n)?(?:event: ?([^\n]*)\n)?data: ?")

    def __init__(self, problems: list[str], *, decode_json: bool = True) -> None:
        super().__init__(problems)
        self._value = value_or_text if decode_json else str
        self.plain = SseSplitter.plain if decode_json else None
        self._after_return = False
        self._last = False

    def take(self, pieces: Sequence[Piece]) -> list[Event]:
        if self._after_return or b"\r" in b"".join([data for _, data in pieces]):
            pieces = [(at_ms, self._with_newlines(data)) for at_ms, data in pieces]
        return super().take(pieces)

    def _with_newlines(self, data: bytes) -> bytes:
        """Return a piece with line feeds for its line ends, be they returns or both, and cut between the two."""
        if self._after_return and data:
            data = data.removeprefix(b"\n")
            self._after_return = False
        if b"\r" in data:
            self._after_return = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return data

    def read(self, block: bytes, units: list[Unit]) -> None:
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
        text = "\n".join(values)
        if len(values) > 1 and text.startswith("{") and self._value(text) is text:
            # Some servers forget the blank line between events.
            for value in values:
                self._add(value, name, units)
            return
        self._add(text, name, units)

    def read_last(self, block: bytes, units: list[Unit]) -> None:
        """An event without its blank line counts, unless it was cut in the middle of its JSON."""
        self._last = True
        self.read(block, units)

    def _add(self, text: str, name: str | None, units: list[Unit]) -> None:
        """Add the value that a text is: JSON, several in a row, or words, or something broken."""
        value = self._value(text)
        if value is not text or self._value is str or not text.startswith("{"):
            units.append((value, name))
        elif found := parse_several(text):
            units.extend((value, name) for value in found)
        elif self._last:
            self.note("truncated")
        else:
            self.note("bad-json")
            units.append((text, name))
