"""The command ``klimaspor``: a table of commands, each imported only when it is used."""

from __future__ import annotations

import importlib
from importlib.metadata import version
from typing import Any

import click

COMMANDS = {
    "try": "tracker.cli.try_it:try_it",
    "browser": "tracker.cli.browser:browser",
    "start": "tracker.cli.proxy:start",
    "stop": "tracker.cli.proxy:stop",
    "status": "tracker.cli.proxy:status",
    "open": "tracker.cli.proxy:open_page",
    "run": "tracker.cli.run:run",
    "setup": "tracker.cli.setup:setup",
    "undo": "tracker.cli.setup:undo",
    "doctor": "tracker.cli.setup:doctor",
    "report": "tracker.cli.report:report",
    "today": "tracker.cli.report:today",
    "log": "tracker.cli.log:log",
    "explain": "tracker.cli.log:explain",
    "services": "tracker.cli.services:services",
    "methods": "tracker.cli.methods:methods",
    "import": "tracker.cli.imports:import_files",
    "export": "tracker.cli.exports:export",
    "budget": "tracker.cli.budgets:budget",
    "pause": "tracker.cli.control:pause",
    "rate": "tracker.cli.control:rate",
    "forget": "tracker.cli.control:forget",
    "config": "tracker.cli.control:config",
    "schedule": "tracker.cli.schedule:schedule",
    "capture": "tracker.cli.capture:capture",
    "team": "tracker.cli.team:team",
}
"""Command → ``module:function``, in the order of the help page."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are looked up, so that ``--help`` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, function = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), function)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; whatever it did not foresee ends in a sentence too, for a traceback may quote a chat."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except BrokenPipeError:
            raise click.exceptions.Exit(1) from None
        except Exception as error:  # noqa: BLE001 - the last net
            raise click.ClickException(_tell(error, ctx.invoked_subcommand or "")) from None


def _tell(error: Exception, command: str) -> str:
    """Return a sentence: our own errors are sentences already, of others only the kind is fit to be shown."""
    if type(error).__module__.startswith(("addon.", "tracker.")):
        return str(error)
    kind = type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        return (
            f"The computer refused ({error.strerror}) · klimaspor {command} · check the file, its folder and the disk"
        )
    return f"Something we did not foresee ({kind}) · klimaspor {command} · nothing was sent anywhere; please tell us"


@click.group(cls=LazyGroup)
@click.version_option(version("klimaspor"), prog_name="klimaspor")
def main() -> None:
    """See the environmental footprint of your own AI chatbot use."""
