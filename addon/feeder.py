"""The thread that gives the worker what waits for it, and sees to a new worker when one is lost."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path
from typing import Any

from addon.gate import Gate
from addon.helper import Helper, HelperLostError
from addon.jobs import Job, Queue
from addon.ledger import Ledger, Loss
from addon.parcel import Parcel, wrap_together
from addon.sockets import Sockets
from addon.tally import Tally


class Feeder:
    """Takes jobs out of the queue in their order; none is lost without being counted, and none twice."""

    def __init__(self, db: Path, queue: Queue, gate: Gate, *, module: str, tell: Callable[[str], None]) -> None:
        self.trouble: str | None = None
        """Why the worker could not start or write, as a sentence; None when all is well."""
        self.ready = threading.Event()
        """The first worker runs, or cannot."""
        self.tally: Tally | None = None
        self._db, self._queue, self._gate, self._module, self._tell = db, queue, gate, module, tell
        self._helper: Helper | None = None
        self._sockets = Sockets()
        self._numbers = count(1)
        self._written = 0
        """Number of the last job that the worker before the present one had brought into the database."""
        self._ledger = Ledger()
        self._failures = 0
        self._is_over = False

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The present worker's process."""
        return None if self._helper is None else self._helper.process

    def run(self) -> None:
        """Feed workers until the queue is closed and empty."""
        try:
            self._connect()
        except (EOFError, OSError, HelperLostError):
            self.trouble = self.trouble or "The program that keeps the records crashed · its worker · try again"
            self._bury()
        self.ready.set()
        while (job := self._queue.next()) is not None:
            jobs = [job, *self._queue.gather()] if job.batched else [job]
            for one in jobs:
                one.number = next(self._numbers) if one.service else 0
            try:
                if len(jobs) == 1 or not self._deliver_together(jobs):
                    for one in jobs:
                        self._deliver(one)
            except Exception as error:  # noqa: BLE001 - this thread must outlive whatever one exchange does to it
                for one in jobs:
                    if one.service and not one.is_done and not one.reason:
                        self._queue.lose(Loss(one.service, type(error).__name__, one.n, one.answers))
            for one in jobs:
                if one.release is not None:
                    one.release()

    def _deliver_together(self, jobs: list[Job]) -> bool:
        """Have the worker take several at once; False if it did not survive that and each must go alone."""
        try:
            helper = self._connect()
            parcels = [self._pack(helper, job) for job in jobs]
            answer = helper.ask(wrap_together(parcels, jobs[-1].number))
        except (EOFError, OSError, HelperLostError):
            self._bury()
            return False
        self._take_answer(answer, zip(jobs, answer["told"], strict=True))
        return True

    def _pack(self, helper: Helper, job: Job) -> Parcel:
        """Return what the job has for this worker, which then knows the socket that it is about."""
        parcel = job.pack(number=job.number)
        if job.socket is not None:
            self._sockets.introduce(helper, job, parcel)
        return parcel

    def _deliver(self, job: Job) -> None:
        while True:
            try:
                helper = self._connect()
                if job.failure is not None and (job.number <= self._written or not job.become_missing()):
                    self._give_up(job, job.failure)
                    return
                answer = helper.ask(self._pack(helper, job))
            except (EOFError, OSError, HelperLostError):
                reason = self._bury()
                if job.failure is not None:  # no worker is to be had now: the next one knows whether it was written
                    if job.instead is not None and not self._queue.closing:
                        continue  # what else is said on the socket can only be told apart with that known
                    self._ledger.note(job.number, Loss(job.service, job.failure, job.n, job.answers))
                    return
                if job.tried or reason in {"hang", "memory"}:
                    if not job.service or job.reason:
                        return
                    job.failure = "crash" if reason == "stopped" else reason
                job.tried = True
                continue
            self._take_answer(answer, [(job, answer)])
            if job.answered is not None:
                job.answered(answer)
            return

    def _give_up(self, job: Job, failure: str) -> None:
        """No worker survives this one."""
        if job.socket is not None:
            self._sockets.give_up(job)
        if job.number > self._written:
            self._queue.lose(Loss(job.service, failure, job.n, job.answers))

    def _take_answer(self, answer: dict[str, Any], taken: Iterable[tuple[Job, dict[str, Any]]]) -> None:
        """The worker has taken these, and told this of each: they are written, or will be unless it is killed first."""
        settled = answer.get("settled", 0)
        self._ledger.settle(settled)
        for job, told in taken:
            job.is_done = True
            if broken := told.get("broken"):  # it has been counted where its row would be
                self._queue.count(broken)
            elif job.batched and job.socket is None:
                self._queue.counters.read += 1
            if job.socket is not None:
                self._sockets.note(job, told)
            if job.number > settled:
                self._ledger.note(job.number, job.loss(told.get("begun", 0)))
        self._take_pulse(answer)
        if answer.get("tired"):
            self.end_worker(5.0)

    def _connect(self) -> Helper:
        """Return a worker that is ready; start one if there is none."""
        if self._is_over:
            raise HelperLostError
        if self._helper is not None:
            return self._helper
        if self._failures:
            time.sleep(min(0.05 * 2**self._failures, 5.0))
        self._helper = Helper(self._module, self._db, None if self.tally is None else self.tally.path)
        try:
            self._written = self._helper.greet()
        except HelperLostError as error:
            self._failures += 1
            if self.ready.is_set() and self.trouble != str(error):
                self._tell(str(error))
            self.trouble = str(error)
            raise
        self._failures, self.trouble = 0, None
        for loss in self._ledger.give_up(self._written):
            self._queue.lose(loss)
        return self._helper

    def _bury(self) -> str:
        """Clear away a worker that is gone; return why it went."""
        helper, self._helper = self._helper, None
        self._sockets.forget_worker()
        reason = "crash" if helper is None else helper.bury()
        if reason != "stopped" or not self._queue.closing:
            self._queue.counters.restarts += 1
        return reason

    def end_worker(self, seconds: float) -> None:
        """Let the present worker go; the next job gets a fresh one."""
        helper, self._helper = self._helper, None
        self._sockets.forget_worker()
        if helper is not None:
            helper.end(seconds)

    def stop(self, seconds: float) -> None:
        """Let the present worker go, and have no other: what is left is for the next start to count."""
        self._is_over = True
        self.end_worker(seconds)

    def _take_pulse(self, answer: dict[str, Any]) -> None:
        if "gate" in answer:
            self._gate.refresh(answer["gate"], answer.get("until"))
        for notice in answer.get("notices", ()):
            self._tell(notice)
        trouble = answer.get("trouble")
        if trouble is not None and trouble != self.trouble:
            self._tell(trouble)
        if trouble is not None or "waiting" in answer:
            self.trouble = trouble
