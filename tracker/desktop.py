"""A notice on the person's desktop, given by a process of its own; where no desktop takes it, nothing happens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracker.limits import Standing

PATIENCE_S = 10.0
"""A desktop that has not taken the notice by then is left alone."""
_ROOT = Path(__file__).parent.parent


def show(
    standings: Sequence[Standing], lang: str | None = None, reminders: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes] | None:
    """
    Have the person told how these budgets stand, and what their organisation has not approved (service: reason).

    It is said in their language or the computer's; the process that says it is returned.

    It never raises and waits for nobody: a desktop may take its time, and its library its memory.
    """
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "tracker.desktop"],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")])},
        )  # fmt: skip
        budgets = [one.to_json() for one in standings]
        if process.stdin is not None:
            with process.stdin as asked:
                asked.write(json.dumps({"lang": lang, "budgets": budgets, "reminders": reminders or {}}).encode())
    except OSError:
        return None
    return process


def main() -> None:
    """Read what is to be told from standard input and tell it; whatever fails ends in an exit code."""
    import asyncio

    from tracker.limits import Standing
    from tracker.report.budget_words import budget_line
    from tracker.report.computer import computer_language
    from tracker.report.glance import reminder_line
    from tracker.report.language import language

    asked = json.load(sys.stdin)
    words = language(asked["lang"] or computer_language())
    lines = [budget_line(Standing.from_json(budget), words) for budget in asked["budgets"]]
    lines += [reminder_line(service, reason, words) for service, reason in asked["reminders"].items()]
    asyncio.run(asyncio.wait_for(_notify("\n".join(lines)), PATIENCE_S))


async def _notify(message: str) -> None:
    from desktop_notifier import DesktopNotifier

    await DesktopNotifier(app_name="klimaspor", app_icon=None).send(title="klimaspor", message=message)


if __name__ == "__main__":
    main()
