"""
How far the readers agree with ../shared/captures, host by host. ``python -m tests.captures`` prints it.

Counts only: no text of the captures is ever printed. The folder is found beside the repository; it is not part of it.
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from addon.reader import Reader
from tests.examples import KEY
from tracker.imports.entries import read_entries
from tracker.imports.har import build_exchange
from tracker.record import Record

FOLDER = Path(__file__).parents[1].parent / "shared" / "captures"
COLUMNS = ("input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens")


@dataclass
class Agreement:
    """What was found for one host."""

    comparable: int = 0
    agreeing: int = 0
    unsure: Counter[str] = field(default_factory=Counter)
    differences: Counter[str] = field(default_factory=Counter)


def compare(folder: Path = FOLDER) -> dict[str, Agreement]:
    """Read every HAR and compare with what is expected; the keys are host names."""
    hosts: dict[str, Agreement] = defaultdict(Agreement)
    for path in sorted((folder / "api").glob("*.har")):
        expected = {one["started_at"]: one for one in _lines(path.with_suffix(".expected.jsonl"))}
        reader = Reader(KEY)
        for entry in read_entries(path, lambda _done, _all: None):
            assert entry.content is not None
            exchange = build_exchange(entry.content)
            records = reader.read(exchange).records
            wanted = expected[entry.content["startedDateTime"]]
            told = hosts[exchange.host]
            if wanted["counts"] == "unsure":
                told.unsure["row" if records else "none"] += 1
                continue
            told.comparable += 1
            differences = differ(records, wanted)
            told.agreeing += not differences
            told.differences.update(differences)
    return hosts


def differ(records: tuple[Record, ...], wanted: dict[str, Any]) -> list[str]:
    """Return the names of what is not as expected. What the wire does not report is not compared."""
    if not wanted["counts"]:
        return ["a row that should not be"] if records else []
    if not records:
        return ["no row"]
    return [
        name
        for name in COLUMNS
        if wanted[name] is not None
        and (getattr(records[0], name) != wanted[name] or _source(records[0], name) != "reported")
    ]


def _source(record: Record, name: str) -> str:
    return str(getattr(record, f"{name}_source", "reported"))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text("utf-8").splitlines():
        one = json.loads(line)
        datetime.fromisoformat(one["started_at"])
        yield one


def main() -> int:
    if not (FOLDER / "api").is_dir():
        print(f"not run: {FOLDER} is not here")
        return 0
    for host, told in sorted(compare().items()):
        share = f"{told.agreeing / told.comparable:7.1%}" if told.comparable else "      -"
        print(f"{host:42} {told.agreeing:4} of {told.comparable:4} {share}  not compared: {dict(told.unsure)}")
        for difference, number in told.differences.items():
            print(f"{'':42} {number:4} x {difference}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
