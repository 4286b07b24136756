"""The page about how sure it is: what each method says, and where the spread comes from."""

from __future__ import annotations

from typing import Any

from tracker.report import charts
from tracker.report.finding import COVERS_ALL
from tracker.report.language import Language
from tracker.report.measures import ends, measure, quantity
from tracker.report.names import METHOD_NOTES, METHODS, SPREAD, label
from tracker.report.ranking import Row

Json = dict[str, Any]


def methods(data: Json, language: Language) -> Json:
    """Return the methods beside each other on one logarithmic axis, and what the spread is made of."""
    t = language.t
    rows = [item for item in data["by_method"] if item["impacts"]["energy_wh"]["mid"] > 0]
    together = data["impacts"]["energy_wh"]
    unit = measure("energy_wh", together["mid"])
    spans = [item["impacts"]["energy_wh"] for item in rows] + [together]
    positive = [span["low"] for span in spans if span["low"] > 0]
    bottom, top = (min(positive) / 1.1 if positive else 0.1), max(span["high"] for span in spans) * 1.1
    lines = [
        {
            "name": label(METHODS, item["key"], language),
            "note": _method_note(item, language),
            "bar": charts.log_bar(item["impacts"]["energy_wh"], bottom, top),
            "value": quantity(item["impacts"]["energy_wh"]["mid"], unit, language),
            "range": ends(item["impacts"]["energy_wh"], unit, language),
            "total": False,
        }
        for item in rows
    ]
    if data["method"] is None and rows:
        lines.append(
            {
                "name": t("together, as used in this report"),
                "note": "",
                "bar": charts.log_bar(together, bottom, top),
                "value": quantity(together["mid"], unit, language),
                "range": ends(together, unit, language),
                "total": True,
            }
        )
    return {
        "heading": _methods_heading(data, language),
        "say": t("Each row estimates the same energy in another way: these are alternatives and do not add up. "
                 "Where they disagree, nobody outside the companies knows better."),
        "caption": t("Energy by method, on a logarithmic scale: equal steps are equal ratios"),
        "rows": lines,
        "spread": spread(data, language),
    }  # fmt: skip


def _method_note(item: Json, language: Language) -> str:
    note = label(METHOD_NOTES, item["key"], language) if item["key"] in METHOD_NOTES else ""
    if item["covered_share"] > COVERS_ALL:
        return note
    share = language.percent(item["covered_share"])
    return language.t("{note}; there is one for {share} of the answers only", note=note, share=share)


def _methods_heading(data: Json, language: Language) -> str:
    t = language.t
    ratio = data["finding"]["methods_ratio"]
    if data["method"] is not None or ratio is None:
        return t("How sure is this?")
    return t("How sure is this? The methods differ by a factor of {ratio}", ratio=language.number(ratio))


def spread(data: Json, language: Language) -> Json | None:
    """Return what the width of the range is made of."""
    t = language.t
    rows = [item for item in data["spread"] if item["share"] >= 0.01]
    if not rows:
        return None
    largest = max(item["share"] for item in rows)
    return {
        "name": t("unknown"),
        "value": t("share of the spread"),
        "heads": [],
        "rows": [
            Row(
                label(SPREAD, item["key"], language),
                charts.share_bar(item["share"], largest),
                language.percent(item["share"]),
            )
            for item in rows
        ],
    }
