"""Records go in once, come out as they went in, and add up."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracker import sums
from tracker.moments import timestamp, utc_offset_minutes
from tracker.record import FEATURES, Feature, Record, Unread, identify
from tracker.store import Added, Rating, Store

MONDAY = date(2026, 11, 16)


def make(number: int = 0, **changes: object) -> Record:
    start = datetime(2026, 11, 16, 9, tzinfo=UTC) + timedelta(minutes=number)
    plain = Record(
        id=identify(b"key", "chatgpt", str(number)),
        started_at=timestamp(start),
        service="chatgpt",
        provider="openai",
        response_model="gpt-5",
        input_tokens=10,
        output_tokens=100,
        input_tokens_source="counted",
        output_tokens_source="counted",
        reader="chatgpt/1",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def make_at(moment: datetime, number: int = 0, **changes: object) -> Record:
    """Make a record of that moment, and of the day that it is on this computer."""
    return make(number, started_at=timestamp(moment), utc_offset_minutes=utc_offset_minutes(moment), **changes)


def test_the_file_is_for_its_owner_only(store: Store) -> None:
    store.add([make()])
    for path in store.path.parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700


def test_a_folder_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    Store.open(tmp_path / "a.db").close()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_what_goes_in_comes_out(store: Store) -> None:
    record = make(features=(Feature("reasoning", "asked"), Feature("web_search", "used", 3)), media_seconds=1.5)
    assert store.add([record]) == Added(new=1)
    assert list(store.records()) == [record]
    assert store.record(record.id[:6]) == record
    assert store.record("") == record
    assert store.record("zz") is None


def test_the_same_answer_twice_changes_nothing(store: Store) -> None:
    assert store.add([make(), make()]) == Added(new=1, known=1)
    assert store.add([make(output_tokens=100)]) == Added(known=1)
    assert store.add([make(output_tokens=50)]) == Added(known=1)
    assert [record.revision for record in store.records()] == [1]


def test_a_more_complete_reading_replaces_the_row_and_its_features(store: Store) -> None:
    cut = make(outcome="aborted", output_tokens=500, features=(Feature("tool", "used", 1),))
    whole = make(output_tokens=200, features=(Feature("reasoning", "used", 1),))
    longer = make(output_tokens=300)
    assert store.add([cut]) == Added(new=1)
    assert store.add([whole]) == Added(replaced=1)
    assert store.add([cut]) == Added(known=1)
    assert store.add([longer, whole]) == Added(replaced=1, known=1)
    assert list(store.records()) == [replace(longer, revision=3)]


def test_days_and_hours_are_the_persons_own(store: Store) -> None:
    late = make(started_at="2026-11-16T23:30:00.000Z", utc_offset_minutes=60)
    store.add([late])
    assert store.first_day() == MONDAY + timedelta(days=1)
    ((weekday, hour, activity),) = store.activities_by_hour(MONDAY, MONDAY + timedelta(days=7))
    assert (weekday, hour, activity.day) == (1, 0, "2026-11-17")
    assert store.activities(MONDAY, MONDAY + timedelta(days=1)) == []


@pytest.mark.parametrize("offset", [-720, -90, 0, 60, 840])
@pytest.mark.parametrize("newest_first", [True, False])
def test_records_are_found_by_the_persons_own_days(store: Store, offset: int, *, newest_first: bool) -> None:
    store.add(make(n * 60, utc_offset_minutes=offset) for n in range(-40, 90))
    span = (MONDAY, MONDAY + timedelta(days=2))
    found = list(store.records(*span, newest_first=newest_first))
    activities = store.activities(*span)
    assert len(found) == sum(activity.requests for activity in activities) == 48
    assert [r.started_at for r in found] == sorted((r.started_at for r in found), reverse=newest_first)
    assert len(list(store.records(limit=7))) == 7
    assert len(list(store.records())) == 130


def test_unknown_is_not_zero_in_the_sums(store: Store) -> None:
    store.add([make(0, reasoning_tokens=0), make(1, reasoning_tokens=None), make(2, reasoning_tokens=40)])
    (activity,) = store.activities(MONDAY, MONDAY + timedelta(days=1))
    assert (activity.requests, activity.reasoning_tokens, activity.reasoning_known) == (3, 40, 2)


def test_sums_hold_features_amounts_and_squares(store: Store) -> None:
    features = (Feature("web_search", "used", 2), Feature("web_search", "asked"))
    store.add([make(n, features=features, input_tokens=8000 + n, output_tokens=3) for n in range(1, 4)])
    (activity,) = store.activities(MONDAY, MONDAY + timedelta(days=1))
    assert activity.features == (("web_search", "asked"), ("web_search", "used"))
    assert activity.feature_amounts == (("web_search", "used", 6),)
    assert activity.long_input_squared == 1 + 4 + 9
    assert activity.output_squared == 27


def test_history_that_a_site_sends_again_is_summed_over_the_conversation(store: Store) -> None:
    store.add([make(n, conversation="c" * 32) for n in range(3)])
    store.add([make(n, conversation="d" * 32, input_tokens_source="reported") for n in range(10, 13)])
    store.add([make(n) for n in range(20, 23)])
    earlier = {a.input_tokens_source: a.earlier_tokens for a in store.activities(MONDAY, MONDAY + timedelta(days=1))}
    assert earlier == {"counted": 110 + 220, "reported": 0}


def test_history_reaches_back_before_the_period(store: Store) -> None:
    week_before = make(1, conversation="c" * 32, started_at="2026-11-09T09:00:00.000Z")
    store.add([week_before, make(2, conversation="c" * 32)])
    (activity,) = store.activities(MONDAY, MONDAY + timedelta(days=1))
    assert activity.earlier_tokens == 110


def test_unread_refused_and_ratings_are_kept(store: Store) -> None:
    item = Unread(day="2026-11-16", service="gemini", shape="a,b", reason="ValueError")
    store.add_unread([item, item])
    store.note_refused(MONDAY, "gemini", 2)
    store.note_refused("2026-11-16", "gemini")
    assert store.unread(MONDAY, MONDAY + timedelta(days=1)) == [replace(item, n=2)]
    (service,) = store.coverage(MONDAY, MONDAY + timedelta(days=1)).services
    assert (service.service, service.unread, service.refused) == ("gemini", 2, 3)
    store.rate(Rating("c" * 32, "conversation", 3, 10, "2026-11-16T10:00:00.000Z"))
    store.rate(Rating("c" * 32, "conversation", 5, None, "2026-11-16T11:00:00.000Z"))
    assert [(rating.worth, rating.minutes_saved) for rating in store.ratings()] == [(5, None)]


def test_a_persons_words_in_a_model_name_are_not_stored(store: Store) -> None:
    store.add([make(request_model="gpt-4o-kanarifugl", response_model="kanarifugl")])
    (record,) = store.records()
    assert (record.request_model, record.response_model) == ("gpt-4o", "custom")
    store.close()
    assert b"kanarifugl" not in b"".join(path.read_bytes() for path in store.path.parent.iterdir())


def requests_by_hour(store: Store) -> list[tuple[int, int, int]]:
    with store.reading() as connection:
        return sums.requests_by_hour(connection, date(2026, 11, 1), date(2026, 12, 1))


def everything(store: Store) -> object:
    span = (date(2026, 11, 1), date(2026, 12, 1))
    return (
        store.activities(*span),
        store.activities_by_hour(*span),
        requests_by_hour(store),
        store.activities(MONDAY, MONDAY + timedelta(days=2)),
    )


def test_remembered_sums_are_those_of_the_records_whatever_comes_later(store: Store) -> None:
    talk = {"conversation": "c" * 32, "features": (Feature("tool", "used", 2), Feature("reasoning", "asked"))}
    first = [make(n * 7, **talk) for n in range(0, 900, 30)]
    late = [
        make(0, output_tokens=900, **talk),  # a fuller reading: later turns have more history now
        make(5, conversation="c" * 32, started_at="2026-11-15T10:00:00.000Z"),  # before all the others
        make(9999, **talk), make(3), make(4, input_tokens_source="reported"),
    ]  # fmt: skip
    for records in (first, late[:1], late[1:2], late[2:]):
        store.add(records)
        fresh = everything(store)
        store.remember_sums(MONDAY + timedelta(days=3))
        assert store.db["summed_days"].count > 0
        assert everything(store) == fresh
    store.db.execute("DELETE FROM requests WHERE service = 'nobody'")
    before = everything(store)
    sums.forget(store.db.conn)
    assert everything(store) == before


def test_many_new_records_leave_their_sums_behind(tmp_path: Path) -> None:
    with Store.open(tmp_path / "a.db") as store:
        store.add(make(n, started_at="2026-10-01T10:00:00.000Z") for n in range(3000))
    with Store.open(tmp_path / "a.db", readonly=True) as store:
        assert store.db["summed_days"].count == 1
        (activity,) = store.activities(date(2026, 10, 1), date(2026, 10, 2))
        assert activity.requests == 3000


NUMBERS = st.none() | st.integers(0, 10**6)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.builds(
            make,
            st.integers(0, 6000),
            input_tokens=NUMBERS,
            output_tokens=NUMBERS,
            reasoning_tokens=NUMBERS,
            duration_ms=NUMBERS,
            outcome=st.sampled_from(["complete", "aborted"]),
            utc_offset_minutes=st.integers(-720, 840),
            service=st.sampled_from(["chatgpt", "claude"]),
            features=st.lists(
                st.builds(Feature, st.sampled_from(FEATURES), st.just("used"), NUMBERS),
                max_size=3,
                unique_by=lambda f: f.feature,
            ).map(tuple),
        ),
        max_size=20,
        unique_by=lambda record: record.id,
    )
)
def test_sums_equal_the_sums_of_the_records(tmp_path: Path, records: list[Record]) -> None:
    with Store.open(tmp_path / f"{identify(b'', '', repr(records))}.db") as store:
        store.add(records)
        span = (date(2026, 11, 1), date(2026, 12, 1))
        for activities in (store.activities(*span), [a for _, _, a in store.activities_by_hour(*span)]):
            assert sum(a.requests for a in activities) == sum(n for *_, n in requests_by_hour(store)) == len(records)
            for name, known in {
                "input_tokens": "input_known", "output_tokens": "output_known",
                "reasoning_tokens": "reasoning_known", "duration_ms": "duration_known",
            }.items():  # fmt: skip
                values = [getattr(record, name) for record in records]
                assert sum(getattr(a, name) for a in activities) == sum(value or 0 for value in values)
                assert sum(getattr(a, known) for a in activities) == sum(value is not None for value in values)
            amounts = sum(n for a in activities for *_, n in a.feature_amounts)
            assert amounts == sum(f.amount or 0 for record in records for f in record.features)
