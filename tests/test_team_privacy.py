"""No published group, nor a sum or difference of published groups, is smaller or more lopsided than the rules allow."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.team.privacy import LEAST_PEOPLE, OTHER, Roster, Row, is_safe, partition, rounded, settle_units

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


def members(**sizes: int) -> Roster:
    return Roster({unit.replace("_", "/"): frozenset(f"{unit}{n}" for n in range(k)) for unit, k in sizes.items()})


def test_a_unit_that_lost_one_person_waits_with_its_smallest_neighbour() -> None:
    before = members(city_health=20, city_roads=9, city_parks=30)
    now = members(city_health=19, city_roads=9, city_parks=30)
    assert settle_units(now, before) == {"city/health": "city", "city/roads": "city", "city/parks": "city/parks"}


def test_a_unit_that_changed_by_enough_people_or_not_at_all_is_shown() -> None:
    before = members(city_health=20, city_roads=9)
    assert settle_units(members(city_health=15, city_roads=9), before)["city/health"] == "city/health"
    assert settle_units(before, before) == {unit: unit for unit in before.units}
    assert settle_units(before, Roster({})) == {unit: unit for unit in before.units}


@modest
@given(
    st.dictionaries(st.sampled_from(["a/x", "a/y", "a/z", "b/x", "b/y"]), st.integers(1, 30), min_size=1),
    st.dictionaries(st.sampled_from(["a/x", "a/y", "a/z", "b/x", "b/y"]), st.integers(-4, 4)),
)
def test_no_unit_is_shown_by_itself_while_fewer_than_k_people_changed(sizes: dict, changes: dict) -> None:
    def people(unit: str, size: int) -> frozenset[str]:
        return frozenset(f"{unit}{n}" for n in range(size))

    before = Roster({unit: people(unit, size) for unit, size in sizes.items()})
    now = Roster({unit: people(unit, max(1, size + changes.get(unit, 0))) for unit, size in sizes.items()})
    for unit, place in settle_units(now, before).items():
        if 0 < len(now.units[unit] ^ before.units[unit]) < LEAST_PEOPLE:
            assert place != unit
