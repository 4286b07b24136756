"""What was read and is to be written: at once if the database can be written, later if it cannot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from addon.parcel import utc_offset
from addon.reader import Reading
from addon.tally import Tally, leftovers
from tracker.record import Unread
from tracker.store import Store, StoreError

LARGEST_HEAP = 2000
"""Readings that wait for a database which cannot be written; beyond that they are counted as lost."""
TOGETHER = 64
"""Readings that go into one transaction."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One reading on its way to the database."""

    reading: Reading
    service: str
    day: str
    answers: int
    """How many answers of the tally are done when this is written."""


@dataclass(slots=True)
class Outbox:
    """Writes in order, several readings a transaction. An answer is done when its row is there, and not before."""

    store: Store
    tally: Tally | None = None
    waiting: list[Draft] = field(default_factory=list)
    _held: bool = False
    _lost: Counter[tuple[str, int]] = field(default_factory=Counter)
    """By service and number of answers: readings that will never be written."""

    def put(self, reading: Reading, service: str, at: float | None, *, answers: int = 0) -> None:
        """Take a reading, of something that began at ``at`` (seconds since the epoch), and write what can be."""
        if not (reading.records or reading.unread or reading.refused):
            self._finish(service, answers)
            return
        if len(self.waiting) >= LARGEST_HEAP:
            self._lost[service, answers] += 1
            return
        self.waiting.append(Draft(reading, service, local_day(at or datetime.now(UTC).timestamp()), answers))
        if not self._held:
            self.flush()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Write what comes within the block in one go at its end."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
            self.flush()

    def flush(self) -> None:
        """Write what waits, oldest first, until the database refuses; what can never be written is counted as lost."""
        together = TOGETHER
        while self.waiting:
            drafts = self.waiting[:together]
            try:
                self._write(drafts)
            except StoreError:
                return
            except Exception:  # noqa: BLE001 - a row that no database takes must not keep the others waiting
                if len(drafts) > 1:
                    together = 1
                    continue
                self._lost[drafts[0].service, drafts[0].answers] += 1
            else:
                for draft in drafts:
                    self._finish(draft.service, draft.answers)
            del self.waiting[: len(drafts)]

    def tell_lost(self, at: float) -> None:
        """Have written down what was lost: by this worker for want of room, and by proxies that were killed."""
        for (service, answers), n in self._lost.items():
            lost = Unread(day=local_day(at), service=service, shape="", reason="store", n=n)
            self.waiting.append(Draft(Reading(unread=(lost,)), service, lost.day, n * answers))
        self._lost.clear()
        self.flush()
        for path, under_way in leftovers(self.store.path):
            self.store.add_unread(
                Unread(day=local_day(one.latest), service=one.service, shape="", reason="killed", n=one.n)
                for one in under_way
            )
            path.unlink(missing_ok=True)

    def _write(self, drafts: Sequence[Draft]) -> None:
        readings = [draft.reading for draft in drafts]
        self.store.add(
            [record for reading in readings for record in reading.records],
            unread=[unread for reading in readings for unread in reading.unread],
            refused=[(draft.day, draft.service, draft.reading.refused) for draft in drafts if draft.reading.refused],
        )

    def _finish(self, service: str, answers: int) -> None:
        if self.tally is not None and answers:
            self.tally.finish(service, answers)


def local_day(at: float) -> str:
    """Return the local day of a moment in seconds since the epoch, as ISO 8601."""
    return datetime.fromtimestamp(at + utc_offset(at) * 60, UTC).date().isoformat()
