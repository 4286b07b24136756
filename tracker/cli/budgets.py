"""``klimaspor budget``: how much a person wants to use at most."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from tracker.budget import PERIODS, UNITS, Budget
from tracker.cli.options import (
    Amount,
    Whole,
    act_on_it,
    check_service,
    database_option,
    examples,
    fail,
    format_option,
    same_database_option,
)

_HELD = ", then new turns are held"


@click.group(invoke_without_command=True, epilog=examples("klimaspor budget add 2 questions --feature deep_research"))
@format_option("text", "json")
@database_option
@click.pass_context
def budget(context: click.Context, db: Path, output_format: str) -> None:
    """Show how much of each budget is used; `budget add` sets one, `budget remove` takes it away."""
    context.obj = db
    if context.invoked_subcommand is None:
        _show_budgets(db, as_json=output_format == "json")


def _show_budgets(db: Path, *, as_json: bool) -> None:
    import json

    from tracker.limits import standings
    from tracker.settings import load
    from tracker.store import Store

    found = []
    if load(db).budgets:
        with Store.open(db) as store:
            found = standings(store, datetime.now(UTC))
    if as_json:
        click.echo(json.dumps([standing.to_json() for standing in found], indent=2))
        return
    if not found:
        click.echo("No budget is set. For example: klimaspor budget add 50 questions --per day")
    for number, standing in enumerate(found, 1):
        estimated = " (estimated)" if standing.budget.unit == "wh" else ""
        hold = _HELD if standing.budget.hold else ""
        click.echo(f"{number}  {standing.budget.name}: {standing.used:.4g} used, {standing.share:.0%}{estimated}{hold}")


@budget.command("add", epilog=examples("klimaspor budget add 100 wh --per week --hold"))
@click.argument("amount", type=Amount(0, 1e12, min_open=True, max_open=True))
@click.argument("unit", type=click.Choice(UNITS))
@click.option("--per", type=click.Choice(PERIODS), default="week", show_default=True, help="Its length.")
@click.option("--service", help="Only this service, such as chatgpt.")
@click.option("--feature", help="Only turns with this feature, such as deep_research.")
@click.option("--hold", is_flag=True, help="Hold new turns back when it is used up; otherwise you are only told.")
@same_database_option
def add_budget(
    db: Path, *, amount: float, unit: str, per: str, service: str | None, feature: str | None, hold: bool
) -> None:
    """Set a budget. You are told at 80 % and at 100 %."""
    from tracker.record import FEATURES
    from tracker.settings import load
    from tracker.settings_file import save

    if feature is not None and feature not in FEATURES:
        raise click.UsageError(f"There is no such feature; there are {', '.join(FEATURES)}.")
    check_service(service, db)
    new = Budget(amount, unit, per, service, feature, hold)
    save(db, load(db).with_budget(new))
    act_on_it(db)
    click.echo(f"Budget set: {new.name}{_HELD if hold else ''}.")


@budget.command("remove", epilog=examples("klimaspor budget remove 1"))
@click.argument("number", type=Whole(1))
@same_database_option
def remove_budget(db: Path, number: int) -> None:
    """Take a budget away, by its number in `klimaspor budget`."""
    from dataclasses import replace

    from tracker.settings import load
    from tracker.settings_file import save

    settings = load(db)
    if number > len(settings.budgets):
        fail("There is no such budget", str(number), "`klimaspor budget` lists them")
    gone = settings.budgets[number - 1]
    save(db, replace(settings, budgets=settings.budgets[: number - 1] + settings.budgets[number:]))
    act_on_it(db)
    click.echo(f"Budget removed: {gone.name}.")
