"""Options that commands share, and errors in the form: what happened, to what, what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click


def database_option[F: Callable[..., Any]](command: F) -> F:
    """Add ``--db PATH``; the command gets ``db``, the default path filled in."""
    return click.option(
        "--db",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar="KLIMASPOR_DB",
        callback=lambda _context, _parameter, value: value or _default_path(),
        help="The database file.  [default: in your data directory; env KLIMASPOR_DB]",
    )(command)


def format_option(*formats: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add ``--format``; the command gets ``output_format``, the first named by default."""
    return click.option(
        "--format",
        "output_format",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="How to print it.",
    )


def fail(what_happened: str, to_what: str, what_to_do: str) -> NoReturn:
    """End the command with exit code 1 and one sentence in three parts."""
    message = f"{what_happened} · {to_what} · {what_to_do}"
    raise click.ClickException(message)


def _default_path() -> Path:
    from tracker.store import default_path

    return default_path()
