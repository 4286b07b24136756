"""Pictures of the report for README and docs: ``python -m tests.gallery`` (needs Debian's chromium and playwright)."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests import golden
from tracker.report import demo, make, render

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "gallery"
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--hide-scrollbars"]  # fmt: skip
LANGUAGES = {"en": "English", "nb": "Norwegian Bokmål", "nl": "Dutch"}


def pages(folder: Path) -> Iterator[tuple[str, Path]]:
    """Write the week in three languages and the year; yield (name, path)."""
    with golden.demo_store(folder) as store:
        weeks = {lang: golden.week(store, lang) for lang in LANGUAGES}
        year = make(store, golden.YEAR, now=demo.NOW, demo=True)
    for lang in LANGUAGES:
        path = folder / f"week-{lang}.html"
        path.write_text(render.to_html(weeks[lang], lang), "utf-8")
        yield f"week-{lang}", path
    path = folder / "year-en.html"
    path.write_text(render.to_html(year, "en"), "utf-8")
    yield "year-en", path


def shoot(browser: Any, name: str, path: Path) -> list[str]:
    """Take one page in light and dark, on a phone and on paper; return the file names."""
    made = []
    views = {"light": (1000, 1500, "light"), "dark": (1000, 1500, "dark"), "phone": (320, 1100, "light")}
    for view, (width, height, scheme) in views.items():
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, offline=True)
        page = context.new_page()
        page.goto(path.as_uri())
        picture = f"{name}-{view}.png"
        page.screenshot(path=str(FOLDER / picture))
        made.append(picture)
        if view == "light":
            page.pdf(path=str(FOLDER / f"{name}.pdf"), prefer_css_page_size=True)
            made.append(f"{name}.pdf")
        context.close()
    return made


def main() -> None:
    from playwright.sync_api import sync_playwright

    FOLDER.mkdir(parents=True, exist_ok=True)
    lines = ["# The report in pictures", "", "A made-up week and year; `python -m tests.gallery` makes them.", ""]
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for title, path in pages(Path(name)):
            files = shoot(browser, title, path)
            kind, _, lang = title.partition("-")
            lines += [f"## A {kind}, {LANGUAGES[lang]}", ""]
            lines += [f"![{title}, {file.rpartition('-')[2][:-4]}]({file})" for file in files if file.endswith(".png")]
            lines += [f"[on paper]({title}.pdf)", ""]
            sys.stdout.write("\n".join(files) + "\n")
        browser.close()
    (FOLDER / "README.md").write_text("\n".join(lines), "utf-8")


if __name__ == "__main__":
    main()
