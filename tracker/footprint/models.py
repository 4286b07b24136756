"""From the names that sites show to parameters: registry, frozen table, sibling or class, always labelled."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any

from tracker.footprint.errors import FootprintError
from tracker.footprint.factors import LATEST
from tracker.footprint.model_names import always_reasons, plain, size_in, undated, words_of
from tracker.footprint.model_tables import Model, frozen, model_tables, pair, registry, undated_models

__all__ = ["Model", "default_days", "resolve_model"]

UNNAMED = frozenset({"", "custom", "auto", "default"})
USUAL_SERVICE = {
    "openai": "chatgpt", "azure.ai.openai": "chatgpt", "anthropic": "claude", "gcp.gemini": "gemini",
    "gcp.vertex_ai": "gemini", "mistral_ai": "le-chat", "perplexity": "perplexity", "x_ai": "grok",
}  # fmt: skip
"""Provider → the site whose usual model stands for an unnamed one (a fine-tuned model, a deployment)."""


@lru_cache(maxsize=4096)
def resolve_model(service: str, provider: str | None, model: str | None, day: str = LATEST) -> Model:
    """
    Return the parameters of the model that ``service`` named ``model`` on ``day`` (ISO date). Never None.

    In this order: a mode of the site (``auto``), the registry of EcoLogits, the frozen table, another spelling,
    a size in the name, a sibling, the site's usual model, the class. Everything after the frozen table is
    labelled ``sibling`` or ``class`` and widens the range.
    """
    name = plain(model or "")
    found = _find(service, provider, name, day)
    reasons = always_reasons(name) or always_reasons(found.key)
    return replace(found, name=model, always_reasons=reasons)


def _find(service: str, provider: str | None, name: str, day: str) -> Model:
    if found := _mode(service, name, day):
        return found
    if name not in UNNAMED:
        found = _known(name) or _spelled(name) or _sized(name) or _mode(service, "*", day) or _related(name)
        if found:
            return found
    if found := _mode(service, "*", day):
        return found
    usual = _mode(USUAL_SERVICE.get(provider or "", ""), "", day) if name in UNNAMED else None
    return replace(usual, source="class", architecture="class") if usual else _class(name)


def default_days(day: str) -> str:
    """Return the last day up to ``day`` on which any site's usual model changed: equal results, equal models."""
    days = _default_days()
    return days[bisect_right(days, day) - 1] if days and days[0] <= day else ""


@cache
def _default_days() -> tuple[str, ...]:
    return tuple(sorted({since for row in model_tables()["default"] for since, _ in row["as"]}))


def _known(name: str) -> Model | None:
    found = registry().get(name) or frozen().get(name)
    return found or undated_models().get(name) or undated_models().get(undated(name))


def _spelled(name: str) -> Model | None:
    for form in (name, undated(name)):
        for alias in model_tables()["alias"]:
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
    for other, model in undated_models().items():
        others = words_of(other)
        if not others or others[0] != words[0] or _size_words(others) != sizes or model.maker == "huggingface_hub":
            continue
        shared = sum(1 for mine, theirs in zip(words, others, strict=False) if mine == theirs)
        foreign = sum(1 for word in others if word.isalpha() and word not in words)
        rank = (shared, -foreign, other)
        if best is None or rank > best[0]:
            best = rank, model
    return None if best is None else _as_sibling(best[1])


def _size_words(words: list[str]) -> frozenset[str]:
    known = {word for row in model_tables()["class"].values() for word in row["words"]} | {"sonnet", "large", "medium"}
    return frozenset(words) & known


def _mode(service: str, name: str, day: str) -> Model | None:
    for row in model_tables()["default"]:
        if row["service"] == service and name in row["modes"]:
            held = [target for since, target in row["as"] if since <= day] or [row["as"][0][1]]
            found = _known(held[-1])
            if found is None:
                raise FootprintError("a site's usual model is unknown", held[-1], "reinstall klimaspor")
            return _as_sibling(found)
    return None


def _class(name: str) -> Model:
    words = set(words_of(name))
    rows: Mapping[str, Any] = model_tables()["class"]
    key = next((key for key, row in rows.items() if words & set(row["words"])), "middle")
    row = rows[key]
    return Model(
        name=name, key=f"class {key}", source="class", architecture="class", maker="unknown",
        total=pair(row["total"]), active=pair(row["active"]),
    )  # fmt: skip
