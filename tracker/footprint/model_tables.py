"""The tables that models are looked up in: EcoLogits' registry, and what it dropped or never had."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from tracker.footprint.errors import FootprintError
from tracker.footprint.model_names import plain, undated
from tracker.footprint.package import table

ModelSource = Literal["registry", "frozen", "sibling", "class"]
Architecture = Literal["open", "registry", "named", "sibling", "class"]

TIER = {"open": 2, "registry": 3, "named": 3, "sibling": 4, "class": 4}
"""Data-quality tier that follows from how the architecture is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model as the methods need it: parameters in billions as (low, high), speed in tokens per second."""

    name: str | None
    """As it was recorded."""
    key: str
    """What it was taken for."""
    source: ModelSource
    architecture: Architecture
    """How its architecture is known; decides how much it widens the range."""
    maker: str
    """Provider key of EcoLogits where there is one."""
    total: tuple[float, float]
    active: tuple[float, float]
    tps: float | None = None
    ttft: float | None = None
    """Usual seconds to the first token."""
    always_reasons: bool = False

    @property
    def total_mid(self) -> float:
        """Geometric mean of the total parameters, in billions."""
        return math.sqrt(self.total[0] * self.total[1])

    @property
    def active_mid(self) -> float:
        """Geometric mean of the active parameters, in billions."""
        return math.sqrt(self.active[0] * self.active[1])

    @property
    def tier(self) -> int:
        return TIER[self.architecture]

    @property
    def speed(self) -> float:
        """Tokens per second: measured if known, else EcoLogits' own regression at batch 64."""
        return self.tps or 1 / (6.785e-4 * self.active_mid + 3.119e-4 * 64 + 0.019474)


@cache
def model_tables() -> dict[str, Any]:
    try:
        text = (resources.files("tracker.footprint") / "data" / "models.toml").read_text("utf-8")
        return tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FootprintError("the table of models is damaged", "models.toml", "reinstall klimaspor") from error


@cache
def registry() -> dict[str, Model]:
    """Plain name → model of EcoLogits' registry."""
    return {
        plain(name): Model(
            name=name,
            key=name,
            source="registry",
            architecture=row["architecture"],
            maker=row["maker"],
            total=pair(row["total"]),
            active=pair(row["active"]),
            tps=row.get("tps"),
            ttft=row.get("ttft"),
        )
        for name, row in table()["models"].items()
    }


def pair(value: Any) -> tuple[float, float]:
    if isinstance(value, int | float):
        return float(value), float(value)
    low, high = value
    return float(low), float(high)


@cache
def frozen() -> dict[str, Model]:
    return {
        plain(name): Model(
            name=name,
            key=name,
            source="frozen",
            architecture="open" if row.get("open") or isinstance(row["active"], int | float) else "registry",
            maker=row["maker"],
            total=pair(row["total"]),
            active=pair(row["active"]),
            tps=row.get("tps"),
            ttft=row.get("ttft"),
        )
        for name, row in model_tables()["frozen"].items()
    }


@cache
def undated_models() -> dict[str, Model]:
    """Name without its date → the newest model of that name; the registry before the frozen table."""
    found: dict[str, Model] = {}
    for known in (frozen(), registry()):
        for name in sorted(known):
            found[undated(name)] = known[name]
    return found
