"""Periods: ISO weeks, the last days, two dates; what they are compared with."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.report.period import Period, PeriodError, between, iso_week, last, usual_choice, zone_name

TODAY = date(2026, 11, 25)


@pytest.mark.parametrize(
    ("text", "since"),
    [("2026-W47", date(2026, 11, 16)), ("2026W01", date(2025, 12, 29)), ("2020-w53", date(2020, 12, 28))],
)
def test_a_week_has_its_iso_days(text: str, since: date) -> None:
    week = iso_week(text, "UTC")
    assert (week.since, (week.until - week.since).days, week.kind) == (since, 7, "week")


@pytest.mark.parametrize("text", ["2026-W54", "2025-W53", "W47", "47", "", "2026-W0", "99999-W01", "2026-W47x"])
def test_a_week_that_does_not_exist_is_a_sentence(text: str) -> None:
    with pytest.raises(PeriodError, match="is not a week"):
        iso_week(text, "UTC")


@settings(deadline=None, max_examples=50)
@given(st.dates(date(1990, 1, 1), date(2200, 1, 1)))
def test_the_name_of_a_week_leads_back_to_it(day: date) -> None:
    monday = day - timedelta(days=day.weekday())
    week = Period(monday, monday + timedelta(days=7), "UTC", "week")
    assert iso_week(week.name, "UTC") == week


def test_last_counts_today() -> None:
    period = last("7d", TODAY, "UTC")
    assert (period.since, period.until) == (date(2026, 11, 19), date(2026, 11, 26))
    assert len(last("2w", TODAY, "UTC").days) == 14


@pytest.mark.parametrize("text", ["0d", "7", "seven", "-1d", "9999w", "d"])
def test_a_length_that_is_none_is_a_sentence(text: str) -> None:
    with pytest.raises(PeriodError, match="length"):
        last(text, TODAY, "UTC")


def test_until_is_left_out() -> None:
    period = between("2026-11-01", "2026-11-03", TODAY, "UTC")
    assert period.days == [date(2026, 11, 1), date(2026, 11, 2)]
    assert between("2026-11-16", "2026-11-23", TODAY, "UTC").kind == "week"


@pytest.mark.parametrize(
    ("since", "until"), [("2026-11-03", "2026-11-03"), (None, "2026-11-03"), ("yesterday", None), ("1900-01-01", None)]
)
def test_days_that_make_no_period_are_a_sentence(since: str | None, until: str | None) -> None:
    with pytest.raises(PeriodError):
        between(since, until, TODAY, "UTC")


def test_a_running_week_is_compared_with_the_same_days() -> None:
    before = iso_week("2026-W48", "UTC").before(TODAY)
    assert (before.since, before.until) == (date(2026, 11, 16), date(2026, 11, 19))


def test_a_finished_week_is_compared_with_the_whole_week_before() -> None:
    assert iso_week("2026-W47", "UTC").before(TODAY) == iso_week("2026-W46", "UTC")


def test_the_usual_choice_is_the_last_finished_week_if_anything_was_recorded() -> None:
    assert usual_choice(TODAY, date(2026, 11, 20), "UTC").name == "2026-W47"
    assert usual_choice(TODAY, date(2026, 11, 23), "UTC").name == "2026-W48"
    assert usual_choice(TODAY, None, "UTC").name == "2026-W48"


def test_the_weeks_before_are_whole_and_nearest_first() -> None:
    names = [week.name for week in iso_week("2026-W02", "UTC").weeks_before(3)]
    assert names == ["2026-W01", "2025-W52", "2025-W51"]


def test_the_zone_has_its_name_or_its_offset() -> None:
    assert zone_name(datetime(2026, 11, 25, tzinfo=ZoneInfo("Europe/Oslo"))) == "Europe/Oslo"
    assert zone_name(datetime(2026, 11, 25, tzinfo=UTC)) == "UTC"
    assert zone_name(datetime(2026, 11, 25, tzinfo=timezone(timedelta(hours=-3, minutes=-30)))) == "UTC-03:30"
