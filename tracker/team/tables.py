"""The tables and charts of an organisation's page: rankings, weeks, the policy, the methods (pure)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from tracker.report import charts
from tracker.report.language import NOTHING, Language
from tracker.report.measures import ends, figure, measure, quantity
from tracker.report.names import METHODS, mark, service
from tracker.report.ranking import Row
from tracker.team.privacy import OTHER

Json = dict[str, Any]
MOST_LABELS = 8
"""More weeks than this have fewer labels below the chart."""


KINDS = {
    "text": mark("text only"),
    "reasoning": mark("with thinking"),
    "web_search": mark("with web search"),
    "deep_research": mark("research"),
    "agent": mark("agents"),
    "image_output": mark("pictures made"),
    "video_output": mark("videos made"),
    "audio_output": mark("sound made"),
    OTHER: mark("not told apart"),
}
ASKED = {
    "person": mark("asked by a person"),
    "agent": mark("an agent's own steps"),
    "unasked": mark("nobody asked"),
    OTHER: mark("not told apart"),
}
STATES = {
    "approved": mark("approved"),
    "tolerated": mark("tolerated"),
    "unapproved": mark("not approved"),
    "unlisted": mark("not in the policy"),
    "untold": mark("not told apart"),
}


def tables(facts: Json, language: Language) -> list[Json]:
    """Return the rankings: the same energy cut in five ways."""
    t = language.t
    hidden = untold(facts, language)

    def model(key: str) -> str:
        name = key.partition("/")[2]
        return t("model not told") if name == "unknown" else name

    cuts: tuple[tuple[str, str, str, Callable[[str], str], Callable[[str], str | None] | None], ...] = (
        ("by_service", t("By service"), t("service"), service, None),
        ("by_model", t("By model"), t("model"), model, lambda key: service(key.partition("/")[0])),
        ("by_kind", t("By kind of use"), t("kind"), lambda key: t(KINDS[key]), None),
        ("by_initiator", t("Asked and unasked"), t("who asked"), lambda key: t(ASKED[key]), None),
        ("by_unit", t("By unit"), t("unit"), unit_label(facts["by_unit"], language), None),
    )
    made = []
    for name, heading, column, label, note in cuts:
        rows = sorted(facts[name], key=lambda row: row["key"] == OTHER)
        lines = [
            (row, hidden if row["key"] == OTHER else label(row["key"]),
             note(row["key"]) if note and row["key"] != OTHER else None)
            for row in rows
        ]  # fmt: skip
        made.append(ranking(lines, heading, column, language))
    return made


def unit_label(rows: Sequence[Json], language: Language) -> Callable[[str], str]:
    """Return how units are called: one that others are part of is "the rest" of it."""
    keys = [row["key"] for row in rows]

    def label(key: str) -> str:
        name = key.removesuffix(f"/{OTHER}")
        rest = name != key or any(other.startswith(f"{name}/") for other in keys)
        return language.t("{unit}: the rest, not told apart", unit=name) if rest else name

    return label


def untold(facts: Json, language: Language) -> str:
    """Return what stands where a group must not be seen by itself."""
    least = facts["policy"]["least_people"] or 5
    return language.t("not told apart: fewer than {n} people, or mostly one or two of them", n=least)


def ranking(rows: Sequence[tuple[Json, str, str | None]], heading: str, name: str, language: Language) -> Json:
    """Return a table of (facts, label, note) with a bar each."""
    energies = [row["impacts"]["energy_wh"]["mid"] for row, _, _ in rows]
    unit = measure("energy_wh", sum(energies))
    return {
        "heading": heading,
        "name": name,
        "value": language.t("{unit}, estimated", unit=unit.unit),
        "heads": [language.t("answers"), language.t("people")],
        "rows": [
            Row(
                label,
                charts.share_bar(row["impacts"]["energy_wh"]["mid"], max(energies)),
                figure(row["impacts"]["energy_wh"]["mid"], unit, language),
                [language.number(row["requests"]), language.number(row["active_people"])],
                note,
            )
            for row, label, note in rows
        ],
    }


def trend(facts: Json, earlier: Sequence[Json], language: Language) -> Json:
    """Return the published weeks as columns and as a table, the newest last; a week of too few people is a gap."""
    t = language.t
    weeks = [*earlier[-12:], facts]
    told = [one for one in weeks if not one["too_few"]]
    unit = measure("energy_wh", max(one["impacts"]["energy_wh"]["mid"] for one in told))
    chart = charts.columns([{"mid": 0.0} if one["too_few"] else one["impacts"]["energy_wh"] for one in weeks])
    step = charts.label_every(len(weeks), MOST_LABELS)
    table = ranking(
        [(one, language.day(date.fromisoformat(one["week"])), None) for one in told],
        t("Week by week"), t("week of"), language,
    )  # fmt: skip
    caption = [t("Not always the same people took part, so two weeks differ for that reason too.")]
    if len(told) < len(weeks):
        least = facts["policy"]["least_people"] or 5
        caption.append(t("A dash: fewer than {n} people, so nothing is shown.", n=least))
    return table | {
        "say": t("Energy by week, estimated.") if len(weeks) > 1 else
        t("This is the first published week: there is nothing to compare it with yet."),
        "chart": chart if len(weeks) > 1 else None,
        "top": t("top of the chart: {value}", value=quantity(chart.top, unit, language)),
        "labels": [
            {
                "text": f"{day.day}\N{NO-BREAK SPACE}{language.month(day)}" if (len(weeks) - 1 - n) % step == 0 else "",
                "value": NOTHING if one["too_few"] else
                figure(one["impacts"]["energy_wh"]["mid"], unit, language) if step == 1 else "",
            }
            for n, one in enumerate(weeks)
            for day in [date.fromisoformat(one["week"])]
        ],
        "below": " ".join(caption),
        "summary": t("The weeks in numbers"),
    }  # fmt: skip


def approval(facts: Json, language: Language) -> list[Json]:
    """Return what the policy says of the services in use, with totals."""

    def line(entry: Json, name: str, note: str | None) -> Json:
        counts = [language.number(entry["requests"]), with_files(entry, language)]
        return {"name": name, "note": note, "cells": counts}

    return [
        line(entry, language.t(STATES[entry["state"]]), None)
        | {
            "services": [
                line(
                    one, untold(facts, language) if one["service"] == OTHER else service(one["service"]), one["reason"]
                )
                for one in entry["services"]
            ]
        }
        for entry in facts["approval"]
    ]


def with_files(entry: Json, language: Language) -> str:
    """Return how many answers were to something with files, as far as that is told apart."""
    if entry["with_files"] is None:
        return language.t("not told apart")
    number = language.number(entry["with_files"])
    return language.t("at least {n}", n=number) if entry["files_untold"] else number


def methods(facts: Json, language: Language) -> list[Json]:
    """Return the methods beside each other on one logarithmic axis."""
    rows = [row for row in facts["by_method"] if row.get("impacts") and row["impacts"]["energy_wh"]["mid"] > 0]
    together = facts["impacts"]["energy_wh"]
    spans = [*(row["impacts"]["energy_wh"] for row in rows), together]
    names = [*(language.t(METHODS[row["key"]]) for row in rows), language.t("together, as used in this report")]
    unit = measure("energy_wh", together["mid"])
    bottom, top = min((span["low"] for span in spans if span["low"] > 0), default=0.1) / 1.1, together["high"]
    top = max(top, *(span["high"] for span in spans)) * 1.1
    return [
        {
            "name": name,
            "bar": charts.log_bar(span, bottom, top),
            "value": quantity(span["mid"], unit, language),
            "range": ends(span, unit, language),
            "total": span is together,
        }
        for name, span in zip(names, spans, strict=True)
    ]
