"""What the database knows of the last seven days: gaps, answers that were not understood, and the last one that was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from tracker.coverage import LOST
from tracker.setup.finding import Finding
from tracker.setup.remedies import Remedies

SERIOUS_DOWN_S = 3600.0


@dataclass(frozen=True, slots=True)
class Past:
    """The last seven days."""

    down_s: float = 0.0
    passed_s: tuple[tuple[str, float], ...] = ()
    """Service and for how many seconds it passed unrecorded."""
    unread: tuple[tuple[str, int], ...] = ()
    """Service and how many of its answers were not understood."""
    lost: tuple[tuple[str, int], ...] = ()
    """Why, and how many answers were lost for that reason."""
    last_record: datetime | None = None


def read_past(db: Path, today: date) -> Past:
    """Return today and the six days before; nothing if there is no database yet. Raises StoreError."""
    from tracker.store import Store

    if not db.exists():
        return Past()
    since, until = today - timedelta(days=6), today + timedelta(days=1)
    with Store.open(db, readonly=True) as store:
        unread, lost = Counter[str](), Counter[str]()
        for item in store.unread(since, until):
            if item.reason in LOST:
                lost[item.reason] += item.n
            else:
                unread[item.service] += item.n
        coverage = store.coverage(since, until)
        heard = (record.started_at for record in store.records(since, until) if record.source == "proxy")
        last = next(heard, None)
        return Past(
            down_s=coverage.down_s,
            passed_s=tuple((one.service, one.passed_through_s) for one in coverage.services if one.passed_through_s),
            unread=tuple(unread.most_common()),
            lost=tuple(lost.most_common()),
            last_record=datetime.fromisoformat(last) if last else None,
        )


def examine_past(past: Past, say: Remedies) -> Iterator[Finding]:
    """Look whether answers came through, where there are gaps, and which services are not understood."""
    if past.last_record is None:
        yield Finding(
            "browser",
            "note",
            "No answer was recorded by the proxy in the last week. See whether your browser comes through.",
            say.say("doctor --browser"),
        )
    else:
        yield Finding(
            "browser", "good", f"The last answer was recorded on {past.last_record.astimezone():%d %b at %H:%M}."
        )
    week = say.say("report --last 7d --format text")
    if past.down_s >= SERIOUS_DOWN_S:
        hours = past.down_s / 3600
        yield Finding("gaps", "note", f"In the last week the proxy was down for {hours:.1f} hours.", week)
    for service, seconds in past.passed_s:
        hours = seconds / 3600
        yield Finding("gaps", "note", f"In the last week {service or 'a host'} passed unrecorded {hours:.1f} h.", week)
    for reason, n in past.lost:
        yield Finding("lost", "note", f"In the last week {_answers(n)} lost: {LOST[reason]}.", week)
    for service, n in past.unread:
        yield Finding(
            "unread", "wrong", f"In the last week {_answers(n)} not understood: {service}.", say.capture(service)
        )


def _answers(n: int) -> str:
    return "1 answer was" if n == 1 else f"{n} answers were"
