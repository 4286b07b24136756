"""What the footprint says when it cannot be computed honestly."""

from __future__ import annotations

from tracker.errors import TellableError


class FootprintError(TellableError):
    """Something that the numbers rest on is missing or damaged; never silently a zero."""
