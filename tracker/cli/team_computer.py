"""``klimaspor team`` on a person's computer: join, ship, look, leave."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tracker.cli.options import database_option, examples, fail, format_option

if TYPE_CHECKING:
    from tracker.team.device import Device, Parcel


@click.command(epilog=examples("klimaspor team join ./device-000001.code"))
@click.argument("code")
@click.option("--yes", is_flag=True, help="Do not ask.")
@database_option
def join(code: str, db: Path, *, yes: bool) -> None:
    """Join with a code: shows exactly what would be sent for last week, then asks."""
    from tracker.store import Store
    from tracker.team.device import Device
    from tracker.team.keys import JoinCode
    from tracker.team.week import tell_rows

    path = Path(code)
    if path.suffix == ".code" and not path.is_file():
        fail("There is no such file", code, "name the file of your code, or give the code itself")
    told = JoinCode.read(path.read_text("utf-8", "replace") if len(code) < 255 and path.is_file() else code)
    with Store.open(db) as store:
        device = Device(store)
        batch = device.preview(told, _today())
        click.echo(f"Your unit: {told.unit}. To: {told.url}. This is all that would go for the week of {batch.week}:\n")
        for row in tell_rows(batch):
            click.echo("  " + json.dumps({key: value for key, value in row.items() if value not in {"", 0}}))
        if not batch.rows:
            click.echo("  nothing but that this computer takes part: no use was recorded in that week")
        click.echo(
            "\nNo ids, times of day, conversations or ratings. Sums are shown for groups of five people and more."
        )
        if not yes:
            click.confirm("Join?", abort=True)
        device.join(told, _today())
    click.echo("Joined. `klimaspor team ship` sends finished weeks, and `klimaspor schedule weekly` does so by itself.")
    click.echo("`klimaspor team status` shows what was sent; `klimaspor team erase` takes all of it back.")


@click.command(epilog=examples("klimaspor team ship"))
@click.option(
    "--again", is_flag=True, help="Send again what was sent: for a server that lost it. Nothing counts twice."
)
@database_option
def ship(db: Path, *, again: bool) -> None:
    """Send the sums of every finished week that is new or has changed."""
    from tracker.store import Store
    from tracker.team.device import Device

    with Store.open(db) as store:
        device = Device(store)
        if again:
            device.resend()
        click.echo(_ship(device))


@click.command(epilog=examples("klimaspor team erase"))
@click.option("--yes", is_flag=True, help="Do not ask.")
@database_option
def erase(db: Path, *, yes: bool) -> None:
    """Leave: everything this computer ever sent is dropped there, and nothing more is sent."""
    from tracker.store import Store
    from tracker.team.device import Device

    with Store.open(db) as store:
        device = Device(store)
        device.member()
        if not yes:
            click.confirm("Leave, and have everything this computer sent dropped?", abort=True)
        _send(device, [device.leave()])
    click.echo("Left. The request to drop everything is on the server's disk; published reports of groups stay.")


@click.command(epilog=examples("klimaspor team status"))
@click.option("--dsn", envvar="KLIMASPOR_TEAM_DSN", help="Show the organisation's side instead (the loader's role).")
@database_option
@format_option("text", "json")
def status(db: Path, dsn: str | None, output_format: str) -> None:
    """Show what this computer has sent, or with --dsn what the organisation has taken."""
    from tracker.cli.team_server import show_taken
    from tracker.store import Store
    from tracker.team.device import Device

    if dsn:
        show_taken(dsn, as_json=output_format == "json")
        return
    with Store.open(db) as store:
        device = Device(store)
        member = device.member()
        if output_format == "json":
            weeks = [dict(zip(("week", "revision", "sent_at"), row, strict=True)) for row in device.sent()]
            told = {
                "unit": member.code.unit,
                "joined": member.joined.isoformat(),
                "url": member.code.url,
                "weeks": weeks,
            }
            click.echo(json.dumps(told, ensure_ascii=False, indent=2))
            return
        click.echo(f"Unit {member.code.unit}, joined on {member.joined}, sends to {member.code.url}")
        for week, revision, sent in device.sent():
            click.echo(f"{week}  revision {revision}  {f'on the server since {sent}' if sent else 'waiting'}")


@click.command(epilog=examples("klimaspor team remind ./policy.toml"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--off", is_flag=True, help="No more reminders.")
@database_option
def remind(file: Path | None, db: Path, *, off: bool) -> None:
    """Be reminded, on this screen alone, of services your organisation has not approved. Nothing is blocked or sent."""
    from dataclasses import replace

    from tracker.reminders import entries_of
    from tracker.settings import REMINDERS, load
    from tracker.settings_file import save
    from tracker.team.policy import Policy

    if off == (file is not None):
        raise click.UsageError("Name the policy file that your organisation gave you, or --off.")
    entries: tuple[str, ...] = ()
    if file is not None:
        policy = Policy.load(file)
        if not policy.reminder:
            fail("The policy offers no reminders", str(file), "ask for one with `reminder = true`, or go without")
        entries = entries_of(policy.unapproved)
    settings = load(db)
    save(db, replace(settings, values=settings.values | {REMINDERS: entries}))
    for entry in entries:
        click.echo(entry.replace("=", ": ", 1))
    click.echo(
        f"You will be told when you use one of these {len(entries)}: in `klimaspor today`, on klimaspor's own page and "
        "on the desktop. Nobody else is told. `klimaspor team remind --off` ends it."
        if entries
        else "No reminders."
    )


def ship_if_joined(db: Path) -> str | None:
    """
    Send finished weeks if this computer has joined; return what happened, None if it has not. The daily timer calls it.

    Raises ``TeamError`` if the server cannot be reached or refuses; what was not sent waits in the outbox.
    """
    from tracker.store import Store
    from tracker.team.device import Device, has_joined

    with Store.open(db, readonly=True) as store:
        if not has_joined(store):
            return None
    with Store.open(db) as store:
        return _ship(Device(store))


def _ship(device: Device) -> str:
    parcels = device.prepare(_today())
    sent = _send(device, parcels)
    return f"Sent {sent} of {len(parcels)} week(s)." if parcels else "Nothing new to send."


def _send(device: Device, parcels: list[Parcel]) -> int:
    from tracker.team.transport import publish

    if not parcels:
        return 0
    done = asyncio.run(publish(device.member().code, parcels))
    device.mark_sent(done, datetime.now(UTC).isoformat(timespec="seconds"))
    return len(done)


def _today() -> date:
    from tracker.report.computer import clock

    return clock().date()
