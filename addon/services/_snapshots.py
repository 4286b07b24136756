"""JSON that says again and again all there is so far: where only one text has grown, the last time is enough."""

from __future__ import annotations

import re
from dataclasses import dataclass

from addon.framing import parse_or_none
from addon.framing.values import NOT_JSON, scan_at


@dataclass(slots=True)
class Snapshots:
    """
    Holds back what says no more than the one before but for the end of one text.

    Nothing is decoded for that: what stands before that end, and what stands behind, are the same letters.
    """

    place: re.Pattern[str]
    """What stands in a snapshot up to the quotation mark before the text that grows, and this mark."""
    _before: str = ""
    _behind: str = ""
    _held: tuple[str, int | None] | None = None
    _vain: int = 0

    def begin(self, snapshot: object) -> None:
        """Compare with this one from now on; more and more seldom, where none is like the one before."""
        self._before = self._behind = ""
        self._vain += 1
        if self._vain & (self._vain - 1):  # neither 1 nor 2, 4, 8 …
            return
        if isinstance(snapshot, str) and (found := self.place.search(snapshot)):
            try:
                _, end = scan_at(snapshot, found.end() - 1)
            except NOT_JSON:
                return
            self._before, self._behind = snapshot[: end - 1], snapshot[end - 1 :]

    def hold(self, snapshot: object, at_ms: int | None) -> bool:
        """Keep a snapshot, instead of the one kept before, if it is like that one; return whether it is."""
        if not (self._before and isinstance(snapshot, str) and snapshot.startswith(self._before)):
            return False
        start, end = len(self._before), len(snapshot) - len(self._behind)
        if start > end or not snapshot.endswith(self._behind) or parse_or_none(f'"{snapshot[start:end]}"') is None:
            return False
        self._before = snapshot[:end]
        self._held, self._vain = (snapshot, at_ms), 0
        return True

    def release(self) -> tuple[str, int | None] | None:
        """Return the snapshot that is kept, once, and when it came."""
        held, self._held = self._held, None
        return held
