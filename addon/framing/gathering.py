"""Texts that come one by one, as messages on a socket do: more of the one before waits, and is then one."""

from __future__ import annotations

import re

from addon.framing.runs import Run, begin, noise_in
from addon.framing.splitter import Piece

_LARGEST_TEXT = 64 * 1024
"""Bytes; no larger text begins a run."""

_SEVERAL = re.compile(rb"\}[\s\x1e]*\{")
"""What stands between two values in one text: one may end an answer, so each is read."""

_SELDOM = 8
"""After so many texts that were not alike, one in so many is looked at."""


class Gathering:
    """
    Of texts in a row that are alike but for what they add (``Service.adds``), the first goes its way at once. Those
    after it wait until another comes, and are then one, which came when the first of them came.
    """

    def __init__(self, adds: re.Pattern[bytes] | None) -> None:
        self._adds = adds
        self._run: Run | None = None
        self._noises: list[re.Pattern[bytes]] = []
        self._waits = False
        self._vain = 0
        """How many texts went their way since more of one came."""

    def take(self, at_ms: int | None, text: bytes) -> bool:
        """Let a text wait if it only adds to the one before; return False for another, which ``follow`` is for."""
        run = self._run
        if run is None:
            return False
        for noise in self._noises:
            text = noise.sub(b"", text)
        if not run.take(text, at_ms):
            return False
        if not self._waits:
            self._waits, self._vain = True, 0
            run.at_ms = at_ms
        return True

    def follow(self, text: bytes) -> Piece | None:
        """Return what waited until now, and wait for more of the text that goes its way after it."""
        waited = None if self._run is None else self.release()
        self._vain += 1
        if self._adds is not None and (self._vain < _SELDOM or not self._vain % _SELDOM):
            self._begin(text, self._adds)
        return waited

    def release(self) -> Piece | None:
        """Return what waited, as one; None if nothing did."""
        run, self._run = self._run, None
        if run is None or not self._waits:
            return None
        self._waits = False
        return run.at_ms, run.joined()

    def _begin(self, text: bytes, adds: re.Pattern[bytes]) -> None:
        if len(text) > _LARGEST_TEXT or not adds.search(text) or _SEVERAL.search(text):
            return
        self._noises = noise_in(text)
        for noise in self._noises:
            text = noise.sub(b"", text)
        self._run = begin(text, None, adds)
        if self._run is not None:
            self._run.clear()
