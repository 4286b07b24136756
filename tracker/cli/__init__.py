"""The command ``klimaspor``: a table of commands, each imported only when it is used."""

from __future__ import annotations

import importlib
import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click


@dataclass(frozen=True, slots=True)
class Command:
    """Where a command is, and its line on the help page, so that the page is shown without importing any of them."""

    where: str
    """``module:function``."""
    line: str
    """A test holds it to the command's own help."""


COMMANDS = {
    "try": Command(
        "tracker.cli.try_it:try_it", "Play example conversations through the real proxy and show the report."
    ),
    "browser": Command("tracker.cli.browser:browser", "Open a separate browser window whose AI chats are recorded."),
    "start": Command("tracker.cli.proxy:start", "Start the proxy on this computer."),
    "stop": Command("tracker.cli.proxy:stop", "Stop the proxy; what it heard is written first."),
    "status": Command("tracker.cli.proxy:status", "Say whether the proxy runs, and how it does."),
    "open": Command(
        "tracker.cli.proxy:open_page", "Open the proxy's own page: today, reports, pause, budgets, rating."
    ),
    "run": Command("tracker.cli.run:run", "Run one command with its AI calls recorded."),
    "setup": Command("tracker.cli.setup:setup", "Set up the whole computer: certificate, PAC file, autostart."),
    "undo": Command("tracker.cli.setup:undo", "Take back everything that setup did; your records stay."),
    "doctor": Command("tracker.cli.setup:doctor", "Say in one line how it does, then why, and what to type."),
    "report": Command(
        "tracker.cli.report:report", "Show what you used and what it took: energy, greenhouse gas and water, as..."
    ),
    "today": Command("tracker.cli.report:today", "Show today at a glance."),
    "log": Command("tracker.cli.log:log", "Show the records, newest first."),
    "explain": Command("tracker.cli.log:explain", "Show how one record's footprint comes about, step by step."),
    "services": Command(
        "tracker.cli.services:services", "List the chatbots, APIs and tools that are read, and how well."
    ),
    "methods": Command(
        "tracker.cli.methods:methods", "Print every factor that the footprint rests on, with value, range, unit,..."
    ),
    "import": Command(
        "tracker.cli.imports:import_files", "Import HAR files, chatbots' data exports and coding agents' logs."
    ),
    "export": Command("tracker.cli.exports:export", "Write out the records with all their columns, oldest first."),
    "budget": Command(
        "tracker.cli.budgets:budget", "Show how much of each budget is used; `budget add` sets one, `budget remove`..."
    ),
    "pause": Command("tracker.cli.control:pause", "Record nothing for a while: 30m, 2h, 1d."),
    "rate": Command("tracker.cli.control:rate", "Say whether a conversation was worth it."),
    "forget": Command(
        "tracker.cli.control:forget", "Delete records for good: by day, service, conversation, or everything."
    ),
    "config": Command("tracker.cli.control:config", "Show the settings, or one, or set one."),
    "schedule": Command(
        "tracker.cli.schedule:schedule", "Have every week's report written by itself, into a folder with an index of..."
    ),
    "capture": Command(
        "tracker.cli.capture:capture", "Leave a scrubbed example of your next exchange with a service: none of its..."
    ),
    "team": Command(
        "tracker.cli.team:team", "An organisation's weekly sums: sent by devices, shown for groups of five and..."
    ),
}
"""The commands, in the order of the help page."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are looked up, so that ``--help`` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, function = COMMANDS[cmd_name].where.partition(":")
        command: click.Command = getattr(importlib.import_module(module), function)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.line) for name, command in COMMANDS.items()])

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Take the words apart, which may already print: the help page, or the version."""
        try:
            return super().make_context(info_name, args, parent, **extra)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise click.ClickException(_tell(error, "--help")) from None

    def invoke(self, ctx: click.Context) -> Any:
        """
        Run a command. Its errors end here, so no command catches an error only to show it.

        Ours are sentences already. Whatever nobody foresaw becomes one, for a traceback may quote a chat.
        """
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            vars(error)["message"] = _fit(error.message)
            raise
        except click.Abort:
            if sys.stdin.isatty():
                raise
            click.echo()  # the question is still on the line
            raise click.ClickException(_unanswered(ctx.invoked_subcommand or "")) from None
        except (click.exceptions.Exit, BrokenPipeError):
            raise  # the last, from a reader such as head, click itself ends without a word
        except Exception as error:  # noqa: BLE001 - the last net
            raise click.ClickException(_fit(_tell(error, ctx.invoked_subcommand or ""))) from None


def _unanswered(command: str) -> str:
    """Return a sentence for a question that nobody answered with yes, as no terminal is there."""
    return (
        f"It asks first, and had no yes, so nothing was done · klimaspor {command} · answer in a terminal, "
        f"or beforehand: klimaspor {command} --help"
    )


def _check_clock() -> None:
    """End a command where no day and no hour could be told."""
    try:
        is_sane = 1970 <= datetime.now(UTC).year < 9000
    except (ValueError, OverflowError, OSError):
        is_sane = False
    if not is_sane:
        raise click.ClickException("The clock is wrong · this computer's · set it to this year, then try again")
    zone = os.environ.get("TZ", "").removeprefix(":")
    try:
        datetime.now(UTC).astimezone()
        if zone.startswith("/"):
            from pathlib import Path
            from zoneinfo import ZoneInfo

            if (path := Path(zone)).is_file():
                with path.open("rb") as file:
                    ZoneInfo.from_file(file)
    except (ValueError, OverflowError, OSError):
        raise click.ClickException(
            f"There is no such time zone · TZ={zone[:80]} · unset it, or name one such as Europe/Oslo"
        ) from None


def _fit(message: str) -> str:
    """Make a message fit for a terminal: it may quote what was typed, or what stands in a file."""
    from tracker.harmless import harmless

    return harmless(message)


def _tell(error: Exception, command: str) -> str:
    """Return a sentence: our own errors are sentences already, of others only the kind is fit to be shown."""
    from tracker.errors import TellableError, tell

    if isinstance(error, TellableError):
        return tell(error)
    if isinstance(error, OSError) and error.strerror:
        return (
            f"The computer refused ({error.strerror}) · klimaspor {command} · check the file, its folder and the disk"
        )
    if isinstance(error, UnicodeEncodeError):
        return f"What was typed, or the name of a file, is no UTF-8 · klimaspor {command} · type it anew, or rename it"
    if isinstance(error, MemoryError):
        return f"There is too little memory · klimaspor {command} · close other programs, then try again"
    kind = tell(error)
    return f"Something we did not foresee ({kind}) · klimaspor {command} · nothing was sent anywhere; please tell us"


@click.group(cls=LazyGroup)
@click.version_option(package_name="klimaspor", prog_name="klimaspor")
def main() -> None:
    """See the environmental footprint of your own AI chatbot use."""
    _check_clock()
