"""Days as people type them: ``2026-11-16``, and the last ``7d``."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import click

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Duration(click.ParamType[timedelta]):
    """A stretch of time in one of the units given: ``30m``, ``2h``, ``7d``, ``2w``."""

    name = "duration"

    def __init__(self, units: str) -> None:
        self.units = units

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        if match := re.fullmatch(rf"([1-9]\d{{0,3}})([{self.units}])", str(value)):
            return timedelta(**{_UNITS[match[2]]: int(match[1])})
        words = ", ".join(f"2{unit}" for unit in self.units)
        raise click.BadParameter(f"{value!r} is not a stretch of time, such as {words}.", ctx, param)


class Day(click.ParamType[date]):
    """A day as ``2026-11-16``, or ``today``."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        if value == "today":
            return today()
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a day, such as 2026-11-16.", param, ctx)


def today() -> date:
    """Return the local day it is."""
    return datetime.now(UTC).astimezone().date()


def days_options[F: Callable[..., Any]](command: F) -> F:
    """Add ``--last``, ``--since`` and ``--until``; the command gets all three (see ``span``)."""
    command = click.option("--until", type=Day(), help="Up to this day, which is left out.")(command)
    command = click.option("--since", type=Day(), help="From this day on: 2026-11-16.")(command)
    return click.option("--last", type=Duration("dw"), help="Today and the days before it: 7d, 2w.")(command)


def span(last: timedelta | None, since: date | None, until: date | None) -> tuple[date | None, date | None]:
    """Return first day and the day after the last; raise a usage error for options that contradict each other."""
    if last is not None:
        if since is not None or until is not None:
            raise click.UsageError("Use --last, or --since and --until, not both.")
        return today() - last + timedelta(days=1), None
    if since is not None and until is not None and since >= until:
        raise click.UsageError("--since must be before --until (which is left out itself).")
    return since, until
