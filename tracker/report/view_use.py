"""The page about what was used: services, models, features, asked and unasked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tracker.report import charts
from tracker.report.language import Language
from tracker.report.measures import figure, measure, part
from tracker.report.names import FEATURES, INITIATORS, clipped, label, service
from tracker.report.ranking import Row
from tracker.report.service_names import UNVERIFIED

Json = dict[str, Any]

MOST_ROWS = 8
"""A list goes on in one line "others" after this many."""


def sections(data: Json, language: Language) -> Json:
    """Return the sections about what was used."""
    return {
        "services": services(data, language),
        "models": models(data, language),
        "features": features(data, language),
        "initiators": initiators(data, language),
    }


def _table(
    rows: Sequence[Json], names: Sequence[tuple[str, str]], whole: Json, language: Language, *, total: bool
) -> Json:
    unit = measure("energy_wh", whole["impacts"]["energy_wh"]["mid"])
    largest = max((item["impacts"]["energy_wh"]["mid"] for item in rows), default=0.0)
    t = language.t
    shares = [item["shown"]["share"] for item in rows]
    table: Json = {
        "name": "",
        "value": t("{unit}, estimated", unit=unit.unit),
        "heads": [t("answers"), t("share")],
        "rows": [
            Row(
                name,
                charts.share_bar(item["impacts"]["energy_wh"]["mid"], largest),
                part(item["shown"]["energy_wh"], item["impacts"]["energy_wh"]["mid"], unit, language),
                [language.number(item["requests"]), language.percent_part(share, _share(item, whole))],
                note,
            )
            for item, share, (name, note) in zip(rows, shares, names, strict=True)
        ],
    }
    if total and len(rows) > 1:
        table["total"] = {
            "name": t("together"),
            "value": figure(whole["impacts"]["energy_wh"]["mid"], unit, language),
            "cells": [language.number(whole["requests"]), language.percent(1.0)],
        }
    return table


def _share(item: Json, whole: Json) -> float:
    energy: float = whole["impacts"]["energy_wh"]["mid"]
    return item["impacts"]["energy_wh"]["mid"] / energy if energy else 0.0


def services(data: Json, language: Language) -> Json:
    """Return the services, the largest first."""
    t = language.t
    rows = data["by_service"]
    table = _table(
        rows,
        [(service(item["key"]), _service_note(item["key"], language)) for item in rows],
        data,
        language,
        total=True,
    )
    first = service(rows[0]["key"])
    share = _share(rows[0], data)
    if len(rows) == 1:
        heading = t("All of it with {service}", service=first)
    elif share >= 0.5:
        heading = t("Most of it with {service}", service=first)
    else:
        heading = t("{n} services, {service} first", n=len(rows), service=first)
    return table | {
        "heading": heading,
        "say": t("Which service answered. The middle values add up; their ranges do not."),
        "name": t("service"),
    }


def _service_note(key: str, language: Language) -> str:
    return language.t("unverified: times and bytes only") if key in UNVERIFIED else ""


def models(data: Json, language: Language) -> Json:
    """Return the models, the largest first; small ones together after ``MOST_ROWS``."""
    t = language.t
    rows = data["by_model"]
    shown_rows, rest = rows[:MOST_ROWS], rows[MOST_ROWS:]
    names = [_model_name(item, language) for item in shown_rows]
    if rest:
        shown_rows = [*shown_rows, _together(rest)]
        names.append((language.tn("{n} other model", "{n} other models", len(rest)), ""))
    table = _table(shown_rows, names, data, language, total=True)
    unsure = [item for item in rows if item.get("tier") == 4]
    heading = (
        t("One model: {model}", model=names[0][0])
        if len(rows) == 1
        else t("{n} models, {model} first", n=len(rows), model=names[0][0])
    )
    say = t("The model decides most: a large one can take ten times the energy of a small one for the same words.")
    if unsure:
        say += " " + t("Where a size had to be guessed, it says so.")
    return table | {"heading": heading, "say": say, "name": t("model")}


def _model_name(item: Json, language: Language) -> tuple[str, str]:
    t = language.t
    notes = [service(item["service"])]
    if item.get("tier") == 4:
        notes.append(t("size guessed, range widened"))
    return clipped(item["model"] or t("model not told")), " · ".join(notes)


def _together(rows: Sequence[Json]) -> Json:
    return {
        "requests": sum(item["requests"] for item in rows),
        "impacts": {"energy_wh": {"mid": sum(item["impacts"]["energy_wh"]["mid"] for item in rows)}},
        "shown": {name: sum(item["shown"][name] for item in rows) for name in ("energy_wh", "share")},
    }


def features(data: Json, language: Language) -> Json | None:
    """Return what was beyond plain questions; the rows overlap, and the section says so."""
    t = language.t
    rows = data["by_feature"]
    if not rows:
        return None
    names = [(label(FEATURES, item["key"], language), _asked_used(item, language)) for item in rows]
    table = _table(rows, names, data, language, total=False)
    return table | {
        "heading": t("{feature} weighed most among the extras", feature=names[0][0]),
        "say": t("The energy of whole answers that used it. One answer can use several, so these rows overlap "
                 "and do not add up."),
        "name": t("extra"),
    }  # fmt: skip


def _asked_used(item: Json, language: Language) -> str:
    """Return what the number of answers does not tell by itself."""
    t, tn = language.t, language.tn
    parts = []
    if item["asked"]:
        parts.append(tn("asked for once", "asked for {n} times", item["asked"]))
    if item["used"] and item["used"] != item["requests"]:
        parts.append(tn("used in one answer", "used in {n} answers", item["used"]))
    if item["asked"] and not item["used"]:
        parts.append(t("never used"))
    return ", ".join(parts)


def initiators(data: Json, language: Language) -> Json | None:
    """Return asked and unasked; None if the person asked for everything."""
    t = language.t
    rows = data["by_initiator"]
    if len(rows) < 2:
        return None
    names = [(label(INITIATORS, item["key"], language), "") for item in rows]
    table = _table(rows, names, data, language, total=True)
    unasked = next((item for item in rows if item["key"] == "unasked"), None)
    asked = next((item for item in rows if item["key"] == "person"), None)
    if unasked:
        heading = language.tn("One answer came unasked", "{n} answers came unasked", unasked["requests"])
    elif asked is None:
        heading = t("Agents did all of it")
    else:
        heading = t("You asked {share} of it", share=language.percent(_share(asked, data)))
    return table | {
        "heading": heading,
        "say": t("Not every answer was asked for: some pages answer by themselves, and agents ask on their own."),
        "name": t("who asked"),
    }
