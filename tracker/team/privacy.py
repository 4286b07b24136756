"""
Which groups of a week may be shown: a partition into cells that are each large and even enough (pure).

Everything a report says is a sum of these cells. So whoever adds, subtracts or compares published figures can reach a
group of people only through cells that were safe in the first place: that is complementary suppression by construction.

The rules are those of statistical offices (threshold and dominance): A. Hundepool et al., Statistical Disclosure
Control, Wiley 2012, chapter 4, https://doi.org/10.1002/9781118348239.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest

LEAST_PEOPLE = 5
"""k: no cell has fewer people. A policy may raise it, never lower it."""
MOST_OF_ONE = 0.50
MOST_OF_TWO = 0.75
"""The largest share of a cell that one person, or two together, may hold."""
ROUNDED_TO = 5
"""Counts are shown as multiples of this."""

OTHER = "*"
"""The key of what is not shown apart at some level."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one person did in one week under one key: ``key`` has one value a level, ``weights`` one a measure."""

    person: str
    key: tuple[str, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Cell[R: Row]:
    """A group that may be shown. A level that may not be told apart is ``OTHER``, and so are all below it."""

    key: tuple[str, ...]
    rows: tuple[R, ...]

    @property
    def people(self) -> int:
        """How many people are in it; show it only rounded."""
        return len({row.person for row in self.rows})


def is_safe(rows: Iterable[Row], least_people: int = LEAST_PEOPLE) -> bool:
    """Whether a group has enough people, and none or two of them hold too much of any measure."""
    held: dict[str, list[float]] = {}
    for row in rows:
        sums = held.get(row.person)
        if sums is None:
            held[row.person] = list(row.weights)
        else:
            for place, weight in enumerate(row.weights):
                sums[place] += weight
    if len(held) < max(least_people, LEAST_PEOPLE):
        return False
    for measure in zip(*held.values(), strict=True):
        largest = nlargest(2, measure)
        total = sum(measure)
        if total > 0 and (largest[0] > MOST_OF_ONE * total or sum(largest) > MOST_OF_TWO * total):
            return False
    return True


def partition[R: Row](rows: Sequence[R], least_people: int = LEAST_PEOPLE) -> list[Cell[R]]:
    """
    Cut a week's rows into the finest cells that are all safe; [] if not even the whole is.

    Level by level, groups that are not safe are put together as ``OTHER``; if that is not safe either, the smallest
    safe groups join it until it is. A group that cannot be cut safely is shown whole.
    """
    if not rows or not is_safe(rows, least_people):
        return []
    return list(_cut(tuple(rows), (), len(rows[0].key), least_people))


def _cut[R: Row](rows: tuple[R, ...], prefix: tuple[str, ...], levels: int, least_people: int) -> Iterable[Cell[R]]:
    """Yield the cells of rows that are safe together."""
    level = len(prefix)
    if level == levels:
        yield Cell(prefix, rows)
        return
    groups: dict[str, list[R]] = {}
    for row in rows:
        groups.setdefault(row.key[level], []).append(row)
    if len(groups) == 1 and OTHER not in groups:  # the same rows, which are safe
        yield from _cut(rows, (*prefix, *groups), levels, least_people)
        return
    safe = {name: tuple(group) for name, group in groups.items() if name != OTHER and is_safe(group, least_people)}
    other = [row for name, group in groups.items() if name not in safe for row in group]
    # Whoever joins is chosen by size and name alone, so the same week always gives the same cells.
    if other and not is_safe(other, least_people):
        for name in sorted(safe, key=lambda name: (len({row.person for row in safe[name]}), name)):
            other += safe.pop(name)
            if is_safe(other, least_people):
                break
    for name in sorted(safe):
        yield from _cut(safe[name], (*prefix, name), levels, least_people)
    if other:
        yield Cell((*prefix, *([OTHER] * (levels - level))), tuple(other))


def rounded(count: float) -> int:
    """Return a count as it may be shown: the nearest multiple of ``ROUNDED_TO``."""
    return ROUNDED_TO * round(count / ROUNDED_TO)


@dataclass(frozen=True, slots=True)
class Roster:
    """Who is in each unit, by pseudonym; units are paths such as ``city/health/clinic``."""

    units: Mapping[str, frozenset[str]]


def settle_units(now: Roster, shown: Roster, least_people: int = LEAST_PEOPLE) -> dict[str, str]:
    """
    Return the unit under which each unit is shown this week.

    A unit whose membership has changed since it was last shown, but by fewer than ``least_people`` persons, would give
    those persons away by subtraction of two weeks. It is shown under its parent until enough have changed, together
    with the smallest unit beside it, so that the rest of the parent is not that unit under another name.
    """
    least = max(least_people, LEAST_PEOPLE)
    changed = {
        unit
        for unit, people in now.units.items()
        if unit in shown.units and 0 < len(people ^ shown.units[unit]) < least
    }
    settled = {unit: _parent(unit) if unit in changed else unit for unit in now.units}
    for unit in sorted(changed):
        place = settled[unit]
        beside = [
            other for other in now.units if settled[other] == other and other != place and _parent(other) == place
        ]
        if sum(settled[other] == place for other in now.units) == 1 and beside:
            settled[min(beside, key=lambda other: (len(now.units[other]), other))] = place
    return settled


def _parent(unit: str) -> str:
    return unit.rpartition("/")[0]
