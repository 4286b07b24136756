"""SECURITY.md promises nothing that no test shows: every test and file that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "SECURITY.md").read_text("utf-8")


def test_every_test_that_the_page_names_exists() -> None:
    written = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    known = set(re.findall(r"^(?:async )?def (test_\w+)\(", written, re.MULTILINE))
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 40
    assert named - known == set()


def test_every_file_and_module_that_the_page_names_exists() -> None:
    files = set(re.findall(r"`(tests/[\w/]+\.py)`", PAGE))
    assert len(files) > 8
    assert [file for file in files if not (ROOT / file).is_file()] == []
    for module in re.findall(r"`python -m (tests[\w.]*)", PAGE):
        place = ROOT / module.replace(".", "/")
        assert (place / "__main__.py").is_file() or place.with_suffix(".py").is_file()


def test_every_row_of_every_table_says_what_shows_it() -> None:
    tables = [line for line in PAGE.splitlines() if line.startswith("|") and not line.startswith("| ---")]
    rows = [line for line in tables if not re.match(r"\| (who|what happens) \|", line)]
    assert len(rows) > 25
    for row in rows:
        shown_by = row.strip("| ").rpartition("|")[2]
        assert re.search(r"`(test_\w+|tests/[\w/]+\.py)`", shown_by), row[:80]
