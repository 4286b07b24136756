"""``klimaspor export``: all records as CSV or JSON lines."""

from __future__ import annotations

import sys
from datetime import date, timedelta
from pathlib import Path
from typing import TextIO

import click

from tracker.cli.days import days_options, span
from tracker.cli.leaving import leaving
from tracker.cli.options import database_option, examples, spare_our_own


@click.command(epilog=examples("klimaspor export --format jsonl -o records.jsonl"))
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["csv", "jsonl"]),
    help="CSV, or one JSON object a line.  [default: by the name after -o, else csv]",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write here; - is the terminal.  [default: -]")
@days_options
@database_option
def export(
    *,
    db: Path,
    output_format: str | None,
    output: Path | None,
    last: timedelta | None,
    since: date | None,
    until: date | None,
) -> None:
    """Write out the records with all their columns, oldest first. `klimaspor import` reads them back."""
    first, end = span(last, since, until)
    as_lines = (output_format or ("jsonl" if output and output.suffix in {".jsonl", ".json"} else "csv")) == "jsonl"
    if output is None or str(output) == "-":
        sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]  # it is a text stream
        _write(db, sys.stdout, first, end, as_lines=as_lines)
        return
    spare_our_own(output, db)
    with leaving("export", output) as file:
        written = _write(db, file, first, end, as_lines=as_lines)
    click.echo(f"{written:,} records written to {output}.", err=True)


def _write(db: Path, file: TextIO, first: date | None, end: date | None, *, as_lines: bool) -> int:
    from tracker.exports import write_csv, write_json_lines
    from tracker.store import Store

    with Store.open(db, readonly=True) as store:
        records = store.records(first, end, newest_first=False)
        return (write_json_lines if as_lines else write_csv)(records, file)
