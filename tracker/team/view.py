"""The words and tables of an organisation's page, in one language, from the facts of its weeks (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from tracker.report.language import Language, capital
from tracker.report.measures import ends, figure, measure, quantity
from tracker.report.names import METHODS, mark, service
from tracker.team.disclosure import disclosure
from tracker.team.privacy import OTHER

Json = dict[str, Any]
BAR_UNITS = 300


def team_view(facts: Json, earlier: Sequence[Json], language: Language, version: str) -> Json:
    """Return what the templates show; ``earlier`` are the facts of published weeks before this one, oldest first."""
    t = language.t
    monday = date.fromisoformat(facts["week"])
    year, week, _ = monday.isocalendar()
    name = facts["organisation"] or t("the organisation")
    view: Json = {
        "version": version,
        "title": t("AI use of {organisation}, week {week}", organisation=name, week=f"{year}-W{week:02}"),
        "period": language.days(monday, monday + timedelta(days=7)),
        "organisation": name,
        "privacy": privacy(facts, language),
        "footer": [f"klimaspor {version}", t("this week's report was made once and does not change")],
    }
    if facts["too_few"]:
        least = facts["policy"]["least_people"] or 5
        return view | {
            "headline": t("Fewer than {n} people took part, so nothing is shown", n=least),
            "lede": [t("A report about so few would be a report about each of them.")],
            "figures": None,
        }
    energy = measure("energy_wh", facts["impacts"]["energy_wh"]["mid"])
    return view | {
        "headline": t(
            "{people} people, {questions} questions, about {energy} of electricity",
            people=language.number(facts["active_people"]),
            questions=language.number(facts["questions"]),
            energy=quantity(facts["impacts"]["energy_wh"]["mid"], energy, language),
        ),
        "lede": lede(facts, language),
        "figures": [
            {"name": t(title), "note": t("estimated"), "mid": quantity(impact["mid"], unit, language),
             "range": t("from {range}", range=ends(impact, unit, language) + " " + unit.unit)}
            for title, kind in FIGURES
            for impact in [facts["impacts"][kind]]
            for unit in [measure(kind, impact["mid"])]
        ],
        "counts": [
            {"n": language.number(facts[key]), "name": t(words)}
            for key, words in COUNTS
        ],
        "trend": trend(facts, earlier, language),
        "tables": [
            table(facts["by_service"], t("By service"), t("service"), language, lambda key, _: service(key)),
            table(facts["by_model"], t("By model"), t("model"), language, lambda key, _: key.partition("/")[2]),
            table(facts["by_kind"], t("By kind of use"), t("kind"), language, lambda key, words: words.t(KINDS[key])),
            table(facts["by_initiator"], t("Asked and unasked"), t("who asked"), language,
                  lambda key, words: words.t(ASKED[key])),
            table(facts["by_unit"], t("By unit"), t("unit"), language, lambda key, _: key.replace(OTHER, "…")),
        ],
        "approval": approval(facts, language),
        "methods": [
            {"name": t(METHODS[row["key"]]), "value": quantity(row["impacts"]["energy_wh"]["mid"], energy, language),
             "range": ends(row["impacts"]["energy_wh"], energy, language)}
            for row in facts["by_method"] if row.get("impacts")
        ],
        "disclosure": disclosure(facts, language),
        "levers": levers(facts, language),
    }  # fmt: skip


FIGURES = (
    (mark("Electricity"), "energy_wh"),
    (mark("Greenhouse gas"), "ghg_g"),
    (mark("Water"), "water_ml"),
)
COUNTS = (
    ("active_people", mark("people who used a chatbot")),
    ("people", mark("people who take part")),
    ("requests", mark("answers in all")),
    ("with_files", mark("answers to something with files")),
)
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


def lede(facts: Json, language: Language) -> list[str]:
    """Return the sentences under the headline."""
    t = language.t
    sentences = [t("All counts are rounded to fives; every figure of energy, gas and water is estimated, as a range.")]
    if facts["small"]:
        sentences.append(t("This is a small group: chance weighs heavily, and comparisons mean little."))
    if facts["coverage"]["listening"] is not None:
        share = language.percent(facts["coverage"]["listening"])
        sentences.append(t("The computers that take part listened {share} of the time they were on.", share=share))
    return sentences


def table(rows: Sequence[Json], heading: str, name: str, language: Language, label: Any) -> Json:
    """Return one ranking; what is not told apart stands last, by its name."""
    t = language.t
    most = max((row["impacts"]["energy_wh"]["mid"] for row in rows), default=0.0)
    unit = measure("energy_wh", sum(row["impacts"]["energy_wh"]["mid"] for row in rows))

    def told(row: Json) -> str:
        return t("not told apart: too few people") if row["key"] == OTHER else str(label(row["key"], language))

    return {
        "heading": heading,
        "name": name,
        "value": t("{unit}, estimated", unit=unit.unit),
        "heads": [t("answers"), t("people")],
        "rows": [
            {
                "name": told(row),
                "note": None,
                "width": round(BAR_UNITS * row["impacts"]["energy_wh"]["mid"] / most, 1) if most else 0,
                "past": None,
                "value": figure(row["impacts"]["energy_wh"]["mid"], unit, language),
                "cells": [language.number(row["requests"]), language.number(row["active_people"])],
            }
            for row in sorted(rows, key=lambda row: row["key"] == OTHER)
        ],
    }


def trend(facts: Json, earlier: Sequence[Json], language: Language) -> Json:
    """Return the published weeks as a table, the newest last."""
    t = language.t
    weeks = [one for one in [*earlier[-12:], facts] if not one["too_few"]]
    unit = measure("energy_wh", max(one["impacts"]["energy_wh"]["mid"] for one in weeks))
    most = max(one["impacts"]["energy_wh"]["mid"] for one in weeks)
    return {
        "heading": t("Week by week"),
        "name": t("week of"),
        "value": t("{unit}, estimated", unit=unit.unit),
        "heads": [t("answers"), t("people")],
        "rows": [
            {
                "name": language.day(date.fromisoformat(one["week"])),
                "note": None,
                "width": round(BAR_UNITS * one["impacts"]["energy_wh"]["mid"] / most, 1) if most else 0,
                "past": None,
                "value": figure(one["impacts"]["energy_wh"]["mid"], unit, language),
                "cells": [language.number(one["requests"]), language.number(one["active_people"])],
            }
            for one in weeks
        ],
    }


def approval(facts: Json, language: Language) -> list[Json]:
    """Return what the policy says of the services in use, with totals."""
    return [
        {
            "state": language.t(STATES[entry["state"]]),
            "requests": language.number(entry["requests"]),
            "with_files": language.number(entry["with_files"]),
            "services": [
                {"name": service(one["service"]) if one["service"] != OTHER else "…", "reason": one["reason"]}
                for one in entry["services"]
            ],
        }
        for entry in facts["approval"]
    ]


def levers(facts: Json, language: Language) -> list[str]:
    """Return what an organisation could change, as far as its own sums say it; [] if nothing is worth saying."""
    t = language.t
    energy = facts["impacts"]["energy_wh"]["mid"]
    said = []
    for row in facts["by_kind"]:
        share = row["impacts"]["energy_wh"]["mid"] / energy if energy else 0.0
        if row["key"] in {"reasoning", "deep_research", "agent", "image_output", "video_output"} and share > 0.1:
            said.append(
                t(
                    "{kind}: {share} of the energy. Agree on when it is worth it.",
                    kind=capital(t(KINDS[row["key"]])), share=language.percent(share),
                )
            )  # fmt: skip
    for row in facts["by_initiator"]:
        share = row["impacts"]["energy_wh"]["mid"] / energy if energy else 0.0
        if row["key"] == "unasked" and share > 0.02:
            said.append(t("{share} of the energy went into answers that nobody asked for: many can be switched off.",
                          share=language.percent(share)))  # fmt: skip
    return said[:5]


def privacy(facts: Json, language: Language) -> list[str]:
    """Return how it is made sure that nobody can be looked at, with the settings in force."""
    t = language.t
    policy = facts["policy"]
    return [
        t("No figure is about fewer than {n} people, and none where one person makes more than half of it.",
          n=policy["least_people"] or 5),
        t("Computers send weekly sums under a name that only they know. These sums are dropped after {n} days.",
          n=policy["raw_days"] or 35),
        t("The cells that this report is made of are kept for {n} months.", n=policy["cell_months"] or 25),
        t("Every look at these reports is in a log that all staff can read."),
    ]  # fmt: skip
