"""From the sums of a period to the report's data: the JSON that every view is a view of (docs/report.schema.json)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tracker.footprint import Assessment, Settings, assess
from tracker.footprint.comparison import envelope
from tracker.record import Activity
from tracker.report import drivers, provenance, rows, times
from tracker.report.coverage import comparable, coverage
from tracker.report.finding import find
from tracker.report.inputs import Inputs, Span
from tracker.report.levers import levers
from tracker.report.surroundings import context, everyday, sources_of
from tracker.report.worth import worth

Json = dict[str, Any]
SCHEMA = 1


def build(inputs: Inputs, settings: Settings) -> Json:
    """Return the report's data: JSON values only."""
    span, today = inputs.span, inputs.now.date()
    assessed = assess(span.activities, settings)
    weeks = [assess(week.activities, settings) for week in inputs.weeks]
    whole = rows.impacts_json(assessed.impacts())
    seen = _seen(span)
    usual = drivers.usual_week(inputs.weeks, weeks)
    data: Json = {
        **_about(inputs, assessed),
        "requests": rows.requests(span.activities),
        "questions": rows.questions(span.activities),
        "minutes_computing": _minutes(span.activities),
        "tokens": rows.tokens(span.activities),
        "impacts": whole,
        "previous": _previous(inputs.previous, seen, settings),
        "what_if": {"zone": settings.zone} if settings.zone else None,
        "usual": usual,
        **_lists(inputs, assessed, whole),
        "by_method": drivers.by_method(assessed),
        "components": drivers.components(assessed, usual),
        "drivers": drivers.ratios(assessed, whole, weeks),
        "levers": levers(inputs.records, assessed, whole),
        "equivalents": everyday(whole, inputs.lang),
        "context": context(whole, span.period, today, assessed),
        "worth": worth(inputs.records, inputs.ratings, settings),
        "coverage": seen,
        "quality": provenance.quality(assessed),
        "spread": assessed.spread(),
        "scope": provenance.scope(settings),
    }
    used = [*assessed.sources(), *sources_of(data["equivalents"], data["context"])]
    data["sources"] = provenance.sources(used)
    data["envelope"] = envelope(whole, data["by_method"]) if settings.method is None else None
    data["finding"] = find(data)
    return rows.keep_all(data)  # type: ignore[no-any-return]  # a dict stays a dict


def _about(inputs: Inputs, assessed: Assessment) -> Json:
    """Return what made the report, when, of which days and by which method."""
    period, method = inputs.span.period, assessed.settings.method
    return {
        "schema": SCHEMA,
        "generator": provenance.generator(inputs.version, assessed),
        "generated_at": inputs.now.isoformat(timespec="seconds"),
        "language": inputs.lang,
        "demo": inputs.demo,
        "period": {
            "since": period.since.isoformat(), "until": period.until.isoformat(), "timezone": period.timezone,
            "complete": period.is_complete(inputs.now.date()), "kind": period.kind, "name": period.name,
            "days": len(period.days),
        },
        "method": method,
        "interval": "method range" if method == "ecologits" else "p05-p95",
    }  # fmt: skip


def _lists(inputs: Inputs, assessed: Assessment, whole: Json) -> Json:
    """Return the lists of rows: of those whose parts add up, each row's share of the whole as it is shown."""
    period = inputs.span.period
    weekly = times.is_weekly(period)

    def shown(listed: list[Json]) -> list[Json]:
        return rows.add_shown(listed, whole)

    return {
        "by_day": shown(times.by_day(assessed, period)) if inputs.tables or not weekly else [],
        "by_week": shown(times.by_week(assessed, period)) if weekly else [],
        "by_hour": shown(times.by_hour(inputs.hours, assessed.settings))
        if inputs.tables
        else times.counts_by_hour(inputs.busy),
        "by_service": shown(rows.by_service(assessed)),
        "by_model": shown(rows.by_model(assessed)),
        "by_feature": rows.by_feature(assessed),
        "by_initiator": shown(rows.by_initiator(assessed)),
    }


def _previous(span: Span, seen: Json, settings: Settings) -> Json:
    before = _seen(span)
    return {
        "since": span.period.since.isoformat(),
        "until": span.period.until.isoformat(),
        "requests": rows.requests(span.activities),
        "questions": rows.questions(span.activities),
        "tokens": rows.tokens(span.activities),
        "impacts": rows.impacts_json(assess(span.activities, settings).impacts()),
        "coverage": before["seen"],
        "comparable": bool(span.activities) and comparable(seen, before),
    }


def _seen(span: Span) -> Json:
    return coverage(span.activities, span.unread, span.refused, span.listening)


def _minutes(activities: Sequence[Activity]) -> float | None:
    if not any(activity.duration_known for activity in activities):
        return None
    return sum(activity.duration_ms for activity in activities if activity.initiator == "person") / 60_000
