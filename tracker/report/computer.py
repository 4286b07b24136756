"""What this computer says of itself: its clock with a time zone, and its language. The report asks nothing else."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path


def clock() -> datetime:
    """Return now with the computer's own time zone, by name where it has one."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    names = [os.environ.get("TZ", "")]
    link = Path("/etc/localtime")
    if link.is_symlink():
        names.append(str(link.readlink()).partition("zoneinfo/")[2])
    now = datetime.now(UTC).astimezone()
    for name in filter(None, names):
        try:
            named = now.astimezone(ZoneInfo(name))
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
        if named.utcoffset() == now.utcoffset():
            return named
    return now


def computer_language() -> str:
    """Return the language the computer is set to, if reports have it, else English."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value:
            two = value[:2].lower()
            return {"nb": "nb", "no": "nb", "nn": "nb", "nl": "nl"}.get(two, "en")
    return "en"
