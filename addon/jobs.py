"""What waits for the worker, and what has been counted of it."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from addon.ledger import Loss
from addon.parcel import Parcel, wrap

LONGEST_QUEUE = 10_000
HEAVIEST_QUEUE = 48 * 1024 * 1024
"""Bytes that may wait for the worker; beyond either bound the newest is dropped and counted."""
GATHER_SECONDS = 0.03
LARGEST_BATCH, HEAVIEST_BATCH = 64, 2 * 1024 * 1024
"""What goes to the worker at once; for less than that it is worth waiting a moment."""


@dataclass(slots=True)
class Job:
    """One thing for the worker to do; packed only when its turn comes, in the feeding thread."""

    pack: Callable[..., Parcel]
    """Called with its number."""
    service: str = ""
    socket: str | None = None
    weight: int = 300
    release: Callable[[], None] | None = None
    batched: bool = False
    """It may go to the worker together with others: it is somebody's turn, or a part of one."""
    closes: bool = False
    """It is the end of its socket."""
    answers: int = 0
    """How many answers of the tally are done when it is done."""
    n: int = 1
    """How many are lost if it is."""
    instead: Mapping[str, Any] | None = None
    """What the worker is told in the place of a socket's message that cannot be read."""
    number: int = 0
    """Counts what was given to workers, so that the next one knows what the one before had written; 0 for errands."""
    reason: str | None = None
    """What it tells of something that was lost before."""
    tried: bool = False
    is_done: bool = False
    """A worker has answered: it is written, or will be."""
    failure: str | None = None
    """Why it will not be read."""
    answered: Callable[[dict[str, Any]], None] | None = None

    def become_missing(self) -> bool:
        """Turn into the word that it cannot be read, if there is one; it may fail as often again."""
        if self.instead is None:
            return False
        self.pack = partial(wrap_numbered, {**self.instead, "reason": self.failure})
        self.instead, self.failure, self.tried = None, None, False
        return True

    def loss(self, begun: int) -> Loss:
        """What is lost with a worker that has taken it; of a socket's message the answers that ``begun`` with it."""
        if self.socket is None:
            return Loss(self.service, self.reason or "worker-lost", self.n, self.answers)
        return Loss(self.service, "worker-lost", begun)  # the socket itself is opened again


@dataclass(slots=True)
class Counters:
    """What the proxy knows of its own work since it started."""

    handed: int = 0
    read: int = 0
    restarts: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    """By reason: ``overload``, ``hang``, ``memory``, ``crash``, ``worker-lost``, ``too-large``."""


class Queue:
    """Jobs in their order, bounded in number and weight, and losses to be written down before anything else."""

    def __init__(self) -> None:
        self.counters = Counters()
        self.closing = False
        self._jobs: deque[Job] = deque()
        self._weight = 0
        self._lost: dict[tuple[str, str], tuple[int, int]] = {}
        """(service, reason) → how many things were lost, and how many of them were answers of the tally."""
        self._wake = threading.Condition()

    def put(self, job: Job, *, always: bool = False) -> bool:
        """Take a job if there is room, or ``always``; never waits."""
        with self._wake:
            full = len(self._jobs) >= LONGEST_QUEUE or self._weight + job.weight > HEAVIEST_QUEUE
            if full and not always:
                return False
            self._jobs.append(job)
            self._weight += job.weight
            self._wake.notify()
            return True

    def urge(self, kind: str, answered: Callable[[dict[str, Any]], None] | None = None, **header: Any) -> None:
        """Take a small job that is not somebody's turn, whether or not there is room."""
        with self._wake:
            pack = partial(wrap_numbered, {"kind": kind, **header})
            self._jobs.append(Job(pack, weight=0, answered=answered))
            self._wake.notify()

    def count(self, reason: str, n: int = 1) -> None:
        """Count something that was not read, and is written down."""
        with self._wake:
            if n:
                self.counters.lost[reason] += n

    def lose(self, loss: Loss) -> None:
        """Count something that was not read, and have it written down."""
        if not loss.n and not loss.answers:
            return
        with self._wake:
            self.count(loss.reason, loss.n)
            n, answers = self._lost.get((loss.service, loss.reason), (0, 0))
            self._lost[loss.service, loss.reason] = n + loss.n, answers + loss.answers

    def close(self) -> None:
        """Give out what is there, then end."""
        with self._wake:
            self.closing = True
            self._wake.notify()

    def next(self) -> Job | None:
        """Wait for the next job; None at the end."""
        with self._wake:
            while True:
                if self._lost:
                    (service, reason), (n, answers) = self._lost.popitem()
                    header = {"kind": "lost", "service": service, "reason": reason, "n": n, "answers": answers}
                    return Job(partial(wrap_numbered, header), service, weight=0, answers=answers, n=n, reason=reason)
                if self._jobs:
                    job = self._jobs.popleft()
                    self._weight -= job.weight
                    return job
                if self.closing:
                    return None
                self._wake.wait()

    def gather(self) -> list[Job]:
        """
        Return what else may go with a batch; wait a moment for it if a batch is not full yet.

        Each crossing takes the proxy's attention once. When too much comes there is no need to wait for more.
        """
        if not self.closing and len(self._jobs) < LARGEST_BATCH and self._weight < HEAVIEST_BATCH:
            time.sleep(GATHER_SECONDS)
        jobs: list[Job] = []
        weight = 0
        with self._wake:
            while self._jobs and self._jobs[0].batched and len(jobs) < LARGEST_BATCH and weight < HEAVIEST_BATCH:
                jobs.append(self._jobs.popleft())
                weight += jobs[-1].weight
            self._weight -= weight
        return jobs


def wrap_numbered(header: Mapping[str, Any], *, number: int) -> Parcel:
    """Return a parcel that is a header and no more."""
    return wrap({**header, "number": number})
