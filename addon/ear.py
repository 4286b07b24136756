"""The proxy's side of the worker: a bounded queue, a thread that feeds it, and a new worker when one is lost."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from addon.exchange import Ending
from addon.gate import Gate
from addon.helper import Helper, HelperLostError
from addon.jobs import Counters, Job, Queue
from addon.parcel import Copy, join, pack, pack_message
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
        self._sockets: dict[str, tuple[str, bytes]] = {}
        """The open sockets: their service, and the parcel that opens them with a new worker too."""
        self._known: set[str] = set()
        """Sockets that the present worker knows."""
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
        self._put(Job(pack_it, copy.service, socket, copy.weight, copy.release, answers=1))

    def hear(self, socket: str, copy: Copy, ns: int, *, from_client: bool, data: bytes) -> None:
        pack_it = partial(pack_message, socket, copy, ns, from_client=from_client, data=data)
        self._put(Job(pack_it, copy.service, socket, 300 + len(data)))

    def close_socket(self, socket: str, copy: Copy, ns: int, ending: Ending) -> None:
        at_ms = max(0, ns - copy.started_ns) // 1_000_000
        header = {"kind": "close", "socket": socket, "service": copy.service, "ending": ending, "at_ms": at_ms}
        self._put(Job(lambda: join(header), copy.service, socket, closes=True))

    def lose(self, service: str, reason: str, answers: int = 0) -> None:
        """Count something that will not be read; ``answers`` is 1 if it had begun as one."""
        self.counters.lost[reason] += 1
        self._queue.lose(service, reason, answers)

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
            try:
                if len(jobs) == 1 or not self._deliver_together(jobs):
                    for one in jobs:
                        self._deliver(one)
            except Exception as error:  # noqa: BLE001 - this thread must outlive whatever one exchange does to it
                for one in jobs:
                    self.lose(one.service, type(error).__name__, one.answers)
            for one in jobs:
                if one.release is not None:
                    one.release()

    def _deliver_together(self, jobs: list[Job]) -> bool:
        """Have the worker read several exchanges at once; False if it did not survive that and each must go alone."""
        try:
            parcels = [job.pack() for job in jobs]
            helper = self._connect()
            answer = helper.ask(join({"kind": "batch", "sizes": [len(parcel) for parcel in parcels]}, *parcels))
        except (EOFError, OSError, HelperLostError):
            self._bury()
            return False
        for service, reason in answer.get("faults", ()):
            self.lose(service, reason, 1)
        self.counters.read += len(jobs) - len(answer.get("faults", ()))
        self._take_pulse(answer)
        if answer.get("tired"):
            self._end_worker(5.0)
        return True

    def _deliver(self, job: Job) -> None:
        while True:
            try:
                helper = self._connect()
                parcel = job.pack()
                if job.socket is not None:
                    self._introduce(helper, job, parcel)
                answer = helper.ask(parcel)
            except (EOFError, OSError, HelperLostError):
                reason = self._bury()
                if job.tried or self._queue.closing or reason in {"hang", "memory"}:
                    if job.service:
                        self.lose(job.service, "crash" if reason == "stopped" else reason, job.answers)
                    return
                job.tried = True
                continue
            if broken := answer.get("broken"):
                self.lose(job.service, str(broken), job.answers)
            self.counters.read += job.batched and not broken
            self._take_pulse(answer)
            if job.answered is not None:
                job.answered(answer)
            if answer.get("tired"):
                self._end_worker(5.0)
            return

    def _introduce(self, helper: Helper, job: Job, parcel: bytes) -> None:
        """See to it that the present worker knows the socket of this job, also one opened with a worker before it."""
        name = job.socket or ""
        if job.release is not None:  # the opening itself
            self._sockets[name] = job.service, parcel
        elif name in self._sockets and name not in self._known:
            helper.ask(self._sockets[name][1])
        self._known.add(name)
        if job.closes:
            self._sockets.pop(name, None)
            self._known.discard(name)

    def _connect(self) -> Helper:
        """Return a worker that is ready; start one if there is none."""
        if self._helper is not None:
            return self._helper
        if self._failures:
            time.sleep(min(0.05 * 2**self._failures, 5.0))
        self._helper = Helper(self._module, self._db, None if self._tally is None else self._tally.path)
        try:
            self._helper.greet()
        except HelperLostError as error:
            self._failures += 1
            if self._ready.is_set() and self.trouble != str(error):
                self._tell(str(error))
            self.trouble = str(error)
            raise
        self._failures, self.trouble = 0, None
        return self._helper

    def _bury(self) -> str:
        """Clear away a worker that is gone; return why it went."""
        helper, self._helper = self._helper, None
        for name in self._known & self._sockets.keys():
            self.lose(self._sockets[name][0], "worker-lost")  # the turn that was going on, if one was
        self._known.clear()
        reason = "crash" if helper is None else helper.bury()
        if reason != "stopped" or not self._queue.closing:
            self.counters.restarts += 1
        return reason

    def _end_worker(self, seconds: float) -> None:
        """Let the present worker go; the next job gets a fresh one."""
        helper, self._helper = self._helper, None
        self._known.clear()
        if helper is not None:
            helper.end(seconds)
