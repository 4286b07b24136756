"""Today at a glance: a few lines, made from today's sums alone so that they come at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tracker.report import rows

if TYPE_CHECKING:
    from tracker.limits import Standing
    from tracker.report.language import Language
    from tracker.store import Store

Json = dict[str, Any]


def glance(store: Store, now: datetime, budgets: Iterable[Standing] = ()) -> Json:
    """Return today's answers, their footprint, by service too, and how the budgets stand, as JSON values."""
    from tracker.footprint import assess, choose
    from tracker.settings import load

    today = now.date()
    activities = store.activities(today, today + timedelta(days=1))
    assessed = assess(activities, choose(load(store.path).get))
    whole = rows.impacts_json(assessed.impacts())
    return {
        "schema": 1,
        "day": today.isoformat(),
        "requests": rows.requests(activities),
        "questions": rows.questions(activities),
        "tokens": rows.tokens(activities),
        "impacts": whole,
        "by_service": rows.keep_all(rows.add_shown(rows.by_service(assessed), whole)),
        "budgets": [one.to_json() for one in budgets],
    }


def glance_text(data: Json, budgets: Iterable[Standing], lang: str, unapproved: Mapping[str, str] | None = None) -> str:
    """Return today in a few lines, how the budgets stand, and reminders of what was used unapproved."""
    from tracker.report.budget_words import budget_line
    from tracker.report.language import capital, language

    words = language(lang)
    lines = [f"  {title:<16} {value}" for title, value in glance_rows(data, words)]
    lines += [budget_line(budget, words) for budget in budgets]
    lines += [reminder_line(service, reason, words) for service, reason in (unapproved or {}).items()]
    return "\n".join(capital(line) for line in [glance_line(data, words), *lines])


def reminder_line(name: str, reason: str, words: Language) -> str:
    """Return that the organisation has not approved a service, and why; only the person sees it."""
    from tracker.report.names import service

    return words.t(
        "{service}: not approved by your organisation. {reason} (Only you see this; `klimaspor team remind --off`.)",
        service=service(name),
        reason=reason if reason.endswith((".", "!", "?")) else f"{reason}.",
    )


def glance_line(data: Json, words: Language) -> str:
    """Return how much today was."""
    if not data["requests"]:
        return words.t("Today: nothing so far.")
    return words.t(
        "Today: {questions}, {answers} in all.",
        questions=words.tn("{n} question", "{n} questions", data["questions"]),
        answers=words.tn("{n} answer", "{n} answers", data["requests"]),
    )


def glance_rows(data: Json, words: Language) -> list[tuple[str, str]]:
    """Return today's footprint and then its services: what it is, and how much."""
    from tracker.report.measures import ends, measure, part, quantity
    from tracker.report.names import IMPACTS, service

    if not data["requests"]:
        return []
    t = words.t
    found = []
    for name, title in IMPACTS.items():
        impact = data["impacts"][name]
        unit = measure(name, impact["mid"])
        value = t("{value}, estimated, {range}", value=quantity(impact["mid"], unit, words),
                  range=ends(impact, unit, words))  # fmt: skip
        found.append((t(title), value))
    unit = measure("energy_wh", data["impacts"]["energy_wh"]["mid"])
    for item in data["by_service"]:
        energy = part(item["shown"]["energy_wh"], item["impacts"]["energy_wh"]["mid"], unit, words)
        answers = words.tn("{n} answer", "{n} answers", item["requests"])
        found.append((service(item["key"]), f"{energy} {unit.unit}, {answers}"))
    return found
