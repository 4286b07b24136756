"""Trust, PAC, browser profiles, autostart: whatever klimaspor changes on a computer, and its undo."""

from __future__ import annotations

import os
from pathlib import Path

from tracker.errors import TellableError


class SetupError(TellableError):
    """Something on this computer is in the way, or did not take what set-up asked of it."""

    def __init__(self, what_happened: str, to_what: str, what_to_do: str) -> None:
        super().__init__(what_happened, to_what, what_to_do)
        self.parts = (what_happened, to_what, what_to_do)


def settings_folder() -> Path:
    """Return where this person's programs keep their settings."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
