"""The person's own systemd: whether it answers, where its units lie, and how a command is written in one."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tracker.setup import settings_folder


def has_user_systemd() -> bool:
    """Whether a systemd of this person's session answers."""
    return systemctl("show-environment").returncode == 0


def systemctl(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Ask it; where it cannot be asked, that is an answer with a code too. Raises nothing."""
    command = ["systemctl", "--user", *arguments]
    try:
        return subprocess.run(
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 1, "", type(error).__name__)


def units_folder() -> Path:
    """Return where the person's own units lie."""
    return settings_folder() / "systemd" / "user"


def write_command(words: Iterable[str]) -> str:
    """Return a command for ``ExecStart=``, quoted in systemd's own way: it reads %, $ and backslashes too."""
    return " ".join(map(_quote, words))


def _quote(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return escaped if re.fullmatch(r"[\w@%+=:,./-]+", escaped, re.ASCII) else f'"{escaped}"'
