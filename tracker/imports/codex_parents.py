"""Codex CLI's rollout files: which they are, and what a session that others were forked from had counted."""

from __future__ import annotations

import re
from collections import OrderedDict
from pathlib import Path

from tracker.imports.logs import Logs, parse
from tracker.record import count_or_none

_MOST_PARENTS = 8
"""Parents' histories kept in memory."""
_FIELDS = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens")

Counts = tuple[int, ...]


def is_rollout(name: str) -> bool:
    return name.startswith("rollout-") and name.endswith((".jsonl", ".jsonl.zst"))


def stem(file: Path) -> str:
    return file.name.removesuffix(".zst").removesuffix(".jsonl")


class Parents:
    """The totals of sessions that others were forked from; their files are looked up by the session's id."""

    def __init__(self, files: list[Path]) -> None:
        self._files = files
        self._known: OrderedDict[str, list[Counts]] = OrderedDict()

    def totals(self, identity: str) -> list[Counts]:
        """Return the session's totals in order, each once in a row; empty if its file is not there."""
        if identity not in self._known:
            file = self._find(identity)
            self._known[identity] = _read_totals(file) if file else []
            if len(self._known) > _MOST_PARENTS:
                self._known.popitem(last=False)
        self._known.move_to_end(identity)
        return self._known[identity]

    def _find(self, identity: str) -> Path | None:
        if not re.fullmatch(r"[0-9A-Za-z-]{1,64}", identity):
            return None
        if found := next((file for file in self._files if stem(file).endswith(identity)), None):
            return found
        # One file alone was given: its parent lies in the same tree of sessions.
        root = next((folder for folder in self._files[0].parents if folder.name == "sessions"), self._files[0].parent)
        return next((file for file in root.rglob(f"rollout-*{identity}.jsonl*") if is_rollout(file.name)), None)


def _read_totals(file: Path) -> list[Counts]:
    found: list[Counts] = []
    for _, lines in Logs([file], lambda _done, _all: None):
        for _, data in lines:
            if b'"token_count"' not in data:
                continue
            match parse(data):
                case {"payload": {"info": {"total_token_usage": usage}}}:
                    counts = read_counts(usage)
                    if counts is not None and (not found or found[-1] != counts):
                        found.append(counts)
    return found


def read_counts(usage: object) -> Counts | None:
    if not isinstance(usage, dict):
        return None
    return tuple([count_or_none(usage.get(name)) or 0 for name in _FIELDS])
