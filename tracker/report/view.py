"""The page in words and geometry, section by section: what the templates write down."""

from __future__ import annotations

from datetime import date
from typing import Any

from markupsafe import Markup, escape

from tracker.report import charts, view_cost, view_time, view_trust, view_use
from tracker.report.banner import banner, place
from tracker.report.figures import significant
from tracker.report.headline import equivalent_phrase, headline
from tracker.report.language import Language, capital
from tracker.report.measures import Measure, ends, figure, measure

Json = dict[str, Any]

FIGURES = ("energy_wh", "ghg_g", "water_ml")


def view(data: Json, language: Language) -> Json:
    """Return everything the page says, in this language; a pure function of the data."""
    t = language.t
    period = period_name(data, language)
    first_words = headline(data, language, lambda text: Markup("<em>{}</em>").format(text))
    page: Json = {
        "version": data["generator"]["version"],
        "title": f"{t('Your AI trail')} · {period} · klimaspor",
        "period": period,
        "banner": banner(data, language),
        "headline": capital(escape(first_words)),
        "lede": lede(data, language),
        "figures": [],
        "footer": footer(data, language),
        **view_trust.sections(data, language),
    }
    if data["requests"]:
        page |= {
            "figures": [_figure(data, name, language) for name in FIGURES],
            "bars_explained": _bars_explained(data, language),
            "facts": facts(data, language),
            "equivalents": [capital(equivalent_phrase(item, language)) for item in data["equivalents"]],
            **view_time.sections(data, language),
            **view_use.sections(data, language),
            **view_cost.sections(data, language),
        }
    return page


def period_name(data: Json, language: Language) -> str:
    """Return the week and its days."""
    since, until = (date.fromisoformat(data["period"][end]) for end in ("since", "until"))
    days = language.days(since, until)
    if data["period"]["kind"] != "week":
        return days
    return f"{language.t('Week {n}', n=since.isocalendar().week)} · {days}"


def lede(data: Json, language: Language) -> list[str]:
    """Return the sentences below the first: change, the day that stood out, and what "estimated" means."""
    t = language.t
    if not data["requests"]:
        return _empty(data, language)
    sentences = [sentence for sentence in (_change(data, language), _incomplete(data, language)) if sentence]
    sentences.append(
        t(
            "Every figure of energy, gas and water is estimated from what passed between you and the services; "
            "the bars show how sure it is."
        )
    )
    return [" ".join(sentences)]


def _change(data: Json, language: Language) -> str:
    t, finding, previous = language.t, data["finding"], data["previous"]
    if previous and not previous["comparable"] and previous["requests"]:
        return t("It is not comparable with the time before: what could be seen differs too much.")
    if previous and not previous["requests"]:
        return t("There is nothing before it to compare with.") if not previous["comparable"] else ""
    ratio = finding["ratio"]
    day = finding["heaviest_day"]
    parts = []
    if ratio is not None and finding["trend"] != "same":
        parts.append(t("It took about {ratio} the energy of the time before.", ratio=language.ratio(ratio)))
    if day is not None and day["share"] >= 0.25 and data["period"]["days"] <= 31:
        name = (
            language.weekday(date.fromisoformat(day["key"]).isoweekday())
            if data["period"]["days"] <= 7
            else language.day(date.fromisoformat(day["key"]))
        )
        parts.append(t("{share} of it fell on {day}.", share=capital(language.percent(day["share"])), day=name))
    return " ".join(parts)


def _incomplete(data: Json, language: Language) -> str:
    seen = data["coverage"]["seen"]
    if seen is not None and seen < 0.9:
        return language.t(
            "Only about {share} could be seen, so the real figures are higher.", share=language.percent(seen)
        )
    return ""


def _empty(data: Json, language: Language) -> list[str]:
    t = language.t
    sentences = [t("That may be just what happened: a time without AI costs nothing.")]
    if data["coverage"]["unread"]:
        sentences.append(
            language.tn(
                "One answer passed that could not be read.",
                "{n} answers passed that could not be read.",
                data["coverage"]["unread"],
            )
        )
    sentences.append(
        t("If you did ask a chatbot something, it did not pass by here: {command} says what is wrong.",
          command="klimaspor doctor")
    )  # fmt: skip
    return sentences


def _figure(data: Json, name: str, language: Language) -> Json:
    t = language.t
    impact = data["impacts"][name]
    unit = measure(name, impact["mid"])
    previous = data["previous"]
    past = previous["impacts"][name] if previous and previous["comparable"] and previous["requests"] else None
    envelope = data["envelope"] if name == "energy_wh" else None
    top = max(impact["high"], past["high"] if past else 0.0, envelope["high"] if envelope else 0.0)
    notes = []
    if past:
        notes.append(
            t("{before}: {value} {unit} ({range})", before=before_name(data, language), unit=unit.unit,
              value=figure(past["mid"], unit, language), range=ends(past, unit, language))
        )  # fmt: skip
    notes.extend(_figure_notes(data, name, impact, unit, language))
    return {
        "label": {"energy_wh": t("Electricity"), "ghg_g": t("Greenhouse gas"), "water_ml": t("Water")}[name],
        "value": figure(impact["mid"], unit, language),
        "unit": unit.unit,
        "range": t("between {range} {unit}", range=span_words(impact, unit, language), unit=unit.unit),
        "bar": charts.range_bar(impact, top, envelope),
        "past": charts.range_bar(past, top) if past else None,
        "notes": notes,
    }


def span_words(span: Json, unit: Measure, language: Language) -> str:
    """Return the ends of a range as they follow "between"."""
    low, high = (language.number(unit.value(significant(span[end], 2))) for end in ("low", "high"))
    return language.t("{low} and {high}", low=low, high=high)


def _figure_notes(data: Json, name: str, impact: Json, unit: Measure, language: Language) -> list[str]:
    t = language.t
    if name == "ghg_g" and data["what_if"]:
        return [t("with the power of {place}", place=place(data["what_if"]["zone"], language))]
    if name == "ghg_g" and impact["embodied"]:
        share = impact["embodied"]["mid"] / impact["mid"] if impact["mid"] else 0.0
        return [t("{share} from making the machines", share=language.percent(share))]
    if name == "water_ml" and impact["on_site"]:
        return [
            t("{site} {unit} where the servers stand, the rest at power plants", unit=unit.unit,
              site=figure(impact["on_site"]["mid"], unit, language))
        ]  # fmt: skip
    if name == "energy_wh" and data["envelope"]:
        return [
            t("the methods reach from {range} {unit}", range=ends(data["envelope"], unit, language), unit=unit.unit)
        ]
    return []


def before_name(data: Json, language: Language) -> str:
    """Return what the period compared with is called."""
    t = language.t
    if data["period"]["kind"] == "week":
        return t("last week") if data["period"]["complete"] else t("the same days last week")
    return language.tn("the day before", "the {n} days before", data["period"]["days"])


def _bars_explained(data: Json, language: Language) -> str:
    t = language.t
    parts = [
        t("Green bar: where nine of ten estimates fall; the line across it: the middle.")
        if data["interval"] == "p05-p95"
        else t("Green bar: from the lowest to the highest value of the method; the line across it: its middle.")
    ]
    if data["envelope"]:
        parts.append(t("Dotted: from the lowest to the highest method."))
    if data["previous"] and data["previous"]["comparable"] and data["previous"]["requests"]:
        parts.append(t("Grey: {before}.", before=before_name(data, language)))
    return " ".join(parts)


def facts(data: Json, language: Language) -> list[Json]:
    """Return plain counts: they were seen, not estimated."""
    number = language.number
    tokens = data["tokens"]
    rows = [
        (language.tn("question you asked", "questions you asked", data["questions"]), number(data["questions"])),
        (language.tn("answer in all", "answers in all", data["requests"]), number(data["requests"])),
    ]
    if tokens["input"] is not None:
        rows.append((language.t("tokens sent, as seen"), number(tokens["input"])))
    if tokens["output"] is not None:
        rows.append((language.t("tokens back, as seen"), number(tokens["output"])))
    if data["minutes_computing"]:
        rows.append((language.t("waiting for answers"), language.minutes(data["minutes_computing"])))
    return [{"name": name, "value": value} for name, value in rows]


def footer(data: Json, language: Language) -> list[str]:
    """Return what made the report, when, and from which factors."""
    t = language.t
    made = date.fromisoformat(data["generated_at"][:10])
    parts = [
        f"klimaspor {data['generator']['version']}",
        t("made on {day}", day=language.long_day(made)),
        t("times in {zone}", zone=data["period"]["timezone"]),
    ]
    if data["generator"].get("factors"):
        parts.append(t("factors of {version}", version=data["generator"]["factors"]))
    if data["generator"].get("ecologits"):
        parts.append(f"EcoLogits {data['generator']['ecologits']}")
    parts.append(t("a token is a piece of a word, about three quarters of one"))
    return parts


def plain_headline(data: Json, language: Language) -> str:
    """Return the first sentence without markup."""
    return capital(headline(data, language, str))
