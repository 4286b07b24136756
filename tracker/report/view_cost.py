"""The page about cost: what drove it, what could change, whether it was worth it."""

from __future__ import annotations

from typing import Any

from tracker.report import charts
from tracker.report.advice import lever_words
from tracker.report.figures import apportion
from tracker.report.language import Language
from tracker.report.measures import ends, measure, part, quantity
from tracker.report.names import COMPONENTS, SHORT_COMPONENTS, label
from tracker.report.ranking import Row
from tracker.report.view_methods import methods
from tracker.report.view_place import surroundings

Json = dict[str, Any]

MOST_COMPONENTS = 7


def sections(data: Json, language: Language) -> Json:
    """Return the sections about cost."""
    return {
        "drivers": drivers(data, language),
        "levers": levers(data, language),
        "worth": worth(data, language),
        "place": surroundings(data, language),
        "methods": methods(data, language),
    }


def drivers(data: Json, language: Language) -> Json:
    """Return the components as shares beside the usual ones, and model and place as ratios."""
    t = language.t
    rows = _main_components([item for item in data["components"] if item["share"] > 0])
    largest = max((max(item["share"], item.get("usual_share") or 0.0) for item in rows), default=0.0)
    usual = any(item.get("usual_share") is not None for item in rows)
    unit = measure("energy_wh", data["impacts"]["energy_wh"]["mid"])
    shares = apportion([item["share"] for item in rows], 1.0)
    weeks = data["usual"]["weeks"] if usual else 0
    return {
        "heading": _drivers_heading(rows, language),
        "say": t("What the energy went into, in the words people use for it."),
        "grey": t("Grey: your usual week, the middle of the last {n}.", n=weeks) if usual else "",
        "usual": t("Usual: the middle of your last {n} weeks.", n=weeks) if usual else "",
        "name": t("what"),
        "value": t("share"),
        "heads": [t("usual"), unit.unit] if usual else [unit.unit],
        "wide": True,
        "caption": t("Shares of energy, estimated"),
        "rows": [
            Row(
                label(COMPONENTS, item["key"], language),
                charts.share_bar(item["share"], largest),
                language.percent_part(share, item["share"]),
                [
                    *([language.percent(item["usual_share"] or 0.0)] if usual else []),
                    part(item["shown_energy_wh"], item["energy_wh"]["mid"], unit, language),
                ],
                t("not seen") if item["estimated"] else "",
                charts.share_bar(item["usual_share"] or 0.0, largest) if usual else None,
            )
            for item, share in zip(rows, shares, strict=True)
        ],
        "ratios": ratios(data, language),
    }


def _main_components(rows: list[Json]) -> list[Json]:
    """Return the components that matter and one row for the small rest, which still adds up."""
    large, small = rows[:MOST_COMPONENTS], rows[MOST_COMPONENTS:]
    if len(small) < 2:
        return rows
    rest: Json = {
        "key": "rest", "share": sum(item["share"] for item in small),
        "usual_share": None if small[0]["usual_share"] is None else sum(item["usual_share"] for item in small),
        "energy_wh": {"mid": sum(item["energy_wh"]["mid"] for item in small)},
        "shown_energy_wh": sum(item["shown_energy_wh"] for item in small), "estimated": False,
    }  # fmt: skip
    return [*large, rest]


def _drivers_heading(rows: list[Json], language: Language) -> str:
    t = language.t
    names = [label(SHORT_COMPONENTS, item["key"], language) for item in rows[:2]]
    if not names:
        return t("What drove it")
    if rows[0]["share"] >= 0.45 and len(names) == 2:
        return t("What drove it: above all {what}", what=names[0])
    return t("What drove it: {what}", what=language.listing(names))


def ratios(data: Json, language: Language) -> list[str]:
    """Return what the choice of model and the place of the servers did, as ratios."""
    t = language.t
    sentences = []
    choice = data["drivers"]["model"]
    if choice is not None:
        sentence = t(
            "The model: {ratio} the energy that the smallest model of each maker would have taken for the same words.",
            ratio=language.ratio(choice["ratio"]),
        )
        if choice["usual"] is not None:
            sentence += " " + t(
                "In your usual week it is {ratio} that of the smallest.", ratio=language.ratio(choice["usual"])
            )
        sentences.append(sentence)
    where = data["drivers"]["place"]
    if where is not None:
        from tracker.report.banner import place

        sentences.append(
            t("The place: these servers are taken to stand in these countries: {here}. In {clean} the same answers "
              "would make {ratio} the gas, in an average place of the world {world} it.",
              here=language.listing(place(zone, language) for zone in where["zones"]),
              clean=place(where["clean_zone"], language), ratio=language.ratio(where["clean_ratio"]),
              world=language.ratio(where["world_ratio"]))
        )  # fmt: skip
    return sentences


def levers(data: Json, language: Language) -> Json | None:
    """Return what could be changed; None where nothing is worth saying."""
    if not data["levers"]:
        return None
    t = language.t
    return {
        "heading": t("What you could change"),
        "say": t(
            "Worked out from your own answers. Both sides of each comparison share the same unknowns, so these are "
            "surer than the totals. They overlap: two together save less than their sum."
        ),
        "rows": [lever_words(lever, language) for lever in data["levers"]],
    }


def worth(data: Json, language: Language) -> Json:
    """Return the person's own judgement beside the footprint."""
    t, tn = language.t, language.tn
    found = data["worth"]
    if not found["rated"]:
        return {
            "heading": t("Was it worth it?"),
            "sentences": [
                t("Only you can say. {command} asks about a few conversations by time, service and length, never by "
                  "their words; your answers then stand here beside what they took.", command="klimaspor rate")
            ],
        }  # fmt: skip
    sentences = [
        tn("You judged one of {all} conversations", "You judged {n} of {all} conversations", found["rated"],
           all=language.number(found["conversations"]))
        + " "
        + tn("and found one of them worth it.", "and found {n} of them worth it.", found["useful"])
    ]  # fmt: skip
    if found["minutes_saved"] is not None:
        sentences[0] += " " + t("By your own account they saved {time}.", time=language.minutes(found["minutes_saved"]))
    each = found["per_useful_answer"]
    if each is not None:
        unit = measure("energy_wh", each["energy_wh"]["mid"])
        sentences.append(
            t("Everything you judged, useful or not, comes to {value} ({range}) for each answer that was worth it, "
              "estimated.", value=quantity(each["energy_wh"]["mid"], unit, language),
              range=ends(each["energy_wh"], unit, language))
        )  # fmt: skip
    sentences.append(
        t("What you would have done instead, and whether saved time was filled with more of the same, is not "
          "computed: nobody knows.")
    )  # fmt: skip
    share = found["useful"] / found["rated"]
    heading = (
        t("Was it worth it? Mostly, you say")
        if share >= 0.6
        else t("Was it worth it? Often not, you say")
        if share < 0.4
        else t("Was it worth it? Half of it, you say")
    )
    return {"heading": heading, "sentences": sentences}
