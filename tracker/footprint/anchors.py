"""Where a person's usual answer sits among the figures of others, each labelled with its scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracker.footprint.factors import LATEST, load_factors
from tracker.footprint.impacts import Impacts

if TYPE_CHECKING:
    from tracker.footprint.assessment import Assessment

KEYS = (
    "score_30b", "google_median", "search_2009", "epoch_500", "oviedo_median", "openai_average", "image_luccioni",
    "score_reasoning", "agent_session", "video_iea",
)  # fmt: skip
LIFE_CYCLE = {"mistral_ghg": "ghg_g", "mistral_water": "water_ml", "mistral_metal": "adpe_ug_sb"}
"""The only life cycle analysis that a maker published, by criterion."""


def typical_answer_wh(assessment: Assessment) -> float | None:
    """Return the median over the person's chat answers of the central Wh an answer, None where there were none."""
    answers = sorted(
        (assessment.energy_wh(index) / activity.requests, activity.requests)
        for index, activity in enumerate(assessment.activities)
        if activity.operation == "chat" and activity.initiator == "person" and activity.requests
    )
    half = sum(requests for _, requests in answers) / 2
    passed = 0
    for wh, requests in answers:
        passed += requests
        if passed >= half:
            return wh
    return None


def where_this_sits(wh: float | None) -> list[dict[str, Any]]:
    """
    Return rows ``{"key", "wh": R, "times", "unit", "scope", "source", "year", "link", "tier"}``, smallest first.

    ``times`` is the person's Wh over theirs, null where the person has none.

    ``scope`` says what each includes. They differ in boundary, statistic and hardware: context, not a ranking.
    """
    factors = load_factors()
    rows = []
    for key in KEYS:
        factor = factors.get(f"anchor_{key}", LATEST)
        rows.append({
            "key": key, "wh": {"low": factor.low, "mid": factor.value, "high": factor.high},
            "times": None if wh is None else wh / factor.value, "unit": factor.unit, "scope": factor.note,
            "source": factor.source, "year": factor.year, "link": factor.link, "tier": factor.tier,
        })  # fmt: skip
    return sorted(rows, key=lambda row: row["wh"]["mid"])


def different_scope(impacts: Impacts, answers: int) -> list[dict[str, Any]]:
    """
    Return ``{"key", "criterion", "theirs", "ours": R, "times", "scope", "source", "year", "link"}``: a maker's life
    cycle analysis beside the mean of ``answers`` answers. ``times`` is theirs over ours; the scopes differ, so it is
    a measure of what is left out here, not of an error. Empty where nothing was answered.
    """
    if not answers:
        return []
    rows = []
    for key, criterion in LIFE_CYCLE.items():
        factor = load_factors().get(f"anchor_{key}", LATEST)
        impact = getattr(impacts, criterion)
        ours = {end: getattr(impact, end) / answers for end in ("low", "mid", "high")}
        rows.append({
            "key": key, "criterion": criterion, "theirs": factor.value, "ours": ours,
            "times": factor.value / ours["mid"] if ours["mid"] else None, "scope": factor.note,
            "source": factor.source, "year": factor.year, "link": factor.link,
        })  # fmt: skip
    return rows
