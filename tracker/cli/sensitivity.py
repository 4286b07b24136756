"""``klimaspor methods --sensitivity``: how far each assumption alone would move what the person used."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tracker.cli.days import today

DAYS = 28
"""The last four weeks: long enough to be usual."""


def sensitivity_of(db: Path) -> dict[str, Any]:
    """Return ``since``, ``until``, the central ``energy_wh`` and ``ghg_g``, and a row for each assumption alone."""
    from tracker.footprint import assess, choose
    from tracker.settings import load
    from tracker.store import Store

    until = today() + timedelta(days=1)
    since = until - timedelta(days=DAYS)
    with Store.open(db, readonly=True) as store:
        assessment = assess(store.activities(since, until), choose(load(db).get))
    impacts = assessment.impacts()
    return {
        "since": since.isoformat(),
        "until": until.isoformat(),
        "energy_wh": impacts.energy_wh.mid,
        "ghg_g": impacts.ghg_g.mid,
        "rows": assessment.sensitivity(),
    }


def sensitivity_lines(found: dict[str, Any]) -> list[str]:
    """Return it as a table for the terminal, the assumption that matters most first."""
    from tracker.footprint.tables import number

    end = date.fromisoformat(found["until"]) - timedelta(days=1)
    if not found["rows"]:
        return [f"Nothing was recorded from {found['since']} to {end}: there is nothing to move."]
    lines = [
        f"{found['since']} to {end}, estimated: {number(found['energy_wh'])} Wh, {number(found['ghg_g'])} g CO2e.",
        "One assumption at a time at either end of its own range, all else as it is:",
        "",
        f"{'assumption':<26}{'energy, Wh':>20}{'gas, g CO2e':>20}{'factor':>8}",
    ]
    for row in found["rows"]:
        energy, gas = (" to ".join(number(row[key][end]) for end in ("low", "high")) for key in ("energy_wh", "ghg_g"))
        lines.append(f"{row['key']:<26}{energy:>20}{gas:>20}{row['swing']:>8.2f}")
    return lines
