"""The factors: each a row with value, range, unit, year, place, source, licence, tier and first day of validity."""

from __future__ import annotations

import hashlib
import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, Literal

from tracker.footprint.errors import FootprintError

FILES = ("text", "vendor", "hidden", "media", "uncertainty", "place", "equivalents", "anchors")
SET_DATE = "2026-11-21"
"""When the set was last gone through; its version is this day and a digest of the files."""

LATEST = "9999-12-31"
"""The day of what holds now, whenever that is."""

LARGEST = 1e100
"""No quantity on earth has a larger number; it leaves room to calculate."""

_KEY = re.compile(r"[a-z][A-Za-z0-9_]{0,79}")

TIERS = {1: "measured or disclosed for this service", 2: "measured for an analogue", 3: "modelled", 4: "guessed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One factor with its provenance; ``low`` and ``high`` are its 90 % range in the same unit."""

    key: str
    value: float
    low: float
    high: float
    unit: str
    year: int
    place: str
    source: str
    link: str
    licence: str
    tier: int
    valid_from: date
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the row as JSON values."""
        row = {item.name: getattr(self, item.name) for item in fields(self)}
        return row | {"valid_from": self.valid_from.isoformat()}


@dataclass(frozen=True, slots=True)
class FactorSet:
    """All factors of one version. A turn uses the row that was valid on its day, never a later one."""

    version: str
    rows: tuple[Factor, ...]
    by_key: Mapping[str, tuple[Factor, ...]]
    """Key → rows, oldest first."""
    turning_days: tuple[str, ...]
    """Days on which any factor changes, as ISO dates: between two of them every turn has the same factors."""

    _found: dict[tuple[str, str], Factor | None] = field(default_factory=dict, compare=False, repr=False)

    def find(self, key: str, day: str) -> Factor | None:
        """Return the row valid on ``day`` (ISO date), or None before its first day."""
        if (key, day) not in self._found:
            rows = [row for row in self.by_key.get(key, ()) if row.valid_from.isoformat() <= day]
            self._found[key, day] = rows[-1] if rows else None
        return self._found[key, day]

    def get(self, key: str, day: str) -> Factor:
        """Return the row valid on ``day``; a FootprintError if there is none."""
        if (row := self.find(key, day)) is None:
            raise FootprintError("A factor is missing", f"{key} on {day}", "reinstall klimaspor")
        return row

    def with_value(self, key: str, end: Literal["low", "high"]) -> FactorSet:
        """Return the set with one factor at the end of its own range: for a sensitivity, never for a result."""
        rows = tuple(replace(row, value=getattr(row, end)) if row.key == key else row for row in self.rows)
        by_key = dict(self.by_key) | {key: tuple(row for row in rows if row.key == key)}
        return FactorSet(f"{self.version} {key}:{end}", rows, by_key, self.turning_days)

    def epoch(self, day: str) -> int:
        """Return the number of the stretch of days with equal factors that ``day`` lies in."""
        return bisect_right(self.turning_days, day)


@cache
def load_factors() -> FactorSet:
    """Read the shipped factor files once; a FootprintError names the file and row that is damaged."""
    folder = resources.files("tracker.footprint") / "data"
    texts = {}
    for name in FILES:
        try:
            texts[name] = (folder / f"{name}.toml").read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise FootprintError("A factor file cannot be read", f"{name}.toml", "reinstall klimaspor") from error
    return read_factors(texts)


def read_factors(texts: Mapping[str, str]) -> FactorSet:
    """Return the factor set that ``texts`` (file name → TOML) hold; refuse rows that are damaged."""
    rows: list[Factor] = []
    digest = hashlib.sha256()
    for name, text in sorted(texts.items()):
        digest.update(text.encode())
        try:
            tables = tomllib.loads(text).get("factor", [])
        except (ValueError, RecursionError) as error:  # not TOML, a number of thousands of digits
            position = re.search(r"line \d+", str(error))
            what = f"{name}.toml: {position[0] if position else 'it is not TOML'}"
            raise FootprintError("A factor file is damaged", what, "reinstall klimaspor") from error
        if not isinstance(tables, list):
            raise FootprintError("A factor file is damaged", f"{name}.toml has no [[factor]]", "reinstall klimaspor")
        rows.extend(_read_row(name, number, table) for number, table in enumerate(tables, 1))
    by_key: dict[str, tuple[Factor, ...]] = {}
    for row in sorted(rows, key=lambda row: row.valid_from):
        earlier = by_key.get(row.key, ())
        if earlier and earlier[-1].valid_from == row.valid_from:
            raise FootprintError("A factor is given twice", f"{row.key} from {row.valid_from}", "reinstall klimaspor")
        by_key[row.key] = (*earlier, row)
    turning = sorted({row.valid_from.isoformat() for row in rows})
    return FactorSet(f"{SET_DATE}+{digest.hexdigest()[:8]}", tuple(rows), by_key, tuple(turning))


def _read_row(name: str, number: int, table: Any) -> Factor:
    try:
        row = Factor(**table)
    except TypeError as error:
        raise _damaged(name, number, "fields are missing or unknown") from error
    texts = (row.key, row.unit, row.place, row.source, row.licence)
    if not all(isinstance(text, str) and text.isprintable() for text in (*texts, row.link, row.note)) or not all(texts):
        raise _damaged(name, number, "it has no key, unit, place, source or licence")
    if not _KEY.fullmatch(row.key):
        raise _damaged(name, number, "its key is no name")
    numbers = (row.value, row.low, row.high)
    if not all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers):
        raise _damaged(name, number, f"{row.key} is not a number")
    if not 0 <= row.low <= row.value <= row.high <= LARGEST:  # also refuses NaN
        raise _damaged(name, number, f"{row.key} lies outside its own range")
    if (
        type(row.year) is not int
        or type(row.tier) is not int
        or row.tier not in TIERS
        or type(row.valid_from) is not date
    ):
        raise _damaged(name, number, f"{row.key} has no valid year, tier or date")
    return row


def _damaged(name: str, number: int, why: str) -> FootprintError:
    return FootprintError("A factor file is damaged", f"{name}.toml, row {number}: {why}", "reinstall klimaspor")
