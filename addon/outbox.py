"""What was read and is to be written: at once if the database can be written, later if it cannot."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from addon.parcel import utc_offset
from addon.reading import NOTHING, Reading
from addon.tally import Tally, files_beside, left_of, leftovers, name_of
from tracker.marks import Mark, marks_of, sweep
from tracker.record import Unread
from tracker.store import Store, StoreError

LARGEST_HEAP = 2000
"""Readings that wait for a database which cannot be written; beyond that they are counted as lost."""
TOGETHER = 64
"""Readings that go into one transaction."""
RETRY_SECONDS = 5.0
"""A database that refused is asked again after so long, or when somebody waits for it."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One reading on its way to the database, and which answers are done with when it is there."""

    reading: Reading
    service: str
    day: str
    done: Counter[str]
    held: Counter[str]
    """How many more answers are held in memory from then on, by service; it may be less than none."""
    number: int
    """Of the parcel it came from; 0 if it came from none."""
    is_loss: bool = False

    def lost(self) -> Draft:
        """The same, when it cannot be written: it is counted, and done with all the same."""
        n = len(self.reading.records) or sum(one.n for one in self.reading.unread) or self.reading.refused
        lost = (Unread(day=self.day, service=self.service, shape="", reason="store", n=n),) if n else ()
        return Draft(Reading(unread=lost), self.service, self.day, self.done, self.held, self.number, is_loss=True)

    def __add__(self, later: Draft) -> Draft:
        """Both of them as one; of losses only."""
        n = Counter({(one.day, one.service): one.n for one in self.reading.unread})
        n.update({(one.day, one.service): one.n for one in later.reading.unread})
        unread = tuple(
            Unread(day=day, service=service, shape="", reason="store", n=many) for (day, service), many in n.items()
        )
        done, held = _add(self.done, later.done), _add(self.held, later.held)
        number = max(self.number, later.number)
        return Draft(Reading(unread=unread), self.service, self.day, done, held, number, is_loss=True)


@dataclass(slots=True)
class Outbox:
    """
    Writes in order, several readings a transaction.

    That an answer is done with is written in the same transaction as its row: a kill leaves both, or neither.
    """

    store: Store
    tally: Tally | None = None
    waiting: list[Draft] = field(default_factory=list)
    before: int = 0
    """Number of the last parcel that the worker before this one had brought into the database."""
    taken: int = 0
    """Number of the last parcel that was taken."""
    orphaned: Counter[str] = field(default_factory=Counter)
    """How many answers the worker before this one held in its memory, by service."""
    _noted: dict[str, Mark] = field(default_factory=dict)
    """What the database says is done with."""
    _is_held: bool = False
    _refused: float = -RETRY_SECONDS
    """When the database was last not to be written (monotonic)."""

    def take_over(self) -> None:
        """Go on where the worker before this one was killed: the answers it held in its memory are lost."""
        if self.tally is None:
            return
        self._noted = {mark.service: mark for mark in marks_of(self.store, self.tally.name)}
        self.before = self.taken = max((mark.last for mark in self._noted.values()), default=0)
        for service, mark in self._noted.items():
            self.tally.note(service, mark.done)  # it may have died just before it did
            if mark.held > 0:
                self.orphaned[service] = mark.held
                day = local_day(datetime.now(UTC).timestamp())
                lost = Unread(day=day, service=service, shape="", reason="worker-lost", n=mark.held)
                gone = {service: mark.held}
                self.put(Reading(unread=(lost,)), service, None, done=gone, held={service: -mark.held})

    def put(
        self,
        reading: Reading,
        service: str,
        at: float | None,
        *,
        done: Mapping[str, int] | None = None,
        held: Mapping[str, int] | None = None,
        number: int = 0,
    ) -> None:
        """Take a reading, of something that began at ``at`` (seconds since the epoch), and write what can be."""
        finished, more = (Counter({name: n for name, n in (given or {}).items() if n}) for given in (done, held))
        if reading == NOTHING and not finished and not more:
            return
        day = local_day(at or datetime.now(UTC).timestamp())
        draft = Draft(reading, service, day, finished, more, number)
        if len(self.waiting) < LARGEST_HEAP:
            self.waiting.append(draft)
        elif len(self.waiting) == LARGEST_HEAP:
            self.waiting.append(draft.lost())
        else:
            self.waiting[-1] += draft.lost()
        if not self._is_held:
            self._flush_in_time()

    @property
    def settled(self) -> int:
        """Number of a parcel: of it and of all before it everything is in the database."""
        return max((mark.last for mark in self._noted.values()), default=0) if self.waiting else self.taken

    @contextmanager
    def together(self) -> Iterator[None]:
        """Write what comes within the block in one go at its end."""
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
            self._flush_in_time()

    def flush(self) -> None:
        """Write what waits, oldest first, until the database refuses; what can never be written is counted as lost."""
        together = TOGETHER
        while self.waiting:
            drafts = self.waiting[:together]
            try:
                self._write(drafts)
            except StoreError:
                self._refused = time.monotonic()
                return
            except Exception:  # noqa: BLE001 - a row that no database takes must not keep the others waiting
                together = 1
                if len(drafts) == 1 and not drafts[0].is_loss:
                    self.waiting[0] = drafts[0].lost()
                elif len(drafts) == 1:
                    del self.waiting[0]
            else:
                del self.waiting[: len(drafts)]

    def _flush_in_time(self) -> None:
        """Not after each answer: a database that another tool has locked is waited for as long as SQLite will."""
        if time.monotonic() - self._refused > RETRY_SECONDS:
            self.flush()

    def count_killed(self) -> None:
        """Have the answers written down that proxies which were killed had under way."""
        for path, words in leftovers(self.store.path):
            known = {mark.service: mark.done for mark in marks_of(self.store, name_of(path))}
            left = left_of(words, known)
            self.store.add(
                (),
                unread=[
                    Unread(day=local_day(one.latest), service=one.service, shape="", reason="killed", n=one.n)
                    for one in left
                ],
                marks=[Mark(name_of(path), one.service, one.begun) for one in left],
            )
            path.unlink(missing_ok=True)
        sweep(self.store, lambda: {name_of(path) for path in files_beside(self.store.path)})

    def _write(self, drafts: Sequence[Draft]) -> None:
        readings = [draft.reading for draft in drafts]
        marks = {} if self.tally is None else self._marks(self.tally.name, drafts)
        self.store.add(
            [record for reading in readings for record in reading.records],
            unread=[unread for reading in readings for unread in reading.unread],
            refused=[(draft.day, draft.service, draft.reading.refused) for draft in drafts if draft.reading.refused],
            marks=marks.values(),
        )
        self._noted.update(marks)
        for mark in marks.values():
            if self.tally is not None:
                self.tally.note(mark.service, mark.done)

    def _first_mark(self, tally: str, service: str) -> Mark:
        """The file still knows, where the database was told to forget."""
        return Mark(tally, service, 0 if self.tally is None else self.tally.done(service))

    def _marks(self, tally: str, drafts: Sequence[Draft]) -> dict[str, Mark]:
        """Return what there is to be noted once these are written."""
        marks: dict[str, Mark] = {}
        for draft in drafts:
            for service in {draft.service, *draft.done, *draft.held} - {""}:
                known = marks.get(service) or self._noted.get(service) or self._first_mark(tally, service)
                done, held = known.done + draft.done[service], known.held + draft.held[service]
                marks[service] = Mark(tally, service, done, held, max(known.last, draft.number))
        return marks


def _add(one: Counter[str], other: Counter[str]) -> Counter[str]:
    return Counter({name: n for name in one.keys() | other.keys() if (n := one[name] + other[name])})


def local_day(at: float) -> str:
    """Return the local day of a moment in seconds since the epoch, as ISO 8601."""
    return datetime.fromtimestamp(at + utc_offset(at) * 60, UTC).date().isoformat()
