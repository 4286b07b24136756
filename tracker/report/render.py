"""The report's data as a page, as text for a terminal, and as tables for a spreadsheet."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracker.report.language import language

if TYPE_CHECKING:
    from jinja2 import Environment

Json = dict[str, Any]


def to_html(data: Json, lang: str = "en") -> str:
    """Return the report as one self-contained page: no script, no outside request."""
    from tracker.report.view import view

    return page("report.html.jinja", lang, view=view(data, language(lang)))


def to_text(data: Json, lang: str = "en", *, width: int = 80) -> str:
    """Return the report for a terminal ``width`` characters wide, without colours."""
    from tracker.report.text import write

    return write(data, language(lang), width)


def to_csv(data: Json, lang: str = "en") -> str:
    """Return every table of the report, one below the other, as a spreadsheet of that language opens them."""
    from tracker.report.spreadsheet import write

    return write(data, language(lang))


def page(template: str, lang: str, *, sheets: tuple[str, ...] = ("report.css",), **values: Any) -> str:
    """Render one page of the family: ``style`` and its hash, ``lang``, ``t`` and ``tn`` are there for it."""
    from markupsafe import Markup

    words = language(lang)
    sheet = Markup("").join(style(name) for name in sheets)
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    return (
        environment()
        .get_template(template)
        .render(lang=lang, t=words.t, tn=words.tn, style=sheet, style_hash=f"sha256-{digest}", **values)
    )


@cache
def environment() -> Environment:
    """Return the templates' environment: everything is escaped, an unknown name is an error."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        loader=FunctionLoader(_source), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip


@cache
def style(name: str = "report.css") -> str:
    """Return a style sheet, as it stands between ``<style>`` and ``</style>``."""
    from markupsafe import Markup

    return Markup((folder() / name).read_text("utf-8").replace("\n  ", "\n"))  # noqa: S704 -- our own file, and a test refuses "<" in it


@cache
def folder() -> Traversable:
    """Return the folder of templates: inside the installed package, else beside it in a clone."""
    inside = files("tracker") / "templates"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "templates"


def _source(name: str) -> str | None:
    file = folder() / name
    return file.read_text("utf-8") if file.is_file() else None
