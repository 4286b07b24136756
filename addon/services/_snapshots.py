"""JSON that says again and again all there is so far: where only one text has grown, the last time is enough."""

from __future__ import annotations

import re
from dataclasses import dataclass

from addon.framing import parse_or_none

_TEXT = re.compile(r'[^"\\]*+(?:\\.[^"\\]*+)*+')
"""The inside of a JSON string."""


@dataclass(slots=True)
class Snapshots:
    """
    Tells those that say what the one before said, but for more at the end of one text.

    Nothing is decoded for that: what stands before that end, and what stands behind, are the same letters.
    """

    place: re.Pattern[str]
    """What stands in a snapshot up to the first letter of the text that grows."""
    _before: str = ""
    _behind: str = ""

    def begin(self, snapshot: object) -> None:
        """Compare with this one from now on."""
        found = self.place.search(snapshot) if isinstance(snapshot, str) else None
        text = _TEXT.match(found.string, found.end()) if found else None
        self._before, self._behind = (text.string[: text.end()], text.string[text.end() :]) if text else ("", "")

    def goes_on(self, snapshot: object) -> bool:
        """Whether it says what the one before said, and perhaps more at the end of the text; the next must go on so."""
        if not (self._before and isinstance(snapshot, str) and snapshot.startswith(self._before)):
            return False
        start, end = len(self._before), len(snapshot) - len(self._behind)
        if start > end or not snapshot.endswith(self._behind) or parse_or_none(f'"{snapshot[start:end]}"') is None:
            return False
        self._before = snapshot[:end]
        return True
