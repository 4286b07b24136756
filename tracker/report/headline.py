"""The sentence that says what the period comes to, in one language, from the finding (pure)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tracker.report.figures import significant
from tracker.report.language import Language
from tracker.report.names import mark, service

Json = dict[str, Any]

EQUIVALENTS = {
    "phone_charge": mark("{span} phone charges"),
    "laptop_charge": mark("{span} laptop charges"),
    "led_minute": mark("{span} minutes of an LED lamp"),
    "car_metre": mark("{span} metres in a car"),
    "teaspoon": mark("{span} teaspoons of water"),
    "drop": mark("{span} drops of water"),
    "led_hour": mark("{span} hours of an LED lamp"),
    "kettle": mark("{span} kettles of water boiled"),
    "electric_car_km": mark("{span} km in an electric car"),
    "e_bike_km": mark("{span} km on an electric bicycle"),
    "household_day_no": mark("{span} days of a Norwegian household's electricity"),
    "person_day_nl": mark("{span} days of one person's electricity at home in the Netherlands"),
    "household_day": mark("{span} days of a European household's electricity"),
    "car_km": mark("{span} km in a car"),
    "glass": mark("{span} glasses of water"),
    "shower_minute": mark("{span} minutes under the shower"),
}
"""What ``tracker.report.surroundings.EVERYDAY`` is called."""
ONE = {"phone_charge": mark("one phone charge"), "laptop_charge": mark("one laptop charge")}
"""Where exactly one of them is meant."""


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
    """Return the equivalent that the first sentence uses: the first for energy of which there is one at all."""
    fitting = [item for item in data["equivalents"] if item["impact"] == "energy_wh" and item["high"] >= 1]
    return equivalent_phrase(fitting[0], language) if fitting else None


def equivalent_phrase(item: Json, language: Language) -> str:
    """Return ``3 to 9 phone charges``: the whole interval, one significant digit."""
    key, low, high = item["key"], significant(item["low"], 1), significant(item["high"], 1)
    if low == high == 1 and key in ONE:
        return language.t(ONE[key])
    return language.t(EQUIVALENTS[key], span=language.span(low, high))


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
