"""From the sums of a period to the report's data: the JSON that every view is a view of (docs/report.schema.json)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tracker.record import Activity, Record, Unread
from tracker.report import drivers, rows, times
from tracker.report.coverage import Listening, comparable, coverage
from tracker.report.figures import keep
from tracker.report.finding import find
from tracker.report.period import Period
from tracker.report.surroundings import context, everyday, sources_of
from tracker.report.worth import worth

if TYPE_CHECKING:
    from tracker.store import Rating

Json = dict[str, Any]
SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What is known of one stretch of days."""

    period: Period
    activities: Sequence[Activity]
    unread: Sequence[Unread] = ()
    refused: Sequence[tuple[str, int]] = ()
    listening: Listening = field(default_factory=Listening)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything a report is a pure function of, but for the footprint's own factors."""

    span: Span
    previous: Span
    weeks: Sequence[Span]
    """The eight weeks before, for what is usual."""
    hours: times.Hours
    """Only where tables are wanted; else ``busy``."""
    busy: Sequence[tuple[int, int, int]]
    """(weekday, 0 is Monday; hour; answers)."""
    records: Sequence[Record]
    """The answers of the period, newest first; only some thousands, for comparisons of single answers."""
    ratings: Sequence[Rating]
    now: datetime
    version: str
    lang: str = "en"
    demo: bool = False
    tables: bool = True
    """Also what only JSON and CSV tell: the days of a period that is told by weeks, and the footprint of each hour."""


def build(inputs: Inputs, settings: Any, assess: Callable[[Sequence[Activity], Any], Any]) -> Json:
    """
    Return the report's data: JSON values only.

    ``settings`` are ``tracker.footprint.Settings``; ``assess`` is ``tracker.footprint.assess``.
    """
    activities, period = list(inputs.span.activities), inputs.span.period
    assessed = assess(activities, settings)
    whole = rows.impacts_json(assessed.impacts())
    seen = coverage(activities, inputs.span.unread, inputs.span.refused, inputs.span.listening)
    weeks = [assess(week.activities, settings) for week in inputs.weeks]
    usual = drivers.usual_week(inputs.weeks, weeks)
    complete = period.is_complete(inputs.now.date())
    data: Json = {
        "schema": SCHEMA,
        "generator": drivers.generator(inputs.version, assessed),
        "generated_at": inputs.now.isoformat(timespec="seconds"),
        "language": inputs.lang,
        "demo": inputs.demo,
        "period": {
            "since": period.since.isoformat(), "until": period.until.isoformat(), "timezone": period.timezone,
            "complete": complete, "kind": period.kind, "name": period.name, "days": len(period.days),
        },
        "method": settings.method,
        "interval": "method range" if settings.method == "ecologits" else "p05-p95",
        "requests": sum(activity.requests for activity in activities),
        "questions": rows.questions(activities),
        "minutes_computing": _minutes(activities),
        "tokens": rows.tokens(activities),
        "impacts": whole,
        "previous": _previous(inputs.previous, seen, settings, assess),
        "what_if": {"zone": settings.zone} if settings.zone else None,
        "usual": usual,
        "by_day": rows.add_shown(drivers.add_unseen(times.by_day(activities, assessed, period), activities, assessed),
                                 whole)
        if inputs.tables or not times.is_weekly(period) else [],
        "by_week": rows.add_shown(times.by_week(activities, assessed, period), whole)
        if times.is_weekly(period) else [],
        "by_hour": rows.add_shown(times.by_hour(inputs.hours, lambda chosen: assess(chosen, settings)), whole)
        if inputs.tables else times.counts_by_hour(inputs.busy),
        "by_service": rows.add_shown(rows.by_service(activities, assessed), whole),
        "by_model": rows.add_shown(rows.by_model(activities, assessed, drivers.about_model(assessed)), whole),
        "by_feature": rows.by_feature(activities, assessed),
        "by_initiator": rows.add_shown(rows.by_initiator(activities, assessed), whole),
        "by_method": drivers.by_method(assessed),
        "components": drivers.components(assessed, usual),
        "drivers": drivers.ratios(assessed, whole, weeks),
        "levers": [],
        "equivalents": everyday(whole, inputs.lang),
        "context": context(whole, period, inputs.now.date(), assessed),
        "worth": worth(inputs.records, inputs.ratings, lambda chosen: assess_records(chosen, settings, assess)),
        "coverage": seen,
        "quality": drivers.quality(assessed, activities),
        "spread": assessed.spread(),
        "scope": drivers.scope(settings),
    }  # fmt: skip
    data["sources"] = drivers.sources([*assessed.sources(), *sources_of(data["equivalents"], data["context"])])
    data["envelope"] = _envelope(data)
    data["finding"] = find(data)
    if data["requests"]:
        from tracker.report.levers import levers

        data["levers"] = levers(inputs.records, assessed, whole, assess)
    return rows.keep_all(data)  # type: ignore[no-any-return]  # a dict stays a dict


def assess_records(records: Sequence[Record], settings: Any, assess: Callable[[Sequence[Activity], Any], Any]) -> Any:
    """Assess single answers as activities of their own."""
    from tracker.report.single import as_activity

    return assess([as_activity(record) for record in records], settings)


def _previous(span: Span, seen: Json, settings: Any, assess: Callable[[Sequence[Activity], Any], Any]) -> Json:
    activities = list(span.activities)
    before = coverage(activities, span.unread, span.refused, span.listening)
    return {
        "since": span.period.since.isoformat(),
        "until": span.period.until.isoformat(),
        "requests": sum(activity.requests for activity in activities),
        "questions": rows.questions(activities),
        "tokens": rows.tokens(activities),
        "impacts": rows.impacts_json(assess(activities, settings).impacts()),
        "coverage": before["seen"],
        "comparable": bool(activities) and comparable(seen, before),
    }


def _minutes(activities: Sequence[Activity]) -> float | None:
    if not any(activity.duration_known for activity in activities):
        return None
    person = [activity for activity in activities if activity.initiator == "person"]
    return keep(sum(activity.duration_ms for activity in person) / 60_000)


def _envelope(data: Json) -> Json | None:
    """Return the range from the lowest end of any method to the highest; None where one method was chosen."""
    whole_ones = [item["impacts"]["energy_wh"] for item in data["by_method"] if item["covered_share"] > 0.999]
    spans = [span for span in whole_ones if span["mid"] > 0]  # a method that covers a part says nothing of the whole
    if data["method"] is not None or len(spans) < 2:
        return None
    whole = data["impacts"]["energy_wh"]
    return {
        "low": min([span["low"] for span in spans] + [whole["low"]]),
        "high": max([span["high"] for span in spans] + [whole["high"]]),
    }
