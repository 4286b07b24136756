"""Files and folders for this person alone: written whole or not at all, read only where a plain file lies."""

from __future__ import annotations

import errno
import json
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LARGEST_BYTES = 16 << 20
"""No small file of ours is larger."""
_AT_ONCE = getattr(os, "O_NONBLOCK", 0)
"""Opening a pipe would wait for who writes into it."""


def read_plain(path: Path, largest: int = LARGEST_BYTES) -> bytes:
    """
    Return what a small file holds.

    Raises ``OSError`` also for a pipe, a device or a file that is larger than any of ours: reading it may never end.
    """
    handle = os.open(path, os.O_RDONLY | _AT_ONCE)
    try:
        found = os.fstat(handle)
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is a pipe or a device", str(path))
        if found.st_size > largest:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(largest)
    finally:
        os.close(handle)


def read_json(path: Path) -> Any:
    """Return the JSON value in a small file; raises ``OSError``, or ``ValueError`` if it holds none."""
    try:
        return json.loads(read_plain(path))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def make_private_folder(folder: Path) -> None:
    """Make the folder for this person only (0700); one that exists is left as it is."""
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)


def write_whole(path: Path, content: str | bytes, mode: int = 0o600, *, to_disk: bool = False) -> None:
    """
    Write a file at once, in the place of what was there; a link there is replaced and not followed.

    ``to_disk`` waits until a power cut could not take it any more, which may be seconds: never where chats pass.
    """
    with _draft(path, content, mode, to_disk=to_disk) as draft:
        draft.replace(path)


def make_whole(path: Path, content: str | bytes, mode: int = 0o600) -> bool:
    """Write a file at once where there is none yet, to the disk; return False where another program was first."""
    with _draft(path, content, mode, to_disk=True) as draft:
        try:
            os.link(draft, path)
        except FileExistsError:
            return False
        except OSError:  # a file system without hard links
            return _make_directly(path, content, mode)
    return True


@contextmanager
def _draft(path: Path, content: str | bytes, mode: int, *, to_disk: bool) -> Iterator[Path]:
    """Write the content beside its place, with its mode from the first byte on; afterwards no draft is left."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        _write_new(draft, content, mode, to_disk=to_disk)
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _write_new(path: Path, content: str | bytes, mode: int, *, to_disk: bool) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        if to_disk:
            file.flush()
            os.fsync(file.fileno())


def _make_directly(path: Path, content: str | bytes, mode: int) -> bool:
    try:
        _write_new(path, content, mode, to_disk=True)
    except FileExistsError:
        return False
    return True
