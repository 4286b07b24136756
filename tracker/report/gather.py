"""From the store: everything a report of a period needs to know."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from functools import cache
from importlib.metadata import version
from itertools import islice
from typing import TYPE_CHECKING

from tracker.coverage import Gap, Moment
from tracker.report.coverage import Listening
from tracker.report.inputs import Inputs, Span
from tracker.report.period import Period
from tracker.sums import requests_by_hour

if TYPE_CHECKING:
    from tracker.store import Store

MOST_RECORDS = 5000
"""Single answers are compared among the newest so many."""
USUAL_WEEKS = 8


@dataclass(frozen=True, slots=True)
class Want:
    """What is asked for besides the period."""

    lang: str = "en"
    demo: bool = False
    tables: bool = True
    """Also what only JSON and CSV tell."""


def gather(store: Store, period: Period, now: datetime, want: Want) -> Inputs:
    """Read the sums, gaps, ratings and newest answers of a period and of those it is compared with."""
    began = period.so_far(now.date())
    moment = Moment(now, "", 0.0) if want.demo else None
    return Inputs(
        span=span(store, period, now.tzinfo, moment),
        previous=span(store, period.before(now.date()), now.tzinfo, moment),
        weeks=[span(store, week, now.tzinfo, moment) for week in period.weeks_before(USUAL_WEEKS)],
        hours=store.activities_by_hour(period.since, period.until) if want.tables else (),
        busy=() if want.tables else _busy(store, period),
        records=list(islice(store.records(began.since, began.until), MOST_RECORDS)),
        ratings=store.ratings(),
        now=now,
        version=our_version(),
        lang=want.lang,
        demo=want.demo,
        tables=want.tables,
    )


def _busy(store: Store, period: Period) -> list[tuple[int, int, int]]:
    with store.reading() as connection:
        return requests_by_hour(connection, period.since, period.until)


def span(store: Store, period: Period, zone: tzinfo | None, moment: Moment | None = None) -> Span:
    """Read one stretch of days; gaps are told by the clock of ``zone``; ``moment`` is now, if not this computer's."""
    heard = store.coverage(period.since, period.until, moment)
    return Span(
        period=period,
        activities=store.activities(period.since, period.until),
        unread=store.unread(period.since, period.until),
        refused=[(service.service, service.refused) for service in heard.services if service.refused],
        listening=Listening(heard.recorded_s, heard.down_s, [_local(gap, zone) for gap in heard.gaps]),
    )


def _local(gap: Gap, zone: tzinfo | None) -> Gap:
    return replace(gap, started_at=gap.started_at.astimezone(zone), ended_at=gap.ended_at.astimezone(zone))


@cache
def our_version() -> str:
    """Return the version of klimaspor that makes the report."""
    return version("klimaspor")
