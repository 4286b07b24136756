"""No published group, nor a sum or difference of published groups, is smaller or more lopsided than the rules allow."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.team.privacy import LEAST_PEOPLE, OTHER, Row, is_safe, partition, rounded

rows = st.lists(
    st.builds(
        Row,
        person=st.integers(0, 25).map(lambda number: f"p{number}"),
        key=st.tuples(st.sampled_from("abcd"), st.sampled_from("mno"), st.sampled_from("xy")),
        weights=st.tuples(st.integers(0, 1000).map(float), st.integers(0, 10**6).map(float)),
    ),
    max_size=120,
)
modest = settings(max_examples=150, deadline=None)


@modest
@given(rows)
def test_every_cell_is_safe_and_every_row_is_in_exactly_one(week: list[Row]) -> None:
    cells = partition(week)
    assert all(is_safe(cell.rows) for cell in cells)
    if cells:
        assert sorted(map(id, week)) == sorted(id(row) for cell in cells for row in cell.rows)
    else:
        assert not week or not is_safe(week)


@modest
@given(rows)
def test_the_difference_of_any_two_published_sums_is_made_of_safe_cells(week: list[Row]) -> None:
    cells = partition(week)
    for first in "abcd":
        of_first = [cell for cell in cells if cell.key[0] == first]
        for second in "mno":
            rest = [cell for cell in of_first if cell.key[1] != second]
            assert all(is_safe(cell.rows) for cell in rest)
            people = {row.person for cell in rest for row in cell.rows}
            assert not rest or len(people) >= LEAST_PEOPLE


@modest
@given(rows, st.randoms(use_true_random=False))
def test_the_same_week_in_any_order_gives_the_same_cells(week: list[Row], random: object) -> None:
    shuffled = list(week)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    def told(cells: list) -> list:
        return sorted((cell.key, cell.people, len(cell.rows)) for cell in cells)

    assert told(partition(week)) == told(partition(shuffled))


def test_a_small_group_takes_the_next_smallest_with_it_so_that_it_cannot_be_subtracted() -> None:
    week = [Row(f"a{n}", ("a",), (1.0,)) for n in range(20)]
    week += [Row(f"b{n}", ("b",), (1.0,)) for n in range(6)]
    week += [Row(f"c{n}", ("c",), (1.0,)) for n in range(2)]
    cells = {cell.key: cell.people for cell in partition(week)}
    assert cells == {("a",): 20, (OTHER,): 8}


def test_a_heavy_user_is_hidden_among_others() -> None:
    week = [Row(f"a{n}", ("a",), (1.0,)) for n in range(5)] + [Row("heavy", ("a",), (50.0,))]
    week += [Row(f"b{n}", ("b",), (10.0,)) for n in range(12)]
    assert [cell.key for cell in partition(week)] == [(OTHER,)]


def test_a_group_below_k_is_not_shown_at_all() -> None:
    assert partition([Row(f"p{n}", ("a",), (1.0,)) for n in range(4)]) == []
    assert partition([Row(f"p{n}", ("a",), (1.0,)) for n in range(5)], least_people=3) != []
    assert partition([Row(f"p{n}", ("a",), (1.0,)) for n in range(4)], least_people=3) == []


def test_counts_are_shown_in_fives() -> None:
    assert [rounded(n) for n in (0, 2, 3, 7, 8, 12.6)] == [0, 0, 5, 5, 10, 15]
