"""The page about how much: the three figures with their bars, and the plain counts below them."""

from __future__ import annotations

from typing import Any

from tracker.report import charts
from tracker.report.banner import place
from tracker.report.figures import significant
from tracker.report.language import Language
from tracker.report.measures import Measure, ends, figure, measure
from tracker.report.names import IMPACTS

Json = dict[str, Any]


def sections(data: Json, language: Language) -> Json:
    """Return the sections about how much."""
    return {
        "figures": [_figure(data, name, language) for name in IMPACTS],
        "bars_explained": _bars_explained(data, language),
        "facts": _facts(data, language),
    }


def _figure(data: Json, name: str, language: Language) -> Json:
    t = language.t
    impact = data["impacts"][name]
    unit = measure(name, impact["mid"])
    previous = data["previous"]
    past = previous["impacts"][name] if previous and previous["comparable"] and previous["requests"] else None
    envelope = data["envelope"] if name == "energy_wh" else None
    top = max(impact["high"], past["high"] if past else 0.0, envelope["high"] if envelope else 0.0)
    notes = []
    if past:
        notes.append(
            t("{before}: {value} {unit} ({range})", before=_before_name(data, language), unit=unit.unit,
              value=figure(past["mid"], unit, language), range=ends(past, unit, language))
        )  # fmt: skip
    notes.extend(_figure_notes(data, name, impact, unit, language))
    return {
        "label": t(IMPACTS[name]),
        "value": figure(impact["mid"], unit, language),
        "unit": unit.unit,
        "range": t("between {range} {unit}", range=_span_words(impact, unit, language), unit=unit.unit),
        "bar": charts.range_bar(impact, top, envelope),
        "past": charts.range_bar(past, top) if past else None,
        "notes": notes,
    }


def _span_words(span: Json, unit: Measure, language: Language) -> str:
    """Return the ends of a range as they follow "between"."""
    low, high = (language.number(unit.value(significant(span[end], 2))) for end in ("low", "high"))
    return language.t("{low} and {high}", low=low, high=high)


def _figure_notes(data: Json, name: str, impact: Json, unit: Measure, language: Language) -> list[str]:
    t = language.t
    if name == "ghg_g" and data["what_if"]:
        return [t("with the power of {place}", place=place(data["what_if"]["zone"], language))]
    if name == "ghg_g" and impact["embodied"]:
        share = impact["embodied"]["mid"] / impact["mid"] if impact["mid"] else 0.0
        return [t("{share} from making the machines", share=language.percent(share))]
    if name == "water_ml" and impact["on_site"]:
        return [
            t("{site} {unit} where the servers stand, the rest at power plants", unit=unit.unit,
              site=figure(impact["on_site"]["mid"], unit, language))
        ]  # fmt: skip
    if name == "energy_wh" and data["envelope"]:
        return [
            t("the methods reach from {range} {unit}", range=ends(data["envelope"], unit, language), unit=unit.unit)
        ]
    return []


def _before_name(data: Json, language: Language) -> str:
    """Return what the period compared with is called."""
    t = language.t
    if data["period"]["kind"] == "week":
        return t("last week") if data["period"]["complete"] else t("the same days last week")
    return language.tn("the day before", "the {n} days before", data["period"]["days"])


def _bars_explained(data: Json, language: Language) -> str:
    t = language.t
    parts = [
        t("Green bar: where nine of ten estimates fall; the line across it: the middle.")
        if data["interval"] == "p05-p95"
        else t("Green bar: from the lowest to the highest value of the method; the line across it: its middle.")
    ]
    if data["envelope"]:
        parts.append(t("Dotted: from the lowest to the highest method."))
    if data["previous"] and data["previous"]["comparable"] and data["previous"]["requests"]:
        parts.append(t("Grey: {before}.", before=_before_name(data, language)))
    return " ".join(parts)


def _facts(data: Json, language: Language) -> list[Json]:
    """Return plain counts: they were seen, not estimated."""
    number = language.number
    tokens = data["tokens"]
    rows = [
        (language.tn("question you asked", "questions you asked", data["questions"]), number(data["questions"])),
        (language.tn("answer in all", "answers in all", data["requests"]), number(data["requests"])),
    ]
    if tokens["input"] is not None:
        rows.append((language.t("tokens sent, as seen"), number(tokens["input"])))
    if tokens["output"] is not None:
        rows.append((language.t("tokens back, as seen"), number(tokens["output"])))
    if data["minutes_computing"]:
        rows.append((language.t("waiting for answers"), language.minutes(data["minutes_computing"])))
    return [{"name": name, "value": value} for name, value in rows]
