"""Off, asleep, paused, stopped, down and passed through are told apart; only two of them are gaps."""

from __future__ import annotations

from datetime import UTC, date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.coverage import Moment, Span, cover
from tracker.heartbeat import this_moment
from tracker.limits import pause
from tracker.moments import local_midnight
from tracker.store import Store

DAY = date(2026, 11, 16)
START = local_midnight(DAY).astimezone(UTC)


def at(minutes: float, boot: str = "one", clock_minutes: float | None = None) -> Moment:
    clock = minutes if clock_minutes is None else clock_minutes
    return Moment(START + timedelta(minutes=minutes), boot, clock * 60)


def beat(store: Store, first: int, last: int, boot: str = "one", clock: float | None = None, *, stop: bool = False):
    for minute in range(first, last + 1):
        offset = 0 if clock is None else clock - first
        store.beat(at(minute, boot, minute + offset), clean_stop=stop and minute == last)


def minutes(store: Store, now: Moment) -> dict[str, float]:
    coverage = store.coverage(DAY, DAY + timedelta(days=1), now)
    kinds = ("recorded", "off_or_asleep", "paused", "down", "unknown")
    total = sum(getattr(coverage, f"{kind}_s") for kind in kinds)
    assert total == pytest.approx((min(coverage.until, now.at) - coverage.since).total_seconds())
    found = {kind: round(getattr(coverage, f"{kind}_s") / 60, 3) for kind in kinds}
    return {kind: value for kind, value in found.items() if value}


def test_beats_in_a_row_are_one_row(store: Store) -> None:
    beat(store, 0, 60)
    assert store.db["heartbeat"].count == 1
    assert minutes(store, at(60)) == {"recorded": 60}


def test_sleep_is_no_gap(store: Store) -> None:
    beat(store, 0, 60)
    beat(store, 180, 240, clock=61)  # the boot's clock stood still for two hours
    assert minutes(store, at(240, clock_minutes=121)) == {"recorded": 121, "off_or_asleep": 119}


def test_a_proxy_that_died_was_down(store: Store) -> None:
    beat(store, 0, 60)
    beat(store, 180, 240)
    assert minutes(store, at(240)) == {"recorded": 120, "down": 120}


def test_a_proxy_that_died_and_is_still_dead_is_down_until_now(store: Store) -> None:
    beat(store, 0, 60)
    assert minutes(store, at(100)) == {"recorded": 60, "down": 40}


def test_a_proxy_that_was_stopped_was_stopped_by_choice(store: Store) -> None:
    beat(store, 0, 60, stop=True)
    beat(store, 180, 240)
    assert minutes(store, at(240)) == {"recorded": 120, "paused": 120}


def test_a_computer_that_was_off_was_off(store: Store) -> None:
    beat(store, 0, 60, stop=True)
    beat(store, 180, 240, boot="two", clock=0.5)
    assert minutes(store, at(240, "two", 60.5)) == {"recorded": 120, "off_or_asleep": 119.5, "paused": 0.5}


def test_a_computer_that_was_on_without_the_proxy_shows_it_as_down(store: Store) -> None:
    beat(store, 0, 60)
    beat(store, 180, 240, boot="two", clock=30)
    assert minutes(store, at(240, "two", 90)) == {"recorded": 120, "off_or_asleep": 90, "down": 30}


def test_a_pause_is_shown_as_chosen(store: Store) -> None:
    beat(store, 0, 120)
    pause(store, "", timedelta(minutes=30), START + timedelta(minutes=20))
    pause(store, "claude", timedelta(minutes=10), START + timedelta(minutes=20))
    assert minutes(store, at(120)) == {"recorded": 90, "paused": 30}
    (service,) = store.coverage(DAY, DAY + timedelta(days=1), at(120)).services
    assert (service.service, service.paused_s) == ("claude", 600)


def test_before_the_first_beat_nothing_is_known(store: Store) -> None:
    assert minutes(store, at(60)) == {"unknown": 60}
    beat(store, 60, 120)
    assert minutes(store, at(120)) == {"unknown": 60, "recorded": 60}


def test_what_passed_through_is_a_gap_of_its_service(store: Store) -> None:
    beat(store, 0, 120)
    store.note_passed_through("claude.ai", "claude", "refused", at(10).at, at(20).at)
    store.note_passed_through("claude.ai", "claude", "refused", at(10).at, at(40).at)
    coverage = store.coverage(DAY, DAY + timedelta(days=1), at(120))
    assert [(service.service, service.passed_through_s) for service in coverage.services] == [("claude", 1800)]


def test_a_day_before_shows_only_its_own_part(store: Store) -> None:
    for minute in (-2, -1, 0, 1):
        store.beat(at(minute, clock_minutes=100 + minute))
    assert minutes(store, at(1, clock_minutes=101)) == {"recorded": 1}


def test_this_computer_has_a_boot_and_a_clock() -> None:
    first, second = this_moment(), this_moment()
    assert first.boot_id == second.boot_id
    assert second.boot_clock_s >= first.boot_clock_s


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(-100, 3000), st.integers(0, 500), st.sampled_from("ab"), st.floats(0, 1e6), st.booleans()
        ),
        max_size=8,
    )
)
def test_no_clock_jump_breaks_the_sum(spans: list[tuple[int, int, str, float, bool]]) -> None:
    made = [
        Span(START + timedelta(minutes=begin), START + timedelta(minutes=begin + length), boot, clock, stop)
        for begin, length, boot, clock, stop in sorted(spans)
    ]
    found = cover(made, [], START, START + timedelta(days=1))
    for seconds in (found.recorded_s, found.off_or_asleep_s, found.paused_s, found.down_s, found.unknown_s):
        assert seconds >= 0
