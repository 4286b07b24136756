"""What was listened to and what was not: recorded, off or asleep, paused, down, passed through (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

BEAT_S = 60.0
"""How often the proxy says that it is there."""
LONGEST_BEAT_S = 150.0
"""Two beats further apart than this have something between them: sleep, or a proxy that was down."""
LOST = {
    "overload": "the computer was too busy", "crash": "the reader ended", "worker-lost": "the reader ended",
    "hang": "reading took too long", "memory": "reading took too much memory",
    "MemoryError": "reading took too much memory", "too-large": "they were too large",
    "store": "the database could not be written", "killed": "the proxy was ended in the middle",
}  # fmt: skip
"""Reasons for an unread answer that are ours, not its form's: we had no time, room or life to read it; and in words."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time by both clocks: the wall's, which may jump, and the boot's, which stands still in sleep."""

    at: datetime
    boot_id: str
    boot_clock_s: float


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of beats without a gap, by one boot of the computer."""

    started_at: datetime
    ended_at: datetime
    boot_id: str
    boot_clock_s: float
    """The boot's clock at the end."""
    clean_stop: bool = False
    """It ended because a person or the system stopped the proxy, not because it broke."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Time in which one service, or (empty name) every service, was paused or passed through."""

    service: str
    started_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Gap:
    """Time within a period that was not recorded of one service, or (empty name) of any."""

    kind: str
    """``down``, ``paused`` (by choice, a stopped proxy included) or ``passed-through``."""
    service: str
    started_at: datetime
    ended_at: datetime

    @property
    def seconds(self) -> float:
        return (self.ended_at - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True)
class ServiceCoverage:
    """What of one service's traffic could not be read."""

    service: str
    unread: int
    """Answers on a turn's path that could not be read."""
    refused: int
    """Answers with HTTP status 400 and above, which make no record."""
    passed_through_s: float
    paused_s: float


@dataclass(frozen=True, slots=True)
class Coverage:
    """
    Where the seconds of a period went. Only ``down_s`` and the services' ``passed_through_s`` are gaps.

    The five sums add to the seconds from ``since`` to ``until``. Before the first heartbeat nothing is known
    (``unknown_s``): the proxy was not in use yet, or the period is known from imports only.
    """

    since: datetime
    until: datetime
    recorded_s: float
    off_or_asleep_s: float
    paused_s: float
    """Paused, or stopped by choice."""
    down_s: float
    unknown_s: float
    services: tuple[ServiceCoverage, ...]
    gaps: tuple[Gap, ...] = ()
    """When it was down, paused or let a service pass, one after the other."""


def cover(
    spans: Sequence[Span],
    pauses: Sequence[Stretch],
    since: datetime,
    until: datetime,
    *,
    services: Iterable[ServiceCoverage] = (),
    passed: Sequence[Stretch] = (),
) -> Coverage:
    """Tell where the seconds between two moments went. ``spans`` are in order and may begin before and end after."""
    sums = {"recorded": 0.0, "off": 0.0, "paused": 0.0, "down": 0.0}
    everything = [pause for pause in pauses if not pause.service]
    gaps = [("paused", pause) for pause in pauses] + [("passed-through", stretch) for stretch in passed]
    before: Span | None = None
    for span in spans:
        if before is not None:
            for kind, start, end in _gap(before, span):
                sums[kind] += _overlap(start, end, since, until)
                if kind in ("down", "paused"):
                    gaps.append((kind, Stretch("", start, end)))
        heard = _overlap(span.started_at, span.ended_at, since, until)
        paused = overlap_of(everything, max(span.started_at, since), min(span.ended_at, until))
        sums["recorded"] += heard - paused
        sums["paused"] += paused
        before = span
    total = (until - since).total_seconds()
    return Coverage(
        since=since,
        until=until,
        recorded_s=sums["recorded"],
        off_or_asleep_s=sums["off"],
        paused_s=sums["paused"],
        down_s=sums["down"],
        unknown_s=max(0.0, total - sum(sums.values())),
        services=tuple(services),
        gaps=tuple(_within(gaps, since, until)),
    )


def follows(span: Span, moment: Moment) -> bool:
    """Whether a beat at this moment continues the span: same boot, and by neither clock a gap."""
    wall_s = (moment.at - span.ended_at).total_seconds()
    awake_s = moment.boot_clock_s - span.boot_clock_s
    return (
        not span.clean_stop
        and moment.boot_id == span.boot_id
        and 0 <= wall_s <= LONGEST_BEAT_S
        and 0 <= awake_s <= LONGEST_BEAT_S
    )


def overlap_of(stretches: Iterable[Stretch], since: datetime, until: datetime) -> float:
    """Return how many seconds between two moments the stretches cover; where they overlap counts once."""
    total, reached = 0.0, since
    for stretch in sorted(stretches, key=lambda stretch: stretch.started_at):
        start, end = max(stretch.started_at, reached), min(stretch.ended_at, until)
        if end > start:
            total += (end - start).total_seconds()
            reached = end
    return total


def _gap(before: Span, after: Span) -> list[tuple[str, datetime, datetime]]:
    start, end = before.ended_at, after.started_at
    wall_s = (end - start).total_seconds()
    if wall_s <= 0:  # the wall clock was set back
        return []
    began_clock_s = after.boot_clock_s - (after.ended_at - after.started_at).total_seconds()
    stopped = "paused" if before.clean_stop else "down"
    if before.boot_id == after.boot_id:
        # The computer was awake for as long as its clock ran; which part of the gap that was nobody knows.
        awake_s = min(wall_s, max(0.0, began_clock_s - before.boot_clock_s))
    else:
        # It was switched off (or crashed with the computer) and was there again since the new boot.
        awake_s = min(wall_s, max(0.0, began_clock_s))
    awake = end - timedelta(seconds=awake_s)
    if not before.clean_stop and awake_s <= LONGEST_BEAT_S:
        stopped = "recorded" if before.boot_id == after.boot_id else "off"
    return [("off", start, awake), (stopped, awake, end)]


def _within(gaps: Iterable[tuple[str, Stretch]], since: datetime, until: datetime) -> list[Gap]:
    cut = [
        Gap(kind, stretch.service, max(stretch.started_at, since), min(stretch.ended_at, until))
        for kind, stretch in gaps
    ]
    return sorted((gap for gap in cut if gap.seconds > 0), key=lambda gap: gap.started_at)


def _overlap(start: datetime, end: datetime, since: datetime, until: datetime) -> float:
    return max(0.0, (min(end, until) - max(start, since)).total_seconds())
