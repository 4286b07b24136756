"""The words and tables of an organisation's page, in one language, from the facts of its weeks (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from tracker.report import charts
from tracker.report.language import NARROW, Language, capital
from tracker.report.measures import ends, figure, measure, quantity
from tracker.report.names import IMPACTS, mark
from tracker.team.disclosure import disclosure
from tracker.team.tables import KINDS, approval, methods, tables, trend, with_files

Json = dict[str, Any]


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
            "{people} people, {questions} questions, about {energy} of electricity, estimated",
            people=language.number(facts["active_people"]),
            questions=language.number(facts["questions"]),
            energy=quantity(facts["impacts"]["energy_wh"]["mid"], energy, language),
        ),
        "lede": lede(facts, language),
        "figures": [_figure(facts["impacts"][kind], kind, t(title), language) for kind, title in IMPACTS.items()],
        "bars_explained": t("Green bar: where nine of ten estimates fall; the line across it: the middle."),
        "facts": [{"name": t(words), "value": with_files(facts, language) if key == "with_files"
                   else language.number(facts[key])} for key, words in COUNTS],
        "equivalents": [],
        "trend": trend(facts, earlier, language),
        "tables": tables(facts, language),
        "approval": approval(facts, language),
        "methods": methods(facts, language),
        "disclosure": disclosure(facts, language),
        "levers": levers(facts, language),
    }  # fmt: skip


COUNTS = (
    ("active_people", mark("people who used a chatbot")),
    ("people", mark("people who take part")),
    ("requests", mark("answers in all")),
    ("with_files", mark("answers to something with files")),
)


def _figure(impact: Json, kind: str, label: str, language: Language) -> Json:
    unit = measure(kind, impact["mid"])
    return {
        "label": label,
        "value": figure(impact["mid"], unit, language),
        "unit": unit.unit,
        "range": language.t("from {range}", range=f"{ends(impact, unit, language)}{NARROW}{unit.unit}"),
        "bar": charts.range_bar(impact, impact["high"]),
        "past": None,
        "notes": [],
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
                    "{kind}: {share} of the energy, estimated. Agree on when it is worth it.",
                    kind=capital(t(KINDS[row["key"]])), share=language.percent(share),
                )
            )  # fmt: skip
    for row in facts["by_initiator"]:
        share = row["impacts"]["energy_wh"]["mid"] / energy if energy else 0.0
        if row["key"] == "unasked" and share > 0.02:
            said.append(
                t(
                    "{share} of the energy, estimated, went into answers nobody asked for: many can be switched off.",
                    share=language.percent(share),
                )
            )
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
