"""What a process between people and their words must never do: leave a core dump, grow without end, pause, refuse."""

from __future__ import annotations

import ctypes
import gc
import logging
import sys
from pathlib import Path

MEMORY_EXIT = 77
"""The exit code of a worker whose memory ran out."""
TRIMMED_ABOVE_MEGABYTES = 90
MOST_FILES = 10_240
"""What macOS allows a process; two for each connection through us."""

_PR_SET_DUMPABLE = 4


def forbid_core_dumps() -> None:
    """Make sure that no crash of this process writes its memory to a disk, and that no neighbour may read it."""
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        # A limit of 0 does not stop a core_pattern that pipes to a program; this does.
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def limit_memory(megabytes: int) -> None:
    """Let allocations beyond this fail with MemoryError in this process (where the system can tell)."""
    if sys.platform != "linux":
        return
    import resource

    _, ceiling = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = megabytes * 1024 * 1024
    soft = wanted if ceiling == resource.RLIM_INFINITY else min(wanted, ceiling)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, ceiling))


def memory_megabytes() -> int:
    """Return the memory this process holds now; 0 where the system does not tell."""
    if sys.platform != "linux":
        return 0
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // (1024 * 1024)


def return_memory(*, is_quiet: bool) -> None:
    """
    Give freed memory back to the system; glibc keeps it otherwise, in pieces between what is still used.

    In quiet moments also what connections that have ended left for a garbage collection, which may be long in coming.
    Beside 200 answers one takes as long as a chat would notice (30 ms and more), beside a few of them less than 10 ms.
    """
    if sys.platform == "linux" and memory_megabytes() > TRIMMED_ABOVE_MEGABYTES:
        if is_quiet:
            gc.collect()
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries have none
        if trim is not None:
            trim(0)


def shorten_pauses() -> None:
    """
    Leave what is there by now out of garbage collections: a full one would hold up every chat for some 50 ms.

    And have the thread that feeds the worker give way after half a millisecond, where Python's own measure is five.
    """
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(0.0005)


def open_many() -> None:
    """Let this process hold many connections: what a system grants at first (256, 1024) a busy computer has used up."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(MOST_FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def hush() -> None:
    """Keep mitmproxy's log to itself: its lines hold addresses, and its tracebacks what passed."""
    for name in ("mitmproxy", "asyncio", "hpack", "wsproto", "h2"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL)
        logger.propagate = False
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
