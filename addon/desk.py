"""The worker's desk: what one parcel asks is done here, and every answer is written or counted, once."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate, pairwise
from typing import Any

from addon.capturing import Captures
from addon.outbox import Outbox, local_day
from addon.parcel import split, unpack, unpack_message
from addon.pulse import Pulse, is_paused
from addon.reader import NOTHING, Reader, Reading, SocketReader
from tracker.record import Unread
from tracker.store import Store, StoreError

READING_SECONDS = 20.0
"""A reader that takes longer is killed by the kernel, even inside a regular expression."""


@dataclass(slots=True)
class Desk:
    """Everything the worker has open: the reader, the store, the sockets, and what is on its way to the store."""

    reader: Reader
    store: Store
    captures: Captures
    outbox: Outbox
    sockets: dict[str, SocketReader] = field(default_factory=dict)
    pulse: Pulse = field(default_factory=Pulse)
    _deaf: set[str] = field(default_factory=set)
    """Sockets on which an answer was under way that is lost: not heard until the next question."""
    _held: Counter[str] = field(default_factory=Counter)
    """Answers under way that nobody but this process knows of, as they were last noted."""

    def deal_with(self, header: dict[str, Any], blob: memoryview) -> dict[str, Any]:
        """Do what one parcel asks, unless that is done; return the answer for the proxy."""
        answer = {} if self._is_done(header) else self._take(header, blob)
        self.outbox.taken = max(self.outbox.taken, header["number"])
        return {**answer, "settled": self.outbox.settled}

    def _is_done(self, header: dict[str, Any]) -> bool:
        """Whether the worker before this one died after it had written it; a socket is opened again all the same."""
        return 0 < header["number"] <= self.outbox.before and header["kind"] not in {"open", "batch"}

    def _take(self, header: dict[str, Any], blob: memoryview) -> dict[str, Any]:
        match header["kind"]:
            case "batch":
                return self._take_all(header["sizes"], blob)
            case "lost":
                now = datetime.now(UTC).timestamp()
                lost = Unread(
                    day=local_day(now), service=header["service"], shape="", reason=header["reason"], n=header["n"]
                )
                reading = Reading(unread=(lost,))
                self._put(reading, lost.service, now, answers=header["answers"], number=header["number"])
                return {}
            case "settle":
                self.outbox.flush()
                return {}
            case "beat":
                with _deadline():
                    late = self.reader.overdue(datetime.now(UTC))
                self._put(late, "", None)
                return self.beat(header)
            case "look":
                return self.pulse.look(self.store)
        reading, told = self._listen(header, blob)
        return {**told, **self._look_again(reading)}

    def _take_all(self, sizes: list[int], blob: memoryview) -> dict[str, Any]:
        """Take several and write them in one go; a fault of one is told and costs none of the others."""
        told: list[dict[str, Any]] = []
        readings = NOTHING
        with self.outbox.together():
            for begin, end in pairwise(accumulate(sizes, initial=0)):
                header, rest = split(bytes(blob[begin:end]))
                try:
                    reading, answer = (NOTHING, {}) if self._is_done(header) else self._listen(header, rest)
                except MemoryError:
                    raise
                except Exception as error:  # noqa: BLE001 - what one exchange does to us must not cost the next
                    told.append({"broken": type(error).__name__})
                    continue
                readings += reading
                told.append(answer)
        return {**self._look_again(readings), "told": told}

    def _listen(self, header: dict[str, Any], blob: memoryview) -> tuple[Reading, dict[str, Any]]:
        """Take an exchange, or what happened on a socket; return what was read and what the proxy should know."""
        match header["kind"]:
            case "exchange":
                return self._read(header, blob), {}
            case "open":  # it comes again for each worker, but is one
                self._open(header, blob)
                if header["number"] > self.outbox.before:
                    self._put(NOTHING, header["service"], None, answers=1, number=header["number"])
            case "hear":
                message = unpack_message(header, blob)
                self.captures.hear(header["socket"], message)
                if self._is_heard(header):
                    return self._hear(header, lambda socket: socket.hear(message))
            case "deafen":
                self._deaf.add(header["socket"])
            case "close":
                heard = self._hear(header, lambda socket: socket.close(header["ending"], header["at_ms"]))
                self.captures.close(header["socket"])
                return heard
        return NOTHING, {}

    def _read(self, header: dict[str, Any], blob: memoryview) -> Reading:
        service, at = header["service"], header["started_at"]
        reading = NOTHING
        if not self._is_paused(service, at):
            exchange = unpack(header, blob)
            with _deadline():
                reading = self.reader.read(exchange)
                self.captures.take(service, exchange, reading)
        self._put(reading, service, at, answers=1, number=header["number"])
        return reading

    def _open(self, header: dict[str, Any], blob: memoryview) -> None:
        if self._is_paused(header["service"], header["started_at"]):
            return
        opening = unpack(header, blob)
        with _deadline():
            socket = self.reader.open_socket(opening)
        if socket is not None:
            self.sockets[header["socket"]] = socket
            self.captures.open(header["socket"], header["service"], opening)

    def _hear(self, header: dict[str, Any], act: Callable[[SocketReader], Reading]) -> tuple[Reading, dict[str, Any]]:
        socket = self.sockets.get(header["socket"])
        if socket is None:
            return NOTHING, {}
        with _deadline():
            reading = act(socket)
            self.captures.turn(header["socket"], reading)
        if header["kind"] == "close":
            del self.sockets[header["socket"]]
            self._deaf.discard(header["socket"])
        begun = self._put(reading, socket.service, None, number=header["number"])
        return reading, {"begun": begun, "busy": socket.is_busy}

    def _is_heard(self, header: dict[str, Any]) -> bool:
        if header["from_client"]:
            self._deaf.discard(header["socket"])
        return header["socket"] not in self._deaf

    def _put(self, reading: Reading, service: str, at: float | None, *, answers: int = 0, number: int = 0) -> int:
        """
        Have a reading written; ``answers`` of those that the proxy saw begin were read for it.

        One that is not over is held, and done with when it is. Return how many more are held from now on.
        """
        held = self.reader.under_way()
        held.update(one.service for one in self.sockets.values() if one.is_busy)
        more = Counter({name: n for name in held.keys() | self._held.keys() if (n := held[name] - self._held[name])})
        done = Counter({service: answers})
        done.subtract(more)
        self._held = held
        self.outbox.put(reading, service, at, done=done, held=more, number=number)
        return max(0, more[service])

    def beat(self, header: dict[str, Any]) -> dict[str, Any]:
        """Write the heartbeat, and tell the proxy what becomes of new turns."""
        waiting = self.outbox.waiting
        try:
            self.outbox.flush()
            self.outbox.count_killed()
            if self.outbox.tally is not None:
                self.outbox.tally.save()
            return {**self.pulse.write(self.store, header), "waiting": len(waiting)}
        except StoreError as error:
            return {"trouble": str(error), "waiting": len(waiting)}

    def end(self) -> None:
        """The proxy is gone: what has been heard of answers that were under way is read as it is."""
        while self.sockets:
            _, socket = self.sockets.popitem()
            with _deadline():
                reading = socket.close("aborted", None)
            self._put(reading, socket.service, None)
        self._put(self.reader.overdue(), "", None)
        self.outbox.flush()

    def _look_again(self, reading: Reading) -> dict[str, Any]:
        return self.pulse.look_again(self.store) if reading.records else {}

    def _is_paused(self, service: str, at: float) -> bool:
        try:
            return is_paused(self.store, service, at)
        except StoreError:
            return False  # a pause cannot be looked up now; a locked database is also why


@contextmanager
def _deadline() -> Iterator[None]:
    """Be killed by the kernel if the block takes too long: no Python code can refuse that, nor swallow it."""
    signal.setitimer(signal.ITIMER_REAL, READING_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
