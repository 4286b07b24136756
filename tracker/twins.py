"""Answers that a coding agent logged and the proxy heard too, where no id of the provider's tells them to be one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from tracker.moments import from_timestamp, timestamp
from tracker.record import Record

READERS_WITHOUT_IDS = ("codex-log/", "gemini-cli-log/", "opencode-log/")
APART = timedelta(minutes=10)
"""How far the two times may lie apart: a log has the end of an answer, the proxy its beginning."""

Likeness = tuple[str | None, int | None, int | None]
"""Provider, input and output tokens as reported."""


def drop_heard(connection: sqlite3.Connection, records: Sequence[Record]) -> list[Record]:
    """
    Return the records without those that the database has already from the proxy, a HAR or a flow file.

    The same answer has the same provider and the same reported counts of input and output at about the same time. Among
    these records, one that was heard stands for one that was logged.
    """
    logged = [record for record in records if _is_without_id(record)]
    if not logged:
        return list(records)
    heard = _heard(connection, logged)
    if not heard:
        return list(records)
    return [record for record in records if not (_is_without_id(record) and _take_twin(heard, record))]


def _is_without_id(record: Record) -> bool:
    return record.source == "agent-log" and record.reader.startswith(READERS_WITHOUT_IDS)


def _take_twin(heard: dict[Likeness, list[datetime]], record: Record) -> bool:
    moments = heard.get((record.provider, record.input_tokens, record.output_tokens), [])
    moment = from_timestamp(record.started_at)
    near = [other for other in moments if abs(other - moment) <= APART]
    if near:
        moments.remove(min(near, key=lambda other: abs(other - moment)))
    return bool(near)


def _heard(connection: sqlite3.Connection, logged: Iterable[Record]) -> dict[Likeness, list[datetime]]:
    moments = [record.started_at for record in logged]
    found: dict[Likeness, list[datetime]] = {}
    for provider, input_tokens, output_tokens, started_at in connection.execute(
        "SELECT provider, input_tokens, output_tokens, started_at FROM requests "
        "WHERE started_at BETWEEN ? AND ? AND source IN ('proxy', 'har', 'flow') "
        "AND input_tokens_source = 'reported' AND output_tokens_source = 'reported' ORDER BY started_at",
        (timestamp(from_timestamp(min(moments)) - APART), timestamp(from_timestamp(max(moments)) + APART)),
    ):
        found.setdefault((provider, input_tokens, output_tokens), []).append(from_timestamp(started_at))
    return found
