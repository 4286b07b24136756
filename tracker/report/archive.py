"""The folder of weekly reports: one page a week, what each came to, and an index page with the year's thread."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracker.private import read_json, write_whole
from tracker.report import charts
from tracker.report.figures import keep
from tracker.report.language import NOTHING, Language, language
from tracker.report.measures import ends, measure, quantity
from tracker.report.period import Period, PeriodError, iso_week, zone_name
from tracker.report.render import page, to_html

if TYPE_CHECKING:
    from tracker.store import Store

Json = dict[str, Any]
INDEX = "index.html"
WEEKS_OF_A_YEAR = 53


def reports_folder(db: Path) -> Path:
    """Return where the weekly reports of this database are kept: the folder ``reports`` beside it."""
    return db.parent / "reports"


def mark_path(db: Path) -> Path:
    """Return the file whose being there means: weekly reports are wanted."""
    return db.with_suffix(".weekly")


def missing_week(folder: Path, now: datetime, first_day: date | None) -> Period | None:
    """Return the last finished week if it has records' time in it and no report yet, else None."""
    monday = now.date() - timedelta(days=now.date().weekday())
    if first_day is None or first_day >= monday:
        return None
    week = Period(monday - timedelta(days=7), monday, zone_name(now), "week")
    return None if _page_path(folder, week).exists() else week


def write_missing(store: Store, folder: Path, now: datetime, lang: str) -> Path | None:
    """
    Write the report of the last finished week if it is missing, and the index; return its path, or None.

    Safe to call at any time and from several processes: pages are replaced whole.
    """
    from tracker.report import make

    week = missing_week(folder, now, store.first_day())
    if week is None:
        return None
    data = make(store, week, now=now, lang=lang, tables=False)
    return keep_report(folder, data, lang)


def keep_report(folder: Path, data: Json, lang: str) -> Path:
    """Put a week's page and its few numbers into the folder and renew the index; return the page's path."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{data['period']['name']}.html"
    write_whole(path, to_html(data, lang))
    write_whole(path.with_suffix(".json"), json.dumps(summary(data), ensure_ascii=False) + "\n")
    write_whole(folder / INDEX, index_page(summaries(folder), lang))
    return path


def summary(data: Json) -> Json:
    """Return what the index needs of a report."""
    return {
        "schema": 1,
        "week": data["period"]["name"],
        "questions": data["questions"],
        "requests": data["requests"],
        "energy_wh": {end: keep(data["impacts"]["energy_wh"][end]) for end in ("low", "mid", "high")},
        "ghg_g": {end: keep(data["impacts"]["ghg_g"][end]) for end in ("low", "mid", "high")},
    }


def summaries(folder: Path) -> list[Json]:
    """Return the summaries in the folder, the newest week first; what cannot be read is left out."""
    found = []
    for path in sorted(folder.glob("*-W*.json"), reverse=True):
        try:
            entry = read_json(path)
            iso_week(entry["week"], "UTC")
            numbers = [entry[name][end] for name in ("energy_wh", "ghg_g") for end in ("low", "mid", "high")]
            if all(isinstance(number, int | float) for number in [*numbers, entry["questions"], entry["requests"]]):
                found.append(entry)
        except (OSError, ValueError, KeyError, TypeError, PeriodError):
            continue  # a damaged summary costs its line in the index, not the index
    return found


def index_page(weeks: Iterable[Json], lang: str) -> str:
    """Return the index page: a year's thread of weeks and a list that leads to each report."""
    words = language(lang)
    listed = list(weeks)[:WEEKS_OF_A_YEAR]
    return page("index.html.jinja", lang, view=_view(listed, words))


def _view(weeks: list[Json], words: Language) -> Json:
    t = words.t
    largest = max((week["energy_wh"]["mid"] for week in weeks), default=0.0)
    unit = measure("energy_wh", largest)
    top = max((week["energy_wh"]["high"] for week in weeks), default=0.0)
    rows = []
    for week in weeks:
        span = iso_week(week["week"], "UTC")
        rows.append(
            {
                "href": f"{week['week']}.html",
                "name": t("Week {n}", n=span.since.isocalendar().week),
                "days": words.days(span.since, span.until),
                "bar": charts.range_bar(week["energy_wh"], top),
                "value": quantity(week["energy_wh"]["mid"], unit, words) if week["requests"] else NOTHING,
                "range": ends(week["energy_wh"], unit, words) if week["requests"] else NOTHING,
                "questions": words.number(week["questions"]),
            }
        )
    return {
        "title": t("Your AI trail, week by week"),
        "say": t("Energy of each week, estimated, with its range. The ranges do not add up.")
        if rows else t("There is no report yet. The first one comes when this week is over."),
        "rows": rows,
        "command": "klimaspor schedule off",
    }  # fmt: skip


def _page_path(folder: Path, week: Period) -> Path:
    return folder / f"{week.name}.html"
