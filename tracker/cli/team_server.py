"""``klimaspor team`` where the organisation's database is: set up, load, publish, show."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tracker.cli.leaving import leave
from tracker.cli.options import Whole, examples, fail, format_option, language_option

dsn_option = click.option(
    "--dsn", required=True, envvar="KLIMASPOR_TEAM_DSN", help="PostgreSQL's address.  [env KLIMASPOR_TEAM_DSN]"
)
keys_option = click.option(
    "--keys", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder that team init wrote."
)


@click.command(
    epilog=examples("klimaspor team init ./keys --dsn postgresql:///ai --url tls://nats.example:4222 --unit city=50")
)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@dsn_option
@click.option("--url", required=True, help="Where devices reach NATS: tls://host:port, or three of them with commas.")
@click.option(
    "--unit", "units", multiple=True, required=True, help="A unit and its devices: city/health=20. Repeat it."
)
@click.option("--organisation", default="", help="The name that stands on the reports.")
@click.option(
    "--replicas", type=Whole(1, 5), default=1, show_default=True, help="Copies of each message: 1, or 3 on three nodes."
)
def init(*, folder: Path, dsn: str, url: str, units: tuple[str, ...], organisation: str, replicas: int) -> None:
    """Make the schema, the roles, the keys, the policy file and one join code for each device."""
    from tracker.team.engine import connect, make_schema
    from tracker.team.keys import addresses, make_transport
    from tracker.team.policy import Policy, first_policy

    counts = dict(_unit(text) for text in units)
    addresses(url)  # said before anything is made
    with connect(dsn) as connection:
        made = make_schema(connection, {"policy": Policy(organisation=organisation).tell()})
    click.echo("Made the schema and its roles." if made else "The schema is there already; it was left as it is.")
    codes = make_transport(folder, url=url, units=counts, replicas=replicas)
    (folder / "policy.toml").write_text(first_policy(organisation), encoding="utf-8")
    configurations = sorted(path.name for path in folder.glob("nats*.conf"))
    click.echo(f"Wrote {folder}: {', '.join(configurations)}, certificates, policy.toml, {codes} join codes in codes/.")
    click.echo(f"Next: nats-server -c {folder / configurations[0]} ; klimaspor team load --keys {folder} --dsn …")
    click.echo("Hand the codes out blind: nobody needs to know who has which.")


@click.command(epilog=examples("klimaspor team load --keys ./keys --dsn postgresql:///ai --follow"))
@keys_option
@dsn_option
@click.option("--follow", is_flag=True, help="Go on for ever.")
def load(keys: Path, dsn: str, *, follow: bool) -> None:
    """Take what devices sent into PostgreSQL, and publish the weeks that are due."""
    from tracker.team.loader import Tally, run_loader
    from tracker.team.transport import make_stream

    async def run() -> Tally:
        await make_stream(keys)
        return await run_loader(dsn, keys, follow=follow, say=lambda trouble: click.echo(trouble, err=True))

    if not (keys / "transport.json").is_file():
        fail("These are not the keys of a transport", str(keys), "name the folder that `klimaspor team init` wrote")
    tally = asyncio.run(run())
    refused = ", ".join(f"{n} because {why}" for why, n in tally.refused.items()) or "none"
    click.echo(
        f"{tally.messages} messages: {tally.taken} weeks taken ({tally.rows} rows), {tally.held} held for later."
    )
    click.echo(f"Refused: {refused}. Published: {', '.join(tally.published) or 'nothing was due'}.")


@click.command(epilog=examples("klimaspor team report --dsn postgresql:///ai --week 2026-W46 --format html"))
@dsn_option
@click.option("--week", help="An ISO week, such as 2026-W46.  [default: the newest published]")
@format_option("text", "html", "json", "csv", "otlp")
@language_option("en")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write here; - is the terminal.  [default: -]",
)
def report(dsn: str, week: str | None, output_format: str, lang: str, output: Path | None) -> None:
    """Show a published week. Every look at it is in a log that staff can read."""
    from tracker.team import render
    from tracker.team.engine import connect, read_cells, read_published

    with connect(dsn) as connection:
        weeks = read_published(connection)
        wanted = _monday(week) if week else max(weeks, default="")
        if wanted not in weeks:
            fail("There is no published report", week or "of any week", "weeks are published by `klimaspor team load`")
        facts = weeks[wanted]
        earlier = [one for monday, one in sorted(weeks.items()) if monday < wanted]
        match output_format:
            case "html":
                text = render.to_html(facts, earlier, lang)
            case "json":
                text = render.to_json(facts)
            case "csv":
                text = render.to_csv(facts)
            case "otlp":
                text = render.to_otlp(read_cells(connection, wanted), wanted)
            case _:
                text = render.to_text(facts, earlier, lang)
    if output is None or str(output) == "-":
        click.echo(text, nl=False)
        return
    leave("report", text, output)
    click.echo(str(output))


@click.command(
    epilog=examples("klimaspor team policy ./keys/policy.toml --dsn postgresql:///ai --papers ./papers --lang nb")
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@dsn_option
@click.option("--papers", type=click.Path(path_type=Path, file_okay=False), help="Write the DPIA, the works council's "
              "sheet and the notice for staff here.")  # fmt: skip
@language_option("en")
def policy(file: Path | None, dsn: str, papers: Path | None, lang: str) -> None:
    """Put a policy in force, or show the one that is; write the papers that follow from it."""
    from tracker.team.engine import connect
    from tracker.team.papers import write_papers
    from tracker.team.policy import Policy

    with connect(dsn) as connection:
        if file is not None:
            Policy.load(file).write(connection)
            click.echo(f"In force: {file}")
        now = Policy.read(connection)
    if papers is not None:
        for path in write_papers(papers, now, lang):
            click.echo(str(path))
    if file is None and papers is None:
        click.echo(json.dumps(now.tell(), ensure_ascii=False, indent=1))


@click.command("access-log", epilog=examples("klimaspor team access-log --dsn postgresql://klimaspor_staff@db/ai"))
@dsn_option
@format_option("text", "json")
def access_log(dsn: str, output_format: str) -> None:
    """Show who looked at which published week, and when."""
    from tracker.team.engine import connect, read_access_log

    with connect(dsn) as connection:
        rows = read_access_log(connection)
    if output_format == "json":
        click.echo(_to_json(("at", "who", "what", "week"), rows))
        return
    for at, who, what, week in rows:
        click.echo(f"{at.isoformat(timespec='seconds')}  {who}  {what}{f'  {week}' if week else ''}")
    if not rows:
        click.echo("Nobody has looked yet.")


def show_taken(dsn: str, *, as_json: bool) -> None:
    """Print how many devices each week has, and what was refused."""
    from tracker.team.engine import connect, read_refused, read_taken

    with connect(dsn) as connection:
        taken, refused = read_taken(connection), read_refused(connection)
    if as_json:
        weeks = _to_json(("week", "devices", "published"), taken)
        click.echo(f'{{"weeks": {weeks}, "refused": {_to_json(("day", "reason", "n"), refused)}}}')
        return
    for week, devices, published in taken:
        click.echo(f"{week}  {devices} devices  {'published' if published else 'not published yet'}")
    for day, reason, n in refused:
        click.echo(f"{day}  refused {n}: {reason}")


def _to_json(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a list of objects; days and moments as ISO 8601."""
    found = [dict(zip(names, row, strict=True)) for row in rows]
    return json.dumps(found, ensure_ascii=False, indent=2, default=lambda moment: moment.isoformat())


def _monday(week: str) -> str:
    from tracker.report.period import PeriodError, iso_week

    try:
        return iso_week(week, "UTC").since.isoformat()
    except PeriodError as error:
        raise click.UsageError(str(error)) from None


def _unit(text: str) -> tuple[str, int]:
    unit, _, devices = text.rpartition("=")
    if not unit or not devices.isdecimal() or not 1 <= int(devices) <= 200_000:
        raise click.UsageError(f"A unit is written as name=devices, such as city/health=20; not {text[:40]!r}.")
    return unit, int(devices)
