"""The page about trust: coverage and gaps, quality of the data, scope, sources."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tracker.report import charts
from tracker.report.figures import apportion
from tracker.report.language import Language
from tracker.report.names import EXCLUDED, INCLUDED, TIERS, clipped, label, service
from tracker.report.ranking import Row

Json = dict[str, Any]


def sections(data: Json, language: Language) -> Json:
    """Return the sections about how far to trust it; they stand on every page, also an empty one."""
    return {
        "coverage": coverage(data, language),
        "quality": quality(data, language) if data["requests"] else None,
        "scope": scope(data, language),
        "scope_heads": (language.t("In these numbers"), language.t("Not in these numbers")),
        "sources": sources(data, language) if data["requests"] else None,
        "table": None,
    }


def coverage(data: Json, language: Language) -> Json:
    """Return what was seen, what could not be read, and when nobody listened."""
    t, tn = language.t, language.tn
    found = data["coverage"]
    sentences = []
    if found["read"] + found["unread"]:
        sentences.append(
            t("{read} of {all} answers that passed could be read.", read=language.number(found["read"]),
              all=language.number(found["read"] + found["unread"]))
        )  # fmt: skip
    sentences += _not_read(found["by_service"], language)
    if found["refused"]:
        sentences.append(
            tn("One request was turned down by its service and is not counted.",
               "{n} requests were turned down by their services and are not counted.", found["refused"])
        )  # fmt: skip
    if found["share_of_time"] is not None:
        sentences.append(
            t("It listened during {share} of the time this computer was awake.",
              share=language.percent(found["share_of_time"]))
        )  # fmt: skip
    sentences.append(
        t("Apps on a phone, other computers and services that are not on the list cannot be seen from here.")
    )
    complete = not found["unread"] and not found["gaps"] and (found["seen"] is None or found["seen"] >= 0.98)
    gaps = [_gap(gap, language) for gap in found["gaps"]]
    return {
        "heading": t("What could be seen: everything that passed") if complete and data["requests"]
        else t("What could be seen, and what not"),
        "sentences": [" ".join(sentences)],
        "gaps": gaps,
    }  # fmt: skip


def _not_read(services: list[Json], language: Language) -> list[str]:
    """Return which services' answers had an unknown form, then which were lost before they were read."""
    tn = language.tn
    unknown = [
        tn(
            "One answer of {service} had a form that is not known here.",
            "{n} answers of {service} had a form that is not known here.",
            entry["unread"] - entry["lost"],
            service=service(entry["key"]),
        )
        for entry in services
        if entry["unread"] > entry["lost"]
    ]
    lost = [
        tn(
            "One answer of {service} was lost before it was read: too much came at once, or the proxy was killed.",
            "{n} answers of {service} were lost before they were read: too much came at once, or the proxy was killed.",
            entry["lost"],
            service=service(entry["key"]),
        )
        for entry in services
        if entry["lost"]
    ]
    return [*unknown, *lost]


def _gap(gap: Json, language: Language) -> str:
    t = language.t
    time, when = language.minutes(gap["seconds"] / 60), _when(gap, language)
    match gap["kind"]:
        case "paused" if gap["service"]:
            return t("{service} was paused, as you wished: {time} ({when}).", time=time, when=when,
                     service=service(gap["service"]))  # fmt: skip
        case "paused":
            return t("Paused, as you wished: {time} ({when}).", time=time, when=when)
        case "passed-through":
            return t("{service} passed untouched for {time}, because it refused to be listened to ({when}).",
                     time=time, when=when, service=service(gap["service"] or ""))  # fmt: skip
        case _:
            return t("Nobody listened, though the computer was awake: {time} ({when}).", time=time, when=when)


def _when(gap: Json, language: Language) -> str:
    ends = [(datetime.fromisoformat(time["since"]), datetime.fromisoformat(time["until"])) for time in gap["longest"]]
    named = language.listing(language.stretch(since, until) for since, until in ends)
    return named if gap["times"] == len(ends) else language.t("{n} times, the longest {times}",
                                                              n=language.number(gap["times"]), times=named)  # fmt: skip


def quality(data: Json, language: Language) -> Json | None:
    """Return how much of the energy rests on what kind of factor."""
    t, tn = language.t, language.tn
    rows = [item for item in data["quality"]["tiers"] if item["share"] > 0]
    if not rows:
        return None
    largest = max(item["share"] for item in rows)
    shares = apportion([item["share"] for item in rows], 1.0)
    sentences = []
    unknown = data["quality"]["unknown_models"]
    if unknown:
        sentences.append(
            tn("One model is not known by its size; it was taken for a likely one and its range widened: {names}.",
               "{n} models are not known by their size; each was taken for a likely one and its range widened: "
               "{names}.", len(unknown), names=language.listing(_unknown_name(item, language) for item in unknown[:8]))
        )  # fmt: skip
    counted = data["quality"]["counted_share"]
    if counted is not None:
        sentences.append(
            t("{share} of the tokens were counted here from the text that passed, the rest reported by the services.",
              share=language.percent(counted))
        )  # fmt: skip
    solid = sum(share for item, share in zip(rows, shares, strict=True) if item["tier"] <= 2)
    return {
        "heading": t("{share} rests on measurements", share=language.percent(solid)) if solid >= 0.005
        else t("Nothing of it rests on measurements"),
        "say": t("How good the factors are that the energy was computed with."),
        "name": t("kind of factor"),
        "value": t("share of the energy"),
        "heads": [],
        "rows": [
            Row(
                t(TIERS[item["tier"]]),
                charts.share_bar(item["share"], largest),
                language.percent_part(share, item["share"]),
            )
            for item, share in zip(rows, shares, strict=True)
        ],
        "sentences": sentences,
    }  # fmt: skip


def _unknown_name(item: Json, language: Language) -> str:
    return f"{clipped(item['model'] or language.t('model not told'))} ({service(item['service'])})"


def scope(data: Json, language: Language) -> Json:
    """Return what is in the numbers and what is not."""
    return {
        "included": [label(INCLUDED, key, language) for key in data["scope"]["included"]],
        "excluded": [label(EXCLUDED, key, language) for key in data["scope"]["excluded"]],
        "privacy": language.t(
            "Nothing you wrote and nothing that was answered is stored anywhere: only times, lengths, models and kinds."
        ),
    }


def sources(data: Json, language: Language) -> Json:
    """Return the sources of the factors, each with its year; what is our own judgement stands apart and says so."""
    listed = [
        {
            "title": clipped(item["title"], 300),
            "url": item["url"] if str(item["url"] or "").startswith("https://") else None,
            "note": " · ".join(str(value) for value in (item.get("year"), item.get("licence")) if value),
        }
        for item in data["sources"]
    ]
    own = [item for item in listed if item["url"] is None]
    return {
        "published": [item for item in listed if item["url"] is not None],
        "own": own,
        "own_summary": language.tn(
            "and one judgement or derivation of our own", "and {n} judgements and derivations of our own", len(own)
        ),
    }
