"""Patches to a JSON document as answers stream in: JSON pointers, the usual operations, and text that grows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

DEEPEST = 32
"""A pointer with more segments than this is not from a chatbot."""

ONLY_TEXT = re.compile(rb'(?<=data: )\{"v": ?(?P<each>")(?!")(?=[^"\\]*+(?:\\.[^"\\]*+)*+"\}\Z)')
"""What stands in a server-sent patch that is nothing but more of the text before, up to its first letter."""

GROWS = frozenset({"append", "delta", "extend"})
"""What is called so adds to what is there."""


class Rope:
    """A string that grows at its end without being copied each time."""

    __slots__ = ("_pieces",)

    def __init__(self, *pieces: str) -> None:
        self._pieces = list(pieces)

    def grow(self, piece: str) -> None:
        self._pieces.append(piece)

    def __str__(self) -> str:
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""


def text_of(value: object) -> str:
    """Return the text at a place in a document, or an empty string if something else is there."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, Rope) else ""


@dataclass(slots=True)
class Document:
    """
    A JSON value that patches change in place. Strings that were appended to are ``Rope``: read them with ``text_of``.

    ``apply`` takes RFC 6902's ``add``, ``replace`` and ``remove`` and what chatbots add to them: ``append`` (also
    called ``delta`` and ``extend``: text, lists and objects grow), ``truncate`` (to a length).
    """

    root: Any = None
    _growing: tuple[str, Any, Rope] | None = field(default=None, init=False, repr=False, compare=False)
    """Path, root and text of the patch before, if it added to a text: most add to the same again."""

    def apply(self, operation: str, path: str, value: Any = None) -> bool:
        """Change the document; return False, and change nothing, where the patch does not fit it."""
        growing = self._growing
        if growing and path == growing[0] and self.root is growing[1] and operation in GROWS and isinstance(value, str):
            growing[2].grow(value)
            return True
        self._growing = None
        if not path.strip("/"):
            return self._apply_to_root(operation, value)
        *parents, last = path.removeprefix("/").split("/")
        if len(parents) >= DEEPEST:
            return False
        if "~" in path:
            *parents, last = (name.replace("~1", "/").replace("~0", "~") for name in (*parents, last))
        if self.root is None and operation != "remove":
            self.root = {}
        parent, make = self.root, operation not in {"remove", "truncate"}
        for segment in parents:
            parent = _child(parent, segment, make=make)
        done = _apply(parent, last, operation, value)
        if operation in GROWS and isinstance(grown := _child(parent, last, make=False), Rope):
            self._growing = path, self.root, grown
        return done

    def get(self, *keys: str | int) -> Any:
        """Return what lies at the end of the keys, or None."""
        found = self.root
        for key in keys:
            if isinstance(found, dict):
                found = found.get(key)
            elif isinstance(found, list) and isinstance(key, int) and -len(found) <= key < len(found):
                found = found[key]
            else:
                return None
        return found

    def at(self, path: str) -> Any:
        """Return what a path without escapes points to, or None."""
        found = self.root
        for segment in path.split("/")[1:]:
            found = _child(found, segment, make=False)
        return found

    def _apply_to_root(self, operation: str, value: Any) -> bool:
        holder = {"root": self.root}
        if not _apply(holder, "root", operation, value):
            return False
        self.root = holder.get("root")
        return True


def _child(parent: Any, segment: str, *, make: bool) -> Any:
    if isinstance(parent, dict):
        child = parent.get(segment)
        if child is None and make:
            child = parent[segment] = {}
        return child
    if isinstance(parent, list):
        index = _index(segment, len(parent) - 1)
        return None if index is None else parent[index]
    return None


def _apply(parent: Any, key: str, operation: str, value: Any) -> bool:
    match parent:
        case dict():
            return _apply_to_object(parent, key, operation, value)
        case list():
            return _apply_to_list(parent, key, operation, value)
    return False


def _apply_to_object(parent: dict[str, Any], key: str, operation: str, value: Any) -> bool:
    match operation:
        case "add" | "replace":
            parent[key] = value
        case "remove":
            return parent.pop(key, parent) is not parent
        case "append" | "delta" | "extend":
            parent[key] = _grown(parent.get(key), value)
        case "truncate":
            parent[key] = _cut(parent.get(key), value)
        case _:
            return False
    return True


def _apply_to_list(parent: list[Any], key: str, operation: str, value: Any) -> bool:
    if operation == "add" or (operation in {"append", "delta", "extend", "replace"} and key in {"-", str(len(parent))}):
        index = len(parent) if key == "-" else _index(key, len(parent))
        if index is None:
            return False
        parent.insert(index, value)
        return True
    index = _index(key, len(parent) - 1)
    if index is None:
        return False
    match operation:
        case "replace":
            parent[index] = value
        case "remove":
            del parent[index]
        case "append" | "delta" | "extend":
            parent[index] = _grown(parent[index], value)
        case "truncate":
            parent[index] = _cut(parent[index], value)
        case _:
            return False
    return True


def _grown(value: Any, more: Any) -> Any:
    match value, more:
        case Rope(), str():
            value.grow(more)
            return value
        case str(), str():
            return Rope(value, more)
        case list(), list():
            value.extend(more)
            return value
        case list(), _:
            value.append(more)
            return value
        case dict(), dict():
            value.update(more)
            return value
    return more


def _cut(value: Any, length: Any) -> Any:
    if not isinstance(length, int) or length < 0:
        return value
    match value:
        case str() | Rope():
            return str(value)[:length]
        case list():
            return value[:length]
    return value


def _index(segment: str, last: int) -> int | None:
    if not (segment.isascii() and segment.isdigit() and len(segment) <= 9):
        return None
    index = int(segment)
    return index if index <= last else None
