"""The page about where it sits: beside a home, a sustainable budget, and what others say of an answer."""

from __future__ import annotations

from typing import Any

from tracker.report import charts
from tracker.report.figures import significant
from tracker.report.language import NARROW, Language
from tracker.report.measures import ends, measure, quantity
from tracker.report.names import ANCHORS
from tracker.report.ranking import Row

Json = dict[str, Any]


def surroundings(data: Json, language: Language) -> Json:
    """Return where the period's footprint sits among everyday amounts."""
    t = language.t
    context = data["context"]
    sentences = []
    home = context["household_share"]
    if home is not None:
        sentences.append(
            t("All of it is {share} of the electricity a European household uses in the same time.",
              share=_share_span(home, language))
        )  # fmt: skip
    budget = context["budget_share"]
    if budget is not None:
        sentences.append(
            t("It is {share} of what one person may emit in that time in a life that keeps warming at 1.5 °C.",
              share=_share_span(budget, language))
        )  # fmt: skip
    sentences.append(
        t("That is small beside heating, travel and food. It is not nothing: it adds up over people, and over a year.")
    )
    asides = [*_life_cycle(context["life_cycle"], language), *_aside(context, language)]
    small = (home or {"high": 1.0})["high"] < 0.02
    return {
        "heading": t("Where this sits: small beside a home") if small else t("Where this sits"),
        "sentences": [" ".join(sentences), *([" ".join(asides)] if asides else [])],
        "table": _beside(context, language) if context["beside"] else None,
    }


def _beside(context: Json, language: Language) -> Json:
    """Return the person's usual answer among what others say of theirs, smallest first, on a logarithmic scale."""
    t = language.t
    mine = context["usual_answer_wh"]
    rows: list[tuple[float, str, str]] = [
        (significant(mine, 2), t("Your usual answer"), t("the middle one, estimated"))
    ]
    for row in context["beside"]:
        name, kind = ANCHORS[row["key"]]
        rows.append((significant(row["wh"]["mid"], 3), t(name), t(kind)))
    rows.sort(key=lambda row: row[0])
    bottom, top = rows[0][0] / 2, rows[-1][0]
    return {
        "name": t("one of these"),
        "value": "Wh",
        "heads": [],
        "caption": t("Energy of one: by others, with other boundaries, so not a ranking; equal steps are equal ratios"),
        "rows": [
            Row(
                name,
                charts.log_bar({"low": wh, "mid": wh, "high": wh}, bottom, top).mid,
                language.number(wh),
                note=note,
                strong=name == t("Your usual answer"),
            )
            for wh, name, note in rows
        ],
    }


def _life_cycle(rows: list[Json], language: Language) -> list[str]:
    found = {row["criterion"]: row for row in rows}
    if len(found) < 2:
        return []

    def amount(criterion: str, value: float) -> str:
        unit = measure(criterion, value)
        return f"{language.number(significant(value / unit.factor, 3))}{NARROW}{unit.unit}"

    gas, water = found["ghg_g"], found["water_ml"]
    return [
        language.t(
            "Mistral, the only maker with a published life cycle analysis, gives {gas} and {water} for an answer; the "
            "mean of yours is {my_gas} and {my_water}. Theirs holds training and all hardware: another boundary, not "
            "a figure to match.",
            gas=amount("ghg_g", gas["theirs"]), water=amount("water_ml", water["theirs"]),
            my_gas=amount("ghg_g", gas["ours"]["mid"]), my_water=amount("water_ml", water["ours"]["mid"]),
        )
    ]  # fmt: skip


def _aside(context: Json, language: Language) -> list[str]:
    """Return what is estimated beside the totals and never added to them."""
    t = language.t
    sentences = []
    for row in context["market_based"]:
        unit = measure("ghg_g", row["ghg_g"])
        sentences.append(
            t("Counted by the contracts for clean power that {company} tells of, the electricity of its answers made "
              "{gas}; this report counts the power where the servers stand.", company=row["provider"].capitalize(),
              gas=quantity(row["ghg_g"], unit, language))
        )  # fmt: skip
    device, training = context["apart"]["device_wh"], context["apart"]["training_ghg_g"]
    if device:
        unit = measure("energy_wh", device["mid"])
        sentences.append(
            t("Your own device took {range} {unit} while it waited; that is not in the totals.",
              range=ends(device, unit, language), unit=unit.unit)
        )  # fmt: skip
    if training:
        unit = measure("ghg_g", training["mid"])
        sentences.append(
            t("A share of the training would be {range} {unit}; that is not in the totals.",
              range=ends(training, unit, language), unit=unit.unit)
        )  # fmt: skip
    return sentences


def _share_span(span: Json, language: Language) -> str:
    return language.percents(*(significant(span[end] * 100, 1) for end in ("low", "high")))
