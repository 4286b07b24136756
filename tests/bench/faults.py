"""
Kill the whole proxy under load, again and again, and compare the database with what must be in it.

``python -m tests.bench faults --rounds 1000``. Each round goes on with the same database: a proxy is started, clients
ask numbered questions through it, and at a random moment the proxy dies by SIGKILL, with or without its worker. In
some rounds a worker was killed alone before. Each answer must then be in the database or counted, and never both.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.bench.aftermath import Row, children_of, count, look, reading, told, under_way, wait_for_the_end_of
from tests.bench.nursery import nursery_of
from tests.rogue import URL, answer, question, rogue

CLIENTS = 4
LATE = 4


@dataclass(slots=True)
class Toll:
    """What the rounds cost; what ``faults`` adds up must be 0."""

    rounds: int = 0
    answers: int = 0
    """That clients got whole."""
    kept: int = 0
    lost: int = 0
    """Got whole by a client and not yet written when the proxy died."""
    wrong_bytes: int = 0
    vanished: int = 0
    """Rows that were seen in the database and are gone."""
    strange: int = 0
    """Rows that differ from what the service said, or that nobody asked for."""
    not_intact: int = 0
    gaps_unseen: int = 0
    """Deaths after which the heartbeat claims a clean stop."""
    told: int = 0
    """Counted as lost while the proxy went on, after its worker had been killed."""
    counted: int = 0
    """Answers that were under way or not yet written when the proxy died, as its tally has it."""
    due: list[int] = field(default_factory=lambda: [0] * LATE)
    """``counted`` as it was in the last rounds."""
    uncounted: int = 0
    """Got whole by a client, and neither written nor counted."""
    overcounted: int = 0
    """Both counted and written."""
    untold: int = 0
    """Counted, and not in the database some rounds later: a worker on its way out may hold it up for one or two."""

    @property
    def faults(self) -> int:
        """What must not be."""
        broken = self.wrong_bytes + self.vanished + self.strange + self.not_intact + self.gaps_unseen
        return broken + self.uncounted + self.untold + self.overcounted


@dataclass(slots=True)
class Load:
    """Clients that ask until the proxy is gone."""

    port: int
    trust: ssl.SSLContext
    names: Iterator[int]
    whole: list[int] = field(default_factory=list)
    wrong: int = 0
    pause: float = 0.05
    """Seconds between two questions of a client: some while the worker starts, none from then on."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self) -> None:
        with httpx.Client(
            proxy=f"http://127.0.0.1:{self.port}", verify=self.trust, trust_env=False, timeout=20
        ) as session:
            while True:
                with self._lock:
                    number = next(self.names)
                right, came = reply(number), b""
                try:
                    with session.stream("POST", URL, json=question("right", name_of(number), words(number))) as got:
                        for piece in got.iter_raw():
                            came += piece
                except httpx.HTTPError:
                    self.wrong += not right.startswith(came)
                    return
                time.sleep(self.pause)
                self.wrong += came != right
                with self._lock:
                    self.whole.append(number)


def name_of(number: int) -> str:
    return f"chatcmpl-kill-{number}"


def words(number: int) -> int:
    """How many tokens the service says it wrote: each answer has its own number."""
    return 1 + number % 97


def reply(number: int) -> bytes:
    return answer(name_of(number), words(number))


@contextmanager
def killing(folder: Path, *, seed: int = 0) -> Iterator[Callable[[], Toll]]:
    """Give a function that runs one more round below the folder and returns what all rounds cost so far."""
    chance, toll, names = random.Random(seed), Toll(), iter(range(1, 10**9))
    data = folder / "data"
    data.mkdir(parents=True)
    seen: dict[str, Row] = {}
    with rogue(folder / "origin") as origin, nursery_of(data, origin) as nursery:

        def one_round() -> Toll:
            _round(nursery, data, names, chance, toll, seen)
            return toll

        yield one_round


def _round(
    nursery: subprocess.Popen[str], data: Path, names: Iterator[int], chance: random.Random, toll: Toll,
    seen: dict[str, Row],
) -> None:  # fmt: skip
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    nursery.stdin.write("go\n")
    nursery.stdin.flush()
    pid, port = map(int, nursery.stdout.readline().split())
    trust = ssl.create_default_context(cafile=str(data / "authority" / "klimaspor-ca.crt"))
    load = Load(port, trust, names)
    threads = [threading.Thread(target=load.ask, daemon=True) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    patience = time.monotonic() + 8
    while count(data) <= len(seen) and time.monotonic() < patience:  # the worker's first answer takes its time
        time.sleep(0.05)
    load.pause = 0.0
    time.sleep(chance.uniform(0.0, 0.4))
    if count(data) > len(seen):  # else the worker has not come to writing anything yet
        toll.untold += not toll.due[0] <= told(data)["killed"] <= toll.counted
        toll.due = [*toll.due[1:], toll.counted]
    if chance.random() < 0.25:
        for worker in children_of(pid):
            os.kill(worker, signal.SIGKILL)
        time.sleep(chance.uniform(0.0, 1.0))  # the next one may be there by then, or not
    witnessed, workers = look(data), children_of(pid)
    for victim in [*workers, pid] if chance.random() < 0.5 else [pid]:
        os.kill(victim, signal.SIGKILL)
    assert nursery.stdout.readline() == "dead\n"
    wait_for_the_end_of(workers)  # a worker that was left alone writes what it has, and ends by itself
    for thread in threads:
        thread.join(20)
    _count(load, data, pid, toll, seen, witnessed)


def _count(load: Load, data: Path, pid: int, toll: Toll, seen: dict[str, Row], witnessed: dict[str, Row]) -> None:
    after = look(data)
    toll.rounds += 1
    toll.answers += len(load.whole)
    toll.wrong_bytes += load.wrong
    toll.vanished += sum(after.get(key) is None for key in {**seen, **witnessed})
    fresh = [record for key, record in after.items() if key not in seen]
    # Every complete row says what the service said, and no more rows of a size than answers of that size were asked.
    asked: list[int] = [words(number) for number in load.whole]
    for record in fresh:
        right = record.input_tokens == 12 and record.service == "openai-api"
        toll.strange += record.outcome == "complete" and not right
        if record.outcome == "complete" and record.output_tokens in asked:
            asked.remove(record.output_tokens)
            toll.kept += 1
    # Besides the whole ones, each client may have had one answer under way when the proxy died.
    toll.strange += max(0, len(fresh) - len(load.whole) - CLIENTS)
    toll.lost += len(asked)
    left = under_way(data, pid)
    lost = sum(n for reason, n in told(data).items() if reason != "killed")
    accounted = len(fresh) + left + lost - toll.told
    toll.counted, toll.told = toll.counted + left, lost
    toll.uncounted += max(0, len(load.whole) - accounted)
    toll.overcounted += max(0, accounted - len(load.whole) - CLIENTS)
    seen.clear()
    seen.update(after)
    with reading(data) as database:
        toll.not_intact += database.execute("PRAGMA integrity_check").fetchone() != ("ok",)
        toll.gaps_unseen += database.execute("SELECT count(*) FROM heartbeat WHERE clean_stop").fetchone() != (0,)


def main(arguments: list[str]) -> int:
    """Run the rounds that the command line asks for; return 1 if anything is not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench faults")
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, killing(Path(folder), seed=options.seed) as one_round:
        for number in range(1, options.rounds + 1):
            toll = one_round()
            if number % 10 == 0 or toll.faults:
                print(toll, file=sys.stderr, flush=True)
    print(f"seed {options.seed}: {toll}")
    return int(bool(toll.faults))
