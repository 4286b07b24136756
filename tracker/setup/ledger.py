"""The ledger: what set-up changed on this computer, written before it is changed, so that undo knows each step."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Protocol

from tracker.private import read_json, write_whole
from tracker.setup import SetupError

LEDGER_FILE = "setup-ledger.json"
VERSION = 1

Memory = dict[str, Any]
"""What a step found before it changed anything; JSON."""


class Step(Protocol):
    """
    One change to the computer. Its fields are text, so that the ledger can hold it and undo can make it again.

    ``undo`` never puts an old copy over newer changes: what is no longer as the step left it stays, and it says so.
    """

    kind: ClassVar[str]

    def describe(self) -> str:
        """Say what will be changed, as one line."""
        ...

    def describe_undo(self) -> str:
        """Say how a person would take it back by hand."""
        ...

    def remember(self) -> Memory:
        """Return what undo has to know of the state before."""
        ...

    def is_done(self) -> bool:
        """Look whether the change is in force."""
        ...

    def do(self) -> None:
        """Change it. Raises SetupError."""
        ...

    def undo(self, memory: Memory) -> str | None:
        """Take it back; return a sentence if something was left as it is. Raises SetupError."""
        ...

    def is_undone(self, memory: Memory) -> bool:
        """Look whether nothing of ours is left."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger."""

    kind: str
    fields: dict[str, Any]
    memory: Memory
    done_at: str


@dataclass(slots=True)
class Ledger:
    """The entries in the order they were made, kept in one file (0600) in the data folder."""

    path: Path
    entries: list[Entry] = field(default_factory=list)

    @classmethod
    def open(cls, folder: Path) -> Ledger:
        """Read the ledger; an empty one if there is none. A damaged one raises SetupError, for nobody may guess."""
        path = folder / LEDGER_FILE
        try:
            match read_json(path):
                case {"version": int(version), "entries": list(rows)} if version <= VERSION:
                    return cls(path, [_read_entry(row) for row in rows])
        except FileNotFoundError:
            return cls(path)
        except OSError as error:
            raise SetupError(
                "The ledger of the set-up cannot be read", f"{path} ({error.strerror})", "make it readable"
            ) from None
        except (ValueError, TypeError, KeyError):
            pass  # said below, for both ways of being damaged
        raise SetupError(
            "The ledger of the set-up is damaged or newer",
            str(path),
            "update klimaspor, or undo by hand as klimaspor setup --dry-run says",
        )

    def begin(self, step: Step) -> Entry:
        """Note a step with what was before; on disk before anything is changed."""
        done_at = datetime.now(UTC).isoformat(timespec="seconds")
        entry = Entry(step.kind, asdict(step), step.remember(), done_at)  # type: ignore[call-overload] # steps are dataclasses
        self.entries.append(entry)
        self._write()
        return entry

    def find(self, step: Step) -> Entry | None:
        """Return the entry of this very step, if it was made before."""
        fields = asdict(step)  # type: ignore[call-overload] # steps are dataclasses
        return next((entry for entry in self.entries if (entry.kind, entry.fields) == (step.kind, fields)), None)

    def strike(self, entry: Entry) -> None:
        """Take an entry out; the file goes with the last one."""
        self.entries.remove(entry)
        self._write()

    def _write(self) -> None:
        try:
            if not self.entries:
                self.path.unlink(missing_ok=True)
                return
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            rows = {"version": VERSION, "entries": [asdict(entry) for entry in self.entries]}
            write_whole(self.path, json.dumps(rows, indent=2), to_disk=True)
        except OSError as error:
            raise SetupError(
                "The ledger could not be written",
                f"{self.path} ({error.strerror})",
                "nothing more was changed; make the folder writable",
            ) from None


def _read_entry(row: Mapping[str, Any]) -> Entry:
    return Entry(str(row["kind"]), dict(row["fields"]), dict(row["memory"]), str(row["done_at"]))
