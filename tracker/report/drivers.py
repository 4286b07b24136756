"""What drove the footprint: components beside the usual week, model and place as ratios, methods, quality, scope."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

from tracker.record import Activity
from tracker.report import rows
from tracker.report.coverage import USUAL_COVERAGE, coverage
from tracker.report.figures import apportion

if TYPE_CHECKING:
    from tracker.report.data import Span

Json = dict[str, Any]

FEWEST_WEEKS = 3
"""Fewer weeks do not make a usual one."""


def usual_week(weeks: Sequence[Span], assessed_weeks: Sequence[Any]) -> Json | None:
    """Return medians of the weeks before that were mostly seen; None if there are too few."""
    energies: list[float] = []
    shares: list[dict[str, float]] = []
    requests: list[int] = []
    for week, assessed in zip(weeks, assessed_weeks, strict=True):
        seen = coverage(week.activities, week.unread, week.refused, week.listening)["seen"]
        if not week.activities or seen is None or seen < USUAL_COVERAGE:
            continue
        energy = assessed.central_wh()
        if energy <= 0:
            continue
        energies.append(energy)
        requests.append(sum(activity.requests for activity in week.activities))
        shares.append({key: wh / energy for key, wh in component_energies(assessed).items()})
    if len(energies) < FEWEST_WEEKS:
        return None
    keys = sorted({key for share in shares for key in share})
    return {
        "weeks": len(energies),
        "energy_wh_per_week": median(energies),
        "energy_wh_per_day": median(energies) / 7,
        "requests_per_week": median(requests),
        "component_shares": {key: median([share.get(key, 0.0) for share in shares]) for key in keys},
    }


def component_energies(assessed: Any) -> dict[str, float]:
    """Return the energy of each component, in Wh."""
    return dict(assessed.component_wh())


def components(assessed: Any, usual: Json | None) -> list[Json]:
    """Return the components, the largest first, beside their usual shares, with their energy as shown."""
    found = sorted(assessed.components(), key=lambda item: (-item["share"], item["key"]))
    listed = []
    total = assessed.central_wh()
    shown_values = apportion([item["energy_wh"]["mid"] for item in found], total)
    for item, value in zip(found, shown_values, strict=True):
        usual_share = usual["component_shares"].get(item["key"], 0.0) if usual else None
        listed.append(dict(item) | {"usual_share": usual_share, "shown_energy_wh": value})
    return listed


UNSEEN = frozenset({"hidden_reasoning", "hidden_steps"})


def add_unseen(days: list[Json], activities: Sequence[Activity], assessed: Any) -> list[Json]:
    """Add to each day the energy of thinking and research steps that nobody saw, in Wh."""
    if assessed.settings.method == "ecologits":
        return days
    positions = rows.group(activities, lambda activity: activity.day)
    for item in days:
        item["unseen_energy_wh"] = sum(
            line.energy_wh(sums)
            for _, sums, lines in assessed.dishes(positions.get(item["key"], []))
            for line in lines
            if line.load.estimated and line.load.component in UNSEEN
        )
    return days


def about_model(assessed: Any) -> Callable[[int], Json]:
    """Return how to tell how sure the model at a position is: what it was taken for, and the tier of its size."""

    def about(position: int) -> Json:
        model = assessed.recipes[position].model
        return {"taken_as": model.key, "resolved": model.source, "tier": model.tier}

    return about


def by_method(assessed: Any) -> list[Json]:
    """Return the methods side by side; a method that covers nothing is left out."""
    found = []
    for item in assessed.by_method():
        if item["impacts"] is None:
            continue
        published = item.pop("as_published", None)
        covered = [assessed.activities[index] for index in assessed.covered(item["key"])]
        entry = dict(item) | {
            "alternatives": True,
            "tokens": rows.tokens(covered),
            "impacts": rows.without_interval(item["impacts"]),
        }
        if published is not None:
            entry["as_published"] = published
        found.append(entry)
    return found


SMALLEST = {
    "openai": "gpt-5.4-nano",
    "azure.ai.openai": "gpt-5.4-nano",
    "anthropic": "claude-haiku-4-5",
    "gcp.gemini": "gemini-3.1-flash-lite",
    "mistral_ai": "ministral-3b-latest",
}
"""Provider → the smallest model of the maker that answers in a chat."""
CLEAN_ZONE, WORLD_ZONE = "NOR", "WOR"


def ratios(assessed: Any, whole: Json, assessed_weeks: Sequence[Any]) -> Json:
    """Return what the choice of models and the place of the servers did, as ratios; None where it cannot be told."""
    result: Json = {"model": None, "place": None}
    settings = assessed.settings
    if not assessed.activities or whole["energy_wh"]["mid"] <= 0:
        return result
    ratio = model_ratio(assessed)
    if ratio is not None:
        before = [found for week in assessed_weeks if (found := model_ratio(week)) is not None]
        result["model"] = {"ratio": ratio, "usual": median(before) if len(before) >= FEWEST_WEEKS else None}
    if settings.zone is None and whole["ghg_g"]["mid"] > 0:
        clean, world = (
            assessed.elsewhere(zone).central_ghg_g() / whole["ghg_g"]["mid"] for zone in (CLEAN_ZONE, WORLD_ZONE)
        )
        zones = {recipe.place.grid.zone: 0 for recipe in assessed.recipes}
        result["place"] = {
            "zones": sorted(zones), "clean_zone": CLEAN_ZONE, "clean_ratio": clean, "world_ratio": world,
        }  # fmt: skip
    return result


def model_ratio(assessed: Any) -> float | None:
    """
    Return the energy over that of the smallest model of each maker for the same words.

    None where no maker is known, where that would have taken more, and for EcoLogits as published.
    """
    if assessed.settings.method == "ecologits":
        return None
    chosen = [
        position for position, a in enumerate(assessed.activities)
        if a.provider in SMALLEST and a.model and a.operation == "chat"
    ]  # fmt: skip
    least = assessed.central_wh_with(SMALLEST, chosen)
    ratio = assessed.central_wh(chosen) / least if least else 0.0
    return ratio if ratio >= 1 else None


def quality(assessed: Any, activities: Sequence[Activity]) -> Json:
    """Return the share of energy by data-quality tier, guessed models, and how much was counted here."""
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


def scope(settings: Any) -> Json:
    """Return what is in the numbers and what is not, as keys."""
    on = settings.extensions
    switchable = [key for key in ("idle", "network", "device") if key in on]
    if settings.method == "ecologits":
        switchable = []
    included = ["inference", *switchable, "grid", "hardware"]
    excluded = [key for key in ("idle", "network", "device") if key not in switchable]
    return {"included": included, "excluded": ["training", *excluded, "end_of_life", "rebound", "elsewhere"]}


def generator(version: str, assessed: Any) -> Json:
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
