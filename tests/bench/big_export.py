"""
A data export of ChatGPT as large as one gets: ``python -m tests.bench.big_export [--gigabytes 2]``.

The export is written by the tests' own generator into a folder that is deleted afterwards, and read by ``klimaspor
import`` in a process of its own at low priority, with a terminal in front of it that counts what the bar showed.
"""

from __future__ import annotations

import argparse
import os
import pty
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.data_exports import BEGAN, assistant, conversation, node, pack

TURNS = 20
"""Questions of one conversation."""
WORDS = ("sun", "rain", "the", "of", "weather", "tomorrow", "will", "be", "colder", "than", "coast", "inland", "a")


def conversations(size: int) -> Iterator[dict[str, Any]]:
    """Yield conversations until their text comes to about ``size`` bytes; no answer is like another."""
    chance = random.Random(1)
    paragraphs = [" ".join(chance.choices(WORDS, k=300)) for _ in range(2000)]
    written = number = 0
    while written < size:
        number += 1
        nodes: list[dict[str, Any]] = []
        parent = "root"
        for turn in range(TURNS):
            at = BEGAN - number * 3600 + turn * 60
            question, answer = f"q{number}-{turn}", f"a{number}-{turn}"
            text = "\n\n".join(chance.choices(paragraphs, k=3))
            nodes.append(node(question, parent, "user", at=at))
            nodes.append(assistant(answer, question, at=at + 20, content={"content_type": "text", "parts": [text]}))
            parent = answer
            written += len(text) + 1000
        yield conversation(*nodes, identity=f"c{number}")


def measure(path: Path, db: Path) -> dict[str, Any]:
    """Import ``path`` and return what it took: seconds by the clock and of the processor, MB, and the bar's steps."""
    command = ["nice", "-n", "10", sys.executable, "-c", "from tracker.cli import main; main()", "import",
               "--db", str(db), str(path)]  # fmt: skip
    terminal, side = pty.openpty()
    seen = bytearray()

    def watch() -> None:
        try:
            while piece := os.read(terminal, 65536):
                seen.extend(piece)
        except OSError:  # the other side is closed
            pass

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=side, env=os.environ | {"TERM": "xterm"})
    os.close(side)
    told = process.stdout.read().decode() if process.stdout else ""
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    watcher.join(10)
    shown = sorted({int(step) for step in re.findall(rb"(\d+)%", bytes(seen))})
    with sqlite3.connect(db) as connection:
        (records,) = connection.execute("SELECT count(*) FROM requests").fetchone()
    return {
        "exit": os.waitstatus_to_exitcode(status), "told": told.strip(), "records": records,
        "seconds": round(seconds, 1), "processor_s": round(used.ru_utime + used.ru_stime, 1),
        "peak_mb": used.ru_maxrss // 1024, "percentages_shown": len(shown),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--gigabytes", type=float, default=2.0)
    size = int(parser.parse_args().gigabytes * 1e9)
    if shutil.disk_usage(tempfile.gettempdir()).free < 2 * size:
        sys.exit(f"Not enough room in {tempfile.gettempdir()} for {2 * size / 1e9:.0f} GB")
    with tempfile.TemporaryDirectory() as name:
        path = pack(Path(name) / "export.zip", conversations(size))
        print(f"{path.stat().st_size / 1e6:,.0f} MB zip of {size / 1e9:g} GB", flush=True)
        for key, value in measure(path, Path(name) / "bench.db").items():
            print(f"  {key}: {value}")


if __name__ == "__main__":
    main()
