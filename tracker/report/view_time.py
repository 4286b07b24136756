"""The page about when: days or weeks as columns, hours as circles, and every day in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from tracker.report import charts
from tracker.report.language import NARROW, NOTHING, Language, capital
from tracker.report.measures import Measure, ends, measure, part, quantity
from tracker.report.names import IMPACTS

Json = dict[str, Any]

MANY_DAYS = 14


def sections(data: Json, language: Language) -> Json:
    """Return the sections about when."""
    return {"days": days(data, language), "hours": hours(data, language), "table": day_table(data, language)}


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
        "usual_words": None if usual is None else
        t("your usual week: {value}", value=quantity(usual, unit, language)) if weekly else
        t("your usual day: {value}", value=quantity(usual, unit, language)),
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


def day_table(data: Json, language: Language) -> Json:
    """Return every day or week in full: for those who want the numbers behind the chart."""
    t = language.t
    rows = data["by_week"] or data["by_day"]
    weekly = bool(data["by_week"])
    units = {name: measure(name, data["impacts"][name]["mid"]) for name in IMPACTS}

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
