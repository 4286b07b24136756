"""What the period comes to: how it compares, what made it, in keys and numbers; and the sentence that says so."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tracker.report.figures import significant
from tracker.report.language import Language
from tracker.report.names import service

Json = dict[str, Any]

SAME_WITHIN = 0.15
"""Differences below this share are "much the same"."""
TELLING_SHARE = 0.3
"""A feature, day or service is named in the first sentence if it made at least this share."""


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


def headline(data: Json, language: Language, emphasis: Callable[[str], str]) -> str:
    """Return the first sentence of the report; ``emphasis`` marks its figure."""
    t = language.t
    if not data["requests"]:
        return _quiet(data, language)
    asked = counted_questions(data, language)
    equivalent = lead_equivalent(data, language)
    parts = {"opening": _opening(data, language), "asked": asked}
    driver = driver_phrase(data["finding"]["driver"], language)
    if equivalent is None:
        return t("{opening}: {asked}.", **parts)
    parts["equivalent"] = emphasis(equivalent)
    if driver is None:
        return t("{opening}: {asked}, about the energy of {equivalent}.", **parts)
    return t("{opening}: {asked}, about the energy of {equivalent}; {driver}.", **parts, driver=driver)


def counted_questions(data: Json, language: Language) -> str:
    """Return ``41 questions``, or the answers where nobody asked anything."""
    if data["questions"]:
        return language.tn("{n} question", "{n} questions", data["questions"])
    return language.tn("{n} answer that nobody asked for", "{n} answers that nobody asked for", data["requests"])


def lead_equivalent(data: Json, language: Language) -> str | None:
    """Return the equivalent that the first sentence uses: the one whose middle is nearest to ten."""
    fitting = [item for item in data["equivalents"] if item["impact"] == "energy_wh" and item["high"] >= 1]
    if not fitting:
        return None
    leads = [item for item in fitting if item.get("lead")] or fitting
    return equivalent_phrase(leads[0], language)


def equivalent_phrase(item: Json, language: Language) -> str:
    """Return ``3 to 9 phone charges``: the whole interval, one significant digit."""
    low, high = significant(item["low"], 1), significant(item["high"], 1)
    span = language.span(low, high)
    t = language.t
    match item["key"]:
        case "phone_charge" if high == low == 1:
            return t("one phone charge")
        case "phone_charge":
            return t("{span} phone charges", span=span)
        case "laptop_charge" if high == low == 1:
            return t("one laptop charge")
        case "laptop_charge":
            return t("{span} laptop charges", span=span)
        case "led_minute":
            return t("{span} minutes of an LED lamp", span=span)
        case "car_metre":
            return t("{span} metres in a car", span=span)
        case "teaspoon":
            return t("{span} teaspoons of water", span=span)
        case "drop":
            return t("{span} drops of water", span=span)
        case "led_hour":
            return t("{span} hours of an LED lamp", span=span)
        case "kettle":
            return t("{span} kettles of water boiled", span=span)
        case "electric_car_km":
            return t("{span} km in an electric car", span=span)
        case "e_bike_km":
            return t("{span} km on an electric bicycle", span=span)
        case "household_day_no":
            return t("{span} days of a Norwegian household's electricity", span=span)
        case "person_day_nl":
            return t("{span} days of one person's electricity at home in the Netherlands", span=span)
        case "household_day":
            return t("{span} days of a European household's electricity", span=span)
        case "car_km":
            return t("{span} km in a car", span=span)
        case "glass":
            return t("{span} glasses of water", span=span)
        case "shower_minute":
            return t("{span} minutes under the shower", span=span)
        case "search_2009":
            return t("{span} web searches as of 2009", span=span)
        case "budget_day":
            return t("{span} days of a 1.5 °C life", span=span)
        case other:
            return f"{span} {other.replace('_', ' ')}"


def driver_phrase(driver: Json | None, language: Language) -> str | None:
    """Return ``2 deep-research runs were half of it``."""
    if driver is None:
        return None
    part = fraction(driver["share"], language)
    tn, n = language.tn, driver["requests"]
    match driver["kind"], driver["key"]:
        case "feature", "deep_research":
            return tn(
                "one deep-research run was {part} of it", "{n} deep-research runs were {part} of it", n, part=part
            )
        case "feature", "video_output":
            return tn("one video was {part} of it", "{n} videos were {part} of it", n, part=part)
        case "feature", "image_output":
            return tn("one picture was {part} of it", "{n} pictures were {part} of it", n, part=part)
        case "feature", "reasoning":
            return tn(
                "one answer with thinking was {part} of it", "{n} answers with thinking were {part} of it", n, part=part
            )
        case "initiator", "agent":
            return tn(
                "one round of an agent was {part} of it", "{n} rounds of an agent were {part} of it", n, part=part
            )
        case "service", key:
            return language.t("{service} was {part} of it", service=service(key), part=part)
    return None


def fraction(share: float, language: Language) -> str:
    """Return a share in words where a word fits within a few percent, else in percent."""
    t = language.t
    words = (
        (1.0, t("all")), (0.75, t("three quarters")), (0.667, t("two thirds")), (0.5, t("half")),
        (0.333, t("a third")), (0.25, t("a quarter")),
    )  # fmt: skip
    value, word = min(words, key=lambda pair: abs(pair[0] - share))
    if abs(value - share) <= 0.035 and not (value == 1.0 and share < 0.995):
        return word
    if share > 0.85:
        return t("nearly all")
    if 0.535 < share < 0.62:
        return t("more than half")
    if 0.4 < share < 0.465:
        return t("nearly half")
    return language.percent(share)


def _opening(data: Json, language: Language) -> str:
    t = language.t
    running = not data["period"]["complete"]
    if data["period"]["kind"] == "week":
        match data["finding"]["trend"]:
            case "less":
                return t("Less than the same days last week") if running else t("Less than last week")
            case "more":
                return t("More than the same days last week") if running else t("More than last week")
            case "same":
                return t("Much as the same days last week") if running else t("Much the same as last week")
        return t("This week so far") if running else t("This week")
    match data["finding"]["trend"]:
        case "less":
            return language.tn("Less than the day before", "Less than in the {n} days before", data["period"]["days"])
        case "more":
            return language.tn("More than the day before", "More than in the {n} days before", data["period"]["days"])
        case "same":
            return language.tn(
                "Much the same as the day before", "Much the same as in the {n} days before", data["period"]["days"]
            )
    return language.tn("In {n} day", "In {n} days", data["period"]["days"])


def _quiet(data: Json, language: Language) -> str:
    t = language.t
    if data["period"]["kind"] == "week":
        return t("A quiet week: nothing was recorded.")
    if data["period"]["days"] == 1:
        return t("A quiet day: nothing was recorded.")
    return t("A quiet time: nothing was recorded.")


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
        if largest["impacts"]["energy_wh"]["mid"] / energy >= 0.5:
            return _driven("service", largest, energy)
    return None


def _relative_range(data: Json, energy: float) -> Json | None:
    if energy <= 0:
        return None
    return {end: significant(data["impacts"]["energy_wh"][end] / energy, 2) for end in ("low", "high")}


COVERS_ALL = 0.999
"""Above this share a method covers every answer; others are no alternatives for the whole."""


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
