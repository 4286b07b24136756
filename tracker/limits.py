"""What a person allows: budgets with notices and holds, pauses, and the verdict over a new turn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any, Literal

from tracker import settings
from tracker.budget import Budget
from tracker.moments import from_timestamp, timestamp
from tracker.record import Activity
from tracker.store import Store

Action = Literal["record", "pass", "hold"]
EVERYTHING = "*"
"""Stands for every service without a verdict of its own."""
NOTICE_SHARES = (1.0, 0.8)
_CONTINUE = "continue_until"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a new turn, and why in a few words."""

    action: Action
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """How much of a budget is used in its present day or week."""

    budget: Budget
    used: float
    since: date
    until: date

    @property
    def share(self) -> float:
        return self.used / self.budget.amount

    def to_json(self) -> dict[str, Any]:
        """Return the budget, how much of it is used (in its own unit), and its period, as JSON values."""
        return {**asdict(self.budget), "used": self.used, "since": str(self.since), "until": str(self.until)}

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Standing:
        """Return what ``to_json`` told."""
        budget = {field.name: told[field.name] for field in fields(Budget)}
        since, until = (date.fromisoformat(told[name]) for name in ("since", "until"))
        return cls(Budget(**budget), told["used"], since, until)


def verdict(store: Store, service: str, now: datetime) -> Verdict:
    """Return what becomes of a new turn of this service: recorded, passed unrecorded, or held back."""
    found = verdicts(store, now)
    return found.get(service) or found.get(EVERYTHING) or Verdict("record")


def verdicts(store: Store, now: datetime) -> dict[str, Verdict]:
    """
    Return the verdicts that are not simply ``record``, by service (``*`` for all others).

    A running answer is never asked about: only new turns are. A pause wins over a hold.
    """
    found: dict[str, Verdict] = {}
    if not _continued(store, now):
        held = [budget for budget in settings.load(store.path).budgets if budget.hold]
        for standing in standings(store, now, held):
            if standing.share >= 1:
                service = standing.budget.service or EVERYTHING
                found.setdefault(service, Verdict("hold", f"Your budget is used: {standing.budget.name}"))
    for service, until in pauses(store, now).items():
        reason = f"Paused until {until.astimezone():%H:%M}"
        if not service:
            return {EVERYTHING: Verdict("pass", reason)}
        found[service] = Verdict("pass", reason)
    return found


def standings(store: Store, now: datetime, budgets: Iterable[Budget] | None = None) -> list[Standing]:
    """Return how much of each budget is used; those of the settings unless others are given."""
    if budgets is None:
        budgets = settings.load(store.path).budgets
    summed: dict[tuple[date, date], list[Activity]] = {}
    found = []
    for budget in budgets:
        span = period(budget.per, now)
        if span not in summed:
            summed[span] = store.activities(*span)
        found.append(Standing(budget, _used(store, budget, summed[span]), *span))
    return found


def due_notices(store: Store, now: datetime) -> list[Standing]:
    """
    Return the budgets that passed 80 % or 100 % since this was asked last, and remember that they were told.

    Each of the two is told once in a budget's day or week.
    """
    due = []
    with store.reading() as connection:
        rows = connection.execute("SELECT key, value FROM meta WHERE key LIKE 'told:%'")
        told = {key: float(share) for key, share in rows}
    keep: dict[str, float] = {}
    for standing in standings(store, now):
        level = next((share for share in NOTICE_SHARES if standing.share >= share), 0.0)
        key = f"told:{standing.since.isoformat()}:{standing.budget.name}"
        before = told.get(key, 0.0)
        if level > before:
            due.append(standing)
        if level or before:
            keep[key] = max(level, before)
    if keep != told:
        with store.writing() as connection:
            connection.execute("DELETE FROM meta WHERE key LIKE 'told:%'")
            connection.executemany(
                "INSERT INTO meta (key, value) VALUES (?, ?)", [(key, str(share)) for key, share in keep.items()]
            )
    return due


def continue_for(store: Store, duration: timedelta, now: datetime) -> None:
    """Lift every hold for a while: the person chose to go on."""
    with store.writing() as connection:
        connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_CONTINUE, timestamp(now + duration)))


def pause(store: Store, service: str, duration: timedelta, now: datetime) -> datetime:
    """Record nothing of a service (empty: of all) for a while; return until when. Coverage shows it as chosen."""
    resume(store, service, now)
    until = now + duration
    with store.writing() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO pauses (service, started_at, ended_at) VALUES (?, ?, ?)",
            (service, timestamp(now), timestamp(until)),
        )
    return until


def resume(store: Store, service: str, now: datetime) -> bool:
    """End a pause of this service (empty: every pause) now; return whether there was one."""
    moment = timestamp(now)
    with store.writing() as connection:
        ended = connection.execute(
            "UPDATE pauses SET ended_at = :now WHERE started_at <= :now AND ended_at > :now "
            "AND (:service = '' OR service = :service)",
            {"now": moment, "service": service},
        )
        return ended.rowcount > 0


def pauses(store: Store, now: datetime) -> dict[str, datetime]:
    """Return the pauses that are on: service (empty for all) and until when."""
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT service, max(ended_at) FROM pauses WHERE started_at <= :now AND ended_at > :now GROUP BY service",
            {"now": timestamp(now)},
        )
        return {service: from_timestamp(until) for service, until in rows}


def period(per: str, now: datetime) -> tuple[date, date]:
    """Return the local day or ISO week that now lies in: first day, and the day after the last."""
    today = now.astimezone().date()
    if per == "day":
        return today, today + timedelta(days=1)
    monday = today - timedelta(days=today.weekday())
    return monday, monday + timedelta(days=7)


def _continued(store: Store, now: datetime) -> bool:
    with store.reading() as connection:
        row = connection.execute("SELECT value FROM meta WHERE key = ?", (_CONTINUE,)).fetchone()
    return row is not None and row[0] > timestamp(now)


def _used(store: Store, budget: Budget, activities: list[Activity]) -> float:
    counted = [
        activity
        for activity in activities
        if budget.service in {None, activity.service}
        and (budget.feature is None or any(feature == budget.feature for feature, _ in activity.features))
    ]
    match budget.unit:
        case "questions":
            return sum(activity.requests for activity in counted if activity.initiator == "person")
        case "minutes":
            return sum(activity.duration_ms for activity in counted) / 60_000
        case "tokens":
            return sum(activity.input_tokens + activity.output_tokens for activity in counted)
    return _energy_wh(store, counted)


def _energy_wh(store: Store, activities: list[Activity]) -> float:
    """The same figure as the report's: by the settings beside the database."""
    from tracker.footprint import assess, choose

    if not activities:
        from tracker.footprint.models import resolve_model

        resolve_model("chatgpt", "openai", None)  # loaded ahead: the answer that uses it up is not to wait for that
        return 0.0
    return assess(activities, choose(settings.load(store.path).get)).central_wh()
