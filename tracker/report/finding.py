"""What the period comes to: how it compares and what made it, in keys and numbers (pure)."""

from __future__ import annotations

import math
from typing import Any

from tracker.report.figures import significant

Json = dict[str, Any]

SAME_WITHIN = 0.15
"""Differences below this share are "much the same"."""
TELLING_SHARE = 0.3
"""A feature, or the rounds of agents, are named as what drove it if they made at least this share of the energy."""
MAIN_SHARE = 0.5
"""A service is named as what drove it if it made at least this share, and nothing rarer is telling."""
COVERS_ALL = 0.999
"""Above this share a method covers every answer; others are no alternatives for the whole."""


def find(data: Json) -> Json:
    """
    Return the finding: trend against the previous period, and the one thing that made most of this one.

    ``trend`` is None where there is nothing comparable.
    """
    energy = data["impacts"]["energy_wh"]["mid"]
    previous = data["previous"]
    trend, ratio = None, None
    if previous and previous["comparable"] and previous["requests"] and energy > 0:
        before = previous["impacts"]["energy_wh"]["mid"]
        ratio = energy / before if before > 0 else None
        if ratio is not None:
            trend = "same" if 1 - SAME_WITHIN <= ratio <= 1 + SAME_WITHIN else "less" if ratio < 1 else "more"
    return {
        "trend": trend,
        "ratio": None if ratio is None else significant(ratio, 2),
        "driver": _driver(data, energy),
        "heaviest_day": _heaviest_day(data, energy),
        "relative_range": _relative_range(data, energy),
        "methods_ratio": _methods_ratio(data),
    }


def _driver(data: Json, energy: float) -> Json | None:
    if energy <= 0 or data["requests"] < 2:
        return None
    features = [
        item for item in data["by_feature"]
        if item["key"] in {"deep_research", "video_output", "image_output", "reasoning"}
    ]  # fmt: skip
    agents = [item for item in data["by_initiator"] if item["key"] == "agent"]
    candidates = [("feature", item) for item in features] + [("initiator", item) for item in agents]
    # The rarest thing that made a telling share says most.
    telling = [
        (kind, item) for kind, item in candidates
        if item["impacts"]["energy_wh"]["mid"] / energy >= TELLING_SHARE and item["requests"] < data["requests"]
    ]  # fmt: skip
    if telling:
        kind, item = max(telling, key=lambda pair: _weight(pair[1], energy, data["requests"]))
        return _driven(kind, item, energy)
    if len(data["by_service"]) > 1:
        largest = data["by_service"][0]
        if largest["impacts"]["energy_wh"]["mid"] / energy >= MAIN_SHARE:
            return _driven("service", largest, energy)
    return None


def _relative_range(data: Json, energy: float) -> Json | None:
    if energy <= 0:
        return None
    return {end: significant(data["impacts"]["energy_wh"][end] / energy, 2) for end in ("low", "high")}


def _methods_ratio(data: Json) -> float | None:
    """Return the largest method's middle over the smallest's, among those that cover every answer."""
    whole = [item for item in data["by_method"] if item["covered_share"] > COVERS_ALL]
    mids = [mid for item in whole if (mid := item["impacts"]["energy_wh"]["mid"]) > 0]
    if len(mids) < 2:
        return None
    ratio = max(mids) / min(mids)
    return significant(ratio, 1 if ratio >= 3 else 2)


def _weight(item: Json, energy: float, requests: int) -> float:
    share: float = item["impacts"]["energy_wh"]["mid"] / energy
    return share / math.sqrt(item["requests"] / requests)


def _driven(kind: str, item: Json, energy: float) -> Json:
    return {
        "kind": kind,
        "key": item["key"],
        "requests": item.get("used") or item["requests"],
        "share": significant(item["impacts"]["energy_wh"]["mid"] / energy, 3),
    }


def _heaviest_day(data: Json, energy: float) -> Json | None:
    days = [item for item in data["by_day"] if item["requests"]]
    if energy <= 0 or len(days) < 2:
        return None
    largest = max(days, key=lambda item: item["impacts"]["energy_wh"]["mid"])
    return {"key": largest["key"], "share": significant(largest["impacts"]["energy_wh"]["mid"] / energy, 3)}
