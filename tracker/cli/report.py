"""``klimaspor report`` and ``today``: a period as a page, text, JSON or CSV."""

from __future__ import annotations

import json
import sys
import tempfile
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tracker.cli.leaving import leave
from tracker.cli.options import database_option, examples, format_option, language_option, spare_our_own
from tracker.report.computer import clock, computer_language
from tracker.settings import METHODS

if TYPE_CHECKING:
    from tracker.report.period import Period
    from tracker.store import Store


@click.command(epilog=examples("klimaspor report --week 2026-W47 --lang nb --open"))
@click.option("--week", help="An ISO week, such as 2026-W47.  [default: the last finished one]")
@click.option("--last", "last_days", help="The last days, today included: 7d, 4w.")
@click.option("--since", help="From this day on: 2026-11-01.")
@click.option("--until", help="Up to this day, which is left out.")
@format_option("html", "text", "json", "csv")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write here; - is the terminal.")
@click.option("--open", "open_it", is_flag=True, help="Show the page in the browser.")
@language_option()
@click.option("--method", type=click.Choice(METHODS), help="One method only.")
@click.option("--zone", help="What if the servers stood there, such as NOR.")
@click.option("--demo", is_flag=True, help="Show a made-up year instead of your own records.")
@database_option
def report(
    *,
    db: Path,
    week: str | None,
    last_days: str | None,
    since: str | None,
    until: str | None,
    output_format: str,
    output: Path | None,
    open_it: bool,
    lang: str | None,
    method: str | None,
    zone: str | None,
    demo: bool,
) -> None:
    """Show what you used and what it took: energy, greenhouse gas and water, as ranges. Writes a page unless asked."""
    from tracker.report import make
    from tracker.report.period import PeriodError

    if sum(choice is not None for choice in (week, last_days, since or until)) > 1:
        raise click.UsageError("Use one of --week, --last, and --since with --until.")
    if open_it and output_format != "html":
        raise click.UsageError("--open shows the page; leave out --format.")
    if output is not None:
        spare_our_own(output, db)
    choice = settings_of(db)
    lang = lang or choice["language"]
    with ExitStack() as stack:
        store, now = _store_and_clock(stack, db, demo=demo)
        try:
            period = _period(store, now, (week, last_days, since, until), demo=demo)
        except PeriodError as error:
            raise click.UsageError(str(error)) from None
        data = make(
            store, period, now=now, lang=lang, demo=demo, tables=output_format in ("json", "csv"),
            method=method or choice["report.method"], zone=(zone or choice["report.zone"] or "").upper() or None,
        )  # fmt: skip
    _write(data, lang, output_format, output, open_it=open_it, demo=demo)


@click.command(epilog=examples("klimaspor today"))
@format_option("text", "json")
@language_option()
@database_option
def today(*, db: Path, output_format: str, lang: str | None) -> None:
    """Show today at a glance."""
    from tracker.limits import standings
    from tracker.reminders import used_today
    from tracker.report.glance import glance, glance_text

    lang = lang or settings_of(db)["language"]
    with ExitStack() as stack:
        store, now = _store_and_clock(stack, db, demo=False)
        budgets = standings(store, now)
        data = glance(store, now, budgets)
        unapproved = used_today(store, now)
    as_json = output_format == "json"
    click.echo(
        json.dumps(data, ensure_ascii=False, indent=1) if as_json else glance_text(data, budgets, lang, unapproved)
    )


def settings_of(db: Path) -> dict[str, Any]:
    """Return the settings that reports use; the language is the computer's where none is set."""
    from tracker.settings import load

    settings = load(db)
    return {
        "language": settings.get("language") or computer_language(),
        "report.method": settings.get("report.method"),
        "report.zone": settings.get("report.zone"),
    }


def _store_and_clock(stack: ExitStack, db: Path, *, demo: bool) -> tuple[Store, datetime]:
    from tracker.store import NoDatabaseError, Store

    if demo:
        from tracker.report import demo as example

        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        return stack.enter_context(example.fill(folder / "demo.db")), example.NOW
    try:
        return stack.enter_context(Store.open(db, readonly=True)), clock()
    except NoDatabaseError as error:
        # Nothing was recorded yet: that is an empty report, not an error. But the path may be a slip of the pen.
        click.echo(f"{error}", err=True)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        return stack.enter_context(Store.open(folder / "empty.db")), clock()


def _period(
    store: Store, now: datetime, asked: tuple[str | None, str | None, str | None, str | None], *, demo: bool
) -> Period:
    from tracker.report import period

    week, last_days, since, until = asked
    zone, today_ = period.zone_name(now), now.date()
    if week:
        chosen = period.iso_week(week, zone)
        if chosen.since > today_:
            raise period.not_begun(chosen.since, today_)
        return chosen
    if last_days:
        return period.last(last_days, today_, zone)
    if since or until:
        return period.between(since, until, today_, zone)
    if demo:
        from tracker.report.demo import FIRST_DAY, LAST_DAY

        return period.Period(FIRST_DAY, period.next_day(LAST_DAY), zone)
    return period.usual_choice(today_, store.first_day(), zone)


def _write(
    data: dict[str, Any], lang: str, output_format: str, output: Path | None, *, open_it: bool, demo: bool
) -> None:
    from tracker.report import render

    match output_format:
        case "html":
            text = render.to_html(data, lang)
        case "text":
            text = render.to_text(data, lang, width=80)
        case "json":
            text = json.dumps(data, ensure_ascii=False, indent=1) + "\n"
        case _:
            text = render.to_csv(data, lang)
    if output is None and output_format == "html":
        output = Path(f"report-{'demo' if demo else data['period']['name']}.html")
    if output is None or str(output) == "-":
        sys.stdout.buffer.write(text.encode())
        return
    leave("report", text, output)
    click.echo(str(output))
    if open_it:
        click.launch(output.resolve().as_uri())
