"""Builds the parts of the documents that the code knows best; ``--check`` fails where one has gone stale.

Run ``uv run python -m tests.documents`` after a change. A part stands between ``<!-- built: NAME -->`` and
``<!-- built: end -->``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests import ecologits_table, footprint_tables, service_names
from tests.bench import measured

ROOT = Path(__file__).parent.parent
PART = re.compile(r"(<!-- built: (?P<name>[a-z-]+) -->\n).*?(<!-- built: end -->)", re.DOTALL)


def services_table() -> str:
    from addon.service import discover
    from tracker.cli.services import tell

    rows = [
        "| service | key | hosts | transports | tokens | tells | grade | verified |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for service in sorted(discover(), key=lambda one: one.title.casefold()):
        told = tell(service())
        hosts = told["hosts"]
        more = f" +{len(hosts) - 1}" if len(hosts) > 1 else ""
        closed = " *(off until opened)*" if told["closed_because"] else ""
        features = ", ".join(feature.replace("_", " ") for feature in told["features"]) or "only that it happened"
        rows.append(
            f"| {told['title']}{closed} | `{told['service']}` | {hosts[0]}{more} | {', '.join(told['transports'])} "
            f"| {told['tokens']} | {features} | {told['grade']} | {told['verified']} |"
        )
    return "\n".join(rows)


def commands_table() -> str:
    from tracker.cli import COMMANDS

    rows = [f"| `klimaspor {name}` | {command.line} |" for name, command in COMMANDS.items()]
    return "\n".join(["| command | does |", "| --- | --- |", *rows])


def footprint_table(name: str) -> str:
    return str(getattr(footprint_tables, name)())


PARTS: dict[str, Callable[[], str]] = {
    "services": services_table,
    "commands": commands_table,
    "speed": measured.highlights,
    **{f"measured-{name}": partial(measured.table, name) for name in measured.names()},
}


def build(text: str) -> str:
    """Return the document with every built part made anew."""

    def part(match: re.Match[str]) -> str:
        name = match["name"]
        made = PARTS[name]() if name in PARTS else footprint_table(name.replace("-", "_"))
        return f"{match[1]}{made.strip()}\n{match[3]}"

    return PART.sub(part, text)


def main() -> int:
    check = "--check" in sys.argv
    stale = []
    texts = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
    tables = {made.PATH: made.build for made in (ecologits_table, service_names)}
    for path in (*tables, *texts):  # the tables first: the texts show what follows from them
        before = path.read_text()
        after = tables[path]() if path in tables else build(before)
        if after != before:
            stale.append(path.relative_to(ROOT))
            if not check:
                path.write_text(after)
    for path in stale:
        print(f"{'stale' if check else 'built'}: {path}")
    if check and stale:
        print("run: uv run python -m tests.documents")
    return int(check and bool(stale))


if __name__ == "__main__":
    raise SystemExit(main())
