"""The database's memory of when it listened: beats, pauses, hosts passed through, and what follows for a period."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from tracker.coverage import Coverage, Moment, ServiceCoverage, Span, Stretch, cover, follows, overlap_of
from tracker.moments import from_timestamp, local_midnight, timestamp


def this_moment() -> Moment:
    """Return now by both clocks. The boot's clock stands still while the computer sleeps."""
    try:
        boot_id = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:  # not Linux: boots are told apart by when they began, to ten seconds
        boot_id = f"boot-{round((time.time() - time.monotonic()) / 10)}"
    return Moment(datetime.now(UTC), boot_id, time.monotonic())


def beat(
    connection: sqlite3.Connection,
    moment: Moment,
    *,
    clean_stop: bool = False,
    counters: Mapping[str, int] | None = None,
) -> None:
    """Note that the proxy is there; ``clean_stop`` with the last beat of an orderly end. Call it once a minute."""
    counted = json.dumps(dict(counters or {}), sort_keys=True)
    row = connection.execute("SELECT * FROM heartbeat ORDER BY started_at DESC LIMIT 1").fetchone()
    values = (timestamp(moment.at), moment.boot_clock_s, clean_stop, counted)
    if row and follows(_to_span(row), moment):
        connection.execute(
            "UPDATE heartbeat SET ended_at = ?, boot_clock_s = ?, clean_stop = ?, counters = ? WHERE started_at = ?",
            (*values, row[0]),
        )
    else:
        connection.execute(
            "INSERT OR REPLACE INTO heartbeat (ended_at, boot_clock_s, clean_stop, counters, started_at, boot_id) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (*values, values[0], moment.boot_id),
        )


def coverage(connection: sqlite3.Connection, since: date, until: date, moment: Moment | None = None) -> Coverage:
    """
    Tell where the seconds of the local days ``since`` to ``until`` (exclusive) went, up to now.

    ``moment`` is now by both clocks, so that a proxy that died an hour ago shows as down.
    """
    now = moment or this_moment()
    start, end = local_midnight(since), min(local_midnight(until), now.at)
    end = max(start, end)
    rows = connection.execute(
        "SELECT * FROM heartbeat WHERE started_at < ? AND ended_at >= coalesce("
        "(SELECT max(ended_at) FROM heartbeat WHERE ended_at < ?), '') ORDER BY started_at",
        ("9999", timestamp(start)),
    )
    spans = [_to_span(row) for row in rows]
    if spans and spans[-1].ended_at < now.at:
        spans.append(Span(now.at, now.at, now.boot_id, now.boot_clock_s))
    pauses = stretches(connection, "pauses", start, end)
    passed = stretches(connection, "passed_through", start, end)
    services = _services(connection, (since.isoformat(), until.isoformat()), (start, end), passed, pauses)
    return cover(spans, pauses, start, end, services=services, passed=passed)


def stretches(connection: sqlite3.Connection, table: str, since: datetime, until: datetime) -> list[Stretch]:
    """Return the rows of ``pauses`` or ``passed_through`` that touch the time between two moments."""
    sql = f"SELECT service, started_at, ended_at FROM {table} WHERE started_at < ? AND ended_at > ?"  # noqa: S608 - our own table names
    rows = connection.execute(sql, (timestamp(until), timestamp(since)))
    return [Stretch(service, from_timestamp(started), from_timestamp(ended)) for service, started, ended in rows]


def _services(
    connection: sqlite3.Connection,
    days: tuple[str, str],
    span: tuple[datetime, datetime],
    passed: list[Stretch],
    pauses: list[Stretch],
) -> list[ServiceCoverage]:
    unread, refused = (
        dict(
            connection.execute(
                f"SELECT service, sum(n) FROM {table} WHERE day >= ? AND day < ? GROUP BY service",  # noqa: S608 - our own table names
                days,
            ).fetchall()
        )
        for table in ("unread", "refused")
    )
    names = {*unread, *refused, *(stretch.service for stretch in [*passed, *pauses] if stretch.service)}
    return [
        ServiceCoverage(
            service=name,
            unread=unread.get(name, 0),
            refused=refused.get(name, 0),
            passed_through_s=overlap_of([stretch for stretch in passed if stretch.service == name], *span),
            paused_s=overlap_of([stretch for stretch in pauses if stretch.service == name], *span),
        )
        for name in sorted(names)
    ]


def _to_span(row: tuple[str, str, str, float, int, str]) -> Span:
    started, ended, boot_id, clock_s, clean_stop, _ = row
    return Span(from_timestamp(started), from_timestamp(ended), boot_id, clock_s, bool(clean_stop))
