"""
How many answers are under way, in a mapped file that outlives a killed proxy: names of services and numbers, no more.

The proxy counts what begins, its worker what has been written down or counted as lost. A file that no process holds
any more tells how many answers the ones that held it had not brought to an end.
"""

from __future__ import annotations

import mmap
import os
import re
import secrets
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tracker.private import make_private_folder

if sys.platform != "win32":
    import fcntl

SLOTS = 256
"""Services that one proxy can tell apart; what is beyond is not counted."""
_NAME = 6
_BEGUN, _DONE, _SOCKETS, _LATEST = range(_NAME, _NAME + 4)
"""Of a slot, after the words of its name: answers begun, answers done, sockets on which an answer may be under way,
and when the latest answer began (seconds since the epoch). The proxy writes the first and last, the worker the rest."""
_SLOT = _LATEST + 1
_SIZE = SLOTS * _SLOT * 8
_BELIEVABLE, _FAR = 1_000_000, 2**35
"""No proxy carries so many answers at once; no clock shows such a second before the year 3058."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """Answers of one service that nobody brought to an end."""

    service: str
    n: int
    latest: float
    """When the latest of them began, in seconds since the epoch."""


class Tally:
    """
    One file, held by one proxy and one worker at a time. Each word has one writer and is written whole.

    Nothing raises once it is made, and nothing waits: to count is to store a number in memory.
    """

    def __init__(self, path: Path) -> None:
        """Map a file that ``make`` made, and hold it for as long as this process lives; raises OSError."""
        self.path = path
        self._file = os.open(path, os.O_RDWR)
        if sys.platform != "win32":
            fcntl.flock(self._file, fcntl.LOCK_SH)
        self._map = mmap.mmap(self._file, _SIZE)
        self._words = memoryview(self._map).cast("Q")
        self._slots: dict[str, int] = {}

    @classmethod
    def make(cls, db: Path) -> Tally | None:
        """Return a new one beside the database, or None where that cannot be."""
        if sys.platform == "win32":
            return None
        path = db.with_name(f"{_prefix(db)}{os.getpid()}-{secrets.token_hex(4)}")
        draft = path.with_name(f".{path.name}")  # nobody takes it for a leftover before it is held
        try:
            make_private_folder(db.parent)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(bytes(_SIZE))
            made = cls(draft)
            made.path = draft.rename(path)
        except OSError:
            return None
        return made

    # What the proxy counts

    def begin(self, service: str) -> None:
        """An answer of this service is under way."""
        slot = self._find(service, make=True)
        if slot is not None:
            self._words[slot + _LATEST] = int(time.time())
            self._words[slot + _BEGUN] += 1

    def withdraw(self, service: str) -> None:
        """It was none: nothing was answered."""
        slot = self._find(service)
        if slot is not None and self._words[slot + _BEGUN]:
            self._words[slot + _BEGUN] -= 1

    # What the worker counts

    def finish(self, service: str, n: int = 1) -> None:
        """So many answers are written down, or counted as lost."""
        slot = self._find(service)
        if slot is not None:
            self._words[slot + _DONE] += n

    def hear(self, busy: Mapping[str, int]) -> None:
        """So many sockets of each service have an answer under way; of all others none has."""
        for slot in range(0, len(self._words), _SLOT):
            if not (name := _name(self._words, slot)):
                return
            self._words[slot + _SOCKETS] = busy.get(name.decode("ascii", "replace"), 0)

    def save(self) -> None:
        """Have the numbers written to the disk, for the day on which the power fails."""
        with suppress(OSError):
            self._map.flush()

    # The end

    def close(self) -> None:
        """Let go of the file; it goes too if there is nothing to be counted."""
        is_settled = not _read(self._words)
        self._words.release()
        self._map.close()
        os.close(self._file)
        if is_settled:
            self.path.unlink(missing_ok=True)

    def _find(self, service: str, *, make: bool = False) -> int | None:
        if service in self._slots:
            return self._slots[service]
        wanted = service.encode("ascii", "replace")
        if not 0 < len(wanted) <= _NAME * 8:
            return None
        for slot in range(0, len(self._words), _SLOT):
            name = _name(self._words, slot)
            if not name and make:
                self._words[slot : slot + _NAME] = memoryview(wanted.ljust(_NAME * 8, b"\0")).cast("Q")
            elif not name:
                return None
            elif name != wanted:
                continue
            self._slots[service] = slot
            return slot
        return None


def leftovers(db: Path) -> Iterator[tuple[Path, list[UnderWay]]]:
    """Yield what proxies that are gone left beside the database; remove the file once that is written down."""
    if sys.platform == "win32":
        return
    prefix = _prefix(db)
    for path in sorted(path for path in db.parent.iterdir() if path.name.startswith(prefix)):
        with suppress(OSError):  # somebody else removed it, or (the usual case) a proxy or its worker still holds it
            file = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                data = os.pread(file, _SIZE, 0)
                yield path, _read(memoryview(data.ljust(_SIZE, b"\0")).cast("Q"))
            finally:
                os.close(file)


def _read(words: memoryview) -> list[UnderWay]:
    """Return what has begun and is not done, by service."""
    found = []
    for slot in range(0, len(words), _SLOT):
        begun, done, sockets, latest = words[slot + _BEGUN : slot + _SLOT]
        n = max(0, begun - done) + sockets
        name = _name(words, slot).decode("ascii", "replace")
        if 0 < n < _BELIEVABLE and latest < _FAR and re.fullmatch(r"[a-z][a-z0-9-]*", name):  # else it is damaged
            found.append(UnderWay(name, n, float(latest)))
    return found


def _name(words: memoryview, slot: int) -> bytes:
    return words[slot : slot + _NAME].tobytes().rstrip(b"\0")


def _prefix(db: Path) -> str:
    return f"{db.stem}.under-way-"
