"""The heartbeat as the worker writes it: that we listen, what we lost, which hosts we let pass, what is held."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tracker.heartbeat import this_moment
from tracker.store import Store


def write_pulse(store: Store, header: dict[str, Any]) -> dict[str, str]:
    """Write one heartbeat; return the verdicts (see ``addon.gate``) of the services that are not simply recorded."""
    store.beat(this_moment(), clean_stop=header["clean_stop"], counters=header["counters"])
    for passed in header["passed"]:
        since, until = (datetime.fromtimestamp(passed[name], UTC) for name in ("since", "until"))
        store.note_passed_through(passed["host"], passed["service"], passed["reason"], since, until)
    return {}
