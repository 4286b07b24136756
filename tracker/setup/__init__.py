"""Trust, PAC, browser profiles, autostart: whatever klimaspor changes on a computer, and its undo."""

from __future__ import annotations

import os
from pathlib import Path


class SetupError(Exception):
    """A sentence for the person in three parts: what happened, to what, what to do."""

    def __init__(self, what_happened: str, to_what: str, what_to_do: str) -> None:
        super().__init__(f"{what_happened} · {to_what} · {what_to_do}")
        self.parts = (what_happened, to_what, what_to_do)

    @classmethod
    def of(cls, error: Exception) -> SetupError:
        """Return another room's error, whose message has the same three parts, as one of ours."""
        what_happened, to_what, what_to_do = (*str(error).split(" · ", 2), "", "")[:3]
        return cls(what_happened, to_what, what_to_do)


def settings_folder() -> Path:
    """Return where this person's programs keep their settings."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
