"""The installation key: 32 random bytes beside the database that never leave this computer."""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path

KEY_BYTES = 32


class KeyFileError(Exception):
    """The installation key cannot be read or made; the message is a sentence for the person."""


def key_path(db_path: Path) -> Path:
    """Return where the key of this database lies: beside it, with the suffix ``.key``."""
    return db_path.with_suffix(".key")


def load_key(db_path: Path) -> bytes:
    """
    Return the key that ids and conversation pseudonyms are made with; make it the first time.

    :raises KeyFileError: if the file cannot be read or made, or does not hold exactly 32 bytes.
    """
    path = key_path(db_path)
    try:
        make_private_folder(path.parent)
        key = _make(path) or _read(path)
    except OSError as error:
        what = error.strerror or type(error).__name__
        raise KeyFileError(f"The installation key cannot be used ({what}) · {path} · check who owns it") from error
    if len(key) != KEY_BYTES:
        raise KeyFileError(
            f"The installation key is damaged · {path} · restore it from a backup; without it, answers that are "
            "already recorded would be counted again"
        )
    return key


def make_private_folder(folder: Path) -> None:
    """Make the folder for this person only (0700); one that exists is left as it is."""
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)


def _make(path: Path) -> bytes | None:
    if path.exists():
        return None
    # Written aside and linked into place, so that another process never reads half a key.
    key = secrets.token_bytes(KEY_BYTES)
    aside = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(aside, path)
        except FileExistsError:
            return None
        except OSError:  # a file system without hard links
            return _make_directly(path, key)
    finally:
        aside.unlink(missing_ok=True)
    return key


def _make_directly(path: Path, key: bytes) -> bytes | None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return None
    with os.fdopen(handle, "wb") as file:
        file.write(key)
    return key


def _read(path: Path) -> bytes:
    for _ in range(20):  # another process may be writing it where there are no hard links
        key = path.read_bytes()
        if len(key) >= KEY_BYTES:
            return key
        time.sleep(0.01)
    return key
