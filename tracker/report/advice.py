"""The sentences of the levers: what to change, why it would help, and what it would cost in quality."""

from __future__ import annotations

from typing import Any

from tracker.report.figures import significant
from tracker.report.language import Language
from tracker.report.measures import measure, quantity
from tracker.report.names import service

Json = dict[str, Any]


def lever_words(lever: Json, language: Language) -> Json:
    """Return one lever in words: its gain, of what, its title, the reason in numbers, and its price in quality."""
    title, reason, price = _sentences(lever, language)
    return {
        "gain": gain(lever, language),
        "of": language.t("of the energy, estimated") if lever["impact"] == "energy_wh"
        else language.t("of the gas, estimated"),
        "title": title,
        "reason": reason,
        "price": price,
    }  # fmt: skip


def gain(lever: Json, language: Language) -> str:
    """Return such as "18 to 25 % less", or one number where both ends are the same."""
    low, high = (-round(lever["saves"][end] * 100) for end in ("low", "high"))
    return language.percents(low, high)


def _sentences(lever: Json, language: Language) -> tuple[str, str, str]:
    t, tn, facts = language.t, language.tn, lever["facts"]
    match lever["key"]:
        case "thinking_off":
            return (
                t("Leave thinking off for short questions"),
                tn("One answer thought before it said less than {words} tokens.",
                   "{n} answers thought before they said less than {words} tokens each.", lever["answers"],
                   words=language.number(facts["below_tokens"])),
                t("Price: on questions with a catch, an answer without thinking is wrong more often."),
            )  # fmt: skip
        case "smaller_model":
            return (
                t("Let a smaller model answer the simple ones"),
                tn("One short answer came from {model}; {smaller} of the same maker does such things too.",
                   "{n} short answers came from {model}; {smaller} of the same maker does such things too.",
                   lever["answers"], model=facts["model"], smaller=facts["smaller"]),
                t("Price: plainer language, less knowledge of rare things, more mistakes in long reasoning."),
            )  # fmt: skip
        case "new_conversation":
            return (
                t("Start a new conversation when the subject changes"),
                tn("One turn late in a long conversation sent {tokens} earlier tokens again.",
                   "{n} turns late in long conversations sent {tokens} earlier tokens again, on average.",
                   lever["answers"], tokens=language.number(significant(facts["mean_tokens"], 2))),
                t("Price: the service forgets what was said; what matters has to be said again."),
            )  # fmt: skip
        case "less_research":
            return (
                t("Ask a plain question before starting deep research"),
                tn("One deep-research run took {value} by itself; here an answer with web search is put in its place.",
                   "{n} deep-research runs took {value} each; here an answer with web search is put in place of "
                   "{replaced}.", lever["answers"], value=_each(facts, language),
                   replaced=language.number(facts["replaced"])),
                t("Price: fewer sources, less depth. Where the depth was needed, this is no saving."),
            )  # fmt: skip
        case "video":
            return (
                t("Make one video less"),
                tn("One video took {value}.", "{n} videos took {value} each.", lever["answers"],
                   value=_each(facts, language)),
                t("Price: that video."),
            )  # fmt: skip
        case "other_place":
            from tracker.report.banner import place

            return (
                t("Choose a service whose servers stand where power is clean"),
                t("The same answers in {place}: this much less gas, but {water} the water, for there it evaporates "
                  "from the lakes of hydropower.",
                  place=place(facts["zone"], language), water=language.ratio(facts["water_ratio"]))
                if facts["water_ratio"] >= 1.15 else
                t("The same answers in {place}: this much less gas and {water} the water.",
                  place=place(facts["zone"], language), water=language.ratio(facts["water_ratio"])),
                t("Price: few services let you choose. {service} does not say where it computes.",
                  service=service(facts["service"])),
            )  # fmt: skip
        case other:
            return other.replace("_", " "), "", ""


def _each(facts: Json, language: Language) -> str:
    value = facts["energy_wh_each"]
    return quantity(value, measure("energy_wh", value), language)
