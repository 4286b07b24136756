"""What the footprint says when it cannot be computed honestly."""

from __future__ import annotations

from tracker.errors import TellableError


class FootprintError(TellableError):
    """Something that the numbers rest on is missing or damaged; never silently a zero."""

    def __init__(self, what_happened: str, to_what: str, what_to_do: str) -> None:
        super().__init__(what_happened, to_what, what_to_do)
