"""The whole outputs that tests compare byte for byte: ``python -m tests.golden`` writes them anew."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tracker.report import demo, make, render
from tracker.report.period import Period, iso_week
from tracker.store import Store

FOLDER = Path(__file__).parent / "gold"
ZONE = "Europe/Oslo"
WEEK = iso_week("2026-W47", ZONE)
YEAR = Period(demo.FIRST_DAY, demo.LAST_DAY.replace(day=23), ZONE)


def demo_store(folder: Path) -> Store:
    return demo.fill(folder / "demo.db")


def week(store: Store, lang: str = "en", **choices: Any) -> dict[str, Any]:
    return make(store, WEEK, now=demo.NOW, lang=lang, demo=True, **choices)


def small_store(folder: Path, count: int) -> Store:
    """A week with ``count`` answers of the demonstration."""
    store = Store.open(folder / f"small{count}.db")
    chosen = [record for record in demo.records() if record.started_at >= "2026-11-18" and record.service == "chatgpt"]
    store.add(chosen[:count])
    return store


def outputs() -> Iterator[tuple[str, str]]:
    """Yield (file name, text) of everything that is kept."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with demo_store(folder) as store:
            data = week(store)
            yield "week.json", json.dumps(data, ensure_ascii=False, indent=1) + "\n"
            for lang in ("en", "nb", "nl"):
                data = week(store, lang)
                yield f"week-{lang}.html", render.to_html(data, lang)
                yield f"week-{lang}.txt", render.to_text(data, lang)
                yield f"week-{lang}.csv", render.to_csv(data, lang)
            elsewhere = week(store, zone="NOR")
            yield "what-if-en.txt", render.to_text(elsewhere, "en")
            yield "ecologits-en.txt", render.to_text(week(store, method="ecologits"), "en")
        for count in (0, 1):
            with small_store(folder, count) as store:
                data = make(store, WEEK, now=demo.NOW)
                yield f"answers-{count}-en.txt", render.to_text(data, "en")
                yield f"answers-{count}-nb.html", render.to_html(data, "nb")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, text in outputs():
        (FOLDER / name).write_bytes(text.encode())
        sys.stdout.write(f"{name}: {len(text.encode())} bytes\n")


if __name__ == "__main__":
    main()
