"""Files left where a person asked for them with ``-o``: whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from tracker.cli.options import fail


@contextmanager
def leaving(what: str, output: Path) -> Iterator[TextIO]:
    """
    Open a text file that takes the old one's place, rights and all, when everything is written; a link stays a link.

    A pipe or a device takes it as it comes. Where it cannot be written the command ends, and the old file is there.
    """
    try:
        if output.exists() and not output.is_file():
            with output.open("w", encoding="utf-8", newline="") as file:
                yield file
        else:
            yield from _in_its_place(output.resolve())
    except OSError as error:
        fail(f"The {what} could not be written ({error.strerror})", str(output), "choose another place with -o")


def leave(what: str, text: str, output: Path) -> None:
    """Write a text where a person asked for it; see ``leaving``."""
    with leaving(what, output) as file:
        file.write(text)


def _in_its_place(target: Path) -> Iterator[TextIO]:
    draft = target.with_name(f".{os.getpid()}.{secrets.token_hex(4)}")  # short, for the name may be as long as can be
    try:
        with draft.open("x", encoding="utf-8", newline="") as file:
            yield file
        if target.exists():
            shutil.copymode(target, draft)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
