"""
Reminders of services that a person's organisation has not approved: on the person's own screen, and nowhere else.

They are there if the organisation's policy offers them and the person took them (``klimaspor team remind``). They live
in the person's own settings, block nothing, and nothing of them is ever in what a computer sends.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from tracker import settings
from tracker.settings import REMINDERS
from tracker.store import Store

_TOLD = "reminded"


def reasons(store: Store) -> dict[str, str]:
    """Return the reason for each service that the person is reminded of; {} for who took no reminders."""
    entries = (entry.partition("=") for entry in settings.load(store.path).get(REMINDERS))
    return {service: reason for service, _, reason in entries}


def entries_of(reasons: Mapping[str, str]) -> tuple[str, ...]:
    """Return the reasons as the setting holds them."""
    return tuple(f"{service}={' '.join(reason.split())[:200]}" for service, reason in sorted(reasons.items()))


def used_today(store: Store, now: datetime) -> dict[str, str]:
    """Return the services of ``reasons`` that were used today, with the reason."""
    wanted = reasons(store)
    if not wanted:
        return {}
    today = now.astimezone().date()
    used = {activity.service for activity in store.activities(today, today + timedelta(days=1))}
    return {service: reason for service, reason in wanted.items() if service in used}


def due_reminders(store: Store, now: datetime) -> dict[str, str]:
    """Return those of ``used_today`` that were not told today, and remember that they were: once a day each."""
    used = used_today(store, now)
    if not used:
        return {}
    with store.reading() as connection:
        row = connection.execute("SELECT value FROM meta WHERE key = ?", (_TOLD,)).fetchone()
    day, *told = (row[0] if row else "").split() or [""]
    today = now.astimezone().date().isoformat()
    if day != today:
        told = []
    due = {service: reason for service, reason in used.items() if service not in told}
    if due:
        with store.writing() as connection:
            value = " ".join([today, *told, *due])
            connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (_TOLD, value))
    return due
