"""The page about what was used: days, hours, services, models, features, asked and unasked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from tracker.report import charts
from tracker.report.language import NARROW, NOTHING, Language, capital
from tracker.report.measures import Measure, ends, figure, measure, part, quantity
from tracker.report.names import FEATURES, INITIATORS, UNVERIFIED, clipped, label, service

Json = dict[str, Any]

MANY_DAYS = 14
MOST_ROWS = 8
"""A list goes on in one line "others" after this many."""


def sections(data: Json, language: Language) -> Json:
    """Return the sections about use."""
    return {
        "days": days(data, language),
        "hours": hours(data, language),
        "services": services(data, language),
        "models": models(data, language),
        "features": features(data, language),
        "initiators": initiators(data, language),
        "table": day_table(data, language),
    }


def days(data: Json, language: Language) -> Json | None:
    """Return the column chart of days, or of weeks where there are more than two months of days; one day is none."""
    t = language.t
    rows = data["by_week"] or data["by_day"]
    if len(rows) < 2:
        return None
    weekly = bool(data["by_week"])
    energies = [item["impacts"]["energy_wh"] for item in rows]
    unit = measure("energy_wh", max(item["mid"] for item in energies))
    usual = data["usual"]["energy_wh_per_week" if weekly else "energy_wh_per_day"] if data["usual"] else None
    unseen = [item.get("unseen_energy_wh", 0.0) for item in rows]
    chart = charts.columns(energies, unseen, usual)
    top = max(range(len(rows)), key=lambda n: energies[n]["mid"])
    many = len(rows) > MANY_DAYS
    whole = measure("energy_wh", data["impacts"]["energy_wh"]["mid"])
    labels = [_column_label(item, n, len(rows), weekly=weekly, language=language) for n, item in enumerate(rows)]
    return {
        "heading": _days_heading(data, rows, top, weekly=weekly, language=language),
        "say": t("Energy by week, estimated.") if weekly else t("Energy by day, estimated."),
        "top": t("top of the chart: {value}", value=quantity(chart.top, unit, language)),
        "usual": None if usual is None else
        t("dashed line: your usual week, {value}", value=quantity(usual, unit, language)) if weekly else
        t("dashed line: your usual day, {value}", value=quantity(usual, unit, language)),
        "chart": chart,
        "many": many,
        "labels": [
            {
                "text": text,
                "top": n == top and not many and item["requests"] > 0,
                "value": "" if many else _with_unit(item, whole, language, first=n == 0),
            }
            for n, (item, text) in enumerate(zip(rows, labels, strict=True))
        ],
        "caption": " ".join(
            filter(None, [
                t("Each column may be {low} to {high} times as high, and mostly all of them together: what is unknown "
                  "is the same on every day.", **_relative_range(data, language)),
                t("Hatched: thinking and research that nobody saw, estimated from time and kind.")
                if any(unseen) else "",
            ])
        ),
    }  # fmt: skip


def _relative_range(data: Json, language: Language) -> dict[str, str]:
    return {end: language.number(data["finding"]["relative_range"][end]) for end in ("low", "high")}


def _with_unit(item: Json, unit: Measure, language: Language, *, first: bool) -> str:
    if not item["requests"]:
        return NOTHING
    text = part(item["shown"]["energy_wh"], item["impacts"]["energy_wh"]["mid"], unit, language)
    return f"{text}{NARROW}{unit.unit}" if first else text


def _column_label(item: Json, number: int, count: int, *, weekly: bool, language: Language) -> str:
    day = date.fromisoformat(item["since"] if weekly else item["key"])
    if weekly:
        if count <= MANY_DAYS:
            return language.t("w. {n}", n=day.isocalendar().week)
        new_month = number == 0 or day.day <= 7
        step = charts.label_every(count, 30)
        return language.month(day) if new_month and (step == 1 or day.month % step == 1) else ""
    if count <= MANY_DAYS:
        return f"{language.weekday(day.isoweekday(), short=True)} {day.day}"
    return language.day(day) if number % charts.label_every(count, 5) == 0 else ""


def _days_heading(data: Json, rows: Sequence[Json], top: int, *, weekly: bool, language: Language) -> str:
    t = language.t
    energy = data["impacts"]["energy_wh"]["mid"]
    share = rows[top]["impacts"]["energy_wh"]["mid"] / energy if energy else 0.0
    active = sum(1 for item in rows if item["requests"])
    if weekly:
        return t("The heaviest week was week {n}", n=date.fromisoformat(rows[top]["since"]).isocalendar().week)
    day = date.fromisoformat(rows[top]["key"])
    short = len(rows) <= 7
    name = capital(language.weekday(day.isoweekday()) if short else language.day(day))
    if active == 1:
        return t("All of it on {day}", day=language.weekday(day.isoweekday()) if short else language.day(day))
    if share >= max(0.33, 2.2 / len(rows)):
        return t("{day} made the week", day=name) if short else t("{day} stands out", day=name)
    if share <= 1.35 / active:
        return t("Evenly spread over {n} days", n=active)
    return t("Most on {day}", day=language.weekday(day.isoweekday()) if short else language.day(day))


def hours(data: Json, language: Language) -> Json | None:
    """Return the hours of the week as circles; None for less than three answers, which have no pattern."""
    t = language.t
    rows = data["by_hour"]
    if sum(item["requests"] for item in rows) < 3:
        return None
    counts = {(item["weekday"], item["hour"]): float(item["requests"]) for item in rows}
    circles = charts.bubbles(counts)
    busiest = max(rows, key=lambda item: (item["requests"], -item["weekday"], -item["hour"]))
    return {
        "heading": _hours_heading(counts, language),
        "say": t(
            "The busiest hour began on {weekday} at {hour}: {answers}.",
            weekday=language.weekday(busiest["weekday"]), hour=f"{busiest['hour']}:00",
            answers=language.tn("{n} answer", "{n} answers", busiest["requests"]),
        ),
        "caption": t("Answers by hour of the day and day of the week, by your clock; a larger circle is more answers."),
        "rows": [
            {
                "name": capital(language.weekday(n + 1, short=True)),
                "circles": row,
                "words": _hours_in_words(counts, n + 1, language),
            }
            for n, row in enumerate(circles)
        ],
        "clock": [f"{hour}" for hour in range(0, 24, 3)],
    }  # fmt: skip


def _hours_in_words(counts: dict[tuple[int, int], float], weekday: int, language: Language) -> str:
    found = [(hour, int(counts[weekday, hour])) for hour in range(24) if (weekday, hour) in counts]
    if not found:
        return language.t("nothing")
    return ", ".join(
        language.t("{hour}:00 {answers}", hour=hour, answers=language.tn("{n} answer", "{n} answers", n))
        for hour, n in found
    )


def _hours_heading(counts: dict[tuple[int, int], float], language: Language) -> str:
    t = language.t
    total = sum(counts.values())
    evening = sum(n for (_, hour), n in counts.items() if hour >= 18) / total
    weekend = sum(n for (weekday, _), n in counts.items() if weekday > 5) / total
    morning = sum(n for (_, hour), n in counts.items() if hour < 12) / total
    if weekend >= 0.45:
        return t("Mostly at the weekend")
    if evening >= 0.5:
        return t("Mostly in the evening")
    if morning >= 0.55:
        return t("Mostly before noon")
    if weekend + evening <= 0.35:
        return t("Mostly in working hours")
    return t("All through the day")


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
            {
                "name": name,
                "note": note,
                "width": charts.share_bar(item["impacts"]["energy_wh"]["mid"], largest),
                "past": None,
                "value": part(item["shown"]["energy_wh"], item["impacts"]["energy_wh"]["mid"], unit, language),
                "cells": [language.number(item["requests"]), language.percent_part(share, _share(item, whole))],
            }
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
    """Return the models, the largest first; small ones together after a dozen."""
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
    t, tn = language.t, language.tn
    parts = []
    if item["asked"]:
        parts.append(tn("asked for once", "asked for {n} times", item["asked"]))
    if item["used"]:
        parts.append(tn("used in one answer", "used in {n} answers", item["used"]))
    elif item["asked"]:
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


def day_table(data: Json, language: Language) -> Json:
    """Return every day or week in full: for those who want the numbers behind the chart."""
    t = language.t
    rows = data["by_week"] or data["by_day"]
    weekly = bool(data["by_week"])
    units = {name: measure(name, data["impacts"][name]["mid"]) for name in ("energy_wh", "ghg_g", "water_ml")}

    def cells(item: Json) -> list[str]:
        name = item["key"] if weekly else language.long_day(date.fromisoformat(item["key"]))
        numbers = [
            part(item["shown"][key], item["impacts"][key]["mid"], unit, language) if item["requests"] else NOTHING
            for key, unit in units.items()
        ]
        span = ends(item["impacts"]["energy_wh"], units["energy_wh"], language) if item["requests"] else NOTHING
        return [name, language.number(item["questions"]), language.number(item["requests"]), *numbers, span]

    return {
        "heading": t("Week by week in numbers") if weekly else t("Day by day in numbers"),
        "summary": t("Show the table"),
        "caption": t("Middle values, estimated; they add up to the totals above. The ranges do not."),
        "heads": [
            t("week") if weekly else t("day"), t("questions"), t("answers"),
            *(unit.unit for unit in units.values()), t("{unit}, range", unit=units["energy_wh"].unit),
        ],
        "rows": [cells(item) for item in rows],
    }  # fmt: skip
