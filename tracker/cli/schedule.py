"""``klimaspor schedule``: the weekly report without thinking of it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click

from tracker.cli.options import database_option, examples, fail


@click.group(epilog=examples("klimaspor schedule weekly"))
def schedule() -> None:
    """Have every week's report written by itself, into a folder with an index of weeks."""


@schedule.command(epilog=examples("klimaspor schedule weekly"))
@database_option
def weekly(*, db: Path) -> None:
    """Write a report each Monday, or as soon after as the computer is on."""
    from tracker.report.archive import mark_path, reports_folder
    from tracker.setup import timer
    from tracker.setup.autostart import own_command
    from tracker.setup.systemd import has_user_systemd

    folder = reports_folder(db)
    mark_path(db).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    mark_path(db).touch(mode=0o600)
    if has_user_systemd():
        try:
            timer.install([*own_command(), "schedule", "now", "--db", str(db.absolute())])
        except OSError as error:
            fail("The timer could not be made", str(timer.unit_files().timer), str(error.strerror))
        click.echo(f"Every Monday at 8:00 a report is written into {folder}; {folder / 'index.html'} lists them.")
        click.echo("If you joined a team, finished weeks are sent by it too: it looks every day.")
        return
    click.echo(
        f"There is no systemd here, so the running proxy writes each finished week's report into {folder}; "
        f"{folder / 'index.html'} lists them."
    )


@schedule.command(epilog=examples("klimaspor schedule off"))
@database_option
def off(*, db: Path) -> None:
    """Stop that. Reports that were written stay."""
    from tracker.report.archive import mark_path
    from tracker.setup import timer

    try:
        removed = timer.remove()
    except OSError as error:
        fail("The timer could not be removed", str(timer.unit_files().timer), str(error.strerror))
    mark = mark_path(db)
    if mark.exists():
        mark.unlink()
        removed.append(mark)
    for path in removed:
        click.echo(f"removed {path}")
    if not removed:
        click.echo("Nothing was scheduled.")


@schedule.command(epilog=examples("klimaspor schedule now"))
@database_option
def now(*, db: Path) -> None:
    """Write the last finished week's report if it is missing; send sums if you joined a team. The timer calls this."""
    from tracker.cli.report import settings_of
    from tracker.cli.team_computer import ship_if_joined
    from tracker.report.archive import reports_folder, write_missing
    from tracker.report.computer import clock
    from tracker.store import NoDatabaseError, Store

    folder = reports_folder(db)
    lang = settings_of(db)["language"]
    path = None
    try:
        with suppress(NoDatabaseError), Store.open(db, readonly=True) as store:
            path = write_missing(store, folder, clock(), lang)
    except OSError as error:
        fail("The report could not be written", str(folder), f"{error.strerror}; make room or change who owns it")
    click.echo(str(path) if path else "No report is missing.")
    with suppress(NoDatabaseError):
        if told := ship_if_joined(db):
            click.echo(told)
