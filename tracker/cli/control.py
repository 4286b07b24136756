"""``klimaspor pause``, ``rate``, ``forget`` and ``config``: the say a person has."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tracker.cli.days import Day, Duration
from tracker.cli.options import Whole, act_on_it, check_service, database_option, examples, fail, format_option
from tracker.harmless import harmless

if TYPE_CHECKING:
    from tracker.forgetting import Forgotten


@click.command(epilog=examples("klimaspor pause 2h", "klimaspor pause 1d --service chatgpt", "klimaspor pause off"))
@click.argument("length", metavar="[LENGTH|off]", required=False)
@click.option("--service", default="", help="Only this service, such as chatgpt.")
@database_option
def pause(db: Path, length: str | None, service: str) -> None:
    """Record nothing for a while: 30m, 2h, 1d. The chats go on; reports show it as chosen."""
    from tracker import limits
    from tracker.store import Store

    check_service(service, db)
    now = datetime.now(UTC)
    if length not in {None, "off"}:
        duration = Duration("mhd").convert(length, None, None)
        with Store.open(db) as store:
            until = limits.pause(store, service, duration, now)
        act_on_it(db)
        click.echo(tell_pause(service, until))
        return
    if length == "off":
        with Store.open(db) as store:
            ended = limits.resume(store, service, now)
        act_on_it(db)
        click.echo("Recording goes on." if ended else "Nothing was paused.")
        return
    told = [tell_pause(name, until) for name, until in pauses_of(db).items()]
    click.echo("\n".join(told) or "Nothing is paused. `klimaspor pause 2h` pauses for two hours.")


def pauses_of(db: Path) -> dict[str, datetime]:
    """Return which services (empty: all) are paused now, and until when in local time."""
    from tracker.limits import pauses
    from tracker.store import NoDatabaseError, Store

    with suppress(NoDatabaseError), Store.open(db, readonly=True) as store:
        return {name: until.astimezone() for name, until in pauses(store, datetime.now(UTC)).items()}
    return {}


def tell_pause(service: str, until: datetime) -> str:
    """Return that a service, or all of it, is paused."""
    return f"{service or 'Recording'} is paused until {until.astimezone():%Y-%m-%d %H:%M}."


@click.command(epilog=examples("klimaspor rate 3fa9c1 --worth 4 --minutes 20"))
@click.argument("subject", required=False)
@click.option("--worth", type=Whole(1, 5), help="Was it worth it? 1 (no) to 5 (very much).")
@click.option("--minutes", type=Whole(0, 100_000), help="Minutes it saved you.")
@database_option
def rate(db: Path, subject: str | None, worth: int | None, minutes: int | None) -> None:
    """Say whether a conversation was worth it. Without SUBJECT it shows the recent ones and asks."""
    from tracker.moments import timestamp
    from tracker.store import Rating, Store
    from tracker.talks import Talk, find_talk, recent_talks

    with Store.open(db, readonly=True) as store:
        if subject is None:
            talks = recent_talks(store, 20)
            if not talks:
                fail("There is nothing to rate yet", "no conversations", "use a chatbot first, or `klimaspor import`")
            for number, shown in enumerate(talks, 1):
                click.echo(f"{number:3}  {shown}")
            chosen = click.prompt("Which one", type=Whole(1, len(talks)))
            talk: Talk | None = talks[chosen - 1]
        else:
            talk = find_talk(store, subject)
    if talk is None:
        fail("There is no such conversation, or more than one", (subject or "")[:32], "`klimaspor rate` lists them")
    if worth is None:
        worth = click.prompt("Was it worth it, 1 (no) to 5 (very much)", type=Whole(1, 5))
        if minutes is None:
            answer = click.prompt("Minutes it saved you (-1: cannot say)", type=Whole(-1), default=-1)
            minutes = None if answer < 0 else answer
    with Store.open(db) as store:
        store.rate(Rating(talk.subject, talk.kind, worth, minutes, timestamp(datetime.now(UTC))))
    click.echo(f"Kept: {talk}: worth {worth} of 5" + (f", {minutes} minutes saved." if minutes else "."))


@click.command(epilog=examples("klimaspor forget --since 2026-11-16 --until 2026-11-17 --service chatgpt"))
@click.option("--day", type=Day(), help="This day.")
@click.option("--since", type=Day(), help="From this day on.")
@click.option("--until", type=Day(), help="Up to this day, which is left out.")
@click.option("--service", help="Only this service.")
@click.option("--conversation", help="This conversation: its mark in `klimaspor rate` or `log --format json`.")
@click.option("--everything", is_flag=True, help="All that was recorded.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@database_option
def forget(
    *,
    db: Path,
    day: date | None,
    since: date | None,
    until: date | None,
    service: str | None,
    conversation: str | None,
    everything: bool,
    yes: bool,
) -> None:
    """Delete records for good: by day, service, conversation, or everything. It says what it removes, and asks."""
    from tracker.forgetting import Choice, preview
    from tracker.forgetting import forget as delete
    from tracker.store import Store

    if day is not None:
        if since or until:
            raise click.UsageError("Use --day, or --since and --until, not both.")
        since, until = day, day + timedelta(days=1)
    choice = Choice(since, until, service, conversation)
    if choice.is_everything != everything:
        raise click.UsageError(
            "Say what to forget: --day, --since, --until, --service, --conversation or --everything."
        )
    if conversation is not None and (len(conversation) < 6 or not conversation.isalnum()):
        raise click.UsageError("--conversation takes at least the first six characters of its mark.")
    with Store.open(db, readonly=True) as store:
        found = preview(store, choice)
    if not (found.records or found.ratings or found.counters or everything):
        click.echo("There is nothing to forget there.")
        return
    click.echo(f"To be removed: {_amount(found)}.")
    if not yes:
        click.confirm("Remove it for good", abort=True)
    with Store.open(db) as store:
        found = delete(store, choice)
    act_on_it(db)
    click.echo(f"Removed: {_amount(found)}. Nothing of it is left in the database file.")


def _amount(found: Forgotten) -> str:
    if not found.records:
        days = ""
    elif found.first_day == found.last_day:
        days = f" of {found.first_day}"
    else:
        days = f" from {found.first_day} to {found.last_day}"
    ratings, counters = _count(found.ratings, "rating"), _count(found.counters, "counter")
    return f"{_count(found.records, 'record')}{days}, {ratings}, {counters}"


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'s' * (number != 1)}"


@click.command(epilog=examples("klimaspor config language nb"))
@click.argument("key", required=False)
@click.argument("value", required=False)
@click.option("--unset", is_flag=True, help="Back to the default.")
@format_option("text", "json")
@database_option
def config(*, db: Path, output_format: str, key: str | None, value: str | None, unset: bool) -> None:
    """Show the settings, or one, or set one. They live in a TOML file beside the database."""
    import json
    from dataclasses import replace

    from tracker.settings import SCHEMA, find, load, parse, settings_path
    from tracker.settings_file import save

    if key is not None and unset:
        setting = find(key)
        settings = load(db)
        save(db, replace(settings, values={k: v for k, v in settings.values.items() if k != setting.key}))
        act_on_it(db)
        click.echo(f"{key} is at its default again.")
    elif key is not None and value is not None:
        parsed = parse(find(key), value)
        _check_zones(key, parsed)
        settings = load(db)
        save(db, replace(settings, values=settings.values | {key: parsed}))
        act_on_it(db)
        click.echo(f"{key} = {_shown(parsed)}")
    elif key is not None:
        found = load(db).get(key)
        click.echo(json.dumps(found) if output_format == "json" else _shown(found))
    elif output_format == "json":
        settings = load(db)
        click.echo(json.dumps({setting.key: settings.get(setting.key) for setting in SCHEMA}, indent=2))
    else:
        settings = load(db)
        click.echo(f"Settings in {settings_path(db)}:")
        for setting in SCHEMA:
            mark = "*" if setting.key in settings.values else " "
            click.echo(f"{mark} {setting.key} = {_shown(settings.get(setting.key))}\n      {setting.meaning}")


def _check_zones(key: str, value: Any) -> None:
    """Raise a FootprintError for a zone without data now, not each time that a report is made with it."""
    from tracker.footprint.place import find_grid

    match key, value:
        case "report.zone", str():
            find_grid(value)
        case "footprint.zones", tuple():
            for entry in value:
                find_grid(entry.partition("=")[2])


def _shown(value: object) -> str:
    match value:
        case None:
            return "(unset)"
        case bool():
            return "on" if value else "off"
        case list() | tuple():
            return harmless(", ".join(str(entry) for entry in value)) or "(none)"
    return harmless(str(value))
