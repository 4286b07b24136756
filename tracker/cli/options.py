"""What commands share: options, checks, and errors in the form: what happened, to what, what to do."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click

from tracker.settings import LANGUAGES

_OURS = (
    "*.key", "*.toml", "*.pem", "*.weekly", "*.under-way-*", "proxy.*",
    "aside.json", "previous-proxy.json", "setup-ledger.json",
)  # fmt: skip
"""What lies beside a database, as patterns of names."""
_DATABASE = "The database file.  [default: in your data directory; env KLIMASPOR_DB]"


class Whole(click.IntRange):
    """A whole number within bounds, called a number where click would say ``integer range``."""

    name = "number"


class Amount(click.FloatRange):
    """A number within bounds, called so; ``nan`` is none, which click would let pass."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a valid number.", param, ctx)
        return number


def database_option[F: Callable[..., Any]](command: F) -> F:
    """Add ``--db PATH``; the command gets ``db``, the default path filled in."""
    return click.option(
        "--db",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar="KLIMASPOR_DB",
        callback=lambda context, parameter, value: _named(context, parameter, value) or _default_path(),
        help=_DATABASE,
    )(command)


def same_database_option[F: Callable[..., Any]](command: F) -> F:
    """Add ``--db PATH`` to the command of a group that has it too: either place is as good."""
    return click.option(
        "--db",
        type=click.Path(path_type=Path, dir_okay=False),
        callback=lambda context, parameter, value: _named(context, parameter, value) or context.obj,
        help=_DATABASE,
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


def language_option(default: str | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add ``--lang``; without a default the command asks the settings, then the computer."""
    told = "Language." if default else "Language.  [default: the setting, else the computer's]"
    return click.option("--lang", type=click.Choice(LANGUAGES), default=default, show_default=True, help=told)


def examples(*commands: str, then: str = "") -> str:
    """Return the end of a help page: commands to copy, one a line and never broken, and what to know of them."""
    lines = "".join(f"  {command}\n" for command in commands)
    return f"\b\nExample{'s' * (len(commands) > 1)}:\n{lines}\n{then}".rstrip()


def fail(what_happened: str, to_what: str, what_to_do: str) -> NoReturn:
    """End the command with exit code 1 and one sentence in three parts."""
    message = f"{what_happened} · {to_what} · {what_to_do}"
    raise click.ClickException(message)


def spare_our_own(output: Path, db: Path) -> None:
    """End the command rather than have it write over the database, or over a file that belongs to it."""
    target, home = output.resolve(), db.resolve()
    beside = target.parent == home.parent and any(target.match(pattern) for pattern in (f"{home.name}*", *_OURS))
    if beside or target.parent == home.parent / "authority":
        fail("This file is klimaspor's own and is not written over", str(output), "choose another place with -o")


def check_service(name: str | None, db: Path) -> None:
    """End the command with a sentence if there is no such service; it names the nearest one."""
    if not name:
        return
    import difflib

    from addon.company import all_services

    known = [service.name for service in all_services(db.parent)]
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        advice = f"did you mean {near[0]}?" if near else "`klimaspor services` lists them"
        fail("There is no such service", name[:40], advice)


def act_on_it(db: Path) -> None:
    """Have a proxy that runs act on what a command just changed; by itself it would look within a minute."""
    from addon.state import have_it_look

    have_it_look(db.parent.resolve())


def _named(context: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
    if path is not None and not path.name:
        raise click.BadParameter(f"{str(path)!r} is not the name of a file.", context, parameter)
    return path


def _default_path() -> Path:
    from tracker.store import default_path

    return default_path()
