"""``klimaspor import --watch``: what changes below the paths is read again, until Ctrl-C."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_SUFFIXES = (".jsonl", ".json", ".db", ".har", ".csv", ".zip")
_QUIET_S = 0.5
"""A file that is being written right now is left for the next look."""

Mark = tuple[int, int]
"""Size and time of change."""


@dataclass(slots=True)
class Watch:
    """What the files looked like when they were read last."""

    roots: list[Path]
    seen: dict[Path, Mark] = field(default_factory=dict)

    def changed(self, now_s: float) -> Iterator[tuple[Path, Path]]:
        """Yield (the path that was given, a file that changed since it was yielded last). Links are not followed."""
        for root in self.roots:
            for file in sorted(_files(root)):
                try:
                    mark = _mark(file)
                except OSError:  # gone, or no longer ours to read: nothing to be read there
                    self.seen.pop(file, None)
                    continue
                if self.seen.get(file) != mark and now_s - mark[1] / 1e9 >= _QUIET_S:
                    self.seen[file] = mark
                    yield root, file

    def note_all(self) -> None:
        """Take everything as read."""
        for root in self.roots:
            for file in _files(root):
                try:
                    self.seen[file] = _mark(file)
                except OSError:
                    continue


def _files(root: Path) -> Iterator[Path]:
    if root.is_file():
        yield root
        return
    for folder, _, names in os.walk(root, followlinks=False):
        for name in names:
            file = Path(folder) / name
            if name.endswith(_SUFFIXES) and not file.is_symlink() and file.is_file():
                yield file


def _mark(file: Path) -> Mark:
    found = file.stat()
    size, changed_ns = found.st_size, found.st_mtime_ns
    log = file.with_name(file.name + "-wal")
    if file.suffix == ".db" and log.exists():  # a database writes beside itself first
        beside = log.stat()
        size, changed_ns = size + beside.st_size, max(changed_ns, beside.st_mtime_ns)
    return size, changed_ns
