"""A finished week becomes cells and facts, once: only these are ever shown, and they never change."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from tracker.record import Activity
from tracker.report.rows import impacts_json
from tracker.team.engine import TeamError
from tracker.team.privacy import LEAST_PEOPLE, OTHER, Cell, Membership, Row, partition, rounded, settle_units
from tracker.team.week import KEYS, SUMS, WeekRow, to_activity

if TYPE_CHECKING:
    import psycopg

HEAVY = ("deep_research", "agent", "image_output", "video_output", "audio_output", "reasoning", "web_search")
"""Features by which use is told apart, heaviest first: a row belongs to the first that it has."""
FILES = ("file_input", "image_input", "audio_input")
USAGE_GRID, UNIT_GRID = "use", "unit"


@dataclass(frozen=True, slots=True)
class Share(Row):
    """One person's row of the week, with its place among the activities that the footprint is worked out from."""

    row: WeekRow
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """Everything the engine holds of one finished week, before it is made safe to show."""

    week: str
    members: Mapping[str, str]
    """Pseudonym → unit, of every device that reported, also those without use."""
    coverage: float | None
    rows: Sequence[tuple[str, WeekRow]]
    """(pseudonym, row)."""
    shown: Membership
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
    activities = [to_activity(row, week.week) for _, row in week.rows]
    use = [Share(person, _use_key(row), _weights(row), row, index) for index, (person, row) in enumerate(week.rows)]
    members: dict[str, set[str]] = {}
    for person, unit in week.members.items():
        members.setdefault(unit, set()).add(person)
    now = Membership({unit: frozenset(people) for unit, people in members.items()})
    settled = settle_units(now, week.shown, least)
    units = [
        Share(share.person, _unit_key(settled[week.members[share.person]]), share.weights, share.row, share.index)
        for share in use
    ]
    use_cells, unit_cells = partition(use, least), partition(units, least)
    facts = _facts(week, activities, use_cells, unit_cells, policy)
    cells = [
        (grid, cell.key, rounded(cell.people), _sums(share.row for share in cell.rows))
        for grid, found in ((USAGE_GRID, use_cells), (UNIT_GRID, unit_cells))
        for cell in found
    ]
    shown_units = {unit: people for unit, people in now.units.items() if settled[unit] == unit}
    return Published(facts=facts, cells=cells, units=shown_units)


def read_week(connection: psycopg.Connection[Any], week: str) -> Week:
    """Return all that the loader's role can see of one week."""
    batches = connection.execute(
        "SELECT pseudonym, unit, coverage FROM klimaspor.batch WHERE week = %s ORDER BY pseudonym", (week,)
    ).fetchall()
    columns = ", ".join((*KEYS, *SUMS))
    rows = connection.execute(
        f"SELECT pseudonym, {columns} FROM klimaspor.usage WHERE week = %s "  # noqa: S608 - our own column names
        f"ORDER BY pseudonym, {', '.join(KEYS)}",
        (week,),
    )
    told = [(row[0], WeekRow(**dict(zip((*KEYS, *SUMS), row[1:], strict=True)))) for row in rows]
    heard = [coverage for _, _, coverage in batches if coverage is not None]
    shown = connection.execute("SELECT unit, members FROM klimaspor.shown_unit").fetchall()
    return Week(
        week=week,
        members={person: unit for person, unit, _ in batches},
        coverage=sum(heard) / len(heard) if heard else None,
        rows=told,
        shown=Membership({unit: frozenset(members) for unit, members in shown}),
    )


def write_published(connection: psycopg.Connection[Any], week: str, published: Published) -> None:
    """
    Write the one immutable report of a week.

    Raises ``TeamError`` if it has been published before.
    """
    from psycopg.types.json import Jsonb

    with connection.transaction():
        facts = published.facts
        made = connection.execute(
            "INSERT INTO klimaspor.published (week, people, coverage, facts) VALUES (%s, %s, %s, %s) "
            "ON CONFLICT DO NOTHING RETURNING week",
            (week, facts["people"] or 0, facts["coverage"]["listening"], Jsonb(facts)),
        ).fetchone()
        if made is None:
            raise TeamError(f"The week has its report already · {week} · a published week never changes")
        columns = ", ".join(SUMS)
        marks = ", ".join(["%s"] * (4 + len(SUMS)))
        connection.cursor().executemany(
            f"INSERT INTO klimaspor.cell (week, grid, path, people, {columns}) VALUES ({marks})",  # noqa: S608 - as above
            [
                (week, grid, list(path), people, *(sums[name] for name in SUMS))
                for grid, path, people, sums in published.cells
            ],
        )
        for unit, members in published.units.items():
            connection.execute(
                "INSERT INTO klimaspor.shown_unit VALUES (%s, %s, %s) "
                "ON CONFLICT (unit) DO UPDATE SET week = excluded.week, members = excluded.members",
                (unit, week, sorted(members)),
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


def _facts(
    week: Week,
    activities: Sequence[Activity],
    use_cells: Sequence[Cell[Share]],
    unit_cells: Sequence[Cell[Share]],
    policy: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the week's report data. Every number in it is a sum over safe cells."""
    from tracker.footprint import assess

    assessed = assess(activities)
    facts: dict[str, Any] = {
        "schema": 1,
        "week": week.week,
        "people": rounded(len(week.members)) if use_cells else None,
        "too_few": not use_cells,
        "least_people": policy.get("least_people", LEAST_PEOPLE),
        "coverage": {"listening": None if week.coverage is None or not use_cells else round(week.coverage, 2)},
    }
    if not use_cells:
        return facts

    def line(key: str, cells: Sequence[Cell[Share]]) -> dict[str, Any]:
        shares = [share for cell in cells for share in cell.rows]
        rows = [share.row for share in shares]
        return {
            "key": key,
            "people": rounded(len({share.person for share in shares})),
            "requests": rounded(sum(row.requests for row in rows)),
            "questions": rounded(sum(row.requests for row in rows if row.initiator == "person")),
            "tokens": {
                "input": rounded(sum(row.input_tokens for row in rows)),
                "output": rounded(sum(row.output_tokens for row in rows)),
            },
            "with_files": rounded(sum(s.row.requests for cell in cells if cell.key[-1] == "files" for s in cell.rows)),
            "impacts": impacts_json(assessed.impacts([share.index for share in shares])),
        }

    def lines(cells: Sequence[Cell[Share]], level: int) -> list[dict[str, Any]]:
        groups: dict[str, list[Cell[Share]]] = {}
        for cell in cells:
            groups.setdefault(cell.key[level], []).append(cell)
        told = [line(key, found) for key, found in groups.items()]
        return sorted(told, key=lambda one: (-one["impacts"]["energy_wh"]["mid"], one["key"]))

    whole = line("all", use_cells)
    facts |= {
        "requests": whole["requests"],
        "questions": whole["questions"],
        "tokens": whole["tokens"],
        "with_files": whole["with_files"],
        "impacts": whole["impacts"],
        "by_service": lines(use_cells, 0),
        "by_model": lines(use_cells, 1),
        "by_initiator": lines(use_cells, 2),
        "by_kind": lines(use_cells, 3),
        "by_files": lines(use_cells, 4),
        "by_unit": [line("/".join(part for part in cell.key if part), [cell]) for cell in unit_cells],
        "by_method": json.loads(json.dumps(assessed.by_method(), default=impacts_json)),
        "sources": assessed.sources(),
    }
    facts["approval"] = _approval(facts["by_service"], policy)
    return facts


def _approval(services: Sequence[Mapping[str, Any]], policy: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return totals by what the policy says of each service; what is not told apart is told so."""
    told: dict[str, dict[str, Any]] = {}
    for service in services:
        rule = policy.get("services", {}).get(service["key"], {})
        state = "untold" if service["key"] == OTHER else rule.get("state", "unlisted")
        entry = told.setdefault(state, {"state": state, "requests": 0, "with_files": 0, "services": []})
        entry["requests"] += service["requests"]
        entry["with_files"] += service["with_files"]
        entry["services"].append({"service": service["key"], "reason": rule.get("reason", "")})
    return [told[state] for state in ("approved", "tolerated", "unapproved", "unlisted", "untold") if state in told]


def _use_key(row: WeekRow) -> tuple[str, ...]:
    features = {one.partition(".")[0] for one in row.features.split() if one.endswith(".used")}
    kind = next((name for name in HEAVY if name in features), "text")
    files = "files" if row.attachments or features & set(FILES) else "no files"
    return (row.service, row.model or "unknown", row.initiator, kind, files)


def _unit_key(unit: str) -> tuple[str, ...]:
    parts = (unit.split("/") if unit else [OTHER]) + [""] * 5
    return tuple(parts[:5])


def _weights(row: WeekRow) -> tuple[float, ...]:
    return (float(row.requests), row.output_tokens + 0.1 * row.input_tokens)


def _sums(rows: Iterable[WeekRow]) -> dict[str, float]:
    sums: dict[str, float] = dict.fromkeys(SUMS, 0)
    for row in rows:
        for name in SUMS:
            sums[name] += getattr(row, name)
    return sums
