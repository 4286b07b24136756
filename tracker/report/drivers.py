"""What drove the footprint: components beside the usual week, model and place as ratios, methods side by side."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

from tracker.report import rows
from tracker.report.coverage import USUAL_COVERAGE, coverage
from tracker.report.figures import apportion

if TYPE_CHECKING:
    from tracker.footprint import Assessment
    from tracker.report.inputs import Span

Json = dict[str, Any]

FEWEST_WEEKS = 3
"""Fewer weeks do not make a usual one."""


def usual_week(weeks: Sequence[Span], assessed_weeks: Sequence[Assessment]) -> Json | None:
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
        requests.append(rows.requests(week.activities))
        shares.append({key: wh / energy for key, wh in assessed.component_wh().items()})
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


def components(assessed: Assessment, usual: Json | None) -> list[Json]:
    """Return the components, the largest first, beside their usual shares, with their energy as shown."""
    found = sorted(assessed.components(), key=lambda item: (-item["share"], item["key"]))
    listed = []
    total = assessed.central_wh()
    shown_values = apportion([item["energy_wh"]["mid"] for item in found], total)
    for item, value in zip(found, shown_values, strict=True):
        usual_share = usual["component_shares"].get(item["key"], 0.0) if usual else None
        listed.append(dict(item) | {"usual_share": usual_share, "shown_energy_wh": value})
    return listed


def by_method(assessed: Assessment) -> list[Json]:
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


def ratios(assessed: Assessment, whole: Json, assessed_weeks: Sequence[Assessment]) -> Json:
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


def model_ratio(assessed: Assessment) -> float | None:
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
    asked = assessed.part(chosen)
    least = asked.answered_by(SMALLEST).central_wh()
    ratio = asked.central_wh() / least if least else 0.0
    return ratio if ratio >= 1 else None
