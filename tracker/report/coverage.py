"""What was seen and what was not: answers that could not be read, and times when nobody listened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tracker.coverage import LOST, Gap, Stretch, overlap_of
from tracker.record import Activity, Unread
from tracker.report.figures import keep

Json = dict[str, Any]

COMPARABLE_POINTS = 0.20
"""Two periods whose coverage differs by more than this are not compared."""
USUAL_COVERAGE = 0.70
"""Weeks with less than this do not make a usual week."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the seconds of a period went, as far as anybody knows (imports know nothing of it)."""

    recorded_s: float = 0.0
    down_s: float = 0.0
    gaps: Sequence[Gap] = ()
    """By the person's clock, one after the other."""


SHORTEST_DOWN_S = 150.0
MOST_TIMES = 3
"""A gap names so many of its times, the longest."""
KINDS = ("down", "paused", "passed-through")


def coverage(
    activities: Iterable[Activity], unread: Sequence[Unread], refused: Sequence[tuple[str, int]], listening: Listening
) -> Json:
    """
    Return what was read, not read and refused, by service, and the gaps in time.

    ``seen`` is the share of answers that could be read times the share of awake time in which it listened; None if
    there was nothing to see and no clock either.
    """
    services: dict[str, Json] = {}

    def of(service: str) -> Json:
        new = {"key": service, "read": 0, "unread": 0, "lost": 0, "refused": 0, "reasons": []}
        return services.setdefault(service, new)

    for activity in activities:
        of(activity.service)["read"] += activity.requests
    for item in unread:
        entry = of(item.service)
        entry["unread"] += item.n
        entry["lost"] += item.n if item.reason in LOST else 0
        if item.reason not in entry["reasons"]:
            entry["reasons"].append(item.reason)
    for service, n in refused:
        of(service)["refused"] += n
    read = sum(entry["read"] for entry in services.values())
    not_read = sum(entry["unread"] for entry in services.values())
    share_read = read / (read + not_read) if read + not_read else None
    awake_s = listening.recorded_s + listening.down_s
    share_of_time = listening.recorded_s / awake_s if awake_s > 0 else None
    known = [share for share in (share_read, share_of_time) if share is not None]
    seen = known[0] * known[-1] if len(known) == 2 else known[0] if known else None
    return {
        "seen": keep(seen),
        "read": read,
        "unread": not_read,
        "refused": sum(entry["refused"] for entry in services.values()),
        "share_read": keep(share_read),
        "share_of_time": keep(share_of_time),
        "gaps": _gaps(listening),
        "by_service": sorted(services.values(), key=lambda entry: (-entry["read"], entry["key"])),
    }


def _gaps(listening: Listening) -> list[Json]:
    together: dict[tuple[str, str], list[Gap]] = {}
    for gap in listening.gaps:
        if gap.seconds >= SHORTEST_DOWN_S or gap.kind == "passed-through":
            together.setdefault((gap.kind, gap.service), []).append(gap)
    in_order = sorted(together.items(), key=lambda item: (KINDS.index(item[0][0]), item[0][1]))
    return [_gap(kind, service, gaps) for (kind, service), gaps in in_order]


def _gap(kind: str, service: str, gaps: Sequence[Gap]) -> Json:
    began, ended = gaps[0].started_at, max(gap.ended_at for gap in gaps)
    stretches = [Stretch(service, gap.started_at, gap.ended_at) for gap in gaps]
    longest = sorted(gaps, key=lambda gap: -gap.seconds)[:MOST_TIMES]
    return {
        "kind": kind,
        "service": service or None,
        "seconds": round(overlap_of(stretches, began, ended)),
        "times": len(gaps),
        "longest": [
            {"since": gap.started_at.isoformat(timespec="minutes"), "until": gap.ended_at.isoformat(timespec="minutes")}
            for gap in sorted(longest, key=lambda gap: gap.started_at)
        ],
    }


def comparable(now: Json, before: Json) -> bool:
    """Whether two periods saw about as much of what happened. Unknown coverage of both is taken as alike."""
    if now["seen"] is None or before["seen"] is None:
        return True
    difference: float = abs(now["seen"] - before["seen"])
    return difference <= COMPARABLE_POINTS
