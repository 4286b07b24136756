"""The report for a terminal: the same sentences and numbers as the page, in columns."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence
from typing import Any

from tracker.report import view as pages
from tracker.report.charts import WIDTH
from tracker.report.language import Language
from tracker.report.ranking import Row

Json = dict[str, Any]

BLOCKS = "▏▎▍▌▋▊▉█"
BAR = 12
NARROWEST = 48


def write(data: Json, language: Language, width: int = 80) -> str:
    """Return the report as lines of at most ``width`` characters."""
    page = pages.view(data, language)
    width = max(width, NARROWEST)
    out: list[str] = []
    if page["banner"]:
        out += [*_wrap(f"{page['banner']['title']} · {page['banner']['text']}", width), ""]
    out += [page["period"], ""]
    out += _wrap(pages.plain_headline(data, language), width)
    for sentence in page["lede"]:
        out += ["", *_wrap(sentence, width)]
    if page["figures"]:
        out += _figures(page, width)
        out += _use(page, width)
        out += _cost(page, width)
    out += _trust(page, width)
    out += ["", *_wrap(" · ".join(page["footer"]), width)]
    return "\n".join(line.rstrip() for line in map(_harmless, out)) + "\n"


def _figures(page: Json, width: int) -> list[str]:
    out = [""]
    for figure in page["figures"]:
        out.append(f"{_pad(figure['label'], 18)}{figure['value']} {figure['unit']}  {figure['range']}")
        out += [" " * 18 + line for note in figure["notes"] for line in _wrap(note, width - 18)]
    out.append("")
    out += _wrap(" · ".join(f"{fact['value']} {fact['name']}" for fact in page["facts"]), width)
    if page["equivalents"]:
        out += _wrap("≈ " + " · ".join(page["equivalents"]), width)
    return out


def _use(page: Json, width: int) -> list[str]:
    out = _days(page, width) if page["days"] else []
    if page["hours"]:
        out += [*_heading(page["hours"]["heading"]), *_wrap(page["hours"]["say"], width)]
    for key in ("services", "models", "features", "initiators"):
        if page[key]:
            out += _ranking(page[key], width)
    return out


def _days(page: Json, width: int) -> list[str]:
    days = page["days"]
    out = _heading(days["heading"])
    table = page["table"]
    energies = [column.height + column.hidden_height for column in days["chart"].columns]
    rows = [(row[0], energy, row[3], row[2]) for row, energy in zip(table["rows"], energies, strict=True)]
    names = max(len(name) for name, *_ in rows)
    for name, energy, value, answers in rows:
        out.append(f"{_pad(name, names)}  {_pad(_bar(energy / 100), BAR)} {value:>8} {answers:>6}")
    out += _wrap(f"{table['heads'][3]} · {table['heads'][2]}", width)
    if days["usual_words"]:
        out += _wrap(days["usual_words"], width)
    return out


def _cost(page: Json, width: int) -> list[str]:
    out = _ranking(page["drivers"], width)
    if page["drivers"]["usual"]:
        out += _wrap(page["drivers"]["usual"], width)
    for sentence in page["drivers"]["ratios"]:
        out += _wrap(sentence, width)
    if page["levers"]:
        out += _heading(page["levers"]["heading"])
        out += _wrap(page["levers"]["say"], width)
        for lever in page["levers"]["rows"]:
            out += ["", f"  {lever['gain']} {lever['of']}"]
            out += ["  " + line for line in _wrap(f"{lever['title']}. {lever['reason']} {lever['price']}", width - 2)]
    for key in ("worth", "place"):
        out += _heading(page[key]["heading"])
        for sentence in page[key]["sentences"]:
            out += _wrap(sentence, width)
    if page["place"]["table"]:
        out += _ranking(page["place"]["table"], width)
    methods = page["methods"]
    out += [*_heading(methods["heading"]), *_wrap(methods["say"], width)]
    names = max((len(row["name"]) for row in methods["rows"]), default=0)
    out += [f"{_pad(row['name'], names)}  {row['value']:>10}  {row['range']}" for row in methods["rows"]]
    if methods["spread"]:
        out += _ranking(methods["spread"], width)
    return out


def _trust(page: Json, width: int) -> list[str]:
    out = _heading(page["coverage"]["heading"])
    for sentence in page["coverage"]["sentences"]:
        out += _wrap(sentence, width)
    for gap in page["coverage"]["gaps"]:
        out += textwrap.wrap(gap, width, initial_indent="  · ", subsequent_indent="    ")
    if page["quality"]:
        out += _ranking(page["quality"], width)
        for sentence in page["quality"]["sentences"]:
            out += _wrap(sentence, width)
    out += _heading(page["scope_heads"][0])
    out += _wrap("; ".join(page["scope"]["included"]) + ".", width)
    out += _heading(page["scope_heads"][1])
    out += _wrap("; ".join(page["scope"]["excluded"]) + ".", width)
    out += ["", *_wrap(page["scope"]["privacy"], width)]
    return out


def _ranking(table: Json, width: int) -> list[str]:
    out = _heading(table["heading"]) if "heading" in table else [""]
    if "say" in table:
        out += _wrap(table["say"], width)
    rows: Sequence[Row] = table["rows"]
    head = [table["value"], *table["heads"]]
    columns = [[row.value, *row.cells] for row in rows]
    if table.get("total"):
        columns.append([table["total"]["value"], *table["total"]["cells"]])
    widths = [max(len(cell) for cell in column) for column in zip(head, *columns, strict=True)]
    labels = [f"{row.name} · {row.note}" if row.note else row.name for row in rows]
    names = min(max(map(len, labels)), max(16, width - BAR - sum(widths) - 2 * len(widths) - 2))

    def lines(label: str, bar: str, cells: list[str]) -> list[str]:
        first, *rest = textwrap.wrap(label, names, subsequent_indent="  ", break_on_hyphens=False) or [""]
        numbers = "".join(f"  {cell:>{size}}" for cell, size in zip(cells, widths, strict=True))
        return [f"{_pad(first, names)}  {_pad(bar, BAR)}{numbers}", *rest]

    out += lines(table["name"], "", head)
    for label, row, column in zip(labels, rows, columns, strict=False):
        out += lines(label, _bar(row.width / WIDTH), column)
    if table.get("total"):
        out += lines(table["total"]["name"], "", columns[-1])
    return out


def _heading(text: str) -> list[str]:
    lines = _wrap(text, NARROWEST)
    return ["", *lines, "─" * len(lines[-1])]


def _bar(share: float) -> str:
    eighths = round(min(max(share, 0.0), 1.0) * BAR * 8)
    full, rest = divmod(eighths, 8)
    bar = "█" * full + (BLOCKS[rest - 1] if rest else "")
    return bar or ("▏" if share > 0 else "")


def _pad(text: str, width: int) -> str:
    if len(text) > width:
        text = text[: max(width - 1, 0)] + "…"
    return text.ljust(width)


def _wrap(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False) or [""]


def _harmless(line: str) -> str:
    """Replace control and direction characters: what came from the network must not steer a terminal."""
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in {"Cc", "Cf", "Cs"} else c for c in line)
