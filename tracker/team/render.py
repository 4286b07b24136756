"""An organisation's week as a page, as text, as JSON, as CSV and as OpenTelemetry metrics."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from typing import Any

from tracker.harmless import in_a_cell
from tracker.report.language import NARROW, language
from tracker.report.names import IMPACTS
from tracker.report.render import page
from tracker.team.view import team_view

Json = dict[str, Any]

CONVENTIONS: dict[str, dict[str, str]] = {
    "1.41": {
        "provider": "gen_ai.provider.name",
        "model": "gen_ai.response.model",
        "operation": "gen_ai.operation.name",
        "tokens": "gen_ai.client.token.usage",
        "token_type": "gen_ai.token.type",
    },
}
"""OpenTelemetry GenAI names, one table for each version of the conventions. Names of ours begin with ``klimaspor.``."""


def to_html(facts: Json, earlier: Sequence[Json], lang: str) -> str:
    """Return the page of the week."""
    return page("team.html.jinja", lang, view=team_view(facts, earlier, language(lang), version("klimaspor")))


def to_text(facts: Json, earlier: Sequence[Json], lang: str) -> str:
    """Return the week for a terminal."""
    view = team_view(facts, earlier, language(lang), version("klimaspor"))
    lines = [view["title"], "", view["headline"], *view["lede"], ""]
    if view["figures"]:
        estimated = language(lang).t("estimated")
        lines += [
            f"{one['label']}: {one['value']}{NARROW}{one['unit']} ({estimated}; {one['range']})"
            for one in view["figures"]
        ]
        lines += [f"{one['value']} {one['name']}" for one in view["facts"]]
        for table in [view["trend"], *view["tables"]]:
            lines += ["", f"{table['heading']} ({table['value']}; {', '.join(table['heads'])})"]
            lines += [f"  {row.name}: {row.value}; {', '.join(row.cells)}" for row in table["rows"]]
        lines += ["", *view["levers"]]
    lines += ["", *view["privacy"], "", " · ".join(view["footer"])]
    return "\n".join(lines) + "\n"


def to_json(facts: Json) -> str:
    """Return the facts as they were published."""
    return json.dumps(facts, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def to_csv(facts: Json) -> str:
    """Return every table as rows (table, key, …); text that a spreadsheet would run is quoted."""
    out = io.StringIO()
    writer = csv.writer(out)
    ends = ("low", "mid", "high")
    writer.writerow(["week", "table", "key", "people", "answers", "questions", "with_files", "input_tokens",
                     "output_tokens", *(f"{name}_{end}" for name in IMPACTS for end in ends)])  # fmt: skip
    tables = ("by_service", "by_model", "by_kind", "by_initiator", "by_unit")
    rows = [("all", facts | {"key": "all"})] if not facts["too_few"] else []
    rows += [(table, row) for table in tables for row in facts.get(table, [])]
    for table, row in rows:
        numbers = [row["impacts"][name][end] for name in IMPACTS for end in ends]
        writer.writerow([
            facts["week"], table, in_a_cell(row["key"]), row["active_people"], row["requests"], row["questions"],
            row["with_files"], row["tokens"]["input"], row["tokens"]["output"], *numbers,
        ])  # fmt: skip
    return out.getvalue()


def to_otlp(cells: Sequence[tuple[str, Sequence[str], int, Json]], week: str, conventions: str = "1.41") -> str:
    """
    Return the week's cells of use as an OTLP/JSON metrics request, for the collector that an organisation runs already.

    ``cells`` are (grid, path, people, sums). POST it to ``/v1/metrics``. Source: OTLP 1.3, JSON encoding.
    """
    names = CONVENTIONS[conventions]
    start = datetime.combine(date.fromisoformat(week), datetime.min.time(), UTC)
    times = {
        "startTimeUnixNano": str(int(start.timestamp()) * 10**9),
        "timeUnixNano": str(int((start + timedelta(days=7)).timestamp()) * 10**9),
    }

    def point(path: Sequence[str], value: float, **more: str) -> Json:
        service, model, initiator, kind, files = path
        told = {
            names["operation"]: "chat", names["model"]: model, "klimaspor.service": service,
            "klimaspor.initiator": initiator, "klimaspor.kind": kind, "klimaspor.files": files, **more,
        }  # fmt: skip
        attributes = [{"key": key, "value": {"stringValue": text}} for key, text in told.items()]
        return {"attributes": attributes, **times, "asInt": str(round(value))}

    use = [(path, people, sums) for grid, path, people, sums in cells if grid == "use"]
    metrics = {
        names["tokens"]: (
            "{token}",
            [
                point(path, sums[f"{kind}_tokens"], **{names["token_type"]: kind})
                for path, _, sums in use
                for kind in ("input", "output")
            ],
        ),
        "klimaspor.requests": ("{request}", [point(path, sums["requests"]) for path, _, sums in use]),
        "klimaspor.people": ("{person}", [point(path, people) for path, people, _ in use]),
    }
    told = [
        {"name": name, "unit": unit,
         "sum": {"dataPoints": points, "aggregationTemporality": 1, "isMonotonic": False}}
        for name, (unit, points) in metrics.items()
    ]  # fmt: skip
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "klimaspor"}}]}
    scope = {"name": "klimaspor.team", "version": version("klimaspor")}
    request = {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"scope": scope, "metrics": told}]}]}
    return json.dumps(request, ensure_ascii=False) + "\n"
