"""``klimaspor log`` and ``explain``: the records, newest first, and one record's footprint step by step."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import click

from tracker.cli.days import days_options, span
from tracker.cli.options import Whole, database_option, examples, fail, format_option
from tracker.record import Activity, Feature, Record


@click.command(epilog=examples("klimaspor log --last 7d --limit 20"))
@days_options
@click.option("--limit", type=Whole(1), help="At most so many.  [default: 50 for text, all for json]")
@format_option("text", "json")
@database_option
def log(
    *,
    db: Path,
    output_format: str,
    last: timedelta | None,
    since: date | None,
    until: date | None,
    limit: int | None,
) -> None:
    """Show the records, newest first. JSON prints one record a line."""
    from tracker.store import NoDatabaseError, Store

    first, end = span(last, since, until)
    as_json = output_format == "json"
    try:
        with Store.open(db, readonly=True) as store:
            if not as_json:
                limit = limit or 50
            records = store.records(first, end, limit=None if limit is None else limit + 1)
            shown = _print_json(records, limit) if as_json else _print_table(records, limit)
            if not as_json and not shown:
                click.echo("No records in these days." if store.first_day() else "Nothing has been recorded yet.")
    except NoDatabaseError as error:
        click.echo(str(error), err=True)


def _print_json(records: Iterable[Record], limit: int | None) -> int:
    shown = 0
    for record in records:
        if shown == limit:
            break
        click.echo(json.dumps(asdict(record), ensure_ascii=False, separators=(",", ":")))
        shown += 1
    return shown


def _print_table(records: Iterable[Record], limit: int | None) -> int:
    shown = 0
    for record in records:
        if shown == limit:
            click.echo(f"Only the newest {limit}; --limit shows more.", err=True)
            break
        if not shown:
            click.echo(_line("ID", "TIME", "SERVICE", "MODEL", "IN", "OUT", "EXTRAS").rstrip())
        click.echo(_describe(record).rstrip())
        shown += 1
    return shown


def _describe(record: Record) -> str:
    from tracker.moments import from_timestamp

    local = from_timestamp(record.started_at) + timedelta(minutes=record.utc_offset_minutes)
    extras = sorted({_feature(feature) for feature in record.features if feature.state == "used"})
    if record.outcome != "complete":
        extras.append(record.outcome)
    if record.initiator != "person":
        extras.append(f"by {record.initiator}" if record.initiator == "agent" else record.initiator)
    return _line(
        record.id[:8],
        f"{local:%Y-%m-%d %H:%M}",
        record.service,
        record.response_model or record.request_model or "unknown",
        _count(record.input_tokens, record.input_tokens_source),
        _count(record.output_tokens, record.output_tokens_source),
        " ".join(extras),
    )


def _line(*cells: str) -> str:
    record_id, time, service, model, tokens_in, tokens_out, extras = cells
    return f"{record_id:8}  {time:16}  {service:14}  {model:26}  {tokens_in:>9}  {tokens_out:>9}  {extras}"


def _feature(feature: Feature) -> str:
    times = f"x{feature.amount}" if feature.amount and feature.amount > 1 else ""
    return feature.feature.replace("_", "-") + times


def _count(tokens: int | None, source: str) -> str:
    """Return a token count; ``~`` marks one that was counted here and not reported by the service."""
    if tokens is None:
        return "?"
    return f"{'~' if source == 'counted' else ''}{tokens:,}"


@click.command(epilog=examples("klimaspor explain 3fa9c1 --zone NOR"))
@click.argument("record_id", metavar="ID")
@click.option("--zone", metavar="ZONE", help="What if the servers stood there: three letters, such as NOR.")
@format_option("text", "json")
@database_option
def explain(*, db: Path, output_format: str, record_id: str, zone: str | None) -> None:
    """Show how one record's footprint comes about, step by step. The beginning of its id is enough."""
    from tracker.cli.explaining import tell
    from tracker.store import Store

    with Store.open(db, readonly=True) as store:
        record = store.record(record_id)
        activity = store.activity(record.id) if record else None
    if record is None or activity is None:
        fail("There is no such record, or more than one begins so", record_id[:32], "`klimaspor log` lists the ids")
    explanation = _explain(activity, db, zone)
    if output_format == "json":
        click.echo(json.dumps({"record": asdict(record), "explanation": explanation}, ensure_ascii=False, indent=2))
    else:
        click.echo(_describe(record).rstrip())
        if zone:
            click.echo(f"What if these servers stood in {zone}:")
        for line in tell(explanation):
            click.echo(line)


def _explain(activity: Activity, db: Path, zone: str | None) -> dict[str, Any]:
    from tracker.footprint import assess, choose
    from tracker.settings import load

    chosen = choose(load(db).get)
    return assess([activity], replace(chosen, zone=zone) if zone else chosen).explain(0)
