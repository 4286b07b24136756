"""Where a person's usual answer sits among the figures of others, each labelled with its scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracker.footprint.factors import load_factors

if TYPE_CHECKING:
    from tracker.footprint.assessment import Assessment

KEYS = (
    "score_30b", "google_median", "search_2009", "epoch_500", "oviedo_median", "openai_average", "image_luccioni",
    "score_reasoning", "agent_session", "video_iea",
)  # fmt: skip
LATEST = "9999-12-31"


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
