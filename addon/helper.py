"""One worker process as the proxy sees it: started, asked, ended, and buried with the cause of its death."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from addon.crossing import open_crossing
from addon.hardening import MEMORY_EXIT
from addon.parcel import Parcel

ROOT = Path(__file__).parent.parent


class HelperLostError(Exception):
    """The worker could not start; ``str`` of it is a sentence, or empty."""


class Helper:
    """Used from one thread; ``end`` from any."""

    def __init__(self, module: str, db: Path, tally: Path | None = None) -> None:
        ours, theirs = open_crossing()
        path = [str(ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, str(theirs.fileno()), str(db), *([] if tally is None else [str(tally)])],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
            start_new_session=True,
        )
        theirs.close()
        self._crossing = ours

    def greet(self) -> int:
        """
        Wait until it is ready; return the number of the last parcel that the worker before it had written.

        :raises HelperLostError: if it says why it cannot be ready.
        """
        greeting = json.loads(bytes(self._crossing.receive()))
        if failed := greeting.get("failed"):
            raise HelperLostError(str(failed))
        return int(greeting["settled"])

    def ask(self, parcel: Parcel) -> dict[str, Any]:
        """Have one parcel dealt with; raises EOFError or OSError if the worker is gone."""
        self._crossing.send(*parcel)
        answer: dict[str, Any] = json.loads(bytes(self._crossing.receive()))
        return answer

    def bury(self) -> str:
        """Clear away a worker that is gone; return why: ``hang``, ``memory``, ``stopped`` (of itself) or ``crash``."""
        code = self.end(2.0)
        if code == -signal.SIGALRM:
            return "hang"
        return {MEMORY_EXIT: "memory", 0: "stopped"}.get(code, "crash")

    def end(self, seconds: float) -> int:
        """Hang up; a worker that does not take the hint is killed. Return its exit code."""
        self._crossing.close()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
