"""``klimaspor team``: an organisation sees itself, and nobody in it."""

from __future__ import annotations

import click

from tracker.cli import team_computer, team_server
from tracker.cli.options import examples


@click.group(epilog=examples("klimaspor team join ./device-000001.code"))
def team() -> None:
    """An organisation's weekly sums: sent by devices, shown for groups of five and more."""


for command in (
    team_server.init,
    team_computer.join,
    team_computer.ship,
    team_computer.erase,
    team_server.load,
    team_server.report,
    team_server.policy,
    team_server.access_log,
    team_computer.status,
    team_computer.remind,
):
    team.add_command(command)
