"""The report's tables as CSV that a spreadsheet of each language opens right, and that can start no formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from tracker.harmless import in_a_cell
from tracker.report.banner import banner
from tracker.report.language import Language
from tracker.report.names import COMPONENTS, FEATURES, INITIATORS, METHODS, label, service

Json = dict[str, Any]

SEPARATORS = {"en": ",", "nb": ";", "nl": ";"}
"""A spreadsheet splits at commas where the decimal sign is a point, and at semicolons where it is a comma."""
BOM = "\ufeff"
"""Without it a spreadsheet on Windows reads the letters of another alphabet."""

IMPACTS = ("energy_wh", "ghg_g", "water_ml", "adpe_ug_sb", "primary_energy_kj")


def write(data: Json, language: Language) -> str:
    """Return all tables, each under its name, with an empty line between."""
    out = io.StringIO()
    out.write(BOM)
    writer = csv.writer(out, delimiter=SEPARATORS[language.code], lineterminator="\r\n")
    if title := banner(data, language):
        writer.writerows([[_cell(title["title"], language)], [_cell(title["text"], language)], []])
    for number, (name, rows) in enumerate(tables(data, language).items()):
        if number:
            writer.writerow([])
        writer.writerow([_cell(name, language)])
        for row in rows:
            writer.writerow([_cell(value, language) for value in row])
    return out.getvalue()


def tables(data: Json, language: Language) -> dict[str, list[list[Any]]]:
    """Return the tables by their name in this language; numbers are numbers, in base units."""
    t = language.t
    heads = [t("questions"), t("answers"), t("input tokens"), t("output tokens"), *_impact_heads(language)]

    def rows(items: Iterable[Json], first: str, names: Iterator[str]) -> list[list[Any]]:
        return [[first, *heads], *([name, *_numbers(item)] for name, item in zip(names, items, strict=True))]

    def keyed(key: str, first: str, table: dict[str, str]) -> list[list[Any]]:
        return rows(data[key], first, (label(table, item["key"], language) for item in data[key]))

    methods = [[label(METHODS, item["key"], language), *_impacts(item["impacts"])] for item in data["by_method"]]
    total = {**data, "tokens": data["tokens"]}
    return {
        t("Total"): rows([total], t("period"), iter([f"{data['period']['since']}/{data['period']['until']}"])),
        t("Days"): rows(data["by_day"], t("day"), (item["key"] for item in data["by_day"])),
        t("Hours of the week"): rows(
            data["by_hour"], t("hour"),
            (f"{language.weekday(item['weekday'], short=True)} {item['hour']:02}:00" for item in data["by_hour"]),
        ),
        t("Services"): rows(data["by_service"], t("service"), (service(item["key"]) for item in data["by_service"])),
        t("Models"): rows(
            data["by_model"], t("model"),
            (f"{item['model'] or t('model not told')} ({service(item['service'])})" for item in data["by_model"]),
        ),
        t("Extras (they overlap)"): keyed("by_feature", t("extra"), FEATURES),
        t("Who asked"): keyed("by_initiator", t("who asked"), INITIATORS),
        t("Methods (alternatives)"): [[t("method"), *_impact_heads(language)], *methods],
        t("What drove it"): [
            [t("what"), t("share"), t("usual"), f"Wh, {t('estimated')}"],
            *(
                [label(COMPONENTS, item["key"], language), item["share"], item.get("usual_share"),
                 item["energy_wh"]["mid"]]
                for item in data["components"]
            ),
        ],
    }  # fmt: skip


def _impact_heads(language: Language) -> list[str]:
    t = language.t
    units = ("Wh", "g CO₂e", "mL", "µg Sb", "kJ")
    return [f"{unit}, {end}" for unit in units for end in (t("low"), t("middle, estimated"), t("high"))]


def _numbers(item: Json) -> list[Any]:
    return [
        item["questions"], item["requests"], item["tokens"]["input"], item["tokens"]["output"],
        *_impacts(item["impacts"]),
    ]  # fmt: skip


def _impacts(impacts: Json) -> list[Any]:
    return [impacts[name][end] if impacts.get(name) else None for name in IMPACTS for end in ("low", "mid", "high")]


def _cell(value: Any, language: Language) -> str:
    """Write a number with the language's decimal sign and no thousands sign; text so that it starts no formula."""
    match value:
        case None:
            return ""
        case bool():
            return str(value)
        case int():
            return str(value)
        case float():
            text = f"{value:.9g}"
            if "e" in text:
                text = f"{value:.12f}".rstrip("0").rstrip(".")
            return text if language.code == "en" else text.replace(".", ",")
        case _:
            return in_a_cell("".join(" " if c in "\r\n\t\0" else c for c in str(value)))
