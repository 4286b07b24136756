"""A finished week becomes cells and facts, once: only these are ever shown, and they never change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from itertools import groupby
from operator import add, itemgetter
from typing import TYPE_CHECKING, Any

from tracker.team import TeamError
from tracker.team.facts import FILES_TOLD, make_facts
from tracker.team.privacy import LEAST_PEOPLE, OTHER, Cell, Roster, Row, partition, rounded, settle_units
from tracker.team.week import FRACTIONS, KEYS, SUMS, WeekRow

if TYPE_CHECKING:
    import psycopg

HEAVY = ("deep_research", "agent", "image_output", "video_output", "audio_output", "reasoning", "web_search")
"""Features by which use is told apart, heaviest first: a row belongs to the first that it has."""
FILES = ("file_input", "image_input", "audio_input")
USE, UNIT = "use", "unit"
UNIT_LEVELS = 5
MOST = 10**18
"""No sum is told as more: many devices that lie, or one under many names, must not bring one that no column holds."""
AT_ONCE = 20_000
"""Rows fetched from the database at a time."""


type Entry = tuple[str, tuple[str, ...], tuple[float, ...]]
"""(pseudonym, key of a WeekRow, weights)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """Everything the engine holds of one finished week, before it is made safe to show."""

    week: str
    members: Mapping[str, str]
    """Pseudonym → unit, of every device that reported, also those without use."""
    coverage: float | None
    entries: Iterable[Entry]
    """Who did how much of what, one person after the other; for the rules, not for the report. It is read once."""
    sums: Sequence[tuple[str, WeekRow]]
    """(unit, sums over its people), one for each unit and key."""
    shown: Roster
    """Who was in each unit when it was last shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What may be shown of a week: sums of safe cells, and the facts that the report is made from."""

    facts: dict[str, Any]
    cells: list[tuple[str, tuple[str, ...], int, dict[str, float]]] = field(default_factory=list)
    units: dict[str, frozenset[str]] = field(default_factory=dict)
    """Units that were shown, with their members, to compare with next time."""


def publish(week: Week, policy: Mapping[str, Any]) -> Published:
    """
    Return what may be shown of a week under the policy: a fixed grid of use, and a fixed grid of units.

    Fewer than k people in all: the facts say so, and nothing else.
    """
    least = max(int(policy.get("least_people", LEAST_PEOPLE)), LEAST_PEOPLE)
    members: dict[str, set[str]] = {}
    for person, unit in week.members.items():
        members.setdefault(unit, set()).add(person)
    now = Roster({unit: frozenset(people) for unit, people in members.items()})
    settled = settle_units(now, week.shown, least)

    unit_keys = {unit: _unit_key(place) for unit, place in settled.items()}
    use_rows, unit_rows = _to_rows(week.entries, {person: unit_keys[unit] for person, unit in week.members.items()})
    use_cells, unit_cells = partition(use_rows, least), partition(unit_rows, least)
    use_sums = _sum_by(use_cells, ((_use_key(row.key), row) for _, row in week.sums))
    unit_sums = _sum_by(unit_cells, ((_unit_key(settled[unit]), row) for unit, row in week.sums))

    facts = make_facts(
        week=week.week,
        members=len(week.members),
        coverage=week.coverage,
        use=[(cell, use_sums[cell.key]) for cell in use_cells],
        units=[(cell, unit_sums[cell.key]) for cell in unit_cells],
        policy=policy,
    )
    cells = [
        (grid, cell.key, rounded(cell.people), _total(sums[cell.key]))
        for grid, found, sums in ((USE, use_cells, use_sums), (UNIT, unit_cells, unit_sums))
        for cell in found
    ]
    shown = {unit: people for unit, people in now.units.items() if settled[unit] == unit}
    return Published(facts=facts, cells=cells, units=shown)


def read_week(connection: psycopg.Connection[Any], week: str) -> Week:
    """Return all that the loader's role can see of one week."""
    batches = connection.execute(
        "SELECT pseudonym, unit, coverage FROM klimaspor.batch WHERE week = %s ORDER BY pseudonym", (week,)
    ).fetchall()
    keys = ", ".join(KEYS)
    sums = ", ".join(f"sum({name})" if name in FRACTIONS else f"least(sum({name}), {MOST})::bigint" for name in SUMS)
    summed = connection.execute(
        f"SELECT unit, {keys}, {sums} FROM klimaspor.usage JOIN klimaspor.batch USING (week, pseudonym) "  # noqa: S608
        f"WHERE week = %s GROUP BY unit, {keys} ORDER BY unit, {keys}",
        (week,),
    )
    heard = [coverage for _, _, coverage in batches if coverage is not None]
    shown = connection.execute("SELECT unit, members FROM klimaspor.shown_unit").fetchall()
    return Week(
        week=week,
        members={person: unit for person, unit, _ in batches},
        coverage=sum(heard) / len(heard) if heard else None,
        entries=_read_entries(connection, week),
        sums=[(row[0], WeekRow(**dict(zip((*KEYS, *SUMS), row[1:], strict=True)))) for row in summed],
        shown=Roster({unit: frozenset(people) for unit, people in shown}),
    )


def _read_entries(connection: psycopg.Connection[Any], week: str) -> Iterator[Entry]:
    """Yield who did how much of what; equal keys are held once, for there are millions of rows."""
    from psycopg import sql

    query = sql.SQL(
        "SELECT pseudonym, {}, requests::float8, 10 * output_tokens::float8 + input_tokens "
        "FROM klimaspor.usage WHERE week = %s ORDER BY pseudonym"
    ).format(sql.SQL(", ").join(map(sql.Identifier, KEYS)))
    once: dict[tuple[str, ...], tuple[str, ...]] = {}
    with connection.transaction(), connection.cursor("entries") as cursor:
        cursor.itersize = AT_ONCE
        for pseudonym, *key, requests, tokens in cursor.execute(query, (week,)):
            told = tuple(key)
            yield pseudonym, once.setdefault(told, told), (requests, tokens)


def write_published(connection: psycopg.Connection[Any], week: str, published: Published) -> None:
    """
    Write the one immutable report of a week.

    Raises ``TeamError`` if it has been published before.
    """
    from psycopg.types.json import Jsonb

    facts = published.facts
    with connection.transaction():
        made = connection.execute(
            "INSERT INTO klimaspor.published (week, people, coverage, facts) VALUES (%s, %s, %s, %s) "
            "ON CONFLICT DO NOTHING RETURNING week",
            (week, facts["people"] or 0, facts["coverage"]["listening"], Jsonb(facts)),
        ).fetchone()
        if made is None:
            raise TeamError(f"The week has its report already · {week} · a published week never changes")
        marks = ", ".join(["%s"] * (4 + len(SUMS)))
        connection.cursor().executemany(
            f"INSERT INTO klimaspor.cell (week, grid, path, people, {', '.join(SUMS)}) VALUES ({marks})",  # noqa: S608
            [
                (week, grid, list(path), people, *(sums[name] for name in SUMS))
                for grid, path, people, sums in published.cells
            ],
        )
        connection.cursor().executemany(
            "INSERT INTO klimaspor.shown_unit VALUES (%s, %s, %s) "
            "ON CONFLICT (unit) DO UPDATE SET week = excluded.week, members = excluded.members",
            [(unit, week, sorted(people)) for unit, people in published.units.items()],
        )


def drop_old(connection: psycopg.Connection[Any], today: date, raw_days: int, cell_months: int) -> tuple[int, int]:
    """Drop pseudonymous rows of weeks that ended over ``raw_days`` ago, and cells older than ``cell_months``."""
    last_raw = today - timedelta(days=raw_days + 7)
    last_cell = today - timedelta(days=round(cell_months * 30.44) + 7)
    with connection.transaction():
        raw = connection.execute("DELETE FROM klimaspor.usage WHERE week < %s", (last_raw,)).rowcount
        connection.execute("DELETE FROM klimaspor.batch WHERE week < %s", (last_raw,))
        connection.execute("DELETE FROM klimaspor.shown_unit WHERE week < %s", (last_raw,))
        cells = connection.execute("DELETE FROM klimaspor.cell WHERE week < %s", (last_cell,)).rowcount
    return raw, cells


def _to_rows(entries: Iterable[Entry], places: Mapping[str, tuple[str, ...]]) -> tuple[list[Row], list[Row]]:
    """Return the rows of the grid of use, one for each person and key, and those of units, one for each person."""
    use_rows: list[Row] = []
    unit_rows: list[Row] = []
    for person, theirs in groupby(entries, itemgetter(0)):
        merged: dict[tuple[str, ...], tuple[float, ...]] = {}
        for _, key, weights in theirs:
            use_key = _use_key(key)
            before = merged.get(use_key)
            merged[use_key] = weights if before is None else tuple(map(add, before, weights))
        use_rows += [Row(person, key, weights) for key, weights in merged.items()]
        unit_rows.append(Row(person, places[person], tuple(map(sum, zip(*merged.values(), strict=True)))))
    return use_rows, unit_rows


def _sum_by(
    cells: Sequence[Cell[Row]], keyed: Iterable[tuple[tuple[str, ...], WeekRow]]
) -> dict[tuple[str, ...], list[WeekRow]]:
    """Put each sum into the cell that its key fell into; a key is whole in one cell."""
    cell_of = {row.key: cell.key for cell in cells for row in cell.rows}
    found: dict[tuple[str, ...], dict[tuple[str, ...], dict[str, float]]] = {cell.key: {} for cell in cells}
    for key, row in keyed:
        if key in cell_of:
            sums = found[cell_of[key]].setdefault(row.key, dict.fromkeys(SUMS, 0))
            for name in SUMS:
                sums[name] += getattr(row, name)

    def row_of(key: tuple[str, ...], sums: Mapping[str, Any]) -> WeekRow:
        return WeekRow(**{**dict(zip(KEYS, key, strict=True)), **sums})

    return {cell: [row_of(key, sums) for key, sums in rows.items()] for cell, rows in found.items()}


@lru_cache(maxsize=100_000)
def _use_key(key: tuple[str, ...]) -> tuple[str, ...]:
    """Return the levels of the grid of use: service, model, who asked, kind, with or without files."""
    service, _, model, _, initiator, features = key
    used = {one.partition(".")[0] for one in features.split() if one.endswith(".used")}
    kind = next((name for name in HEAVY if name in used), "text")
    return (service, model or "unknown", initiator, kind, FILES_TOLD[0] if used & set(FILES) else FILES_TOLD[1])


def _unit_key(unit: str) -> tuple[str, ...]:
    parts = (unit.split("/") if unit else [OTHER]) + [""] * UNIT_LEVELS
    return tuple(parts[:UNIT_LEVELS])


def _total(rows: Sequence[WeekRow]) -> dict[str, float]:
    """Return a cell's sums as they may be shown: counts in fives, as everywhere."""
    sums = {name: sum(getattr(row, name) for row in rows) for name in SUMS}
    return {name: value if name in FRACTIONS else rounded(min(value, MOST)) for name, value in sums.items()}
