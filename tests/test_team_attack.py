"""A year of an organisation's reports gives nobody away to whoever subtracts them from each other."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import combinations, pairwise

import pytest

from tests.organisation import fresh_schema, postgres
from tracker.team import render
from tracker.team.engine import connect, read_cells, read_published
from tracker.team.privacy import (
    LEAST_PEOPLE,
    MOST_OF_ONE,
    MOST_OF_TWO,
    OTHER,
    Roster,
    partition,
    rounded,
    settle_units,
)
from tracker.team.publish import Published, Week, _to_rows, _unit_key, _use_key, publish, write_published
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
    atoms: list[tuple[str, int]]
    """(person, output tokens) of each kind of use of each person; sets of them are written as the bits of a number."""
    cells: dict[tuple[str, tuple[str, ...]], int]
    """(grid, path) → the atoms in it. This is the truth, which an attacker at best guesses."""

    def people(self, atoms: int) -> set[str]:
        return {self.atoms[place][0] for place in bits(atoms)}

    def tokens(self, atoms: int) -> int:
        return sum(self.atoms[place][1] for place in bits(atoms))

    def used(self, people: Iterable[str]) -> int:
        return sum(row.output_tokens for name in people for row in self.truth.get(name, []))


def bits(number: int) -> Iterator[int]:
    while number:
        yield (number & -number).bit_length() - 1
        number &= number - 1


@pytest.fixture(scope="module")
def year() -> list[Shown]:
    dice = random.Random(2026)
    people, before, weeks = staff(dice), Roster({}), []
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
        weeks.append(Shown(published, truth, members, *who_is_where(week, truth)))
        before = Roster(before.units | published.units)
    return weeks


def who_is_where(
    week: Week, truth: Mapping[str, list[WeekRow]]
) -> tuple[list[tuple[str, int]], dict[tuple[str, tuple[str, ...]], int]]:
    """Cut the week as ``publish`` does, and return the atoms, and which of them fell into which cell."""
    units: dict[str, set[str]] = {}
    for person, unit in week.members.items():
        units.setdefault(unit, set()).add(person)
    settled = settle_units(Roster({unit: frozenset(people) for unit, people in units.items()}), week.shown)
    atoms = [(person, row.output_tokens) for person, rows in truth.items() for row in rows]
    places = {person: _unit_key(settled[unit]) for person, unit in week.members.items()}
    keys = {
        "use": [_use_key(row.key) for rows in truth.values() for row in rows],
        "unit": [places[person] for person, _ in atoms],
    }
    found: dict[tuple[str, tuple[str, ...]], int] = {}
    for (grid, mine), rows in zip(keys.items(), _to_rows(week.entries, places), strict=True):
        cells = partition(rows)
        cell_of = {row.key: cell.key for cell in cells for row in cell.rows}
        for place, key in enumerate(mine):
            if key in cell_of:
                found[grid, cell_of[key]] = found.get((grid, cell_of[key]), 0) | 1 << place
    return atoms, found


def add(rows: list[WeekRow]) -> WeekRow:
    first = rows[0]
    names = ("requests", "input_tokens", "output_tokens", "input_known", "output_known")
    return WeekRow(service=first.service, model=first.model, features=first.features,
                   **{name: sum(getattr(row, name) for row in rows) for name in names})  # fmt: skip


def test_no_published_cell_of_a_year_is_smaller_than_k(year: list[Shown]) -> None:
    cells = 0
    for shown in year:
        for grid, path, people, sums in shown.published.cells:
            cells += 1
            assert people >= LEAST_PEOPLE, (grid, path)
            assert people == rounded(people)
            assert all(sums[name] % 5 == 0 for name in ("requests", "output_tokens", "input_tokens", "output_known"))
    assert cells > 10 * WEEKS  # the rule was not kept by showing nothing


TABLES = {"by_service": 0, "by_model": 1, "by_initiator": 2, "by_kind": 3}


def told(shown: Shown) -> list[tuple[int, float]]:
    """Return (atoms, number) for every total of output tokens that JSON, CSV, OTLP or the SQL functions tell."""
    facts, cells = shown.published.facts, shown.published.cells
    exact = [(shown.cells[grid, path], sums["output_tokens"]) for grid, path, _, sums in cells]
    use = [path for grid, path in shown.cells if grid == "use"]
    lines: dict[tuple[str, str], int] = {}
    for path in use:
        atoms = shown.cells["use", path]
        lines["all", "all"] = lines.get(("all", "all"), 0) | atoms
        for table, level in TABLES.items():
            name = f"{path[0]}/{path[1]}" if table == "by_model" and path[1] != OTHER else path[level]
            lines[table, name] = lines.get((table, name), 0) | atoms
    for (grid, path), atoms in shown.cells.items():
        if grid == "unit":
            name = "/".join([*(part for part in path if part and part != OTHER), *([OTHER] if OTHER in path else [])])
            lines["by_unit", name] = lines.get(("by_unit", name), 0) | atoms
    rows = {(table, row["key"]): row for table in (*TABLES, "by_unit") for row in facts[table]}
    rows["all", "all"] = facts
    assert rows.keys() == lines.keys()
    for row in csv.DictReader(io.StringIO(render.to_csv(facts))):
        assert int(row["output_tokens"]) == rows[row["table"], row["key"]]["tokens"]["output"]
    metrics = render.to_otlp([(grid, list(path), n, sums) for grid, path, n, sums in cells], facts["week"])
    (scope,) = json.loads(metrics)["resourceMetrics"][0]["scopeMetrics"]
    points = [point for metric in scope["metrics"] for point in metric["sum"]["dataPoints"]]
    counts = [int(point["asInt"]) for point in points if "output" in str(point["attributes"])]
    assert sorted(counts) == sorted(round(sums["output_tokens"]) for grid, _, _, sums in cells if grid == "use")
    return exact + [(lines[name], row["tokens"]["output"]) for name, row in rows.items()]


def test_every_number_in_every_format_is_a_sum_over_whole_cells(year: list[Shown]) -> None:
    checked = 0
    for shown in year:
        for atoms, number in told(shown):
            assert abs(number - shown.tokens(atoms)) <= 2.5
            assert len(shown.people(atoms)) >= LEAST_PEOPLE
            checked += 1
    assert checked > 20 * WEEKS


def test_no_subtraction_of_a_weeks_numbers_leaves_fewer_than_k_people(year: list[Shown]) -> None:
    """Not even for an attacker who knows exactly who used what, and so which numbers can be subtracted at all."""
    left = 0
    for shown in year:
        sums = {atoms for atoms, _ in told(shown)}
        sums |= {one | other for one, other in combinations(sums, 2) if not one & other}
        for whole, part in ((whole, part) for whole in sums for part in sums if part & ~whole == 0 and part != whole):
            rest = whole & ~part
            left += 1
            assert rest.bit_count() > LEAST_PEOPLE * len(SERVICES) * 3 or len(shown.people(rest)) >= LEAST_PEOPLE
    assert left > 100 * WEEKS


def groups(shown: Shown, before: Shown | None) -> Iterator[set[str]]:
    """Yield groups of fewer than k people that somebody may be curious about."""
    yield from ({person} for person in shown.truth)
    members: dict[str, set[str]] = {}
    for person, unit in shown.units.items():
        members.setdefault(unit, set()).add(person)
    yield from members.values()
    if before is not None:
        yield from ({one for one in people if one not in before.truth} for people in members.values())
    for atoms in shown.cells.values():  # a cell of k people but for one, two, … of them
        people = sorted(shown.people(atoms))
        yield from (set(people[:size]) for size in range(2, LEAST_PEOPLE))
        yield from (set(people[-size:]) for size in range(2, LEAST_PEOPLE))


def bounds(cells: list[tuple[set[str], int]], group: set[str]) -> tuple[float, float]:
    """Return the least and most that a group can have used, for who knows a grid's members, totals and our rules."""
    most = {0: 0.0, 1: MOST_OF_ONE, 2: MOST_OF_TWO}
    low = high = 0.0
    for people, total in cells:
        if inside := people & group:
            low += total * (1 - most.get(len(people - group), 1.0))
            high += total * most.get(len(inside), 1.0)
    return low, high


def test_no_total_of_a_small_group_is_bounded_within_a_fifth(year: list[Shown]) -> None:
    tried = 0
    for before, shown in zip([None, *year], year, strict=False):
        known: dict[str, list[tuple[set[str], int]]] = {"use": [], "unit": []}
        for (grid, _), atoms in shown.cells.items():
            known[grid].append((shown.people(atoms), shown.tokens(atoms)))
        for group in groups(shown, before):
            truth = shown.used(group)
            if not 0 < len(group) < LEAST_PEOPLE or not truth:
                continue
            ranges = [bounds(cells, group) for cells in known.values()]
            low, high = max(low for low, _ in ranges), min(high for _, high in ranges)
            assert low <= truth <= high
            assert low < (1 - BOUND) * truth or high > (1 + BOUND) * truth, (len(group), low, truth, high)
            tried += 1
    assert tried > PEOPLE * WEEKS / 2


def estimates(year: list[Shown], most_weeks: int) -> Iterator[tuple[float, float]]:
    """
    Compare the weeks before and after somebody joined or left, up to ``most_weeks`` each; yield (guess, truth).

    The attacker knows who joined and left each week, and to which unit they belong: fewer than k persons. The means are
    over weeks in which nobody else came or went, as far as there are any.
    """
    for now in range(1, len(year)):
        for key in year[now].cells.keys() & year[now - 1].cells.keys():
            place = "/".join(part for part in key[1] if part not in {OTHER, ""}) if key[0] == "unit" else ""
            few = staff_of(year[now], place) ^ staff_of(year[now - 1], place)
            if not 0 < len(few) < LEAST_PEOPLE:
                continue
            means, truths = [], []
            for week, step in ((now - 1, -1), (now, 1)):
                run = [year[one] for one in range(week, week + step * most_weeks, step) if 0 <= one < len(year)]
                alike = [one for one in run if staff_of(one, place) == staff_of(year[week], place) and key in one.cells]
                means.append(sum(one.tokens(one.cells[key]) for one in alike) / len(alike))
                truths.append(sum(one.used(few) for one in alike) / len(alike))
            yield means[1] - means[0], truths[1] - truths[0]


def staff_of(shown: Shown, place: str) -> set[str]:
    return {person for person, unit in shown.units.items() if unit.startswith(place)}


@pytest.mark.parametrize("most_weeks", [1, 4, 52])
def test_joiners_and_leavers_cannot_be_told_from_the_weeks_before_and_after(year: list[Shown], most_weeks: int) -> None:
    guesses = [(guess, truth) for guess, truth in estimates(year, most_weeks) if truth]
    assert len(guesses) > WEEKS
    hits = sum(abs(guess - truth) <= BOUND * abs(truth) for guess, truth in guesses)
    # By chance a guess may be near; knowing that it is would take more. The median guess is off by more than the truth.
    errors = sorted(abs(guess - truth) / abs(truth) for guess, truth in guesses)
    assert hits / len(guesses) <= 0.1
    assert errors[len(errors) // 2] > 1.0


@pytest.mark.servers
def test_the_sql_functions_tell_what_was_attacked_and_nothing_else(year: list[Shown]) -> None:
    with postgres() as server, fresh_schema(server) as dsn, connect(dsn) as connection:
        for shown in year:
            write_published(connection, shown.published.facts["week"], shown.published)
        connection.execute("SET ROLE klimaspor_report")
        facts = read_published(connection)
        assert list(facts.values()) == [json.loads(render.to_json(shown.published.facts)) for shown in year]
        for shown in year:
            cells = read_cells(connection, shown.published.facts["week"])
            assert sorted((grid, tuple(path), n, sums["output_tokens"]) for grid, path, n, sums in cells) == sorted(
                (grid, path, n, sums["output_tokens"]) for grid, path, n, sums in shown.published.cells
            )


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
