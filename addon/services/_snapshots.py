"""JSON that says again and again all there is so far: where only one text has grown, the last time is enough."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TEXT = re.compile(r'[^"\\]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\]*+)*+')
"""The inside of a JSON string."""


@dataclass(slots=True)
class Snapshots:
    """
    Holds back what says no more than the one before but for the end of one text.

    Nothing is decoded for that: what stands before that end, and what stands behind, are the same letters.
    """

    place: re.Pattern[str]
    """What stands in a snapshot up to the first letter of the text that grows."""
    _before: str = ""
    _behind: str = ""
    _held: tuple[str, int | None] | None = None

    def begin(self, snapshot: object) -> None:
        """Compare with this one from now on."""
        found = self.place.search(snapshot) if isinstance(snapshot, str) else None
        text = _TEXT.match(found.string, found.end()) if found else None
        self._before, self._behind = (text.string[: text.end()], text.string[text.end() :]) if text else ("", "")

    def hold(self, snapshot: object, at_ms: int | None) -> bool:
        """Keep a snapshot, instead of the one kept before, if it is like that one; return whether it is."""
        if not (self._before and isinstance(snapshot, str) and snapshot.startswith(self._before)):
            return False
        start, end = len(self._before), len(snapshot) - len(self._behind)
        if start > end or not snapshot.endswith(self._behind) or not _TEXT.fullmatch(snapshot, start, end):
            return False
        self._before = snapshot[:end]
        self._held = snapshot, at_ms
        return True

    def release(self) -> tuple[str, int | None] | None:
        """Return the snapshot that is kept, once, and when it came."""
        held, self._held = self._held, None
        return held
