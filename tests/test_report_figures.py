"""Rounding and geometry: parts add up to what is shown, and nothing is drawn outside its frame."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.report import charts
from tracker.report.figures import apportion, keep, shown, shown_end, significant

amounts = st.floats(0, 1e7, allow_nan=False).map(lambda value: 0.0 if value < 1e-6 else value)
modest = settings(max_examples=80, deadline=None)


@modest
@given(st.lists(amounts, min_size=1, max_size=60))
def test_shown_parts_add_up_to_the_shown_total(parts: list[float]) -> None:
    whole = math.fsum(parts)
    shares = apportion(parts)
    assert math.isclose(math.fsum(shares), significant(whole, 3), rel_tol=1e-9, abs_tol=1e-12)
    assert all(share >= 0 for share in shares)


@modest
@given(st.lists(amounts, min_size=1, max_size=60))
def test_a_shown_part_is_never_a_whole_step_away_from_the_real_one(parts: list[float]) -> None:
    whole = math.fsum(parts)
    if whole == 0:
        return
    step = 10.0 ** (math.floor(math.log10(significant(whole, 3)) + 1e-9) - 2)
    assert all(
        abs(share - part) <= step * 1.001 + whole * 0.005 for share, part in zip(apportion(parts), parts, strict=True)
    )


def test_rounding_is_that_of_people() -> None:
    assert [significant(value, 2) for value in (0.125, 12.5, 99.6, 1049.0, 0.0)] == [0.13, 13.0, 100.0, 1000.0, 0.0]
    assert shown(437.4) == 437.0
    assert shown_end(2617.0) == 2600.0
    assert keep(None) is None
    assert keep(math.nan) is None
    assert keep(1 / 3) == 0.333333333


spans = st.tuples(amounts, amounts, amounts).map(sorted).map(lambda v: {"low": v[0], "mid": v[1], "high": v[2]})


@modest
@given(st.lists(spans, min_size=1, max_size=60), st.one_of(st.none(), amounts))
def test_columns_stay_inside_their_frame(values: list[dict[str, float]], usual: float | None) -> None:
    chart = charts.columns(values, [value["mid"] / 2 for value in values], usual)
    for column, value in zip(chart.columns, values, strict=True):
        assert 0 <= column.hidden_y <= column.y <= charts.HEIGHT
        assert math.isclose(column.hidden_y + column.hidden_height + column.height, charts.HEIGHT, abs_tol=0.11)
        assert 0 <= column.x < column.x + 6.8 <= chart.width
        assert chart.top >= value["mid"]
        assert all(column.hidden_y < y <= column.y for y in column.stripes)
    if usual is not None:
        assert 0 <= (chart.usual or 0) <= charts.HEIGHT


@modest
@given(spans, amounts)
def test_a_range_bar_stays_inside_its_frame_and_in_order(span: dict[str, float], more: float) -> None:
    bar = charts.range_bar(span, span["high"] + more, {"low": 0.0, "high": span["high"] + more})
    assert 0 <= bar.x <= bar.mid <= charts.WIDTH
    assert bar.x + bar.width <= charts.WIDTH + 1
    assert bar.envelope_x <= bar.x


@modest
@given(spans)
def test_a_bar_on_a_logarithmic_axis_stays_inside(span: dict[str, float]) -> None:
    bar = charts.log_bar(span, max(span["low"], 1e-9) / 1.1, max(span["high"], 1e-9) * 1.1)
    assert 0 <= bar.x <= bar.mid <= charts.WIDTH


@modest
@given(st.dictionaries(st.tuples(st.integers(1, 7), st.integers(0, 23)), st.floats(1, 1e6), max_size=168))
def test_circles_never_touch_and_show_every_hour_with_answers(hours: dict[tuple[int, int], float]) -> None:
    for weekday, row in enumerate(charts.bubbles(hours), 1):
        assert len(row) == 24
        for circle in row:
            assert circle.radius <= charts.COLUMN / 2
            assert (circle.radius > 0) == ((weekday, circle.hour) in hours)


@modest
@given(st.floats(1e-6, 1e12))
def test_the_top_of_a_chart_is_a_round_number_not_far_above(value: float) -> None:
    top = charts.nice_top(value)
    assert value * (1 - 1e-9) <= top <= value * 1.7


def test_the_longest_bar_fills_its_frame_and_the_smallest_can_be_seen() -> None:
    assert charts.share_bar(5, 5) == charts.WIDTH
    assert charts.share_bar(1e-9, 5) > 1
    assert charts.share_bar(0, 5) == charts.share_bar(1, 0) == 0
