"""The worker's desk: what one parcel asks is done here, and every answer is written or counted, once."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate, pairwise
from typing import Any

from addon.capturing import Captures
from addon.hearing import Hearing
from addon.outbox import Outbox, local_day
from addon.parcel import split, unpack, unpack_message
from addon.pulse import Pulse, is_paused
from addon.reader import Reader
from addon.reading import NOTHING, Reading
from tracker.errors import tell
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
    sockets: dict[str, Hearing] = field(default_factory=dict)
    pulse: Pulse = field(default_factory=Pulse)
    _held: Counter[str] = field(default_factory=Counter)
    """Answers under way that nobody but this process knows of, as they were last noted."""

    def deal_with(self, header: dict[str, Any], blob: memoryview) -> dict[str, Any]:
        """
        Do what one parcel asks, unless that is done; return the answer for the proxy.

        A fault of one exchange costs that exchange. If this raises, nothing in here can be relied on any more.
        """
        answer = self._take(header, blob)
        self.outbox.taken = max(self.outbox.taken, header["number"])
        return {**answer, "settled": self.outbox.settled}

    def _take(self, header: dict[str, Any], blob: memoryview) -> dict[str, Any]:
        match header["kind"]:
            case "batch":
                return self._take_all(header["sizes"], blob)
            case "lost":
                self._count(header, header["reason"], header["n"], answers=header["answers"])
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
        reading, told = self._take_one(header, blob)
        return {**told, **self._look_again(reading)}

    def _take_all(self, sizes: list[int], blob: memoryview) -> dict[str, Any]:
        """Take several and write them in one go."""
        told: list[dict[str, Any]] = []
        readings = NOTHING
        with self.outbox.together():
            for begin, end in pairwise(accumulate(sizes, initial=0)):
                reading, answer = self._take_one(*split(blob[begin:end]))
                readings += reading
                told.append(answer)
        return {**self._look_again(readings), "told": told}

    def _take_one(self, header: dict[str, Any], blob: memoryview) -> tuple[Reading, dict[str, Any]]:
        """Take an exchange, or what happened on a socket; return what was read and what the proxy should know."""
        socket = self.sockets.get(header.get("socket", ""))
        try:
            match header["kind"]:
                case "exchange":
                    return self._read(header, blob), {}
                case "open":
                    self._open(header, blob)
                case _ if socket is not None:
                    return self._listen(header, blob, socket)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - what one exchange does to us must not cost the next
            reason = type(error).__name__
            if header["kind"] in {"exchange", "open"}:
                self._count(header, reason, 1, answers=1)
                return NOTHING, {"broken": reason}
            if socket is not None:
                return NOTHING, self._miss(header, reason, socket)
        return NOTHING, {}

    def _is_done(self, header: dict[str, Any]) -> bool:
        """Whether a worker before this one died after it had written what came of it."""
        number: int = header["number"]
        return 0 < number <= self.outbox.before

    def _count(self, header: dict[str, Any], reason: str, n: int, *, answers: int) -> None:
        """Count what was not read; ``answers`` of those that the proxy saw begin are done with thereby."""
        if not self._is_done(header):
            now, service = datetime.now(UTC).timestamp(), header["service"]
            lost = (Unread(day=local_day(now), service=service, shape="", reason=reason, n=n),) if n else ()
            self._put(Reading(unread=lost), service, now, answers=answers, number=header["number"])

    def _read(self, header: dict[str, Any], blob: memoryview) -> Reading:
        service, at = header["service"], header["started_at"]
        reading = NOTHING
        if self._is_done(header):
            return reading
        if not self._is_paused(service, at):
            exchange = unpack(header, blob)
            with _deadline():
                reading = self.reader.read(exchange)
                self.captures.take(service, exchange, reading)
        self._put(reading, service, at, answers=1, number=header["number"])
        return reading

    def _open(self, header: dict[str, Any], blob: memoryview) -> None:
        """Open a socket; it comes again for each worker, but is one."""
        if not self._is_paused(header["service"], header["started_at"]):
            opening = unpack(header, blob)
            with _deadline():
                socket = Hearing.begin(self.reader, opening)
            if socket is not None:
                self.sockets[header["socket"]] = socket
                if not header["number"] or self._is_done(header):
                    socket.take_over(self.outbox.orphaned[socket.service])
                self.captures.open(header["socket"], header["service"], opening)
        if header["number"] and not self._is_done(header):
            self._put(NOTHING, header["service"], None, answers=1, number=header["number"])

    def _listen(self, header: dict[str, Any], blob: memoryview, socket: Hearing) -> tuple[Reading, dict[str, Any]]:
        """Take what happened on an open socket."""
        name, reading = header["socket"], NOTHING
        match header["kind"]:
            case "hear":
                message = unpack_message(header, blob)
                self.captures.hear(name, message)
                if self._is_done(header):
                    self._recall(socket, from_client=message.from_client)
                else:
                    with _deadline():
                        reading = socket.hear(message)
                        self.captures.turn(name, reading)
            case "miss":
                return NOTHING, self._miss(header, header["reason"], socket)
            case "lose":
                socket.lose(header["part"])
            case "rests":
                socket.expect_rests(header["n"])
            case "close":
                del self.sockets[name]
                with _deadline():
                    reading = socket.close(header["ending"], header["at_ms"])
                    self.captures.turn(name, reading)
                self.captures.close(name)
        return reading, self._put_heard(header, reading, socket)

    def _recall(self, socket: Hearing, *, from_client: bool) -> None:
        """The worker before had heard this, and counted the answer if one was under way then; it told nobody which."""
        is_lost = socket.passes_over(from_client=from_client)
        if not is_lost and not from_client and socket.service in self.outbox.orphaned:
            socket.lose("answer")

    def _miss(self, header: dict[str, Any], reason: str, socket: Hearing) -> dict[str, Any]:
        """A message of a socket cannot be heard: what it belongs to is lost."""
        reading = socket.miss(reason, header["at_ms"], from_client=header.get("from_client", False))
        if self._is_done(header):
            reading = NOTHING
        told = self._put_heard(header, reading, socket)
        return {**told, "broken": reason} if reading.unread else told

    def _put_heard(self, header: dict[str, Any], reading: Reading, socket: Hearing) -> dict[str, Any]:
        more = self._put(reading, socket.service, None, number=header["number"])
        came = len(reading.records) or sum(one.n for one in reading.unread)
        return {"begun": max(0, came + more), "part": socket.part, "asked": socket.is_asked, "open": socket.under_way}

    def _put(self, reading: Reading, service: str, at: float | None, *, answers: int = 0, number: int = 0) -> int:
        """
        Have a reading written; ``answers`` of those that the proxy saw begin were read for it.

        One that is not over is held, and done with when it is. Return how many more are held from now on.
        """
        held = self.reader.under_way()
        for socket in self.sockets.values():
            held[socket.service] += socket.under_way
        more = Counter({name: n for name in held.keys() | self._held.keys() if (n := held[name] - self._held[name])})
        done = Counter({service: answers})
        done.subtract(more)
        self.outbox.put(reading, service, at, done=done, held=more, number=number)
        self._held = held
        return more[service]

    def beat(self, header: dict[str, Any]) -> dict[str, Any]:
        """Write the heartbeat, and tell the proxy what becomes of new turns."""
        waiting = self.outbox.waiting
        if self.pulse.is_elsewhere(self.store):  # what is written there now is gone: the next worker opens what is here
            return {"tired": True, "waiting": len(waiting)}
        try:
            self.outbox.flush()
            self.outbox.count_killed()
            if self.outbox.tally is not None:
                self.outbox.tally.save()
            return {**self.pulse.write(self.store, header), "waiting": len(waiting)}
        except Exception as error:  # noqa: BLE001 - a heartbeat that fails must not cost what has been read
            return {"trouble": tell(error), "waiting": len(waiting)}

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
