"""What becomes of a new turn right now: recorded, passed unrecorded, or held back. Kept in memory for the hot path."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Literal

Verdict = Literal["record", "pass", "hold"]
EVERYTHING = "*"
"""Stands for every service that has no verdict of its own."""


class Gate:
    """The verdict by service. The worker refreshes it from the limits; nobody else decides."""

    def __init__(self) -> None:
        self._verdicts: dict[str, Verdict] = {}
        self._until = math.inf

    def verdict(self, service: str) -> Verdict:
        """Return what becomes of a new turn of this service; ``record`` unless a limit says otherwise."""
        if not self._verdicts or time.time() >= self._until:
            return "record"
        return self._verdicts.get(service) or self._verdicts.get(EVERYTHING, "record")

    def refresh(self, verdicts: Mapping[str, str], until: float | None = None) -> None:
        """
        Take the verdicts as they are now; a word that is not one is left out.

        ``until`` (seconds since the epoch) is when the first of them may end; from then on everything is recorded
        until the worker has looked again, which drops by itself what is still paused.
        """
        fresh: dict[str, Verdict] = {}
        for service, verdict in verdicts.items():
            match verdict:
                case "record" | "pass" | "hold":
                    fresh[service] = verdict
        self._verdicts, self._until = fresh, math.inf if until is None else until
