"""The blocks that Perplexity's answers are made of, and how they are patched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from addon.framing.patches import Patches
from addon.framing.values import TEXT
from addon.patching import Document
from addon.services._page import text_at

_PATCH = rb'\{"op": ?"add", ?"path": ?"/(?:\w{1,40}/){0,9}chunks/'
_REST = rb'(\d{1,9})", ?"value": ?"(?!")%b"\}' % TEXT.pattern
_BLOCK = rb'(?:, ?)?\{"intended_usage": ?"(\w+)", ?"diff_block": ?\{"field": ?"\w+", ?"patches": ?\[(%b)%b\]\}\}'

PATCHES = Patches(
    before=re.compile(rb'"blocks": ?\['),
    block=re.compile(_BLOCK % (_PATCH, _REST)),
    rest=re.compile(_REST),
    noise=re.compile(rb'"cursor": ?"[\w-]*+"'),
)
"""Pieces of text: most events bring one, to a block and again to the block of that part."""


class Blocks:
    """
    Blocks by their names, as patches leave them.

    Patches wait until somebody looks at their block: of two blocks with the same text only one is looked at.
    """

    def __init__(self) -> None:
        self._documents: dict[str, Document] = {}
        self._waiting: dict[str, list[Any]] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._documents)

    def take(self, block: dict[str, Any]) -> str | None:
        """Change a block, or take it whole; return its name."""
        name = text_at(block, "intended_usage")
        if name is None:
            return None
        if name not in self._documents:
            self._documents[name], self._waiting[name] = Document(), []
        change = block.get("diff_block")
        if isinstance(change, dict) and isinstance(change.get("patches"), list) and "field" in change:
            self._waiting[name] += change["patches"]
            return name
        for key, value in block.items():
            if key.endswith("_block"):
                self._waiting[name].clear()
                self._documents[name].root = value
        return name

    def look_at(self, name: str) -> Any:
        """Return the value of a block; None if there is none."""
        document = self._documents.get(name)
        if document is None:
            return None
        for patch in self._waiting[name]:
            told = patch if isinstance(patch, dict) else {}
            if isinstance(operation := told.get("op"), str) and isinstance(path := told.get("path"), str):
                document.apply(operation, path, told.get("value"))
        self._waiting[name].clear()
        return document.root
