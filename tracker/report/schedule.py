"""A weekly report without thinking of it: a timer of the person's own systemd, made and removed without a trace."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

UNIT = "klimaspor-report"
MARK = "# written by klimaspor schedule; removed by klimaspor schedule off"

type Runner = Callable[[Sequence[str]], subprocess.CompletedProcess[str]]


@dataclass(frozen=True, slots=True)
class Timer:
    """Where the two unit files lie."""

    service: Path
    timer: Path


def unit_files(config_home: Path | None = None) -> Timer:
    """Return the paths of the timer and its service in the person's own systemd folder."""
    home = config_home or Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    folder = home / "systemd" / "user"
    return Timer(folder / f"{UNIT}.service", folder / f"{UNIT}.timer")


def service_text(command: Sequence[str]) -> str:
    """Return the service that writes the missing report. ``%`` and ``$`` are special to systemd."""
    line = " ".join(_quote(word) for word in command)
    return (
        f"{MARK}\n[Unit]\nDescription=Weekly report of klimaspor\n\n[Service]\nType=oneshot\nExecStart={line}\n"
        "Nice=10\nNoNewPrivileges=yes\n"
    )


def timer_text() -> str:
    """Return the timer: each day at eight, for what could not be done on Monday; ``Persistent`` catches up."""
    return (
        f"{MARK}\n[Unit]\nDescription=Weekly report of klimaspor\n\n[Timer]\nOnCalendar=*-*-* 08:00\n"
        "Persistent=true\n\n[Install]\nWantedBy=timers.target\n"
    )


def has_systemd(run: Runner | None = None) -> bool:
    """Whether a systemd of this person's own answers."""
    if shutil.which("systemctl") is None:
        return False
    return (run or _run)(["systemctl", "--user", "show-environment"]).returncode == 0


def install(command: Sequence[str], run: Runner | None = None) -> Timer:
    """Write both files, show them to systemd and start the timer; raises OSError if they cannot be written."""
    files = unit_files()
    files.timer.parent.mkdir(parents=True, exist_ok=True)
    files.service.write_text(service_text(command), "utf-8")
    files.timer.write_text(timer_text(), "utf-8")
    call = run or _run
    call(["systemctl", "--user", "daemon-reload"])
    done = call(["systemctl", "--user", "enable", "--now", files.timer.name])
    if done.returncode != 0:
        remove(run)
        raise OSError(done.returncode, "systemd did not take the timer")
    return files


def remove(run: Runner | None = None) -> list[Path]:
    """Stop the timer and remove the files that we wrote, and only those; return them."""
    files = unit_files()
    ours = [
        path for path in (files.timer, files.service) if path.is_file() and path.read_text("utf-8").startswith(MARK)
    ]
    if ours:
        call = run or _run
        if shutil.which("systemctl") is not None:
            call(["systemctl", "--user", "disable", "--now", files.timer.name])
        for path in ours:
            path.unlink()
        if shutil.which("systemctl") is not None:
            call(["systemctl", "--user", "daemon-reload"])
    return ours


def _quote(word: str) -> str:
    escaped = word.replace("%", "%%").replace("$", "$$")
    return escaped if shlex.quote(escaped) == escaped else '"' + escaped.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
