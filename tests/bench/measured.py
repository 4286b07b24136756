"""What was measured: each bench's own words in a file of ``docs/measured``, and the documents' tables of them."""

from __future__ import annotations

import contextlib
import io
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

FOLDER = Path(__file__).parent.parent.parent / "docs" / "measured"

HIGHLIGHTS = (
    ("chat", "100 streams: chunk delay p50, ms", "how late a piece of an answer comes, with 100 answers at once"),
    ("chat", "100 streams: chunk delay p99, ms", "the same, of the slowest hundredth"),
    ("chat", "100 streams, a chunk: proxy CPU, us", "processor time for a piece of an answer"),
    ("chat", "small turns: a second", "short answers a second"),
    ("chat", "300 kB answers: a second", "answers of 300 kB a second"),
)
"""Bench, row of its table, and what that is to a reader of the README."""


def save(name: str, arguments: Sequence[str], act: Callable[[], None]) -> None:
    """Do it, and keep what it prints, under the command and the day; nothing is kept if it fails."""
    words = _Both(sys.stdout)
    with contextlib.redirect_stdout(words):
        act()
    command = " ".join(["python -m tests.bench", name, *arguments])
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.md").write_text(f"`{command}`, {time.strftime('%Y-%m-%d')}\n\n{words.getvalue()}")


class _Both(io.StringIO):
    """Keeps what is printed and shows it as well."""

    def __init__(self, shown: io.TextIOBase) -> None:
        super().__init__()
        self._shown = shown

    def write(self, text: str) -> int:
        self._shown.write(text)
        self._shown.flush()
        return super().write(text)


def names() -> list[str]:
    """Return the benches of which something is kept."""
    return sorted(path.stem for path in FOLDER.glob("*.md"))


def told(name: str) -> str:
    """Return all that a bench printed, its command and day first."""
    return (FOLDER / f"{name}.md").read_text()


def rows(name: str) -> dict[str, list[str]]:
    """Return the cells of a bench's table by the first cell of their row."""
    lines = [line for line in told(name).splitlines() if line.startswith("| ")]
    return {cells[0]: cells[1:] for cells in ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)}


def table(name: str) -> str:
    """Return what a bench printed, the command, the day and the machine in one line before it."""
    command, _, machine, *rest = told(name).splitlines()
    return "\n".join([f"{command}; {machine}", "", *rest])


def highlights() -> str:
    """Return README's table: what a person would feel, of mitmproxy that only streams and of ours."""
    first = told("chat").split("\n", 1)[0]
    lines = [
        f"Measured by {first}:",
        "",
        "| | mitmproxy that only streams | klimaspor | ÷ |",
        "| --- | ---: | ---: | ---: |",
    ]
    for bench, row, words in HIGHLIGHTS:
        table = rows(bench)
        found = dict(zip(table["measured"], table[row], strict=True))
        unit = {"us": " µs", "ms": " ms"}.get(row.rpartition(", ")[2], "")
        lines.append(f"| {words} | {found['mitmproxy']}{unit} | {found['klimaspor']}{unit} | {found['÷ mitmproxy']} |")
    return "\n".join(lines)
