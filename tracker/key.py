"""The installation key: 32 random bytes beside the database that never leave this computer."""

from __future__ import annotations

import secrets
import time
from pathlib import Path

from tracker.errors import TellableError
from tracker.private import make_private_folder, make_whole, read_plain

KEY_BYTES = 32


class KeyFileError(TellableError):
    """The installation key cannot be read or made."""


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
        if not path.exists():
            make_whole(path, secrets.token_bytes(KEY_BYTES))
        key = _read(path)
    except OSError as error:
        what = error.strerror or type(error).__name__
        raise KeyFileError(f"The installation key cannot be used ({what}) · {path} · check who owns it") from error
    if len(key) != KEY_BYTES:
        raise KeyFileError(
            f"The installation key is damaged · {path} · restore it from a backup; without it, answers that are "
            "already recorded would be counted again"
        )
    return key


def _read(path: Path) -> bytes:
    for _ in range(20):  # another process may be writing it where there are no hard links
        key = read_plain(path)
        if len(key) >= KEY_BYTES:
            return key
        time.sleep(0.01)
    return key
