"""The proxy's side of the worker: a bounded queue, a thread that feeds it, and a new worker when one is lost."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from addon.exchange import Ending
from addon.gate import Gate
from addon.helper import Helper, HelperLostError
from addon.jobs import Counters, Job, Queue, join_numbered
from addon.ledger import Ledger, Loss
from addon.parcel import Copy, join, pack, pack_message
from addon.sockets import Sockets
from addon.tally import Tally


class WorkerEar:
    """
    Takes copies from the tap without ever waiting, and sees to it that a worker reads them.

    A worker that hangs or runs out of memory costs the one exchange it was reading, which is counted; one that was
    killed from outside is replaced and given the exchange again. Nothing here can hold up the proxy.
    """

    def __init__(
        self, db: Path, gate: Gate | None = None, *, module: str = "addon.worker", tell: Callable[[str], None] = print
    ) -> None:
        self.gate = gate or Gate()
        self.counters = Counters()
        self.trouble: str | None = None
        """Why the worker could not start or write, as a sentence; None when all is well."""
        self._db, self._module, self._tell = db, module, tell
        self._tally: Tally | None = None
        self._helper: Helper | None = None
        self._queue = Queue()
        self._sockets = Sockets()
        self._numbers = count(1)
        self._written = 0
        """Number of the last job that the worker before the present one had brought into the database."""
        self._ledger = Ledger()
        self._failures = 0
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._feed, name="feeder", daemon=True)

    def start(self) -> None:
        """Start the feeding thread, which starts the worker."""
        self._tally = Tally.make(self._db)
        self._thread.start()

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The present worker's process."""
        return None if self._helper is None else self._helper.process

    def wait_until_ready(self, seconds: float) -> str | None:
        """Wait for the first worker; return why there is none, as a sentence, or None when it is ready."""
        if not self._ready.wait(seconds):
            return "The program that keeps the records did not start · its worker · try again"
        return self.trouble

    def settle(self, seconds: float = 30.0) -> None:
        """Wait until everything that was taken so far has been read and written, or cannot be."""
        done = threading.Event()
        self._queue.urge("settle", lambda _answer: done.set())
        done.wait(seconds)

    # What the tap calls, in the proxy's loop

    def begin(self, service: str) -> None:
        if self._tally is not None:
            self._tally.begin(service)

    def withdraw(self, service: str) -> None:
        if self._tally is not None:
            self._tally.withdraw(service)

    def hand_over(self, copy: Copy) -> None:
        self.counters.handed += 1
        pack_it = partial(pack, "exchange", copy)
        self._put(Job(pack_it, copy.service, None, copy.weight, copy.release, batched=True, answers=1))

    def open_socket(self, socket: str, copy: Copy) -> None:
        pack_it = partial(pack, "open", copy, socket=socket)
        self._put(Job(pack_it, copy.service, socket, copy.weight, copy.release, batched=True, answers=1))

    def hear(self, socket: str, copy: Copy, ns: int, *, from_client: bool, data: bytes) -> None:
        pack_it = partial(pack_message, socket, copy, ns, from_client=from_client, data=data)
        self._put(Job(pack_it, copy.service, socket, 300 + len(data), batched=True))

    def close_socket(self, socket: str, copy: Copy, ns: int, ending: Ending) -> None:
        at_ms = max(0, ns - copy.started_ns) // 1_000_000
        header = {"kind": "close", "socket": socket, "service": copy.service, "ending": ending, "at_ms": at_ms}
        pack_it = partial(join_numbered, header)
        self._put(Job(pack_it, copy.service, socket, batched=True, closes=True))

    def lose(self, service: str, reason: str, answers: int = 0) -> None:
        """Count something that will not be read; ``answers`` is 1 if it had begun as one."""
        self._lose(Loss(service, reason, answers=answers))

    def _lose(self, loss: Loss) -> None:
        self.counters.lost[loss.reason] += loss.n
        self._queue.lose(loss)

    def beat(self, header: dict[str, Any]) -> None:
        """Have a heartbeat written; the answer refreshes the gate."""
        self._queue.urge("beat", **header)

    def look(self, done: Callable[[], None]) -> None:
        """Have the limits looked at now; ``done`` is called in another thread once the gate is refreshed."""
        self._queue.urge("look", lambda _answer: done())

    def close(self, seconds: float = 10.0) -> None:
        """Let the worker finish what waits, for so long at most, then end it."""
        self._queue.close()
        if self._thread.is_alive():
            self._thread.join(seconds)
        self._end_worker(2.0)
        if self._tally is not None:
            self._tally.close()

    def _put(self, job: Job) -> None:
        if self._queue.put(job):
            return
        self.lose(job.service, "overload", job.answers)
        if job.release is not None:
            job.release()

    def _take_pulse(self, answer: dict[str, Any]) -> None:
        if "gate" in answer:
            self.gate.refresh(answer["gate"], answer.get("until"))
        for notice in answer.get("notices", ()):
            self._tell(notice)
        trouble = answer.get("trouble")
        if trouble is not None and trouble != self.trouble:
            self._tell(trouble)
        if trouble is not None or "waiting" in answer:
            self.trouble = trouble

    # The feeding thread

    def _feed(self) -> None:
        try:
            self._connect()
        except (EOFError, OSError, HelperLostError):
            self.trouble = self.trouble or "The program that keeps the records crashed · its worker · try again"
            self._bury()
        self._ready.set()
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
                    if not one.is_done:
                        self.lose(one.service, type(error).__name__, one.answers)
            for one in jobs:
                if one.release is not None:
                    one.release()

    def _deliver_together(self, jobs: list[Job]) -> bool:
        """Have the worker take several at once; False if it did not survive that and each must go alone."""
        try:
            helper = self._connect()
            parcels = [self._pack(helper, job) for job in jobs]
            header = {"kind": "batch", "sizes": [len(parcel) for parcel in parcels], "number": jobs[-1].number}
            answer = helper.ask(join(header, *parcels))
        except (EOFError, OSError, HelperLostError):
            self._bury()
            return False
        told = answer.get("told") or [{}] * len(jobs)
        self._take_answer(answer, zip(jobs, told, strict=True))
        return True

    def _pack(self, helper: Helper, job: Job) -> bytes:
        """Return what the job has for this worker, which then knows the socket that it is about."""
        parcel = job.pack(number=job.number)
        if job.socket is not None:
            self._sockets.introduce(helper, job, parcel)
        return parcel

    def _deliver(self, job: Job) -> None:
        while True:
            try:
                helper = self._connect()
                if job.failure is not None:
                    if job.number > self._written:
                        self._lose(Loss(job.service, job.failure, job.n, job.answers))
                    return
                answer = helper.ask(self._pack(helper, job))
            except (EOFError, OSError, HelperLostError):
                reason = self._bury()
                if job.failure is not None:  # no worker is to be had now: the next one knows whether it was written
                    self._ledger.note(job.number, Loss(job.service, job.failure, job.n, job.answers))
                    return
                if job.tried or self._queue.closing or reason in {"hang", "memory"}:
                    if not job.service or job.reason:
                        return
                    job.failure = "crash" if reason == "stopped" else reason
                job.tried = True
                continue
            self._take_answer(answer, [(job, answer)])
            if job.answered is not None:
                job.answered(answer)
            return

    def _take_answer(self, answer: dict[str, Any], taken: Iterable[tuple[Job, dict[str, Any]]]) -> None:
        """The worker has taken these, and told this of each: they are written, or will be unless it is killed first."""
        settled = answer.get("settled", 0)
        self._ledger.settle(settled)
        for job, told in taken:
            if broken := told.get("broken"):
                self.lose(job.service, str(broken), job.answers)
                continue
            job.is_done = True
            self.counters.read += job.batched and job.socket is None
            if job.socket is not None:
                self._sockets.note(job, is_busy=bool(told.get("busy")))
            if job.number > settled:
                self._ledger.note(job.number, job.loss(told.get("begun", 0)))
        self._take_pulse(answer)
        if answer.get("tired"):
            self._end_worker(5.0)

    def _connect(self) -> Helper:
        """Return a worker that is ready; start one if there is none."""
        if self._helper is not None:
            return self._helper
        if self._failures:
            time.sleep(min(0.05 * 2**self._failures, 5.0))
        self._helper = Helper(self._module, self._db, None if self._tally is None else self._tally.path)
        try:
            self._written = self._helper.greet()
        except HelperLostError as error:
            self._failures += 1
            if self._ready.is_set() and self.trouble != str(error):
                self._tell(str(error))
            self.trouble = str(error)
            raise
        self._failures, self.trouble = 0, None
        for loss in self._ledger.give_up(self._written):
            self._lose(loss)
        return self._helper

    def _bury(self) -> str:
        """Clear away a worker that is gone; return why it went."""
        helper, self._helper = self._helper, None
        self._sockets.forget_worker()
        reason = "crash" if helper is None else helper.bury()
        if reason != "stopped" or not self._queue.closing:
            self.counters.restarts += 1
        return reason

    def _end_worker(self, seconds: float) -> None:
        """Let the present worker go; the next job gets a fresh one."""
        helper, self._helper = self._helper, None
        self._sockets.forget_worker()
        if helper is not None:
            helper.end(seconds)
