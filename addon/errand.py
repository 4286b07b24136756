"""What a running proxy has done in a process of its own, now and then: write a finished week's missing report."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

EVERY_BEATS = 60
"""Once an hour; for the first time a beat after the start, when the proxy has nothing else on its mind."""


@dataclass(slots=True)
class Errand:
    """Runs ``klimaspor schedule now`` where weekly reports are wanted; it does nothing if none is missing."""

    db: Path
    _beats: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def is_wanted(self) -> bool:
        """Whether the person asked for weekly reports (``klimaspor schedule weekly``)."""
        return self.db.with_suffix(".weekly").exists()

    def beat(self) -> None:
        """Count a beat of the proxy's heart; start the errand if it is time, and none is under way."""
        due = self._beats % EVERY_BEATS == 1
        self._beats += 1
        if self._process is not None and self._process.poll() is None:
            return
        if due and self.is_wanted:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tracker", "schedule", "now", "--db", str(self.db)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    def wait(self) -> None:
        """Wait until an errand under way is done; for a stop in order, and for tests."""
        if self._process is not None:
            self._process.wait(60)
