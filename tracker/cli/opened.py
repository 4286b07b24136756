"""The database opened for a command, and errors turned into the command's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tracker.cli.options import fail

if TYPE_CHECKING:
    from tracker.store import Store


@contextmanager
def opened(db: Path, *, readonly: bool = False) -> Iterator[Store]:
    """Open the database; whatever is wrong with it or with the settings ends the command with a sentence."""
    from tracker.settings import SettingsError
    from tracker.store import Store, StoreError

    try:
        with Store.open(db, readonly=readonly) as store:
            yield store
    except (StoreError, SettingsError) as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def settings_explained() -> Iterator[None]:
    """End the command with a sentence if the settings cannot be used."""
    from tracker.settings import SettingsError

    try:
        yield
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


def act_on_it(db: Path) -> None:
    """Have a proxy that runs act on what a command just changed; by itself it would look within a minute."""
    from addon.state import have_it_look

    have_it_look(db.parent.resolve())


def check_service(name: str | None, db: Path) -> None:
    """End the command with a sentence if there is no such service; it names the nearest one."""
    import difflib

    from addon.company import BotsError, all_services

    try:
        known = [service.name for service in all_services(db.parent)]
    except BotsError as error:
        raise click.ClickException(str(error)) from error
    if name and name not in known:
        near = difflib.get_close_matches(name, known, 1)
        advice = f"did you mean {near[0]}?" if near else "`klimaspor services` lists them"
        fail("There is no such service", name[:40], advice)
