"""Sentences found in code and templates, and the catalogues that translate them: ``python -m tests.catalogue``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment, nodes

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = {"en": "en_GB", "nb": "nb_NO", "nl": "nl_NL"}

type Sentence = tuple[str, str | None]
"""One form, or the form for one and the form for many."""


def sentences() -> dict[Sentence, list[str]]:
    """Return every sentence and where it stands, in the order of the files."""
    found: dict[Sentence, list[str]] = {}
    for path in sorted((ROOT / "tracker").rglob("*.py")):
        for sentence, line in in_code(path.read_text("utf-8")):
            found.setdefault(sentence, []).append(f"{path.relative_to(ROOT)}:{line}")
    for path in sorted((ROOT / "templates").glob("*.jinja")):
        for sentence, line in in_template(path.read_text("utf-8")):
            found.setdefault(sentence, []).append(f"{path.relative_to(ROOT)}:{line}")
    return found


def in_code(source: str) -> Iterator[tuple[Sentence, int]]:
    """Yield the literal arguments of ``t(…)``, ``tn(…)`` and ``mark(…)``."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        if name in {"t", "mark"} and texts:
            yield (texts[0], None), node.lineno
        elif name == "tn" and len(texts) >= 2:
            yield (texts[0], texts[1]), node.lineno


def in_template(source: str) -> Iterator[tuple[Sentence, int]]:
    """Yield the literal arguments of ``t(…)`` and ``tn(…)`` in a template."""
    for node in Environment(autoescape=True).parse(source).find_all(nodes.Call):
        name = node.node.name if isinstance(node.node, nodes.Name) else ""
        texts = [arg.value for arg in node.args if isinstance(arg, nodes.Const) and isinstance(arg.value, str)]
        if name == "t" and texts:
            yield (texts[0], None), node.lineno
        elif name == "tn" and len(texts) >= 2:
            yield (texts[0], texts[1]), node.lineno


def po_path(lang: str) -> Path:
    return ROOT / "tracker" / "locale" / f"{lang}.po"


def read(lang: str) -> Catalog:
    with po_path(lang).open("rb") as file:
        return read_po(file, locale=LANGUAGES[lang])


def update(lang: str, translations: dict[str, str | tuple[str, str]] | None = None) -> list[Sentence]:
    """Bring a catalogue up to date: new sentences in, gone ones out; return what is still to be translated."""
    known = {
        (message.id if isinstance(message.id, str) else message.id[0]): message.string
        for message in (read(lang) if po_path(lang).exists() else [])
        if message.id and message.string and all(message.string)
    }
    known |= translations or {}
    catalog = Catalog(locale=LANGUAGES[lang], charset="utf-8")
    missing = []
    for (one, many), places in sentences().items():
        string = (
            (one if many is None else (one, many)) if lang == "en" else known.get(one, "" if many is None else ("", ""))
        )
        if not all(string) or not string:
            missing.append((one, many))
        if many is not None and isinstance(string, str):
            string = (string, string)
        catalog.add(
            one if many is None else (one, many),
            string,
            locations=[(place.rpartition(":")[0], None) for place in dict.fromkeys(places)],
        )
    catalog.creation_date = catalog.revision_date = None
    with po_path(lang).open("wb") as file:
        write_po(file, catalog, width=120, omit_header=True)
    text = po_path(lang).read_text("utf-8")
    header = (
        'msgid ""\nmsgstr ""\n"Language: ' + lang + '\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
    )
    po_path(lang).write_text(header + text, "utf-8")
    return missing


if __name__ == "__main__":
    for code in LANGUAGES:
        still = update(code)
        print(f"{po_path(code).relative_to(ROOT)}: {len(still)} sentences to translate")
        for one, _ in still:
            print(f"  {one}")
