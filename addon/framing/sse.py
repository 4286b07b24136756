"""Server-sent events, as the HTML standard has them and as servers write them."""

from __future__ import annotations

import re

from addon.framing.splitter import DelimitedSplitter, Unit
from addon.framing.values import parse_several, value_or_text

_BOM = b"\xef\xbb\xbf"


class SseSplitter(DelimitedSplitter):
    """Server-sent events as the HTML standard has them, and a little more forgiving."""

    delimiter = b"\n\n"
    plain: re.Pattern[str] | None = re.compile(r"(?:id: ?\S*\n)?(?:event: ?([^\n]*)\n)?data: ?")

    def __init__(self, problems: list[str], *, decode_json: bool = True) -> None:
        super().__init__(problems)
        self._value = value_or_text if decode_json else str
        self.plain = SseSplitter.plain if decode_json else None
        self._after_return = False
        self._begun: bytes | None = b""
        self._last = False

    def feed(self, data: bytes) -> list[Unit]:
        if self._begun is not None:
            data = self._begun + data
            if len(data) < 3 and _BOM.startswith(data):
                self._begun = data
                return []
            self._begun = None
            data = data.removeprefix(_BOM)
        if self._after_return and data:
            data = data.removeprefix(b"\n")
            self._after_return = False
        if b"\r" in data:
            self._after_return = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return super().feed(data)

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
        if self._begun:
            self._rest += self._begun
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
