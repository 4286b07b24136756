"""What ``klimaspor methods`` lists: the factors, and the statements that did not become any."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Any

from tracker.footprint.factors import load_factors
from tracker.footprint.quality import ecologits_source


def factor_rows() -> list[dict[str, Any]]:
    """Return the package and every factor as JSON rows."""
    return [ecologits_source(), *(row.to_json() for row in load_factors().rows)]


def read_statements() -> list[dict[str, Any]]:
    """Return the rows of data/statements.toml: claim, values, unit, why."""
    text = (resources.files("tracker.footprint") / "data" / "statements.toml").read_text("utf-8")
    rows: list[dict[str, Any]] = tomllib.loads(text)["statement"]
    return rows


def number(value: float) -> str:
    """Return three significant digits without exponents for everyday sizes."""
    if value and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.3g}"
    return f"{float(f'{value:.3g}'):g}"
