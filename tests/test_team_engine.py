"""PostgreSQL holds the union of what devices sent, whatever came twice, late, revised or after somebody left."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.organisation import TODAY, UNITS, WEEK, fresh_schema, rows, use
from tracker.store import Store
from tracker.team import TeamError, loader
from tracker.team.engine import connect, read_published
from tracker.team.load import load
from tracker.team.loader import publish_due
from tracker.team.privacy import rounded
from tracker.team.publish import publish, read_week, write_published
from tracker.team.week import FIELDS, KEYS, SUMS, Batch, WeekRow, sum_week

pytestmark = pytest.mark.servers
EVERY = "SELECT pseudonym, week::text, service, requests, output_tokens FROM klimaspor.usage ORDER BY 1, 2, 3"


@pytest.fixture
def dsn(server: str) -> Iterator[str]:
    with fresh_schema(server) as made:
        yield made


def person(number: int) -> str:
    return f"{number + 1:032x}"


def batch(number: int, revision: int = 1, requests: int | None = None, week: str = WEEK) -> Batch:
    unit = sorted(UNITS)[number % len(UNITS)]
    amount = requests if requests is not None else 10 + number
    row = WeekRow(service="chatgpt", provider="openai", model="gpt-5-5", requests=amount, output_tokens=100 * amount,
                  output_known=amount)  # fmt: skip
    return Batch(pseudonym=person(number), unit=unit, week=week, revision=revision, coverage=0.9, rows=(row,))


sent = st.lists(
    st.tuples(
        st.integers(0, 9), st.sampled_from(["2026-10-26", WEEK]), st.integers(1, 4), st.booleans().map(lambda b: b)
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=sent, random=st.randoms(use_true_random=False), size=st.integers(1, 7))
def test_any_interleaving_of_duplicates_and_revisions_is_the_union_of_the_latest(
    server: str, sent: list, random: object, size: int
) -> None:
    messages = [batch(who, revision, 10 * revision + who, week) for who, week, revision, _ in sent]
    messages += [message for message, (_, _, _, twice) in zip(messages, sent, strict=True) if twice]
    random.shuffle(messages)  # type: ignore[attr-defined]
    with fresh_schema(server), connect(server) as connection:
        for start in range(0, len(messages), size):
            load(connection, messages[start : start + size])
        latest: dict[tuple[str, str], Batch] = {}
        for message in messages:
            key = (message.pseudonym, message.week)
            if key not in latest or message.revision > latest[key].revision:
                latest[key] = message
        expected = sorted(
            (one.pseudonym, one.week, row.service, row.requests, row.output_tokens)
            for one in latest.values()
            for row in one.rows
        )
        assert connection.execute(EVERY).fetchall() == expected


def test_two_loaders_at_once_are_the_union_too(dsn: str) -> None:
    everything = [batch(who, revision, 10 * revision + who) for who in range(60) for revision in (1, 2, 3)]

    def one_loader(seed: int) -> None:
        mine = everything.copy()
        random.Random(seed).shuffle(mine)
        with connect(dsn) as connection:
            for start in range(0, len(mine), 25):
                load(connection, mine[start : start + 25])

    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(one_loader, seed) for seed in range(3)]:
            done.result()
    expected = [(person(who), WEEK, "chatgpt", 30 + who, 100 * (30 + who)) for who in range(60)]
    assert sorted(rows(dsn, EVERY)) == sorted(expected)


def test_who_left_is_gone_at_once_and_does_not_come_back(dsn: str) -> None:
    gone = Batch(pseudonym=person(3), unit="city/health", week="1970-01-05", revision=1, tombstone=True)
    with connect(dsn) as connection:
        load(connection, [batch(number) for number in range(10)])
        load(connection, [gone])
        load(connection, [batch(3, revision=9)])  # an old outbox is played again
        left = {row[0] for row in connection.execute("SELECT pseudonym FROM klimaspor.batch").fetchall()}
        assert left == {person(number) for number in range(10)} - {person(3)}
        assert connection.execute(
            "SELECT count(*) FROM klimaspor.usage WHERE pseudonym = %s", (person(3),)
        ).fetchone() == (0,)


def test_who_leaves_while_a_second_loader_takes_their_week_does_not_stay(dsn: str) -> None:
    gone = Batch(pseudonym=person(3), unit="city/health", week="1970-01-05", revision=1, tombstone=True)
    with connect(dsn) as first, connect(dsn) as second, ThreadPoolExecutor(1) as pool:
        with first.transaction():
            load(first, [batch(3)])  # written, and not committed yet
            leaving = pool.submit(load, second, [gone])
            with pytest.raises(TimeoutError):
                leaving.result(0.3)
        leaving.result(30)
        assert second.execute("SELECT 1 FROM klimaspor.batch").fetchone() is None
        assert second.execute("SELECT 1 FROM klimaspor.usage").fetchone() is None


def test_a_key_arrives_whatever_signs_it_has(dsn: str) -> None:
    odd = WeekRow(service="a\\tb", provider="\\N", model='tab\there "and"', features="two\nlines\r\\.", requests=1)
    with connect(dsn) as connection:
        load(connection, [replace(batch(1), rows=(odd,))])
        (row,) = connection.execute(f"SELECT {', '.join(KEYS)} FROM klimaspor.usage".encode()).fetchall()
    assert row == odd.key


def test_who_left_is_absent_from_the_tables_files_after_a_vacuum(server: str, dsn: str) -> None:
    with connect(dsn) as connection:
        load(connection, [batch(number) for number in range(10)])
        load(connection, [Batch(pseudonym=person(7), unit="x", week="1970-01-05", revision=1, tombstone=True)])
        for table in ("batch", "usage", "tombstone"):
            connection.execute(f"VACUUM FULL klimaspor.{table}".encode())
        connection.execute("CHECKPOINT")
        (folder,) = connection.execute("SHOW data_directory").fetchone() or ("",)
        paths = [
            row[0]
            for table in ("batch", "usage", "tombstone")
            for row in connection.execute("SELECT pg_relation_filepath(%s)", (f"klimaspor.{table}",))
        ]
    files = {path: (Path(folder) / path).read_bytes() for path in paths}
    assert not any(person(7).encode() in data for data in files.values())
    assert any(person(6).encode() in data for data in files.values())


def test_the_database_has_no_field_beyond_the_allowed_ones(dsn: str) -> None:
    allowed = FIELDS | {
        "setting.key", "setting.value", "tombstone.digest", "tombstone.at", "cell.grid", "cell.path", "cell.people",
        "published.made_at", "published.people", "published.facts", "shown_unit.members", "access_log.at",
        "access_log.who", "access_log.what", "refused.day", "refused.reason", "refused.n",
    }  # fmt: skip
    columns = rows(
        dsn, "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'klimaspor'"
    )
    assert len(columns) > 30
    for table, column in columns:
        assert column in allowed or f"{table}.{column}" in allowed, f"{table}.{column}"


def test_a_published_week_never_changes_and_late_sums_do_not_get_in(dsn: str) -> None:
    with connect(dsn) as connection:
        load(connection, [batch(number) for number in range(12)])
        assert publish_due(connection, TODAY) == [WEEK]
        before = read_published(connection)[WEEK]
        load(connection, [batch(number, revision=2, requests=500) for number in range(12)])
        assert publish_due(connection, TODAY) == []
        assert read_published(connection)[WEEK] == before
        with pytest.raises(TeamError, match="a published week never changes"):
            write_published(connection, WEEK, publish(read_week(connection, WEEK), {}))


def test_of_two_loaders_that_publish_at_once_one_does(dsn: str) -> None:
    def publish_once(_: int) -> list[str]:
        with connect(dsn) as connection:
            return publish_due(connection, TODAY)

    with connect(dsn) as connection:
        load(connection, [batch(number) for number in range(12)])
    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(publish_once, range(3))) == [[], [], [WEEK]]


def test_what_a_second_loader_commits_while_a_week_is_published_is_not_half_in_it(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = loader.read_week

    def read_slowly(connection: object, week: str) -> object:
        read = real(connection, week)  # type: ignore[arg-type]  # a connection
        with connect(dsn) as second:
            load(second, [batch(number) for number in range(12, 20)])
            load(second, [batch(number, revision=2, requests=500) for number in range(12)])
        return read

    monkeypatch.setattr(loader, "read_week", read_slowly)
    with connect(dsn) as connection:
        load(connection, [batch(number) for number in range(12)])
        assert publish_due(connection, TODAY) == [WEEK]
        facts = read_published(connection)[WEEK]
    assert (facts["people"], facts["active_people"]) == (10, 10)
    assert facts["requests"] == rounded(sum(10 + number for number in range(12)))


def test_the_reporting_role_reads_published_weeks_only_and_every_look_is_logged(dsn: str) -> None:
    import psycopg

    with connect(dsn) as connection:
        load(connection, [batch(number) for number in range(12)])
        publish_due(connection, TODAY)
        connection.execute("SET ROLE klimaspor_report")
        assert list(read_published(connection)) == [WEEK]
        connection.execute("SELECT * FROM klimaspor.read_week(%s)", (WEEK,))
        for table in ("batch", "usage", "cell", "published", "access_log", "shown_unit"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"SELECT * FROM klimaspor.{table}".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM klimaspor.read_access_log()")
        connection.execute("RESET ROLE")
        connection.execute("SET ROLE klimaspor_staff")
        told = [row[2] for row in connection.execute("SELECT * FROM klimaspor.read_access_log()").fetchall()]
        assert told == ["weeks", "cells"]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            read_published(connection)
        connection.execute("RESET ROLE")
        connection.execute("SET ROLE klimaspor_load")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM klimaspor.access_log")


def test_fewer_than_five_people_are_told_nothing_but_that(dsn: str) -> None:
    with connect(dsn) as connection:
        load(connection, [batch(number) for number in range(4)])
        publish_due(connection, TODAY)
        facts = read_published(connection)[WEEK]
    assert facts["too_few"] is True
    assert facts["people"] is None
    assert not {"impacts", "by_service", "requests", "tokens"} & set(facts)


def test_the_report_is_the_footprint_of_all_devices_together(dsn: str, tmp_path: Path) -> None:
    from tracker.footprint import assess

    everything = []
    batches = []
    for number in range(12):
        with Store.open(tmp_path / f"{number}.db") as store:
            store.add(use(number, 30))
            activities = store.activities(date(2026, 11, 2), date(2026, 11, 9))
        everything += activities
        batches.append(replace(batch(number), rows=sum_week(activities)))
    with connect(dsn) as connection:
        load(connection, batches)
        publish_due(connection, TODAY)
        facts = read_published(connection)[WEEK]
    alone = assess(everything).impacts().to_json()
    assert facts["impacts"]["energy_wh"]["mid"] == pytest.approx(alone["energy_wh"]["mid"], rel=1e-6)
    for table in ("by_service", "by_model", "by_kind", "by_initiator", "by_unit"):
        parts = sum(row["impacts"]["energy_wh"]["mid"] for row in facts[table])
        assert parts == pytest.approx(facts["impacts"]["energy_wh"]["mid"], rel=1e-6), table


def test_old_rows_are_dropped_and_the_cells_stay(dsn: str) -> None:
    with connect(dsn) as connection:
        load(connection, [batch(number) for number in range(12)])
        publish_due(connection, TODAY)
        publish_due(connection, date(2026, 12, 20))
        assert connection.execute("SELECT count(*) FROM klimaspor.usage").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM klimaspor.shown_unit").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM klimaspor.cell").fetchone() != (0,)


def test_every_column_of_a_batch_arrives(dsn: str) -> None:
    full = WeekRow(**{name: "a" if name in KEYS else 7 for name in (*KEYS, *SUMS)})
    with connect(dsn) as connection:
        load(connection, [replace(batch(1), rows=(full,))])
        (row,) = connection.execute(f"SELECT {', '.join((*KEYS, *SUMS))} FROM klimaspor.usage".encode()).fetchall()
    assert row == ("a",) * len(KEYS) + (7,) * len(SUMS)


def test_a_server_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(TeamError, match="PostgreSQL cannot be used"), connect("postgresql://127.0.0.1:1/nothing"):
        raise AssertionError("there is no server")
