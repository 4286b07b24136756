"""From the names that sites show to parameters: the registry, a frozen table, a sibling, or a class, always labelled."""

from __future__ import annotations

import math
import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any, Literal

from tracker.footprint.errors import FootprintError
from tracker.footprint.model_names import always_reasons, plain, size_in, undated, words_of

ModelSource = Literal["registry", "frozen", "sibling", "class"]
Architecture = Literal["open", "registry", "named", "sibling", "class"]

LATEST_DAY = "9999-12-31"
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


def resolve_model(service: str, provider: str | None, model: str | None, day: str = LATEST_DAY) -> Model:
    """
    Return the parameters of the model that ``service`` named ``model`` on ``day`` (ISO date). Never None.

    In this order: a mode of the site (``auto``), the registry of EcoLogits, the frozen table, another spelling,
    a size in the name, a sibling, the site's usual model, the class. Everything after the frozen table is
    labelled ``sibling`` or ``class`` and widens the range.
    """
    name = plain(model or "")
    found = _find(service, name, day)
    reasons = always_reasons(name) or always_reasons(found.key)
    return replace(found, name=model, always_reasons=reasons)


def _find(service: str, name: str, day: str) -> Model:
    if found := _mode(service, name, day):
        return found
    if name and name not in ("custom", "auto", "default"):
        found = _known(name) or _spelled(name) or _sized(name) or _mode(service, "*", day) or _related(name)
        if found:
            return found
    return _mode(service, "*", day) or _class(name)


@cache
def _tables() -> dict[str, Any]:
    try:
        text = (resources.files("tracker.footprint") / "data" / "models.toml").read_text("utf-8")
        return tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FootprintError("the table of models is damaged", "models.toml", "reinstall klimaspor") from error


def default_days(day: str) -> str:
    """Return the last day up to ``day`` on which any site's usual model changed: equal results, equal models."""
    days = _default_days()
    return days[bisect_right(days, day) - 1] if days and days[0] <= day else ""


@cache
def _default_days() -> tuple[str, ...]:
    return tuple(sorted({since for row in _tables()["default"] for since, _ in row["as"]}))


@cache
def _registry() -> dict[str, Model]:
    """Plain name → model of EcoLogits' registry; makers' own entries win over copies on the hub."""
    from ecologits.model_repository import ParametersMoE, models

    found: dict[str, Model] = {}
    for entry in sorted(models.list_models(), key=lambda entry: entry.provider.value == "huggingface_hub"):
        parameters = entry.architecture.parameters
        mixture = parameters if isinstance(parameters, ParametersMoE) else None
        closed = any(warning.code == "model-arch-not-released" for warning in entry.warnings)
        name = plain(entry.name)
        deployment = entry.deployment
        found.setdefault(
            name,
            Model(
                name=entry.name,
                key=entry.name,
                source="registry",
                architecture="registry" if closed else "open",
                maker=entry.provider.value,
                total=_pair(mixture.total if mixture else parameters),
                active=_pair(mixture.active if mixture else parameters),
                tps=deployment.tps if deployment else None,
                ttft=deployment.ttft if deployment else None,
            ),
        )
    return found


def _pair(value: Any) -> tuple[float, float]:
    if isinstance(value, int | float):
        return float(value), float(value)
    if isinstance(value, list):
        return float(value[0]), float(value[1])
    return float(value.min), float(value.max)


@cache
def _frozen() -> dict[str, Model]:
    return {
        plain(name): Model(
            name=name,
            key=name,
            source="frozen",
            architecture="open" if row.get("open") or isinstance(row["active"], int | float) else "registry",
            maker=row["maker"],
            total=_pair(row["total"]),
            active=_pair(row["active"]),
            tps=row.get("tps"),
            ttft=row.get("ttft"),
        )
        for name, row in _tables()["frozen"].items()
    }


@cache
def _undated() -> dict[str, Model]:
    """Name without its date → the newest model of that name; the registry before the frozen table."""
    found: dict[str, Model] = {}
    for table in (_frozen(), _registry()):
        for name in sorted(table):
            found[undated(name)] = table[name]
    return found


def _known(name: str) -> Model | None:
    found = _registry().get(name) or _frozen().get(name)
    return found or _undated().get(name) or _undated().get(undated(name))


def _spelled(name: str) -> Model | None:
    for form in (name, undated(name)):
        for alias in _tables()["alias"]:
            if matched := re.fullmatch(alias["match"], form):
                target = alias["as"].replace(r"\0", form) if r"\0" in alias["as"] else matched.expand(alias["as"])
                if found := _known(target.strip("-")):
                    return found if alias.get("same") else _as_sibling(found)
                if related := _related(target.strip("-")):
                    return related
    return None


def _as_sibling(model: Model) -> Model:
    return replace(model, source="sibling", architecture="sibling")


def _sized(name: str) -> Model | None:
    if (size := size_in(name)) is None:
        return None
    total, active = size
    return Model(
        name=name, key=f"{total:.3g}B", source="sibling", architecture="named", maker="unknown",
        total=(total, total), active=(active, active),
    )  # fmt: skip


def _related(name: str) -> Model | None:
    """Return the model of the same family and size word that shares most of the name; the newest of equals."""
    words = words_of(name)
    if not words:
        return None
    sizes = _size_words(words)
    best: tuple[tuple[int, int, str], Model] | None = None
    for other, model in _undated().items():
        others = words_of(other)
        if not others or others[0] != words[0] or _size_words(others) != sizes or model.maker == "huggingface_hub":
            continue
        shared = sum(1 for mine, theirs in zip(words, others, strict=False) if mine == theirs)
        rank = (shared, -len(others), other)
        if best is None or rank > best[0]:
            best = rank, model
    return None if best is None else _as_sibling(best[1])


def _size_words(words: list[str]) -> frozenset[str]:
    known = {word for row in _tables()["class"].values() for word in row["words"]} | {"sonnet", "large", "medium"}
    return frozenset(words) & known


def _mode(service: str, name: str, day: str) -> Model | None:
    for row in _tables()["default"]:
        if row["service"] == service and name in row["modes"]:
            held = [target for since, target in row["as"] if since <= day] or [row["as"][0][1]]
            found = _known(held[-1])
            if found is None:
                raise FootprintError("a site's usual model is unknown", held[-1], "reinstall klimaspor")
            return _as_sibling(found)
    return None


def _class(name: str) -> Model:
    words = set(words_of(name))
    rows: Mapping[str, Any] = _tables()["class"]
    key = next((key for key, row in rows.items() if words & set(row["words"])), "middle")
    row = rows[key]
    return Model(
        name=name, key=f"class {key}", source="class", architecture="class", maker="unknown",
        total=_pair(row["total"]), active=_pair(row["active"]),
    )  # fmt: skip
