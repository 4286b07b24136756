"""How much the proxy is felt: straight, through bare TLS, through mitmproxy that only streams, and ours, in turns."""

from __future__ import annotations

import argparse
import asyncio
import ssl
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import cycle
from pathlib import Path

import trustme

from addon.state import ask_status
from tests.bench import peers, proxies
from tests.bench.peers import Delays, Way
from tests.bench.processes import machine
from tests.bench.proxies import Proxy
from tracker.coverage import BEAT_S

NAMES = ("direct", "bare TLS", "mitmproxy", "klimaspor")
INTERVAL = 0.02
SLICES = 3
"""What is counted by the second is counted in so many parts of a round, for a shared machine changes by the second."""
REPEATED = (
    ("requests", "small side requests", peers.SIDE, "small"),
    ("requests", "small turns", peers.TURN, "small"),
    ("large", "300 kB answers", peers.TURN, "large"),
)
"""Part of the bench, what it is called, where is asked, and for what."""
Figures = dict[tuple[str, str], list[float]]
"""(what, by whom) → one figure each time."""
Follow = Callable[[Way, int, float, Delays], Awaitable[None]]


class Bench:
    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.folder = folder / "ours"
        port, authority = stack.enter_context(proxies.origin(folder, trustme.CA()))
        self.proxies: dict[str, Proxy | None] = {
            "direct": None,
            "bare TLS": stack.enter_context(proxies.limit(folder, port, authority)),
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
            read = proxy.idle_worker_seconds() - before[1]  # else it would take its time out of the next one's
            self.note(f"{what}: worker CPU, us", name, read / units[0] * 1e6)

    def streams(self, name: str, n: int, seconds: float, what: str = "streams", follow: Follow | None = None) -> None:
        """
        n answers at once, 50 chunks a second each, over as many new connections.

        Their beginning is a storm of TLS handshakes, so there are figures of it all, and of the time in which all
        have begun and none has ended.
        """
        chunks, delays, units = int(seconds / INTERVAL), Delays(n), [0.0]
        follow, proxy, at_work = follow or peers.follow_stream, self.proxies[name], f"{n} {what} at work"

        def mark() -> tuple[int, float]:
            return len(delays.chunks), proxy.cpu_seconds() if proxy else 0.0

        async def one(i: int) -> None:
            await asyncio.sleep(i / n * 0.5)
            await follow(self.ways[name], chunks, INTERVAL, delays)

        async def all_of_them() -> tuple[tuple[int, float], tuple[int, float]]:
            following = [asyncio.create_task(one(i)) for i in range(n)]
            begun = asyncio.create_task(delays.all_have_begun.wait())
            await asyncio.wait([begun, *following], return_when=asyncio.FIRST_COMPLETED)
            begin = mark()
            await asyncio.wait(following, return_when=asyncio.FIRST_COMPLETED)
            end = mark()
            begun.cancel()
            await asyncio.gather(*following)
            return begin, end

        with self.watching(name, f"{n} {what}, a chunk", units):
            begin, end = asyncio.run(all_of_them())
            units[0] = len(delays.chunks)
        self.note(f"{n} {what}: first byte p50, ms", name, statistics.median(delays.first_byte))
        self._note_delays(f"{n} {what}", name, delays.chunks)
        if end[0] - begin[0] > 1:
            self._note_delays(at_work, name, delays.chunks[begin[0] : end[0]])
            if proxy:
                self.note(f"{at_work}, a chunk: proxy CPU, us", name, (end[1] - begin[1]) / (end[0] - begin[0]) * 1e6)

    def _note_delays(self, what: str, name: str, delays: list[float]) -> None:
        cuts = statistics.quantiles(delays, n=100)
        self.note(f"{what}: chunk delay p50, ms", name, cuts[49])
        self.note(f"{what}: chunk delay p99, ms", name, cuts[98])

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

    def connections(self, name: str, n: int) -> None:
        """n connections, one after the other, with one small turn each."""
        units = [float(n)]

        async def all_of_them() -> None:
            for _ in range(n):
                await peers.ask_repeatedly(self.ways[name], peers.TURN, "small", time.monotonic() + 60, 1)

        with self.watching(name, "a connection and one turn", units):
            asyncio.run(all_of_them())

    def rest(self) -> None:
        """Let the proxy have a quiet minute, in which it gives back what the storm took."""
        proxy = self.proxies["klimaspor"]
        assert proxy is not None
        self.note("memory: after the storm, MB", "klimaspor", proxy.megabytes())
        time.sleep(BEAT_S + 5)

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

    def measures(self, options: argparse.Namespace) -> Iterator[Callable[[str], None]]:
        """Yield what is to be measured of each of them in turn."""
        seconds = options.seconds
        if "streams" in options.only:
            for n in options.streams:
                yield partial(self.streams, n=n, seconds=seconds)
        if "sockets" in options.only:
            for n in options.sockets:
                yield partial(self.streams, n=n, seconds=seconds, what="sockets", follow=peers.follow_socket)
        repeated = [
            partial(self.repeated, what=what, path=path, wish=wish, seconds=seconds / SLICES)
            for kind, what, path, wish in REPEATED
            if kind in options.only
        ]
        if "requests" in options.only:
            yield partial(self.connections, n=100)
        for _ in range(SLICES):
            yield from repeated


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    kinds = ("streams", "sockets", "requests", "large", "memory")
    parser.add_argument("--only", nargs="+", choices=kinds, default=kinds)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each single measurement")
    parser.add_argument("--streams", nargs="+", type=int, default=(1, 50, 100, 200))
    parser.add_argument("--sockets", nargs="+", type=int, default=(50,))
    parser.add_argument("--turns", type=int, default=20_000, help="for memory")
    options = parser.parse_args(arguments)
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        bench = Bench(stack, Path(folder))
        for name in NAMES:  # nobody's first round is cold
            bench.repeated(name, "warm-up", peers.TURN, "small", 1.0)
            if "streams" in options.only:
                bench.streams(name, max(options.streams), 1.0)
        bench.figures.clear()
        turns = cycle((*NAMES[turn:], *NAMES[:turn]) for turn in range(len(NAMES)))
        for round_ in range(options.rounds):
            for measure in bench.measures(options):
                for name in next(turns):  # one after the other, so that they meet the same machine
                    measure(name)
            print(f"round {round_ + 1} of {options.rounds}", file=sys.stderr)
        if "memory" in options.only:
            bench.rest()
            bench.memory(options.turns)
        print(table(bench.figures))
        print(bench.tell_lost())


def table(figures: Figures) -> str:
    """Return a Markdown table: medians over the rounds; how ours compares is the median of each round's own ratio."""
    lines = [
        f"| measured | {' | '.join(NAMES)} | ÷ bare TLS | ÷ mitmproxy | in the rounds |",
        "| --- " + "| ---: " * (len(NAMES) + 3) + "|",
    ]
    for what in dict.fromkeys(what for what, _ in figures):
        middle = {name: statistics.median(figures[what, name]) for name in NAMES if figures.get((what, name))}
        cells = [f"{middle[name]:.3g}" if name in middle else "-" for name in NAMES]
        ratios: list[float] = []
        for other in ("bare TLS", "mitmproxy"):
            pairs = zip(figures.get((what, "klimaspor"), ()), figures.get((what, other), ()), strict=False)
            ratios = [ours / theirs for ours, theirs in pairs if theirs]
            cells.append(f"{statistics.median(ratios):.2f}" if ratios else "-")
        cells.append(f"{min(ratios):.2f}-{max(ratios):.2f}" if ratios else "-")
        lines.append(f"| {what} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
