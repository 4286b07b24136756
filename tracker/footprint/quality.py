"""How good the numbers are: data-quality tiers, what causes the spread, models that were guessed, factors used."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tracker.footprint.factors import TIERS, Factor
from tracker.footprint.models import Model
from tracker.footprint.quantities import INDEX
from tracker.footprint.recipe import Load, Recipe
from tracker.footprint.used import factor_keys

if TYPE_CHECKING:
    from tracker.footprint.assessment import Assessment


def tiers(assessment: Assessment) -> dict[str, float]:
    """
    Return tier → share of the central energy, adding to 1 (all 0 where there is no energy).

    1 measured or disclosed for this service, 2 measured for an analogue, 3 modelled, 4 guessed. A text load has the
    tier of its model's architecture, an estimate that of its prior. No single turn of a chatbot is tier 1 today:
    even the two services that disclosed a figure did so for a median prompt, not for yours.
    """
    shares = {str(tier): 0.0 for tier in TIERS}
    for recipe, sums, lines in assessment.dishes():
        for line in lines:
            shares[str(_tier(line.load, recipe.model))] += line.energy_wh(sums)
    total = math.fsum(shares.values())
    return {tier: wh / total for tier, wh in shares.items()} if total else shares


def _tier(load: Load, model: Model) -> int:
    if load.tier is not None:
        return max(load.tier, model.tier) if load.is_text else load.tier
    return model.tier


FAMILIES = {
    "serving": "serving", "hardware": "hardware", "architecture": "architecture", "pue": "pue", "prefill": "prefill",
    "grid": "grid", "water": "water", "embodied": "embodied",
}  # fmt: skip


def spread(assessment: Assessment) -> list[dict[str, Any]]:
    """
    Return ``{"key", "share"}``, largest first: the share of the ln-variance of the energy total by its cause.

    To first order: each named unknown contributes (its share of the energy · ln sigma)². Causes: serving
    (efficiency and load of the servers), hardware, architecture (undisclosed models), pue, prefill, hidden (priors
    for what the wire hides), media, local_power, turn (turn-to-turn noise).
    """
    by_name: dict[tuple[str, str], float] = {}
    turn = 0.0
    total = 0.0
    for recipe, sums, lines in assessment.dishes():
        total += math.fsum(line.energy_wh(sums) for line in lines)
        text = math.fsum(line.energy_wh(sums) for line in lines if line.load.is_text)
        turn += text**2 * assessment.engine.charges.turn_variance(recipe, sums)
        for line in lines:
            for name, sigma in line.unknowns.spreads:
                key = (_family(name, recipe, line.load), name)
                by_name[key] = by_name.get(key, 0.0) + line.energy_wh(sums) * sigma
    if not total:
        return []
    by_family: dict[str, float] = {"turn": turn / total**2}
    for (family, _), weighted in by_name.items():
        by_family[family] = by_family.get(family, 0.0) + (weighted / total) ** 2
    variance = math.fsum(by_family.values())
    rows = [{"key": family, "share": value / variance if variance else 0.0} for family, value in by_family.items()]
    return sorted(rows, key=lambda row: (-row["share"], row["key"]))


def _family(name: str, recipe: Recipe, load: Load) -> str:
    if family := FAMILIES.get(name.split(" ", maxsplit=1)[0]):
        return family
    if recipe.local:
        return "local_power"
    return "media" if load.component in ("images", "video", "audio") else "hidden"


def unknown_models(assessment: Assessment) -> list[dict[str, Any]]:
    """
    Return the models taken for a sibling or a class: ``{"model", "service", "taken_as", "source", "gsd", "requests",
    "energy_wh", "share"}``, most energy first. Media and local models are priced otherwise and not listed.
    """
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    total = 0.0
    for recipe, sums, lines in assessment.dishes():
        wh = math.fsum(line.energy_wh(sums) for line in lines)
        total += wh
        model = recipe.model
        if model.source not in ("sibling", "class") or not any(line.load.is_text for line in lines):
            continue
        gsd = assessment.factors.get(f"gsd_architecture_{model.architecture}", recipe.day).value
        row = rows.setdefault(
            (model.name, recipe.service, model.key),
            {
                "model": model.name, "service": recipe.service, "taken_as": model.key, "source": model.source,
                "gsd": gsd, "requests": 0, "energy_wh": 0.0,
            },
        )  # fmt: skip
        row["requests"] += int(sums[INDEX["requests"]])
        row["energy_wh"] += wh
    ordered = sorted(rows.values(), key=lambda row: -row["energy_wh"])
    return [row | {"share": row["energy_wh"] / total if total else 0.0} for row in ordered]


def sources(assessment: Assessment) -> list[dict[str, Any]]:
    """Return the rows of all factors that entered this assessment, by key, newest of each; and EcoLogits itself."""
    used: dict[tuple[str, str], Factor] = {}
    for recipe, _, lines in assessment.dishes():
        for key in factor_keys(recipe, lines):
            row = assessment.factors.find(key, recipe.day)
            if row is not None:
                used[key, row.valid_from.isoformat()] = row
    return [ecologits_source(), *(used[key].to_json() for key in sorted(used))]


def ecologits_source() -> dict[str, Any]:
    """Return the row of the package itself: model sizes, regression, grids of 2025, hardware."""
    from importlib.metadata import version

    return {
        "key": "ecologits", "value": None, "low": None, "high": None, "unit": "package", "year": 2026,
        "place": "zones", "source": f"EcoLogits {version('ecologits')}: model sizes, energy regression, electricity "
        "mixes (Our World in Data and Ember 2025, ADEME, WRI), hardware (ADEME)", "link": "https://ecologits.ai",
        "licence": "MPL-2.0", "tier": 3, "valid_from": "2020-01-01", "note": "",
    }  # fmt: skip
