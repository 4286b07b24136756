"""
How much the proxy is felt: ``python -m tests.bench [--rounds 5] [--only streams requests large memory]``.
An organisation's week at full size: ``python -m tests.bench team``.
A report of very many records: ``python -m tests.bench report``; each start: ``python -m tests.bench startup``.
How fast each service is read: ``python -m tests.bench readers``.
An hour of steady use: ``python -m tests.bench soak --minutes 60``.
A proxy killed again and again: ``python -m tests.bench faults --rounds 1000``.

Direct, mitmproxy that only streams through, and ours take turns in every round; the table has medians and ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import ssl
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import trustme

from addon.state import ask_status
from tests.bench import peers, proxies
from tests.bench.peers import Delays, Way
from tests.bench.proxies import Proxy

NAMES = ("direct", "mitmproxy", "klimaspor")
INTERVAL = 0.02
Figures = dict[tuple[str, str], list[float]]
"""(what, by whom) → one figure a round."""


class Bench:
    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.folder = folder / "ours"
        port, authority = stack.enter_context(proxies.origin(folder, trustme.CA()))
        self.proxies: dict[str, Proxy | None] = {
            "direct": None,
            "mitmproxy": stack.enter_context(proxies.yardstick(folder / "yardstick", port, authority)),
            "klimaspor": stack.enter_context(proxies.ours(folder / "ours", port, authority)),
        }
        self.ways = {
            name: Way(
                port,
                proxy.port if proxy else None,
                ssl.create_default_context(cafile=str(proxy.authority if proxy else authority)),
            )
            for name, proxy in self.proxies.items()
        }
        self.figures: Figures = defaultdict(list)

    def note(self, what: str, name: str, figure: float) -> None:
        self.figures[what, name].append(figure)

    @contextmanager
    def watching(self, name: str, what: str, units: list[float]) -> Iterator[None]:
        """Note processor time per unit; ``units`` gets its one figure inside the block."""
        proxy = self.proxies[name]
        before = (proxy.cpu_seconds(), proxy.worker_seconds()) if proxy else (0.0, 0.0)
        yield
        if proxy:
            used = proxy.cpu_seconds() - before[0]
            self.note(f"{what}: proxy CPU, us", name, used / units[0] * 1e6)
            time.sleep(1)  # the worker may lag
            self.note(f"{what}: worker CPU, us", name, (proxy.worker_seconds() - before[1]) / units[0] * 1e6)

    def streams(self, name: str, n: int, seconds: float) -> None:
        """n answers at once, 50 chunks a second each."""
        chunks, delays, units = int(seconds / INTERVAL), Delays(), [0.0]

        async def all_of_them() -> None:
            async def one(i: int) -> None:
                await asyncio.sleep(i / n * 0.5)
                await peers.follow_stream(self.ways[name], chunks, INTERVAL, delays)

            await asyncio.gather(*(one(i) for i in range(n)))

        with self.watching(name, f"{n} streams, a chunk", units):
            asyncio.run(all_of_them())
            units[0] = len(delays.chunks)
        self.note(f"{n} streams: first byte p50, ms", name, statistics.median(delays.first_byte))
        cuts = statistics.quantiles(delays.chunks, n=100)
        self.note(f"{n} streams: chunk delay p50, ms", name, cuts[49])
        self.note(f"{n} streams: chunk delay p99, ms", name, cuts[98])

    def repeated(self, name: str, what: str, path: str, wish: str, seconds: float, at_once: int = 8) -> None:
        units = [1.0]

        async def all_of_them() -> int:
            until = time.monotonic() + seconds
            asking = (peers.ask_repeatedly(self.ways[name], path, wish, until) for _ in range(at_once))
            return sum(await asyncio.gather(*asking))

        with self.watching(name, what, units):
            started = time.monotonic()
            units[0] = asyncio.run(all_of_them())
            self.note(f"{what}: a second", name, units[0] / (time.monotonic() - started))

    def memory(self, turns: int) -> None:
        """Resident memory of the proxy process as the turns add up."""
        proxy = self.proxies["klimaspor"]
        assert proxy is not None

        async def ask(n: int) -> None:
            far = time.monotonic() + 3600
            each = n // 8
            await asyncio.gather(
                *(peers.ask_repeatedly(self.ways["klimaspor"], peers.TURN, "small", far, each) for _ in range(8))
            )

        self.note("memory: at start, MB", "klimaspor", proxy.megabytes())
        for part in range(4):
            asyncio.run(ask(turns // 4))
            self.note(f"memory: after {turns // 4 * (part + 1)} turns, MB", "klimaspor", proxy.megabytes())

    def tell_lost(self) -> str:
        """Say how many turns the proxy heard, and how many its worker could not keep up with."""
        found = ask_status(self.folder)
        turns = found[1]["turns"] if found else {}
        return f"Turns heard by klimaspor: {turns.get('heard')}; lost, by reason: {turns.get('lost')}."


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    kinds = ("streams", "requests", "large", "memory")
    parser.add_argument("--only", nargs="+", choices=kinds, default=kinds)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each single measurement")
    parser.add_argument("--streams", nargs="+", type=int, default=(1, 50, 100, 200))
    parser.add_argument("--turns", type=int, default=20_000, help="for memory")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        bench = Bench(stack, Path(folder))
        for name in NAMES:  # nobody's first round is cold
            bench.repeated(name, "warm-up", peers.TURN, "small", 1.0)
        bench.figures.clear()
        for round_ in range(options.rounds):
            # The order turns, so that nobody is always measured after the same one.
            for name in (*NAMES[round_ % 3 :], *NAMES[: round_ % 3]):
                if "streams" in options.only:
                    for n in options.streams:
                        bench.streams(name, n, options.seconds)
                if "requests" in options.only:
                    bench.repeated(name, "small side requests", peers.SIDE, "small", options.seconds)
                    bench.repeated(name, "small turns", peers.TURN, "small", options.seconds)
                if "large" in options.only:
                    bench.repeated(name, "300 kB answers", peers.TURN, "large", options.seconds)
            print(f"round {round_ + 1} of {options.rounds}", file=sys.stderr)
        if "memory" in options.only:
            bench.memory(options.turns)
        print(table(bench.figures))
        print(bench.tell_lost())


def table(figures: Figures) -> str:
    """Return a Markdown table: medians over the rounds, and ours against the others."""
    lines = ["| measured | direct | mitmproxy | klimaspor | ÷ direct | ÷ mitmproxy |", "| --- " + "| ---: " * 5 + "|"]
    for what in dict.fromkeys(what for what, _ in figures):
        middle = {name: statistics.median(figures[what, name]) for name in NAMES if figures.get((what, name))}
        cells = [f"{middle[name]:.3g}" if name in middle else "-" for name in NAMES]
        for other in ("direct", "mitmproxy"):
            known = middle.get(other) and "klimaspor" in middle
            cells.append(f"{middle['klimaspor'] / middle[other]:.2f}" if known else "-")
        lines.append(f"| {what} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1:2] == ["team"]:
        from tests.bench import team

        team.main(sys.argv[2:])
    elif sys.argv[1:2] == ["report"]:
        from tests.bench import report

        report.main(sys.argv[2:])
    elif sys.argv[1:2] == ["startup"]:
        from tests.bench import startup

        startup.main(sys.argv[2:])
    elif sys.argv[1:2] == ["readers"]:
        from tests.bench import readers

        readers.main(sys.argv[2:])
    elif sys.argv[1:2] == ["soak"]:
        from tests.bench import soak

        sys.exit(soak.main(sys.argv[2:]))
    elif sys.argv[1:2] == ["faults"]:
        from tests.bench import faults

        sys.exit(faults.main(sys.argv[2:]))
    else:
        main()
