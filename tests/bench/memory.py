"""
Memory of a proxy that has just begun: ``python -m tests.bench memory [--turns 20000]``, small turns one by one.

The bench of the chat measures the same of a proxy that has carried two hundred streams at once before.
"""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.bench.chat import Bench
from tests.bench.processes import machine


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench memory")
    parser.add_argument("--turns", type=int, default=20_000)
    options = parser.parse_args(arguments)
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        bench = Bench(stack, Path(folder))
        bench.memory(options.turns)
        print("| of klimaspor's proxy | MB |\n| --- | ---: |")
        for (what, _), (megabytes,) in bench.figures.items():
            print(f"| {what.removeprefix('memory: ').removesuffix(', MB')} | {megabytes:.1f} |")
        print(bench.tell_lost())
