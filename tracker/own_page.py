"""Behind the proxy's own page: what it shows and what its forms change, in a process that carries no chats."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracker.report.names import mark

if TYPE_CHECKING:
    from tracker.store import Store

PAUSES = {"30m": timedelta(minutes=30), "2h": timedelta(hours=2)}
CONTINUE = timedelta(hours=1)
TALKS = 12
STALE = mark("klimaspor was started anew since this page was opened, so nothing was changed. Please try again.")


class FormError(Exception):
    """A form says something that does not fit; the message is a sentence of the catalogues."""


def main() -> None:
    """Read one question as JSON from standard input, answer it as JSON; whatever fails otherwise ends in code 1."""
    from tracker.settings import SettingsError
    from tracker.store import Store, StoreError

    asked = json.load(sys.stdin)
    answer: dict[str, Any] = {}
    refused = STALE if asked.get("stale") else ""
    try:
        with Store.open(Path(asked["db"]), readonly="form" not in asked) as store:
            if "form" in asked:
                try:
                    change(store, asked["form"], datetime.now(UTC))
                    answer["changed"] = True
                except FormError as error:
                    refused = str(error)
            if "changed" not in answer:
                answer["page"] = show(store, asked["status"], asked["form_token"], refused)
    except (StoreError, SettingsError) as error:
        answer = {"trouble": str(error)}
    json.dump(answer, sys.stdout)


def show(store: Store, status: dict[str, Any], form_token: str, refused: str = "") -> str:
    """
    Return the page: ``status`` as the proxy tells it of itself, everything else from the store and the settings.

    ``refused`` is why a form that was sent changed nothing.
    """
    from tracker import limits, reminders
    from tracker.report.computer import clock, computer_language
    from tracker.report.glance import glance
    from tracker.report.language import language
    from tracker.report.own_page import Standings, view
    from tracker.report.render import page
    from tracker.settings import load
    from tracker.talks import recent_talks

    now = clock()
    lang = load(store.path).get("language") or computer_language()
    standings = Standings(
        talks=recent_talks(store, TALKS),
        budgets=limits.standings(store, now),
        pauses=limits.pauses(store, now),
        held=any(verdict.action == "hold" for verdict in limits.verdicts(store, now).values()),
        services=_seen(store, now),
        unapproved=reminders.used_today(store, now),
        refused=refused,
    )
    shown = view(status, glance(store, now), standings, now, language(lang))
    return page("own.html.jinja", lang, sheets=("report.css", "forms.css"), view=shown, form_token=form_token)


def change(store: Store, form: Mapping[str, str], now: datetime) -> None:
    """
    Do what a form asks for.

    :raises FormError: if it asks for something that does not exist or does not fit.
    """
    from tracker import limits

    match form:
        case {"do": "rate", "subject": subject, "worth": worth}:
            _rate(store, subject, worth, now)
        case {"do": "budget"}:
            _add_budget(store, form)
        case {"do": "drop", "budget": name}:
            _drop_budget(store, name)
        case {"do": "pause", "service": service, "length": "off"}:
            limits.resume(store, _known(store, service), now)
        case {"do": "pause", "service": service, "length": length} if length in PAUSES:
            limits.pause(store, _known(store, service), PAUSES[length], now)
        case {"do": "continue"}:
            limits.continue_for(store, CONTINUE, now)
        case _:
            raise FormError(mark("There is no such form any more."))


def _rate(store: Store, subject: str, worth: str, now: datetime) -> None:
    from tracker.moments import timestamp
    from tracker.store import Rating
    from tracker.talks import find_talk

    talk = find_talk(store, subject)
    if talk is None or talk.subject != subject or re.fullmatch("[1-5]", worth) is None:
        raise FormError(mark("There is no such conversation any more."))
    minutes = next((old.minutes_saved for old in store.ratings() if old.subject == talk.subject), None)
    store.rate(Rating(talk.subject, talk.kind, int(worth), minutes, timestamp(now)))


def _add_budget(store: Store, form: Mapping[str, str]) -> None:
    from tracker.budget import Budget
    from tracker.settings import load
    from tracker.settings_file import save

    amount = form.get("amount", "").strip().replace(",", ".")
    if re.fullmatch(r"\d{1,12}(\.\d{1,6})?", amount) is None:
        raise FormError(mark("The amount is not a number. Type one, such as 50."))
    new = Budget(
        float(amount), form.get("unit", ""), form.get("per", ""), _known(store, form.get("service", "")) or None,
        form.get("feature") or None, hold=form.get("hold") == "on",
    )  # fmt: skip
    if not new.fits:
        raise FormError(mark("This budget does not fit. Its amount has to be above 0."))
    save(store.path, load(store.path).with_budget(new))


def _drop_budget(store: Store, name: str) -> None:
    from tracker.settings import load
    from tracker.settings_file import save

    settings = load(store.path)
    kept = tuple(budget for budget in settings.budgets if budget.name != name)
    if len(kept) == len(settings.budgets):
        raise FormError(mark("There is no such budget any more."))
    save(store.path, replace(settings, budgets=kept))


def _known(store: Store, service: str) -> str:
    if service and service not in _services(store):
        raise FormError(mark("There is no such service any more."))
    return service


def _services(store: Store) -> set[str]:
    from addon.company import all_services

    return {service.name for service in all_services(store.path.parent)}


def _seen(store: Store, now: datetime) -> list[str]:
    """Return the services that can be chosen: those used in the last four weeks."""
    tomorrow = now.date() + timedelta(days=1)
    used = {activity.service for activity in store.activities(tomorrow - timedelta(weeks=4), tomorrow)}
    return sorted(used & _services(store))


if __name__ == "__main__":
    main()
