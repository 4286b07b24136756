"""Codex CLI's rollout files: which they are, and what a session that others were forked from had counted."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from tracker.imports.logs import Logs, find_files, parse
from tracker.record import count_or_none

_NAME = re.compile(r"rollout-(?:\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-)?([0-9A-Za-z-]{1,64})")
_FIELDS = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens")

Counts = tuple[int, ...]
Totals = array[int]
"""The hash of each: all sessions' together take little memory, so that no file need be read twice."""


def is_rollout(name: str) -> bool:
    return name.startswith("rollout-") and name.endswith((".jsonl", ".jsonl.zst"))


def stem(file: Path) -> str:
    return file.name.removesuffix(".zst").removesuffix(".jsonl")


class Parents:
    """The totals of sessions that others were forked from; their files are looked up by the session's id."""

    def __init__(self, files: list[Path]) -> None:
        self._files = files
        self._known: dict[str, Totals] = {}

    def totals(self, identity: str) -> Totals:
        """Return the session's totals in order, each once in a row; none if its file is not there."""
        if identity not in self._known:
            file = self._given.get(identity) or self._beside.get(identity)
            self._known[identity] = _read_totals(file) if file else array("q")
        return self._known[identity]

    @cached_property
    def _given(self) -> dict[str, Path]:
        return _by_session(self._files)

    @cached_property
    def _beside(self) -> dict[str, Path]:
        """One file alone may have been given: its parent lies in the same tree of sessions."""
        root = next((folder for folder in self._files[0].parents if folder.name == "sessions"), self._files[0].parent)
        return _by_session(find_files(root, is_rollout))


def _by_session(files: Iterable[Path]) -> dict[str, Path]:
    """Return the files by the session's id, which stands in their names after the moment; the first of each."""
    found: dict[str, Path] = {}
    for file in files:
        if name := _NAME.fullmatch(stem(file)):
            found.setdefault(name[1], file)
    return found


def _read_totals(file: Path) -> Totals:
    found, last = array("q"), None
    for _, lines in Logs([file], lambda _done, _all: None):
        for _, data in lines:
            if b'"token_count"' not in data:
                continue
            match parse(data):
                case {"payload": {"info": {"total_token_usage": usage}}}:
                    counts = read_counts(usage)
                    if counts is not None and counts != last:
                        found.append(hash(counts))
                        last = counts
    return found


def read_counts(usage: object) -> Counts | None:
    if not isinstance(usage, dict):
        return None
    return tuple([count_or_none(usage.get(name)) or 0 for name in _FIELDS])
