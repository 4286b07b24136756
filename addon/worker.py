"""The worker: a process of its own that reads what was heard, counts it and writes it. It may hang or crash."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate, pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from addon.capturing import Captures
from addon.company import all_services
from addon.hardening import MEMORY_EXIT, forbid_core_dumps, limit_memory, memory_megabytes
from addon.outbox import Outbox, local_day
from addon.parcel import split, unpack, unpack_message
from addon.pulse import Pulse, is_paused
from addon.reader import NOTHING, Reader, Reading, SocketReader
from addon.service import Service
from addon.tally import Tally
from tracker.key import load_key
from tracker.record import Unread
from tracker.store import Store, StoreError

READING_SECONDS = 20.0
"""A reader that takes longer is killed by the kernel, even inside a regular expression."""
MEMORY_MEGABYTES = 1024
TIRED_MEGABYTES = 400
"""A worker that has grown to this is replaced between two exchanges."""
WORKED_ENOUGH = 20_000
"""After so many exchanges a fresh worker takes over: no leak outlives that."""


@dataclass(slots=True)
class Desk:
    """Everything the worker has open: the reader, the store, the sockets, and what is on its way to the store."""

    reader: Reader
    store: Store
    captures: Captures
    outbox: Outbox
    sockets: dict[str, SocketReader] = field(default_factory=dict)
    pulse: Pulse = field(default_factory=Pulse)

    def take(self, header: dict[str, Any], blob: memoryview) -> dict[str, Any]:
        """Do what one parcel asks; return the answer for the proxy."""
        match header["kind"]:
            case "exchange":
                return self._look_again(self._read(header, blob))
            case "batch":
                return self._take_all(header["sizes"], blob)
            case "open":
                self._open(header, blob)
                self.outbox.put(NOTHING, header["service"], None, answers=1)
            case "hear":
                message = unpack_message(header, blob)
                self.captures.hear(header["socket"], message)
                return self._hear(header, lambda socket: socket.hear(message))
            case "close":
                told = self._hear(header, lambda socket: socket.close(header["ending"], header["at_ms"]))
                self.sockets.pop(header["socket"], None)
                self.tell_busy()
                self.captures.close(header["socket"])
                return told
            case "lost":
                now = datetime.now(UTC).timestamp()
                lost = Unread(
                    day=local_day(now), service=header["service"], shape="", reason=header["reason"], n=header["n"]
                )
                self.outbox.put(Reading(unread=(lost,)), lost.service, now, answers=header["answers"])
            case "settle":
                self.outbox.flush()
            case "beat":
                with _deadline():
                    late = self.reader.overdue(datetime.now(UTC))
                self.outbox.put(late, "", None)
                return self.beat(header)
            case "look":
                return self.pulse.look(self.store)
        return {}

    def _take_all(self, sizes: list[int], blob: memoryview) -> dict[str, Any]:
        """Read several exchanges and write them in one go; a fault of one is told and costs none of the others."""
        faults: list[tuple[str, str]] = []
        readings = NOTHING
        with self.outbox.together():
            for begin, end in pairwise(accumulate(sizes, initial=0)):
                header, rest = split(bytes(blob[begin:end]))
                try:
                    readings += self._read(header, rest)
                except MemoryError:
                    raise
                except Exception as error:  # noqa: BLE001 - what one exchange does to us must not cost the next
                    faults.append((header["service"], type(error).__name__))
        return {**self._look_again(readings), "faults": faults}

    def _read(self, header: dict[str, Any], blob: memoryview) -> Reading:
        service, at = header["service"], header["started_at"]
        reading = NOTHING
        if not self._is_paused(service, at):
            exchange = unpack(header, blob)
            with _deadline():
                reading = self.reader.read(exchange)
                self.captures.take(service, exchange, reading)
        self.outbox.put(reading, service, at, answers=1)
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

    def _hear(self, header: dict[str, Any], act: Callable[[SocketReader], Reading]) -> dict[str, Any]:
        socket = self.sockets.get(header["socket"])
        if socket is None:
            return {}
        was_busy = socket.is_busy
        with _deadline():
            reading = act(socket)
            self.captures.turn(header["socket"], reading)
        self.outbox.put(reading, socket.service, None)
        if socket.is_busy != was_busy:
            self.tell_busy()
        return self._look_again(reading)

    def tell_busy(self) -> None:
        """Note on how many sockets an answer may be under way."""
        if self.outbox.tally is not None:
            self.outbox.tally.hear(Counter(one.service for one in self.sockets.values() if one.is_busy))

    def beat(self, header: dict[str, Any]) -> dict[str, Any]:
        """Write the heartbeat, and tell the proxy what becomes of new turns."""
        waiting = self.outbox.waiting
        try:
            self.outbox.tell_lost(header["at"])
            if self.outbox.tally is not None:
                self.outbox.tally.save()
            return {**self.pulse.write(self.store, header), "waiting": len(waiting)}
        except StoreError as error:
            return {"trouble": str(error), "waiting": len(waiting)}

    def end(self) -> None:
        """The proxy is gone: what has been heard of answers that were under way is read as it is."""
        for socket in self.sockets.values():
            with _deadline():
                self.outbox.put(socket.close("aborted", None), socket.service, None)
        self.sockets.clear()
        self.tell_busy()
        self.outbox.put(self.reader.overdue(), "", None)
        self.outbox.flush()

    def _look_again(self, reading: Reading) -> dict[str, Any]:
        return self.pulse.look_again(self.store) if reading.records else {}

    def _is_paused(self, service: str, at: float) -> bool:
        try:
            return is_paused(self.store, service, at)
        except StoreError:
            return False  # a pause cannot be looked up now; a locked database is also why


def main(services: Iterable[Service] | None = None) -> None:
    """Serve one proxy over the inherited connection until it hangs up; tests bring services that misbehave."""
    connection = Connection(int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the proxy's business, which then tells us
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    forbid_core_dumps()
    limit_memory(MEMORY_MEGABYTES)
    _drop_priority()
    try:
        path = Path(sys.argv[2])
        with Store.open(path) as store:
            reader = Reader(load_key(path), services=all_services(path.parent) if services is None else services)
            tally = Tally(Path(sys.argv[3])) if len(sys.argv) > 3 else None
            desk = Desk(reader, store, Captures(path.parent), Outbox(store, tally))
            desk.tell_busy()
            connection.send_bytes(b"{}")
            serve(connection, desk)
    except Exception as error:  # noqa: BLE001 - a traceback could quote what was being read
        _report(connection, error)


def serve(connection: Connection, desk: Desk) -> None:
    """Take parcels one by one and answer each."""
    done = 0
    while True:
        try:
            header, blob = split(connection.recv_bytes())
        except EOFError:
            break
        try:
            answer = desk.take(header, blob)
        except MemoryError:
            os._exit(MEMORY_EXIT)
        except Exception as error:  # noqa: BLE001 - what one exchange does to us must not cost the next
            answer = {"broken": type(error).__name__}
        done += 1
        grown = done % 100 == 0 and memory_megabytes() > TIRED_MEGABYTES
        if (grown or done >= WORKED_ENOUGH) and not desk.sockets and not desk.outbox.waiting:
            answer["tired"] = True
        connection.send_bytes(json.dumps(answer).encode())
    desk.end()


@contextmanager
def _deadline() -> Iterator[None]:
    """Be killed by the kernel if the block takes too long: no Python code can refuse that, nor swallow it."""
    signal.setitimer(signal.ITIMER_REAL, READING_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _drop_priority() -> None:
    """The chat comes first: reading may wait for an idle moment."""
    if hasattr(os, "nice"):
        os.nice(5)


def _report(connection: Connection, error: Exception) -> None:
    """Tell the proxy why there is no worker; sentences of our own errors are fit to be shown, others are not."""
    told = str(error) if type(error).__module__.startswith("tracker.") else type(error).__name__
    try:
        connection.send_bytes(json.dumps({"failed": told}).encode())
    except OSError:
        return  # the proxy is gone: nobody to tell


if __name__ == "__main__":
    main()
