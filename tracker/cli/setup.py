"""``klimaspor setup``, ``undo`` and ``doctor``: the whole computer, all of it taken back, and how it does."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from tracker.cli.days import today
from tracker.cli.options import Whole, database_option, examples, fail, format_option


@click.command(
    epilog=examples(
        "klimaspor setup --dry-run",
        "klimaspor setup",
        "klimaspor setup --policy ./files",
        then="Everything it does is shown first, asked once, noted, and taken back by: klimaspor undo",
    )
)
@database_option
@click.option("--dry-run", is_flag=True, help="Show every step and its undo; change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--autostart/--no-autostart", default=True, help="Start the proxy with your session.  [default: yes]")
@click.option("--port", type=Whole(1024, 65535), help="Port on this computer.  [default: 47821]")
@click.option("--upstream", metavar="URL", help="A company's proxy that the proxy shall go through.")
@click.option(
    "--policy",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Change nothing; write files for an administrator to deploy.",
)
def setup(
    *, db: Path, dry_run: bool, yes: bool, autostart: bool, port: int | None, upstream: str | None, policy: Path | None
) -> None:
    """
    Set up the whole computer: certificate, PAC file, autostart.

    The certificate lets the proxy read what listed chatbots answer; the PAC file tells browsers to send it those alone.
    """
    from tracker.settings import load
    from tracker.setup.ledger import Ledger
    from tracker.setup.plan import carry_out, check_ready, make_plan

    port = port or int(load(db).get("proxy.port"))
    if policy is not None:
        _write_policy(db, port, policy)
        return
    if dry_run and not sys.platform.startswith("linux"):
        from tracker.setup.manual import list_manual_steps

        click.echo("\n".join(list_manual_steps(sys.platform, db.parent.resolve(), port)))
        return
    plan = make_plan(db, port, autostart=autostart, upstream=upstream, look_only=dry_run)
    for number, step in enumerate(plan.all, 1):
        click.echo(f"{number}. {step.describe()}{'  (is so already)' if step.is_done() else ''}")
        click.echo(f"   undo: {step.describe_undo()}")
    for note in plan.notes:
        click.echo(f"Note: {note}")
    if dry_run:
        click.echo("Nothing was changed.")
        return
    check_ready(autostart=autostart)
    if not yes:
        click.confirm(f"Do these {len(plan.all)} steps?", abort=True)
    carry_out(plan, Ledger.open(db.parent.resolve()), click.echo)
    click.echo("Set up. See how it does: klimaspor doctor. Take it all back: klimaspor undo")


@click.command(epilog=examples("klimaspor undo"))
@database_option
def undo(db: Path) -> None:
    """Take back everything that setup did; your records stay."""
    from tracker.setup.ledger import Ledger
    from tracker.setup.undoing import take_back

    folder = db.parent.resolve()
    ledger = Ledger.open(folder)
    if not ledger.entries:
        click.echo("There is nothing to take back.")
        return
    problems = take_back(ledger, folder, click.echo)
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        fail(f"{len(problems)} step(s) could not be taken back", "see above", "then run klimaspor undo again")
    click.echo("All taken back. Your records stay; klimaspor forget deletes them.")


@click.command(epilog=examples("klimaspor doctor", "klimaspor doctor --browser", "klimaspor doctor --format json"))
@database_option
@click.option("--browser", is_flag=True, help="Open a test page in your browser and see it arrive.")
@format_option("text", "json")
@click.pass_context
def doctor(context: click.Context, *, db: Path, browser: bool, output_format: str) -> None:
    """Say in one line how it does, then why, and what to type. Exit code 1 if something is wrong."""
    from tracker.setup.arriving import see_arrive
    from tracker.setup.doctor import examine
    from tracker.setup.finding import judge
    from tracker.setup.past import read_past
    from tracker.setup.remedies import Remedies

    findings = examine(db, read_past(db, today()))
    if browser and not any(finding.check == "proxy" and finding.do for finding in findings):
        findings.append(see_arrive(db.parent.resolve(), click.launch, Remedies(db).say("doctor --browser")))
    verdict = judge(findings)
    if output_format == "json":
        rows = [{"check": f.check, "state": f.state, "what": f.what, "do": f.do} for f in findings]
        click.echo(json.dumps({"verdict": verdict, "findings": rows}, indent=2))
    else:
        signs = {"good": "ok   ", "note": "note ", "wrong": "WRONG"}
        click.echo(verdict)
        for finding in findings:
            click.echo(f"{signs[finding.state]}  {finding.what}{f'  →  {finding.do}' if finding.do else ''}")
    if any(finding.state == "wrong" for finding in findings):
        context.exit(1)


def _write_policy(db: Path, port: int, folder: Path) -> None:
    from tracker.setup.policy import write_policies

    for path, purpose in write_policies(db, port, folder):
        click.echo(f"{path}  {purpose}")
