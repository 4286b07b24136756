"""A device's message comes through unchanged, and whatever else comes is refused in one sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.team_demo import rows_of
from tracker.team.message import MOST_BYTES, BatchError, decode, encode
from tracker.team.week import FRACTIONS, KEYS, SUMS, Batch

modest = settings(max_examples=150, deadline=None)
WHOLE = Batch(pseudonym="a" * 32, unit="town/health", week="2026-11-02", revision=1, coverage=0.5,
              rows=tuple(rows_of(3, 1)))  # fmt: skip
COLUMNS = (*KEYS, *SUMS)
odd = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.lists(st.integers(), max_size=3),
    st.sampled_from([10**400, -1, 1e25, float("nan"), float("inf"), "ask me", "gpt-4o my secret project", {}]),
)  # fmt: skip


def test_a_message_comes_through_unchanged() -> None:
    assert len(WHOLE.rows) > 3
    assert decode(encode(WHOLE)) == WHOLE


@modest
@given(st.binary(max_size=2000))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(BatchError):
        decode(data)


@modest
@given(st.integers(0, len(WHOLE.rows) - 1), st.integers(0, len(COLUMNS) - 1), odd)
def test_a_value_of_another_form_is_refused_and_a_fitting_one_is_kept(row: int, column: int, value: Any) -> None:
    told = json.loads(encode(WHOLE))
    told["rows"][row][column] = value
    try:
        batch = decode(json.dumps(told).encode())
    except BatchError:
        return
    kept = getattr(batch.rows[row], COLUMNS[column])
    assert kept == value
    if column >= len(KEYS):
        assert type(kept) is int or (type(kept) is float and COLUMNS[column] in FRACTIONS)
        assert 0 <= kept <= 1e24
    else:
        assert isinstance(kept, str)
        assert " " not in kept.replace(".used ", "").replace(".asked ", "")


def test_the_sentence_does_not_repeat_what_the_message_held() -> None:
    for place, word in ((0, "my secret project"), (2, "gpt my secret project"), (5, "my.secret.project")):
        told = json.loads(encode(WHOLE))
        told["rows"][0][place] = word
        with pytest.raises(BatchError) as refused:
            decode(json.dumps(told).encode())
        assert "secret" not in str(refused.value)


@modest
@given(st.sampled_from(sorted(json.loads(encode(WHOLE)))), odd)
def test_a_head_of_another_form_is_refused(name: str, value: Any) -> None:
    told = json.loads(encode(WHOLE)) | {name: value}
    try:
        batch = decode(json.dumps(told).encode())
    except BatchError:
        return
    if name == "columns":
        raise AssertionError("no odd value is the list of columns")
    assert getattr(batch, name) == (tuple(value) if name == "rows" else value)


def test_two_rows_of_one_kind_and_repeated_features_are_refused() -> None:
    told = json.loads(encode(WHOLE))
    twice = told | {"rows": [told["rows"][0]] * 2}
    with pytest.raises(BatchError, match="two rows of one kind"):
        decode(json.dumps(twice).encode())
    told["rows"][0][KEYS.index("features")] = "file_input.used file_input.used"
    with pytest.raises(BatchError, match="features"):
        decode(json.dumps(told).encode())


def test_a_date_that_only_python_understands_and_a_switch_for_a_number_are_refused() -> None:
    told = json.loads(encode(WHOLE))
    for name, value in (("week", "2026-W45-1"), ("coverage", True), ("revision", True), ("revision", 1.0)):
        with pytest.raises(BatchError, match="another form"):
            decode(json.dumps(told | {name: value}).encode())


def test_features_are_told_in_one_way_only() -> None:
    told = json.loads(encode(WHOLE))
    one, other = "file_input.used", "web_search.used"
    for text in (f"{one}\t{other}", f"{one}\n", f" {one}", f"{one}  {other}"):
        told["rows"][0][KEYS.index("features")] = text
        with pytest.raises(BatchError, match="features"):
            decode(json.dumps(told).encode())


def test_a_batch_that_is_too_large_is_refused_before_it_is_read() -> None:
    with pytest.raises(BatchError, match="too large"):
        decode(encode(WHOLE) + b" " * MOST_BYTES)
