"""What a process of ours takes, as people run it: with its modules compiled beforehand, in processor time."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

RUN = [sys.executable, "-c", "from tracker.cli import main; main()"]
"""The command ``klimaspor``."""


def compiled(folder: Path) -> dict[str, str]:
    """Return an environment in which Python keeps its bytecode below ``folder``: the first run there compiles it."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return environment | {"PYTHONPYCACHEPREFIX": str(folder / "bytecode")}


def use(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Return the seconds of processor time that the command took and its most memory in MB; it must end well."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    _, status, used = os.wait4(process.pid, 0)
    if code := os.waitstatus_to_exitcode(status):
        raise RuntimeError(f"{command[-2:]} ended with {code}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def machine() -> str:
    """Return the size of this computer, for whoever compares."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), {memory:.0f} GiB, Python {platform.python_version()}, "
        f"load before the run {load}"
    )


def timed(act: Callable[[], object]) -> float:
    """Return how many milliseconds of this process's processor time it takes."""
    started = time.process_time()
    act()
    return (time.process_time() - started) * 1000
