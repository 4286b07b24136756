"""The proxy's side of the worker: what the tap tells goes into a bounded queue, and nobody waits."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from addon.exchange import Ending
from addon.feeder import Feeder
from addon.gate import Gate
from addon.jobs import Counters, Job, Queue, wrap_numbered
from addon.ledger import Loss
from addon.parcel import Copy, pack, pack_message
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
        self._db = db
        self._tally: Tally | None = None
        self._queue = Queue()
        self._feeder = Feeder(db, self._queue, self.gate, module=module, tell=tell)
        self._thread = threading.Thread(target=self._feeder.run, name="feeder", daemon=True)
        self._missing: dict[str, bool] = {}
        """Sockets of which nothing could be taken since the last message that was lost, and whose that was."""

    def start(self) -> None:
        """Start the feeding thread, which starts the worker."""
        self._tally = self._feeder.tally = Tally.make(self._db)
        self._thread.start()

    @property
    def counters(self) -> Counters:
        """What became of what was handed over."""
        return self._queue.counters

    @property
    def trouble(self) -> str | None:
        """Why the worker could not start or write, as a sentence; None when all is well."""
        return self._feeder.trouble

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The present worker's process."""
        return self._feeder.process

    def wait_until_ready(self, seconds: float) -> str | None:
        """Wait for the first worker; return why there is none, as a sentence, or None when it is ready."""
        if not self._feeder.ready.wait(seconds):
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
        if not self._queue.put(Job(pack_it, copy.service, None, copy.weight, copy.release, batched=True, answers=1)):
            self._queue.lose(Loss(copy.service, "overload", answers=1))
            copy.release()

    def open_socket(self, socket: str, copy: Copy) -> None:
        pack_it = partial(pack, "open", copy, socket=socket)
        job = Job(pack_it, copy.service, socket, copy.weight, copy.release, batched=True, answers=1, n=0)
        self._queue.put(job, always=True)  # it is small, and nothing of it could be read without

    def hear(self, socket: str, copy: Copy, ns: int, *, from_client: bool, data: bytes) -> None:
        pack_it = partial(pack_message, socket, copy, ns, from_client=from_client, data=data)
        instead = _missing(socket, copy, ns, from_client=from_client)
        if self._queue.put(Job(pack_it, copy.service, socket, 300 + len(data), batched=True, instead=instead)):
            self._missing.pop(socket, None)
        else:
            self.miss(socket, copy, ns, from_client=from_client, reason="overload")

    def miss(self, socket: str, copy: Copy, ns: int, *, from_client: bool, reason: str) -> None:
        if self._missing.get(socket) != from_client:  # one tells of all in a row
            self._missing[socket] = from_client
            header = {**_missing(socket, copy, ns, from_client=from_client), "reason": reason}
            self._queue.put(Job(partial(wrap_numbered, header), copy.service, socket, batched=True), always=True)

    def close_socket(self, socket: str, copy: Copy, ns: int, ending: Ending) -> None:
        self._missing.pop(socket, None)
        header = {"kind": "close", "socket": socket, "ending": ending, "at_ms": copy.elapsed_ms(ns)}
        job = Job(partial(wrap_numbered, header), copy.service, socket, batched=True, closes=True, n=0)
        self._queue.put(job, always=True)

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
        self._feeder.stop(2.0)
        if self._tally is not None:
            self._tally.close()


def _missing(socket: str, copy: Copy, ns: int, *, from_client: bool) -> dict[str, Any]:
    """What the worker is told in the place of a message."""
    return {"kind": "miss", "socket": socket, "at_ms": copy.elapsed_ms(ns), "from_client": from_client}
