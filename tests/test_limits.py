"""Budgets are counted, told and held; pauses pass; settings that do not fit are named."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_store import make_at
from tracker import limits
from tracker.budget import Budget
from tracker.footprint import assess, choose
from tracker.record import FEATURES, Feature
from tracker.settings import SCHEMA, Settings, SettingsError, find, load, parse, settings_path
from tracker.settings_file import save, to_toml
from tracker.store import Store, StoreError

NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)


def record(number: int, **changes: object):
    return make_at(NOW + timedelta(seconds=number), number, **changes)


def allow(store: Store, *budgets: Budget) -> None:
    save(store.path, Settings(budgets=budgets))


def test_without_limits_everything_is_recorded(store: Store) -> None:
    assert limits.verdict(store, "chatgpt", NOW) == limits.Verdict("record")


@pytest.mark.parametrize(("unit", "used"), [("questions", 3), ("minutes", 4 * 90_000 / 60_000), ("tokens", 4 * 110)])
def test_a_budget_counts_its_unit(store: Store, unit: str, used: float) -> None:
    allow(store, Budget(100, unit, "day"))
    store.add([record(n, duration_ms=90_000, initiator="agent" if n == 3 else "person") for n in range(4)])
    (standing,) = limits.standings(store, NOW)
    assert standing.used == pytest.approx(used)


def test_a_budget_counts_only_its_service_feature_and_period(store: Store) -> None:
    research = (Feature("deep_research", "used", 1),)
    allow(store, Budget(2, "questions", "week", "chatgpt", "deep_research"))
    store.add([record(1, features=research), record(2), record(3, features=research, service="gemini")])
    store.add([make_at(NOW - timedelta(days=7), 9000, features=research)])
    (standing,) = limits.standings(store, NOW)
    assert standing.used == 1
    assert standing.share == 0.5


def test_a_used_budget_holds_only_by_choice_and_only_its_service(store: Store) -> None:
    allow(store, Budget(1, "questions", "day"), Budget(1, "questions", "day", "claude", hold=True))
    store.add([record(1), record(2, service="claude")])
    assert limits.verdict(store, "chatgpt", NOW).action == "record"
    held = limits.verdict(store, "claude", NOW)
    assert held.action == "hold"
    assert "1 questions a day on claude" in held.reason


def test_a_hold_can_be_lifted_for_an_hour(store: Store) -> None:
    allow(store, Budget(1, "questions", "day", hold=True))
    store.add([record(1)])
    assert limits.verdict(store, "chatgpt", NOW).action == "hold"
    limits.continue_for(store, timedelta(hours=1), NOW)
    assert limits.verdict(store, "chatgpt", NOW + timedelta(minutes=59)).action == "record"
    assert limits.verdict(store, "chatgpt", NOW + timedelta(minutes=61)).action == "hold"


def test_a_budget_is_new_on_the_next_day(store: Store) -> None:
    allow(store, Budget(1, "questions", "day", hold=True))
    store.add([record(1)])
    assert limits.verdict(store, "chatgpt", NOW + timedelta(days=1)).action == "record"


def test_each_notice_is_told_once(store: Store) -> None:
    allow(store, Budget(5, "questions", "day"))
    told = []
    for number in range(6):
        store.add([record(number)])
        told += [round(standing.share, 1) for standing in limits.due_notices(store, NOW)]
        assert limits.due_notices(store, NOW) == []
    assert told == [0.8, 1.0]


@pytest.mark.parametrize("damage", ["", "much"])
def test_a_damaged_note_of_what_was_told_is_a_sentence(store: Store, damage: str) -> None:
    allow(store, Budget(1, "questions", "day"))
    store.add([record(1)])
    assert len(limits.due_notices(store, NOW)) == 1
    with store.writing() as connection:
        assert connection.execute("UPDATE meta SET value = ? WHERE key LIKE 'told:%'", (damage,)).rowcount == 1
    with pytest.raises(StoreError, match="changed by another program"):
        limits.due_notices(store, NOW)


def test_a_pause_passes_until_it_ends_and_wins_over_a_hold(store: Store) -> None:
    allow(store, Budget(1, "questions", "day", hold=True))
    store.add([record(1)])
    limits.pause(store, "", timedelta(hours=2), NOW)
    assert limits.verdict(store, "chatgpt", NOW + timedelta(hours=1)).action == "pass"
    assert limits.verdict(store, "chatgpt", NOW + timedelta(hours=2)).action == "hold"
    assert limits.resume(store, "", NOW + timedelta(hours=1))
    assert limits.verdict(store, "chatgpt", NOW + timedelta(hours=1)).action == "hold"


def test_one_service_can_be_paused(store: Store) -> None:
    limits.pause(store, "claude", timedelta(hours=2), NOW)
    assert limits.verdict(store, "claude", NOW).action == "pass"
    assert limits.verdict(store, "chatgpt", NOW).action == "record"


@settings(max_examples=50, deadline=None)
@given(
    st.builds(
        Budget,
        st.floats(0.1, 1e9),
        st.sampled_from(["questions", "minutes", "tokens", "wh"]),
        st.sampled_from(["day", "week"]),
        st.none() | st.text(min_size=1, max_size=20).filter(lambda text: text.isprintable()),
        st.none() | st.sampled_from(FEATURES),
        st.booleans(),
    ),
    st.text(max_size=30).filter(lambda text: "\r" not in text and text.isprintable()),
)
def test_settings_are_read_as_they_were_written(tmp_path_factory, budget: Budget, words: str) -> None:
    db = tmp_path_factory.mktemp("settings") / "a.db"
    values = {"language": "nb", "proxy.upstream_ca": words, "proxy.open": ("gemini", "a b"), "proxy.port": 5000}
    wanted = Settings(values, (budget,))
    save(db, wanted)
    assert load(db) == wanted


def test_the_file_explains_every_key(tmp_path: Path) -> None:
    text = to_toml(Settings())
    for setting in SCHEMA:
        assert setting.meaning in text
    assert load(tmp_path / "none.db").get("proxy.port") == 47821


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('languag = "nb"', "languag · did you mean language?"),
        ('[proxy]\nport = "high"', "proxy.port · it takes 1024 to 65535"),
        ("[proxy]\nport = 80", "proxy.port · it takes 1024 to 65535"),
        ("language = \nx = 1", "line 1"),
        ("[[budgets]]\namount = 0\nunit = 'wh'", "budget does not fit"),
        ("[[budgets]]\namount = 1\nunit = ['wh']", "budget does not fit"),
        ("[[budgets]]\namount = 1\nunit = 'wh'\nfeature = []", "budget does not fit"),
        ("budgets = 3", "budget does not fit"),
    ],
)
def test_settings_that_do_not_fit_are_named(tmp_path: Path, content: str, words: str) -> None:
    path = settings_path(tmp_path / "klimaspor.db")
    path.write_text(content)
    with pytest.raises(SettingsError) as error:
        load(tmp_path / "klimaspor.db")
    assert words in str(error.value)
    assert path.name in str(error.value)


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [("proxy.port", "5000", 5000), ("report.extensions", "off", False), ("proxy.open", "a, b", ("a", "b"))],
)
def test_what_a_person_types_becomes_a_value(key: str, text: str, value: object) -> None:
    assert parse(find(key), text) == value


def test_every_setting_is_documented(tmp_path: Path) -> None:
    text = (Path(__file__).parents[1] / "docs" / "settings.md").read_text()
    for setting in SCHEMA:
        assert f"| `{setting.key}` |" in text
        assert setting.meaning in text
    (example,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    settings_path(tmp_path / "a.db").write_text(example)
    assert load(tmp_path / "a.db").budgets == (Budget(2, "questions", "week", None, "deep_research"),)


def test_a_budget_of_energy_is_counted_by_the_settings_of_the_report(store: Store) -> None:
    store.add([record(n, output_tokens_source="counted", reasoning_tokens_source="unknown") for n in range(3)])
    used = []
    for values in ({}, {"report.method": "flop"}):
        save(store.path, Settings(values, budgets=(Budget(100, "wh", "day"),)))
        (standing,) = limits.standings(store, NOW)
        report = assess(store.activities(standing.since, standing.until), choose(load(store.path).get))
        assert standing.used == pytest.approx(report.impacts().energy_wh.mid)
        used.append(standing.used)
    assert used[0] > 0
    assert used[0] != pytest.approx(used[1])
