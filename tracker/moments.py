"""Moments as they are stored, and local days as moments."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta


def timestamp(moment: datetime) -> str:
    """Return a moment as it is stored: UTC, ISO 8601, milliseconds, ``Z``."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_timestamp(text: str) -> datetime:
    """Return the moment that was stored; raise ``ValueError`` for what ``timestamp`` never wrote."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or not 1 < moment.year < 9999:  # at its ends the calendar cannot be added to
        raise ValueError("not a moment that was stored")
    return moment


def local_day(started_at: str, utc_offset_minutes: int) -> date:
    """Return the day it was where the record was made."""
    return (from_timestamp(started_at) + timedelta(minutes=utc_offset_minutes)).date()


def local_midnight(day: date) -> datetime:
    """Return when the day begins on this computer."""
    return datetime(day.year, day.month, day.day).astimezone()


def utc_offset_minutes(moment: datetime) -> int:
    """Return how many minutes this computer's clock is ahead of UTC at that moment."""
    offset = moment.astimezone().utcoffset()
    return round(offset.total_seconds() / 60) if offset else 0
