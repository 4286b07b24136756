"""One short notice on the person's desktop, by the desktop's own tool; nothing where there is none."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import suppress

_PATIENCE_S = 2.0


def show(title: str, body: str) -> bool:
    """Show a notice; return whether the desktop took it. Never raises, never waits for more than two seconds."""
    if sys.platform == "darwin":
        script = "on run {body, title}\ndisplay notification body with title title\nend run"
        command = ["osascript", "-e", script, body, title]
    else:
        command = ["notify-send", "--app-name=klimaspor", "--", title, body]
    program = shutil.which(command[0])
    if program is None:
        return False
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            [program, *command[1:]], stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE_S, check=False
        )
        return done.returncode == 0
    return False
