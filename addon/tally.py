"""
How many answers are under way, in a small file that outlives a killed proxy: names of services and numbers, no more.

The proxy counts what begins. What is done with stands in the database, in one transaction with the rows it became
(``tracker.marks``). A file that no process holds any more tells how many answers were not brought to an end.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
import time
from array import array
from collections import Counter
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
_BEGUN, _LATEST, _DONE = range(_NAME, _NAME + 3)
"""Of a slot, after the words of its name: answers begun and when the latest of them began (seconds since the epoch),
which the proxy writes; and what the worker has last noted as done, for want of a database that still says so."""
_SLOT = _DONE + 1
_SIZE = SLOTS * _SLOT * 8
_WORD = 2**64
_MARK = ".under-way-"
_FORGOTTEN = ""
"""In the place of a service: the database was told to forget what it knew of others (``tracker.marks.forget``)."""
_BELIEVABLE, _FAR = 1_000_000, 2**35
"""No proxy carries so many answers at once; no clock shows such a second before the year 3058."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """Answers of one service that nobody brought to an end."""

    service: str
    n: int
    latest: float
    """When the latest of them began, in seconds since the epoch."""
    begun: int
    """How many had begun in all."""


class Tally:
    """
    One file, held by one proxy and one worker at a time. Each word has one writer and is written whole.

    Nothing raises once it is made, and nothing waits: to count is to hand the system a few bytes. It is not mapped
    into memory, for a full disk of some file systems would kill who writes to such memory.
    """

    def __init__(self, path: Path) -> None:
        """Open a file that ``make`` made, and hold it for as long as this process lives; raises OSError."""
        self.path = path
        self._file = os.open(path, os.O_RDWR)
        if sys.platform != "win32":
            fcntl.flock(self._file, fcntl.LOCK_SH)
        self._slots: dict[str, int] = {}
        self._begun: Counter[str] = Counter()

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
            with suppress(OSError):
                draft.unlink()
            return None
        return made

    @property
    def name(self) -> str:
        """What tells its proxy from others."""
        return name_of(self.path)

    # What the proxy counts

    def begin(self, service: str) -> None:
        """An answer of this service is under way."""
        slot = self._find(service, make=True)
        if slot is not None:
            self._begun[service] += 1
            self._write(slot + _BEGUN, self._begun[service], int(time.time()))

    def withdraw(self, service: str) -> None:
        """It was none: nothing was answered."""
        slot = self._find(service)
        if slot is not None and self._begun[service]:
            self._begun[service] -= 1
            self._write(slot + _BEGUN, self._begun[service])

    # What the worker notes

    def done(self, service: str) -> int:
        """How many answers were last noted as done; it may be negative (``tracker.marks``)."""
        slot = self._find(service)
        return 0 if slot is None else _signed(self._read()[slot + _DONE])

    def note(self, service: str, done: int) -> None:
        """So many answers are done with: the database says so."""
        slot = self._find(service)
        if slot is not None:
            self._write(slot + _DONE, done % _WORD)

    def save(self) -> None:
        """Have the numbers written to the disk, for the day on which the power fails."""
        with suppress(OSError):
            os.fsync(self._file)

    # The end

    def close(self) -> None:
        """Let go of the file; it goes too if there is nothing to be counted."""
        is_settled = not left_of(self._read())
        os.close(self._file)
        if is_settled:
            self.path.unlink(missing_ok=True)

    def _find(self, service: str, *, make: bool = False) -> int | None:
        """Return where the slot of a service begins; only the proxy makes one."""
        if service in self._slots:
            return self._slots[service]
        wanted = service.encode("ascii", "replace")
        if not 0 < len(wanted) <= _NAME * 8:
            return None
        words = self._read()
        for slot in range(0, len(words), _SLOT):
            name = _name(words, slot)
            if not name and make:
                self._write(slot, *memoryview(wanted.ljust(_NAME * 8, b"\0")).cast("Q"))
            elif not name:
                return None
            elif name != wanted:
                continue
            self._slots[service] = slot
            return slot
        return None

    def _read(self) -> memoryview:
        return _read(self._file)

    def _write(self, place: int, *words: int) -> None:
        with suppress(OSError):
            os.pwrite(self._file, array("Q", words), place * 8)


def leftovers(db: Path) -> Iterator[tuple[Path, memoryview]]:
    """Yield the files, and their words, of proxies that are gone; remove each once what is left is written down."""
    if sys.platform == "win32":
        return
    for path in files_beside(db):
        with suppress(OSError):  # somebody else removed it, or (the usual case) a proxy or its worker still holds it
            file = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield path, _read(file)
            finally:
                os.close(file)


def files_beside(db: Path) -> list[Path]:
    """Return the files of all proxies that write to this database, or did."""
    prefix = _prefix(db)
    return sorted(path for path in db.parent.iterdir() if path.name.startswith(prefix))


def name_of(path: Path) -> str:
    """Return what tells the proxy of such a file from others; it is the same if the database is called otherwise."""
    return path.name.rpartition(_MARK)[2]


def left_of(words: memoryview, done: Mapping[str, int] | None = None) -> list[UnderWay]:
    """
    Return what has begun and is not done, by service, as the database knows it (``done``).

    Without a database, or where it had to forget, what the worker noted in the file tells.
    """
    has_forgotten = done is None or _FORGOTTEN in done
    found = []
    for slot in range(0, len(words), _SLOT):
        begun, latest, noted = words[slot + _BEGUN : slot + _SLOT]
        name = _name(words, slot).decode("ascii", "replace")
        n = begun - (done or {}).get(name, _signed(noted) if has_forgotten else 0)
        if 0 < n < _BELIEVABLE and latest < _FAR and re.fullmatch(r"[a-z][a-z0-9-]*", name):  # else it is damaged
            found.append(UnderWay(name, n, float(latest), begun))
    return found


def _read(file: int) -> memoryview:
    """Return the words of an open file, or none of them if it cannot be read."""
    data = b""
    with suppress(OSError):
        data = os.pread(file, _SIZE, 0)
    return memoryview(data.ljust(_SIZE, b"\0")).cast("Q")


def _signed(word: int) -> int:
    return word - _WORD if word >= _WORD // 2 else word


def _name(words: memoryview, slot: int) -> bytes:
    return words[slot : slot + _NAME].tobytes().rstrip(b"\0")


def _prefix(db: Path) -> str:
    return f"{db.stem}{_MARK}"
