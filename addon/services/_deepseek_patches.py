"""DeepSeek's patches: path and operation persist from one event to the next, and one event carries one token."""

from __future__ import annotations

import re
from typing import Any

from addon.patching import DEEPEST, Rope, text_of
from addon.services._page import list_at, pick

MOST_CHARACTERS_A_TOKEN = 8
"""Above this average an event carries more than one token, and counting events would count too few."""


WIDE = re.compile("[\u2e80-\U0003ffff]")
"""Characters of scripts in which a word is one or two of them; each counts for three."""


class Fragments:
    """The response as the patches build it, and how many tokens came for each type of fragment."""

    def __init__(self) -> None:
        self.root: dict[str, Any] = {}
        self.tokens: dict[str, int] = {}
        self.knows_beginning = True
        """False where a continued answer was joined in its middle, so that its tokens were not seen coming."""
        self._continued = False
        self._path, self._operation = "", "SET"
        self._growing: tuple[Rope, str] | None = None
        """The text that a bare value adds to, and its fragment's type."""

    @property
    def response(self) -> dict[str, Any]:
        found = self.root.get("response")
        return found if isinstance(found, dict) else {}

    def texts(self) -> list[tuple[str, str]]:
        """Return type and text of each fragment, in order; older answers have two fields instead."""
        told = [
            (str(pick(fragment, "type")), text_of(pick(fragment, "content")))
            for fragment in list_at(self.response, "fragments")
        ]
        thought, said = text_of(self.response.get("thinking_content")), text_of(self.response.get("content"))
        return told or [("THINK", thought)] * bool(thought) + [("RESPONSE", said)] * bool(said)

    def first_text(self, *types: str) -> str:
        """Return the text of the newest fragment of these types, or of the older shape's answer."""
        for fragment in reversed(list_at(self.response, "fragments")[-50:]):
            if pick(fragment, "type") in types and pick(fragment, "content"):
                return text_of(fragment["content"])
        return text_of(self.response.get("content"))

    def count(self, *types: str) -> int | None:
        """Return how many tokens came as fragments of these types, or None where events are not tokens."""
        tokens = sum(self.tokens.get(kind, 0) for kind in types)
        characters = sum(len(text) + 2 * len(WIDE.findall(text)) for kind, text in self.texts() if kind in types)
        if not self.knows_beginning or not list_at(self.response, "fragments"):
            return None
        return tokens if characters <= MOST_CHARACTERS_A_TOKEN * tokens else None

    def go_on(self) -> None:
        """The answer continues in another stream, whose first event repeats what is known."""
        self._continued = True
        self._path, self._operation = "", "SET"

    def grow(self, value: str) -> bool:
        """Apply an event that is nothing but text, which most are; return False where text adds to nothing."""
        if self._growing is None:
            return False
        rope, kind = self._growing
        rope.grow(value)
        self.tokens[kind] += 1
        return True

    def take(self, patch: dict[str, Any]) -> None:
        """Apply one event."""
        value = patch.get("v")
        self._growing = None
        path, operation = patch.get("p"), patch.get("o")
        if isinstance(value, dict) and "response" in value and not path and not operation:
            self._path, self._operation = "", "SET"
            self._begin(value)
            return
        if isinstance(path, str):
            self._path = path
        if isinstance(operation, str):
            self._operation = operation
        elif isinstance(path, str):
            self._operation = _guess(path, value)
        self._apply(self._path, self._operation, value)

    def _begin(self, value: dict[str, Any]) -> None:
        known, self.root = self.texts(), value
        if self._continued:
            # What came between the two streams was not seen coming.
            self.knows_beginning = self.knows_beginning and known == self.texts()
        else:
            for fragment in list_at(self.response, "fragments"):
                self._count_new(fragment)
        self._continued = False

    def _apply(self, path: str, operation: str, value: Any) -> None:
        keys = [key for key in path.split("/") if key]
        if operation == "BATCH":
            for child in value if isinstance(value, list) else ():
                if isinstance(child, dict) and isinstance(child.get("p"), str) and len(keys) < DEEPEST:
                    inner = child.get("o")
                    self._apply(f"{path}/{child['p']}", inner if isinstance(inner, str) else "SET", child.get("v"))
            return
        if not keys or len(keys) > DEEPEST:
            return
        parent: Any = self.root
        for key in keys[:-1]:
            parent = _step(parent, key)
        self._change(parent, keys, operation, value)

    def _change(self, parent: Any, keys: list[str], operation: str, value: Any) -> None:
        last = keys[-1]
        if isinstance(parent, list):
            index = _index(last, len(parent))
            if index is not None and operation == "SET":
                parent[index] = value
            return
        if not isinstance(parent, dict):
            return
        before = parent.get(last)
        if operation == "APPEND" and isinstance(value, str) and isinstance(before, str | Rope):
            grown = before if isinstance(before, Rope) else Rope(before)
            grown.grow(value)
            parent[last] = grown
            if last == "content" and "type" in parent:
                kind = str(parent["type"])
                self.tokens[kind] = self.tokens.get(kind, 0) + 1
                self._growing = grown, kind
        elif operation == "APPEND" and isinstance(before, list):
            added = value if isinstance(value, list) else [value]
            before.extend(added)
            if last == "fragments":
                for fragment in added:
                    self._count_new(fragment)
        else:
            parent[last] = value
            if last == "fragments":
                for fragment in value if isinstance(value, list) else ():
                    self._count_new(fragment)

    def _count_new(self, fragment: Any) -> None:
        if pick(fragment, "content"):
            kind = str(pick(fragment, "type"))
            self.tokens[kind] = self.tokens.get(kind, 0) + 1


def _guess(path: str, value: Any) -> str:
    """Return what is done at a place that is named without a word on how: what is said only ever grows."""
    if path.endswith(("/fragments", "content")):
        return "APPEND"
    return "BATCH" if isinstance(pick(value, 0, "p"), str) else "SET"


def _step(parent: Any, key: str) -> Any:
    match parent:
        case dict():
            return parent.setdefault(key, {})
        case list():
            index = _index(key, len(parent))
            return None if index is None else parent[index]
    return None


def _index(key: str, size: int) -> int | None:
    digits = key.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 6):
        return None
    return int(key) if -size <= int(key) < size else None
