"""What the numbers rest on: how sure, what is in them, made by what, from which sources."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracker.footprint import Assessment, Settings

Json = dict[str, Any]


def quality(assessed: Assessment) -> Json:
    """Return the share of energy by data-quality tier, guessed models, and how much was counted here."""
    activities = assessed.activities
    counted = sum(
        getattr(a, f"{kind}_tokens") for a in activities for kind in ("input", "output")
        if getattr(a, f"{kind}_tokens_source") == "counted"
    )  # fmt: skip
    every = sum(a.input_tokens + a.output_tokens for a in activities)
    return {
        "tiers": [{"tier": int(tier), "share": share} for tier, share in sorted(assessed.tiers().items())],
        "unknown_models": assessed.unknown_models(),
        "counted_share": counted / every if every else None,
        "not_covered": assessed.not_covered(),
    }


def scope(settings: Settings) -> Json:
    """Return what is in the numbers and what is not, as keys."""
    on = settings.extensions
    switchable = [key for key in ("idle", "network", "device") if key in on]
    if settings.method == "ecologits":
        switchable = []
    included = ["inference", *switchable, "grid", "hardware"]
    excluded = [key for key in ("idle", "network", "device") if key not in switchable]
    return {"included": included, "excluded": ["training", *excluded, "end_of_life", "rebound", "elsewhere"]}


def generator(version: str, assessed: Assessment) -> Json:
    """Return what made the report: the version of klimaspor, of its factors and of EcoLogits."""
    from importlib import metadata

    return {
        "name": "klimaspor",
        "version": version,
        "factors": assessed.factors.version,
        "ecologits": metadata.version("ecologits"),
    }


def sources(factors: Sequence[Json]) -> list[Json]:
    """Return the sources of these factors, each once, with what it was used for."""
    found: dict[str, Json] = {}
    for factor in factors:
        entry = found.setdefault(
            factor["source"],
            {"title": factor["source"], "url": factor["link"] or None, "year": factor["year"],
             "licence": factor["licence"], "factors": []},
        )  # fmt: skip
        entry["factors"].append(factor["key"])
    return list(found.values())
