"""One file into the database: read part by part, written in batches, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from addon.reader import Reader
from addon.service import Service
from tracker.imports import Context, Kind, NotReadableError, Part, Progress
from tracker.key import load_key
from tracker.record import Record
from tracker.store import Added, Store

BATCH = 20_000
"""Records a transaction: few large ones cost less than many small ones."""


@dataclass(slots=True)
class Outcome:
    """What came of one file."""

    name: str
    kind: Kind
    added: Added | None = None
    refused: int = 0
    unread: Counter[str] = field(default_factory=Counter)
    problems: list[tuple[int, str]] = field(default_factory=list)
    deleted: bool = False
    fault: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values; the numbers of records are null where the file could not be read at all."""
        added = self.added
        return {
            "file": self.name,
            "kind": self.kind.name,
            "new": added.new if added else None,
            "replaced": added.replaced if added else None,
            "known": added.known if added else None,
            "refused": self.refused,
            "unread": dict(self.unread),
            "left_out": [{"entry": position, "reason": problem} for position, problem in self.problems],
            "deleted": self.deleted,
            "fault": self.fault,
        }


def open_context(db: Path, kinds: Iterable[Kind]) -> Context:
    """Return what importers of these kinds need: the key, and where one asks for them all services and company bots."""
    key = load_key(db)
    services: tuple[Service, ...] = ()
    if any(kind.holds_exchanges for kind in kinds):
        from addon.company import all_services  # logs are read without it, and sooner

        services = all_services(db.parent)
    return Context(Reader(key, services=services), key)


def take_in(
    path: Path, kind: Kind, context: Context, store: Store, progress: Progress, *, delete: bool = False
) -> Outcome:
    """Read a file into the database; ``delete`` it once everything in it has been read."""
    outcome = Outcome(shown_name(path), kind)
    try:
        _gather(outcome, kind.load()(path, context, progress), store)
    except NotReadableError as error:
        outcome.fault = f"{error}"
    except OSError:
        outcome.fault = "it could not be read to its end; check the disk, and that it is yours to read"
    if delete and not outcome.fault and not outcome.problems and path.is_file():
        try:
            path.unlink()
            outcome.deleted = True
        except OSError:
            outcome.fault = "it was read, but it could not be deleted; delete it yourself"
    return outcome


def _gather(outcome: Outcome, parts: Iterator[Part], store: Store) -> None:
    """Add the records in batches; what was read stays read, whatever comes after."""
    total = Added()
    batch: list[Record] = []
    try:
        for part in parts:
            if part.problem:
                outcome.problems.append((part.position, part.problem))
            if part.reading is None:
                continue
            outcome.refused += part.reading.refused
            outcome.unread.update(unread.service for unread in part.reading.unread)
            batch.extend(part.reading.records)
            if len(batch) >= BATCH:
                full, batch = batch, []
                total += store.add(full)
    finally:
        if batch:
            total += store.add(batch)
    outcome.added = total


def shown_name(path: Path) -> str:
    """Return the file's name so that it steers no terminal: it may come from elsewhere."""
    return "".join(letter if letter.isprintable() else "?" for letter in path.name or path.resolve().name or "/")
