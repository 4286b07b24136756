"""A year of an organisation's reports gives nobody away to whoever subtracts them from each other."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import combinations, pairwise

import pytest

from tracker.team.privacy import LEAST_PEOPLE, Membership, rounded
from tracker.team.publish import Published, Week, publish
from tracker.team.week import WeekRow

PEOPLE, WEEKS = 500, 52
BOUND = 0.20
"""A group smaller than k is given away if its total is known to within this share."""
SERVICES = {"chatgpt": "gpt-5-5", "claude": "claude-opus-4-7", "gemini": "gemini-3.6-flash", "suno": "chirp-v5"}


@dataclass
class Person:
    name: str
    unit: str
    joined: int
    left: int
    appetite: float
    tastes: dict[str, float] = field(default_factory=dict)


def staff(dice: random.Random) -> list[Person]:
    """500 people in units of 3 to 60, with joiners, leavers, and one who uses more than anybody."""
    units = [f"city/d{number}/{kind}" for number in range(8) for kind in ("a", "b", "c", "d")]
    sizes = [dice.choice([3, 4, 6, 9, 14, 25, 60]) for _ in units]
    people = []
    for number in range(PEOPLE):
        unit = dice.choices(units, weights=sizes)[0]
        joined = dice.randrange(WEEKS) if dice.random() < 0.15 else 0
        left = dice.randrange(joined, WEEKS) if dice.random() < 0.15 else WEEKS
        tastes = {name: dice.random() ** 3 * weight for name, weight in zip(SERVICES, (1, 0.6, 0.3, 0.02), strict=True)}
        people.append(Person(f"{number:032x}", unit, joined, left, dice.lognormvariate(3.0, 1.0), tastes))
    people[7].appetite = 4000.0
    return people


def rows_of(person: Person, week: int, dice: random.Random) -> list[WeekRow]:
    rows = []
    for service, taste in person.tastes.items():
        count = int(person.appetite * taste * dice.lognormvariate(0, 0.5))
        if person.joined <= week < person.left and count:
            features = "file_input.used" if dice.random() < 0.1 else "reasoning.used" if dice.random() < 0.2 else ""
            rows.append(
                WeekRow(service=service, model=SERVICES[service], features=features, requests=count,
                        input_tokens=200 * count, output_tokens=400 * count, input_known=count, output_known=count)
            )  # fmt: skip
    return rows


@dataclass
class Shown:
    """What the attacker holds of a week (published), and the truth to check against."""

    published: Published
    truth: dict[str, list[WeekRow]]
    units: dict[str, str]


@pytest.fixture(scope="module")
def year() -> list[Shown]:
    dice = random.Random(2026)
    people, before, weeks = staff(dice), Membership({}), []
    for number in range(WEEKS):
        monday = (date(2025, 11, 24) + timedelta(weeks=number)).isoformat()
        members = {one.name: one.unit for one in people if one.joined <= number < one.left}
        truth = {one.name: rows_of(one, number, dice) for one in people if one.name in members}
        sums: dict[tuple[str, tuple[str, ...]], list[WeekRow]] = {}
        for name, rows in truth.items():
            for row in rows:
                sums.setdefault((members[name], row.key), []).append(row)
        week = Week(
            week=monday, members=members, coverage=0.9, shown=before,
            entries=[(name, row.key, (float(row.requests), float(row.output_tokens)))
                     for name, rows in truth.items() for row in rows],
            sums=[(unit, add(rows)) for (unit, _), rows in sums.items()],
        )  # fmt: skip
        published = publish(week, {})
        before = Membership(before.units | published.units)
        weeks.append(Shown(published, truth, members))
    return weeks


def add(rows: list[WeekRow]) -> WeekRow:
    first = rows[0]
    names = ("requests", "input_tokens", "output_tokens", "input_known", "output_known")
    return WeekRow(service=first.service, model=first.model, features=first.features,
                   **{name: sum(getattr(row, name) for row in rows) for name in names})  # fmt: skip


def test_no_published_cell_of_a_year_is_smaller_than_k(year: list[Shown]) -> None:
    cells = 0
    for shown in year:
        for grid, path, people, _ in shown.published.cells:
            cells += 1
            assert people >= LEAST_PEOPLE, (grid, path)
            assert people == rounded(people)
    assert cells > 10 * WEEKS  # the rule was not kept by showing nothing


def test_no_subset_of_cells_subtracted_from_the_whole_leaves_fewer_than_k_people(year: list[Shown]) -> None:
    """Within a week, everything published is a sum of disjoint cells: what subtraction reaches is again cells."""
    for shown in year[::6]:
        for grid in ("use", "unit"):
            cells = [cell for cell in shown.published.cells if cell[0] == grid]
            for left_out in [*combinations(cells, 1), *combinations(cells[:8], 2)]:
                rest = [cell for cell in cells if cell not in left_out]
                assert not rest or sum(cell[2] for cell in rest) >= LEAST_PEOPLE


def estimates(year: list[Shown]) -> Iterator[tuple[float, float]]:
    """
    The attack: from two weeks' totals of one cell, take the difference for what joined or left; yield (guess, truth).

    The attacker knows who joined and left each week, and to which unit they belong: fewer than k persons.
    """
    for before, after in pairwise(year):
        moved = set(before.truth) ^ set(after.truth)
        old = {cell[:2]: cell[3]["output_tokens"] for cell in before.published.cells if cell[0] == "unit"}
        new = {cell[:2]: cell[3]["output_tokens"] for cell in after.published.cells if cell[0] == "unit"}
        for key in old.keys() & new.keys():
            place = "/".join(part for part in key[1] if part not in {"*", ""})
            units = before.units | after.units
            few = {name for name in moved if units[name].startswith(place)}
            if 0 < len(few) < LEAST_PEOPLE:
                truth = sum(
                    row.output_tokens * (1 if name in before.truth else -1)
                    for name in few
                    for row in (before.truth.get(name) or after.truth.get(name) or [])
                )
                yield old[key] - new[key], truth


def test_joiners_and_leavers_cannot_be_told_from_the_difference_of_two_weeks(year: list[Shown]) -> None:
    guesses = [(guess, truth) for guess, truth in estimates(year) if truth]
    hits = sum(abs(guess - truth) <= BOUND * abs(truth) for guess, truth in guesses)
    # By chance a guess may be near; knowing that it is would take more. The median guess is off by more than the truth.
    errors = sorted(abs(guess - truth) / abs(truth) for guess, truth in guesses)
    assert not errors or hits / len(guesses) <= 0.1
    assert not errors or errors[len(errors) // 2] > 1.0


def test_a_unit_is_not_shown_by_itself_in_the_week_in_which_one_person_left_it(year: list[Shown]) -> None:
    for before, after in pairwise(year):
        for unit in after.published.units.keys() & before.published.units.keys():
            changed = before.published.units[unit] ^ after.published.units[unit]
            assert len(changed) == 0 or len(changed) >= LEAST_PEOPLE, unit


def test_the_heavy_user_makes_no_more_than_half_of_any_service_that_is_shown(year: list[Shown]) -> None:
    heavy, checked = f"{7:032x}", 0
    for shown in year:
        mine: dict[str, int] = {}
        for row in shown.truth.get(heavy, []):
            mine[row.service] = mine.get(row.service, 0) + row.output_tokens
        cells: dict[str, float] = {}
        for grid, path, _, sums in shown.published.cells:
            if grid == "use":
                cells[path[0]] = cells.get(path[0], 0) + sums["output_tokens"]
        for service in mine.keys() & cells.keys():
            checked += 1
            assert mine[service] <= 0.5 * cells[service], service
        assert sum(mine.values()) <= 0.5 * sum(cells.values()) or not cells
    assert checked > WEEKS // 2
