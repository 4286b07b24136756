"""What the footprint says when it cannot be computed honestly."""

from __future__ import annotations


class FootprintError(Exception):
    """One sentence: what happened · to what · what to do. Never silently a zero."""

    def __init__(self, what_happened: str, to_what: str, what_to_do: str) -> None:
        super().__init__(f"{what_happened} · {to_what} · {what_to_do}")
