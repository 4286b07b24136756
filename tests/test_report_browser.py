"""The page in a real browser: nothing is fetched, axe finds nothing, no sideways scrolling, few sheets of paper."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import golden
from tests.gallery import CHROMIUM, FLAGS
from tracker.report import archive, demo, make, render

pytestmark = pytest.mark.browser

AXE = "axe-core@4.10.2"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    texts: dict[str, str] = {}
    with golden.demo_store(folder) as store:
        week = golden.week(store)
        texts |= {f"week-{lang}": render.to_html(week, lang) for lang in ("en", "nb", "nl")}
        texts["year"] = render.to_html(make(store, golden.YEAR, now=demo.NOW, demo=True), "nl")
        texts["index"] = archive.index_page([archive.summary(week)], "en")
    with golden.small_store(folder, 0) as store:
        texts["empty"] = render.to_html(make(store, golden.WEEK, now=demo.NOW), "en")
    with golden.small_store(folder, 1) as store:
        texts["one"] = render.to_html(make(store, golden.WEEK, now=demo.NOW), "en")
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, "utf-8")
    return {name: folder / f"{name}.html" for name in texts}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The checker's script, from npm's registry through npm."""
    npm = shutil.which("npm")
    assert npm, "apt-get install npm"
    folder = tmp_path_factory.mktemp("axe")
    subprocess.run([npm, "pack", "--silent", AXE], cwd=folder, check=True, capture_output=True, timeout=120)
    (archive_path,) = folder.glob("*.tgz")
    with tarfile.open(archive_path) as package:
        member = package.extractfile("package/axe.min.js")
        assert member is not None
        return io.TextIOWrapper(member, "utf-8").read()


NAMES = ("week-en", "week-nb", "week-nl", "year", "index", "empty", "one")


@pytest.mark.parametrize("name", NAMES)
def test_the_page_asks_for_nothing_and_breaks_no_rule_of_its_own(
    browser: Any, pages: dict[str, Path], name: str
) -> None:
    page = browser.new_page()
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(pages[name].as_uri())
    page.wait_for_timeout(200)
    page.close()
    assert asked == [pages[name].as_uri()]
    assert said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_nothing(browser: Any, pages: dict[str, Path], axe: str, name: str, scheme: str) -> None:
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(pages[name].as_uri())
    page.evaluate(axe)
    found = page.evaluate(f"axe.run(document, {{runOnly: {RULES}}})")
    context.close()
    faults = [(fault["id"], [node["target"] for node in fault["nodes"]][:3]) for fault in found["violations"]]
    assert faults == []
    assert len(found["passes"]) > 10


@pytest.mark.parametrize("width", [320, 1000])
@pytest.mark.parametrize("name", NAMES)
def test_nobody_scrolls_sideways(browser: Any, pages: dict[str, Path], name: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(pages[name].as_uri())
    wide = page.evaluate("document.documentElement.scrollWidth")
    page.close()
    assert wide <= width


BROKEN = """
[...document.querySelectorAll("thead th, td.n")].flatMap(cell => {
  const found = [], walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) for (const word of walker.currentNode.data.matchAll(/\\S+/g)) {
    const range = document.createRange();
    range.setStart(walker.currentNode, word.index);
    range.setEnd(walker.currentNode, word.index + word[0].length);
    if (new Set([...range.getClientRects()].map(box => Math.round(box.top))).size > 1) found.push(word[0]);
  }
  return found;
})
"""
"""The words and numbers of tables that stand on more than one line."""


@pytest.mark.parametrize("width", [320, 1000])
@pytest.mark.parametrize("name", NAMES)
def test_no_number_and_no_heading_of_a_table_breaks_in_two(
    browser: Any, pages: dict[str, Path], name: str, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(pages[name].as_uri())
    broken = page.evaluate(BROKEN)
    page.close()
    assert broken == []


@pytest.mark.parametrize("name", ["week-en", "week-nb", "week-nl"])
def test_a_week_prints_on_two_to_four_pages_with_nothing_folded(
    browser: Any, pages: dict[str, Path], name: str, tmp_path: Path
) -> None:
    page = browser.new_page()
    page.goto(pages[name].as_uri())
    pdf = page.pdf(prefer_css_page_size=True, path=str(tmp_path / "week.pdf"))
    page.close()
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 4
    if tool := shutil.which("pdftotext"):
        text = subprocess.run(
            [tool, str(tmp_path / "week.pdf"), "-"], check=True, capture_output=True, text=True
        ).stdout
        assert text.count("2026") >= 9  # the table of days, folded on the screen
