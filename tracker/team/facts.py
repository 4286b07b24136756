"""The data of an organisation's weekly report: sums over safe cells with their footprint (pure)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tracker.record import Activity
from tracker.report.rows import impacts_json, keep_all
from tracker.team.privacy import LEAST_PEOPLE, OTHER, Cell, Row, rounded
from tracker.team.week import WeekRow, to_activity

Json = dict[str, Any]
Told = tuple[Cell[Row], Sequence[WeekRow]]
"""A cell and the sums of what is in it."""

SCHEMA = 1
FILES_TOLD = ("files", "no files")
"""The last level of a cell of use, where it may be told apart."""
STATES = ("approved", "tolerated", "unapproved", "unlisted", "untold")


def make_facts(
    *,
    week: str,
    members: int,
    coverage: float | None,
    use: Sequence[Told],
    units: Sequence[Told],
    policy: Mapping[str, Any],
) -> Json:
    """
    Return the facts of one week. Every count is shown as a multiple of five; every number is a sum over whole cells.

    ``too_few`` is true, and nothing else is told, where the whole has fewer people than the policy asks for.
    """
    shown = bool(use)
    facts: Json = {
        "schema": SCHEMA,
        "week": week,
        "organisation": policy.get("organisation", ""),
        "people": rounded(members) if shown else None,
        "too_few": not shown,
        "policy": {
            name: policy.get(name) for name in ("least_people", "raw_days", "cell_months", "publish_after_days")
        },
        "coverage": {"listening": round(coverage, 2) if coverage is not None and shown else None},
    }
    if not shown:
        return facts
    lines = _Lines(use, week)
    whole = lines.line("all", use)
    by_service = lines.by(0)
    facts |= {
        name: whole[name]
        for name in ("requests", "questions", "with_files", "files_untold", "active_people", "tokens", "impacts")
    }
    facts |= {
        "by_service": by_service,
        "by_model": lines.by(1, name=lambda cell: f"{cell.key[0]}/{cell.key[1]}"),
        "by_initiator": lines.by(2),
        "by_kind": lines.by(3),
        "by_unit": _Lines(units, week).by(None),
        "by_method": keep_all(lines.assessed.by_method()),
        "approval": _approval(by_service, policy),
        "sources": keep_all(lines.assessed.sources()),
        "small": whole["active_people"] < 10 * int(policy.get("least_people", LEAST_PEOPLE)),
    }
    return facts


class _Lines:
    """One grid with the footprint of everything in it."""

    def __init__(self, told: Sequence[Told], week: str) -> None:
        from tracker.footprint import assess

        self._told = told
        self._indices: dict[tuple[str, ...], list[int]] = {}
        activities: list[Activity] = []
        for cell, rows in told:
            self._indices[cell.key] = list(range(len(activities), len(activities) + len(rows)))
            activities += [to_activity(row, week) for row in rows]
        self.assessed = assess(activities)

    def line(self, key: str, told: Sequence[Told]) -> Json:
        """Return one line of a table: the cells of ``told`` together."""
        rows = [row for _, found in told for row in found]
        people = {row.person for cell, _ in told for row in cell.rows}
        indices = [index for cell, _ in told for index in self._indices[cell.key]]
        with_files = sum(row.requests for cell, found in told if cell.key[-1] == "files" for row in found)
        untold = sum(row.requests for cell, found in told if cell.key[-1] not in FILES_TOLD for row in found)
        requests = sum(row.requests for row in rows)
        return {
            "key": key,
            "active_people": rounded(len(people)),
            "requests": rounded(requests),
            "questions": rounded(sum(row.requests for row in rows if row.initiator == "person")),
            "with_files": rounded(with_files) if untold < requests or not requests else None,
            "files_untold": rounded(untold),
            "tokens": {
                "input": rounded(sum(row.input_tokens for row in rows)),
                "output": rounded(sum(row.output_tokens for row in rows)),
            },
            "impacts": impacts_json(self.assessed.impacts(indices)),
        }

    def by(self, level: int | None, name: Callable[[Cell[Row]], str] | None = None) -> list[Json]:
        """Return lines by one level of the cells' keys (None: by the whole key), the largest first."""
        groups: dict[str, list[Told]] = {}
        for cell, rows in self._told:
            if level is None:
                key = _unit(cell.key)
            else:
                key = cell.key[level] if name is None or cell.key[level] == OTHER else name(cell)
            groups.setdefault(key, []).append((cell, rows))
        lines = [self.line(key, told) for key, told in groups.items()]
        return sorted(lines, key=lambda line: (-line["impacts"]["energy_wh"]["mid"], line["key"]))


def _unit(path: Sequence[str]) -> str:
    """Return a unit's path; ``city/*`` is all of ``city`` that is not told apart."""
    told = [part for part in path if part and part != OTHER]
    return "/".join([*told, OTHER] if OTHER in path else told)


def _approval(services: Sequence[Json], policy: Mapping[str, Any]) -> list[Json]:
    """Return totals by what the policy says of each service; what is not told apart is told so."""
    told: dict[str, Json] = {}
    for service in services:
        rule = policy.get("services", {}).get(service["key"], {})
        state = "untold" if service["key"] == OTHER else rule.get("state", "unlisted")
        entry = told.setdefault(
            state, {"state": state, "requests": 0, "with_files": None, "files_untold": 0, "services": []}
        )
        for name in ("requests", "files_untold"):
            entry[name] += service[name]
        if service["with_files"] is not None:
            entry["with_files"] = (entry["with_files"] or 0) + service["with_files"]
        counts = {name: service[name] for name in ("requests", "active_people", "with_files", "files_untold")}
        entry["services"].append({"service": service["key"], "reason": rule.get("reason", "")} | counts)
    return [told[state] for state in STATES if state in told]
