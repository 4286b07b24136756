"""``klimaspor methods``: every factor with its source, and the version of the set."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import click

from tracker.cli.options import database_option, examples, format_option

WIDTH = 96


@click.command(epilog=examples("klimaspor methods --format json"))
@click.option("--sensitivity", is_flag=True, help="How far each assumption alone would move your last four weeks.")
@format_option("text", "json")
@database_option
def methods(*, db: Path, sensitivity: bool, output_format: str) -> None:
    """Print every factor that the footprint rests on, with value, range, unit, source and quality tier."""
    from tracker.cli.sensitivity import sensitivity_lines, sensitivity_of

    document = sensitivity_of(db) if sensitivity else _document()
    lines = sensitivity_lines if sensitivity else _lines
    as_json = output_format == "json"
    click.echo(json.dumps(document, ensure_ascii=False, indent=2) if as_json else "\n".join(lines(document)))


def _document() -> dict[str, Any]:
    from tracker.footprint.factors import TIERS, load_factors
    from tracker.footprint.methods import WEIGHTS, all_methods
    from tracker.footprint.tables import factor_rows, read_statements

    return {
        "factor_set": load_factors().version,
        "methods": [
            {"key": name, "weight": WEIGHTS[name], "formula": _formula(method)}
            for name, method in all_methods().items()
        ],
        "tiers": {str(tier): meaning for tier, meaning in TIERS.items()},
        "factors": factor_rows(),
        "not_factors": read_statements(),
    }


def _formula(method: Any) -> str:
    first = (method.__doc__ or "").strip().splitlines()[0]
    return str(first).removeprefix("Return ")


def _lines(document: dict[str, Any]) -> list[str]:
    from tracker.footprint.tables import number

    lines = [f"Factor set {document['factor_set']}", "", "Methods, and their weight in the combined figure"]
    lines += [f"  {method['key']:<10} {method['weight']:>4}  {method['formula']}" for method in document["methods"]]
    lines += ["", "Quality tiers"]
    lines += [f"  {tier}  {meaning}" for tier, meaning in document["tiers"].items()]
    lines += ["", "Factors: value (range) unit · year · tier, then the source"]
    for row in document["factors"]:
        value = ""
        if row["value"] is not None:
            value = f"{number(row['value'])} ({number(row['low'])} to {number(row['high'])}) "
        lines.append(f"  {row['key']}: {value}{row['unit']} · {row['year']} · {row['place']} · tier {row['tier']}")
        source = f"{row['source']} {row['link']}".strip()
        lines += textwrap.wrap(source, WIDTH, initial_indent="      ", subsequent_indent="      ")
    lines += ["", "Heard elsewhere, and no factor here"]
    for statement in document["not_factors"]:
        text = f"“{statement['claim']}”: {statement['why']}"
        lines += textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="      ")
    return lines
