"""The page in words and geometry, section by section: what the templates write down."""

from __future__ import annotations

from datetime import date
from typing import Any

from markupsafe import Markup, escape

from tracker.report import view_cost, view_figures, view_time, view_trust, view_use
from tracker.report.banner import banner
from tracker.report.headline import equivalent_phrase, headline
from tracker.report.language import Language, capital

Json = dict[str, Any]


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
            **view_figures.sections(data, language),
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
