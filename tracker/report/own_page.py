"""The proxy's own page as sentences and rows: how it does, today, and what its forms offer (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tracker.report import names
from tracker.report.budget_words import budget_name, budget_used
from tracker.report.charts import WIDTH
from tracker.report.glance import glance_line, glance_rows, reminder_line
from tracker.report.language import Language, capital

if TYPE_CHECKING:
    from tracker.limits import Standing
    from tracker.talks import Talk

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Standings:
    """What the forms are about."""

    talks: list[Talk]
    budgets: list[Standing]
    pauses: dict[str, datetime]
    """Service (empty for all) and until when."""
    held: bool
    """Whether a budget holds new turns back."""
    services: list[str]
    """Those that can be chosen."""
    unapproved: Mapping[str, str] = field(default_factory=dict)
    """What was used today and the organisation has not approved, with its reason."""
    refused: str = ""
    """Why a form that was sent changed nothing."""


def view(status: Json, today: Json, standings: Standings, now: datetime, words: Language) -> Json:
    """Return what the template shows; ``status`` as ``Pages.status`` tells it, ``today`` as ``glance`` does."""
    return {
        "headline": _headline(status, standings, now, words),
        "day": capital(words.long_day(now.date())),
        "today": {"line": glance_line(today, words), "rows": glance_rows(today, words)},
        "refused": words.t(standings.refused) if standings.refused else "",
        "held": standings.held,
        "reminders": [reminder_line(service, reason, words) for service, reason in standings.unapproved.items()],
        "talks": [_talk(talk, now, words) for talk in standings.talks],
        "budgets": [_budget(standing, words) for standing in standings.budgets],
        "pauses": [_pause(service, until, now, words) for service, until in standings.pauses.items()],
        "services": [{"key": key, "name": names.service(key)} for key in standings.services],
        "features": [{"key": key, "name": names.label(names.FEATURES, key, words)} for key in names.FEATURES],
        "notes": _notes(status, now, words),
    }


def _headline(status: Json, standings: Standings, now: datetime, words: Language) -> str:
    if status["trouble"]:
        return words.t("klimaspor listens, but cannot write")
    if "" in standings.pauses:
        return words.t("klimaspor is paused")
    if standings.held:
        return words.t("klimaspor holds new turns back")
    if standings.pauses or any(passing["until"] > now.timestamp() for passing in status["passing"]):
        return words.t("klimaspor listens, but not to everything")
    return words.t("klimaspor listens")


def _talk(talk: Talk, now: datetime, words: Language) -> Json:
    began = talk.began_at.replace(tzinfo=None)
    same_day = began.date() == now.date()
    length = [words.tn("{n} question", "{n} questions", talk.turns)]
    if talk.output_tokens is not None:
        length.append(words.tn("{n} token written", "{n} tokens written", talk.output_tokens))
    return {
        "subject": talk.subject,
        "when": words.clock(began) if same_day else words.moment(began),
        "name": names.service(talk.service),
        "model": names.clipped(talk.model) if talk.model else words.t("unknown model"),
        "length": ", ".join(length),
        "worth": talk.worth,
    }


def _budget(standing: Standing, words: Language) -> Json:
    return {
        "key": standing.budget.name,
        "name": budget_name(standing.budget, words),
        "used": budget_used(standing, words),
        "hold": standing.budget.hold,
        "width": round(WIDTH * min(standing.share, 1.0)),
    }


def _pause(service: str, until: datetime, now: datetime, words: Language) -> str:
    end = _clock(until, now, words)
    if service:
        return words.t("{service} is not recorded until {time}.", service=names.service(service), time=end)
    return words.t("Nothing is recorded until {time}.", time=end)


def _clock(moment: datetime, now: datetime, words: Language) -> str:
    local = moment.astimezone(now.tzinfo)
    return words.clock(local) if local.date() == now.date() else words.moment(local)


def _notes(status: Json, now: datetime, words: Language) -> list[str]:
    t, turns = words.t, status["turns"]
    since = datetime.fromisoformat(status["started_at"])
    notes = [
        t("On 127.0.0.1:{port} since {time}.", port=status["port"], time=_clock(since, now, words)),
        t("{n} hosts are opened; every other site passes untouched.", n=words.number(status["hosts"])),
        t("Turns heard since then: {heard}. Lost: {lost}.", heard=words.number(turns["heard"]),
          lost=words.number(sum(turns["lost"].values()))),
    ]  # fmt: skip
    for name, port in status["local"].items():
        notes.append(
            t("{service}: use {address} as its address, and its use is recorded too.",
              service=names.service(name), address=f"http://127.0.0.1:{port}")
        )  # fmt: skip
    for passing in status["passing"]:
        until = _clock(datetime.fromtimestamp(passing["until"], UTC), now, words)
        notes.append(t(names.why_passed(passing["reason"]), host=passing["host"], time=until))
    if status["trouble"]:
        notes.append(status["trouble"])
    return notes
