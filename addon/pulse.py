"""What the worker does besides reading: the heartbeat, the verdicts of limits, and what the person is to be told."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from typing import Any

from tracker import desktop, limits, reminders, settings
from tracker.errors import tell
from tracker.heartbeat import this_moment
from tracker.store import Store


class Pulse:
    """Looks at limits with every heartbeat and after every turn."""

    def __init__(self) -> None:
        self.shown: list[subprocess.Popen[bytes]] = []
        """Processes that show a notice; each is gone within seconds."""
        self._place: tuple[int, int] | None = None

    def is_elsewhere(self, store: Store) -> bool:
        """Whether the open file is no longer the one at its place: it was removed, or a backup was put there."""
        try:
            there = store.path.stat()
        except OSError:
            return self._place is not None
        self._place = self._place or (there.st_dev, there.st_ino)
        return self._place != (there.st_dev, there.st_ino)

    def write(self, store: Store, header: dict[str, Any]) -> dict[str, Any]:
        """Write one heartbeat and return what the proxy should know."""
        store.beat(this_moment(), clean_stop=header["clean_stop"], counters=header["counters"])
        for passed in header["passed"]:
            since, until = (datetime.fromtimestamp(passed[name], UTC) for name in ("since", "until"))
            store.note_passed_through(passed["host"], passed["service"], passed["reason"], since, until)
        return self.look(store)

    def look_again(self, store: Store) -> dict[str, Any]:
        """
        Look at limits after a turn was recorded: a budget that it used up holds the very next one.

        Without budgets this costs 0.1 ms, with one some 20 ms in this process, which nobody waits for.
        """
        return self.look(store)

    def look(self, store: Store) -> dict[str, Any]:
        """Return the verdicts that are not simply ``record``, until when they hold, and notices that are due."""
        now = datetime.now(UTC)
        try:
            verdicts = {service: verdict.action for service, verdict in limits.verdicts(store, now).items()}
            ends = [until.timestamp() for until in limits.pauses(store, now).values()]
        except Exception as error:  # noqa: BLE001 - damaged settings must cost the limits, not the record
            return {"gate": {}, "trouble": tell(error)}
        return {"gate": verdicts, "until": min(ends, default=None), "notices": self._tell(store, now)}

    def _tell(self, store: Store, now: datetime) -> list[str]:
        """Show the notices that are due on the desktop, and return them for the terminal."""
        try:
            due = limits.due_notices(store, now)
            unapproved = reminders.due_reminders(store, now)
            wanted = settings.load(store.path)
        except Exception:  # noqa: BLE001 - nothing can be noted now: they are told later, and cost no record
            return []
        self.shown = [process for process in self.shown if process.poll() is None]
        if (due or unapproved) and wanted.get("notices.desktop"):
            process = desktop.show(due, wanted.get("language"), unapproved)
            self.shown += [process] if process else []
        used = [f"{one.share:.0%} of your budget is used · {one.budget.name} · see `klimaspor budget`" for one in due]
        return used + [
            f"Your organisation has not approved this ({reason}) · {service} · `klimaspor team remind --off` ends this"
            for service, reason in unapproved.items()
        ]


def is_paused(store: Store, service: str, at: float) -> bool:
    """Whether the person had paused the recording of this service at that moment (seconds since the epoch)."""
    paused = limits.pauses(store, datetime.fromtimestamp(at, UTC))
    return "" in paused or service in paused
