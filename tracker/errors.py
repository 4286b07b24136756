"""The one kind of error whose words are fit to be shown, wherever it is caught."""

from __future__ import annotations


class TellableError(Exception):
    """
    What happened · to what · what to do: a sentence for the person, in parts or whole.

    Every error that a room raises for a person derives from it. Nothing that was heard may be quoted in it.
    """

    def __init__(self, *parts: str) -> None:
        super().__init__(" · ".join(parts))


def tell(error: Exception) -> str:
    """Return what may be shown of an error: our own sentence whole, of any other the kind, for it may quote a chat."""
    return str(error) if isinstance(error, TellableError) else type(error).__name__
