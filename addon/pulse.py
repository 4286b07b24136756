"""What the worker does besides reading: the heartbeat, the verdicts of limits, and what the person is to be told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tracker import desktop, limits, settings
from tracker.heartbeat import this_moment
from tracker.store import Store


class Pulse:
    """Looks at limits with every heartbeat and after every turn."""

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
            notices = [_tell(standing) for standing in limits.due_notices(store, now)]
            if notices and settings.load(store.path).get("notices.desktop"):
                desktop.show("klimaspor", "\n".join(notices))
        except Exception as error:  # noqa: BLE001 - damaged settings must cost the limits, not the record
            told = str(error) if type(error).__module__.startswith("tracker.") else type(error).__name__
            return {"gate": {}, "trouble": told}
        return {"gate": verdicts, "until": min(ends, default=None), "notices": notices}


def is_paused(store: Store, service: str, at: float) -> bool:
    """Whether the person had paused the recording of this service at that moment (seconds since the epoch)."""
    paused = limits.pauses(store, datetime.fromtimestamp(at, UTC))
    return "" in paused or service in paused


def _tell(standing: limits.Standing) -> str:
    return f"{standing.share:.0%} of your budget is used · {standing.budget.name} · see `klimaspor budget`"
