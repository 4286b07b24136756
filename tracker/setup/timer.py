"""A weekly report without thinking of it: a timer of the person's own systemd, made and removed without a trace."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tracker.setup.systemd import systemctl, units_folder, write_command

UNIT = "klimaspor-report"
MARK = "# written by klimaspor schedule; removed by klimaspor schedule off"


@dataclass(frozen=True, slots=True)
class Timer:
    """Where the two unit files lie."""

    service: Path
    timer: Path


def unit_files() -> Timer:
    """Return the paths of the timer and its service."""
    return Timer(units_folder() / f"{UNIT}.service", units_folder() / f"{UNIT}.timer")


def install(command: Iterable[str]) -> Timer:
    """Write both files, show them to systemd and start the timer. Raises OSError if that cannot be done."""
    files = unit_files()
    files.timer.parent.mkdir(parents=True, exist_ok=True)
    files.service.write_text(_service_text(command), "utf-8")
    files.timer.write_text(_timer_text(), "utf-8")
    systemctl("daemon-reload")
    done = systemctl("enable", "--now", files.timer.name)
    if done.returncode != 0:
        remove()
        raise OSError(done.returncode, "systemd did not take the timer")
    return files


def remove() -> list[Path]:
    """Stop the timer and remove the files that we wrote, and only those; return them."""
    files = unit_files()
    ours = [
        path for path in (files.timer, files.service) if path.is_file() and path.read_text("utf-8").startswith(MARK)
    ]
    if ours:
        systemctl("disable", "--now", files.timer.name)
        for path in ours:
            path.unlink()
        systemctl("daemon-reload")
    return ours


def _service_text(command: Iterable[str]) -> str:
    return (
        f"{MARK}\n[Unit]\nDescription=Weekly report of klimaspor\n\n[Service]\nType=oneshot\n"
        f"ExecStart={write_command(command)}\nNice=10\nNoNewPrivileges=yes\n"
    )


def _timer_text() -> str:
    """Return the timer: each day at eight, for what could not be done on Monday; ``Persistent`` catches up."""
    return (
        f"{MARK}\n[Unit]\nDescription=Weekly report of klimaspor\n\n[Timer]\nOnCalendar=*-*-* 08:00\n"
        "Persistent=true\n\n[Install]\nWantedBy=timers.target\n"
    )
