"""The worker: a process of its own that reads what was heard, counts it and writes it. It may hang or crash."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Iterable
from pathlib import Path

from addon.capturing import Captures
from addon.company import all_services
from addon.crossing import Crossing
from addon.desk import Desk
from addon.hardening import MEMORY_EXIT, forbid_core_dumps, limit_memory, memory_megabytes
from addon.outbox import Outbox
from addon.parcel import split
from addon.reader import Reader
from addon.service import Service
from addon.tally import Tally
from tracker.errors import tell
from tracker.key import load_key
from tracker.store import Store

MEMORY_MEGABYTES = 1024
TIRED_MEGABYTES = 400
"""A worker that has grown to this is replaced between two exchanges."""
WORKED_ENOUGH = 20_000
"""After so many exchanges a fresh worker takes over: no leak outlives that."""


def main(services: Iterable[Service] | None = None) -> None:
    """Serve one proxy over the inherited socket until it hangs up; tests bring services that misbehave."""
    crossing = Crossing(socket.socket(fileno=int(sys.argv[1])))
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
            tally = _open_tally(Path(sys.argv[3])) if len(sys.argv) > 3 else None
            desk = Desk(reader, store, Captures(path.parent), Outbox(store, tally))
            desk.outbox.take_over()
            crossing.send(json.dumps({"settled": desk.outbox.before}).encode())
            serve(crossing, desk)
    except Exception as error:  # noqa: BLE001 - a traceback could quote what was being read
        _report(crossing, error)


def serve(crossing: Crossing, desk: Desk) -> None:
    """Take parcels one by one and answer each."""
    done = 0
    while True:
        try:
            header, blob = split(crossing.receive())
        except EOFError:
            break
        try:
            answer = desk.deal_with(header, blob)
        except MemoryError:
            os._exit(MEMORY_EXIT)
        except Exception:  # noqa: BLE001 - a traceback could quote what was being read
            os._exit(1)  # what was being done is done again by the next worker, as far as it is not written
        done += 1
        grown = done % 100 == 0 and memory_megabytes() > TIRED_MEGABYTES
        if (grown or done >= WORKED_ENOUGH) and not desk.sockets and not desk.outbox.waiting:
            answer["tired"] = True
        crossing.send(json.dumps(answer).encode())
    desk.end()


def _open_tally(path: Path) -> Tally | None:
    """Open the proxy's count of what is under way; None if somebody removed it, and all is read nevertheless."""
    try:
        return Tally(path)
    except OSError:
        return None


def _drop_priority() -> None:
    """The chat comes first: reading may wait for an idle moment."""
    if hasattr(os, "nice"):
        os.nice(5)


def _report(crossing: Crossing, error: Exception) -> None:
    """Tell the proxy why there is no worker."""
    try:
        crossing.send(json.dumps({"failed": tell(error)}).encode())
    except OSError:
        return  # the proxy is gone: nobody to tell


if __name__ == "__main__":
    main()
