"""What the worker does besides reading: the heartbeat, the verdicts of limits, and what the person is to be told."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tracker import limits
from tracker.heartbeat import this_moment
from tracker.store import Store

VERDICT_SECONDS = 2.0
"""At most this often are limits looked at between heartbeats."""


@dataclass(slots=True)
class Pulse:
    """Looks at limits, not more often than is worth it."""

    looked_at: float = field(default=-VERDICT_SECONDS)

    def write(self, store: Store, header: dict[str, Any]) -> dict[str, Any]:
        """Write one heartbeat and return what the proxy should know."""
        store.beat(this_moment(), clean_stop=header["clean_stop"], counters=header["counters"])
        for passed in header["passed"]:
            since, until = (datetime.fromtimestamp(passed[name], UTC) for name in ("since", "until"))
            store.note_passed_through(passed["host"], passed["service"], passed["reason"], since, until)
        return self.look(store)

    def look_again(self, store: Store) -> dict[str, Any]:
        """Look at limits after a turn was recorded, unless that was done a moment ago."""
        return self.look(store) if time.monotonic() - self.looked_at >= VERDICT_SECONDS else {}

    def look(self, store: Store) -> dict[str, Any]:
        """Return the verdicts that are not simply ``record``, until when they hold, and notices that are due."""
        self.looked_at = time.monotonic()
        now = datetime.now(UTC)
        try:
            verdicts = {service: verdict.action for service, verdict in limits.verdicts(store, now).items()}
            ends = [until.timestamp() for until in limits.pauses(store, now).values()]
            notices = [_tell(standing) for standing in limits.due_notices(store, now)]
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
