"""Files and folders for this person alone, and files written whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
