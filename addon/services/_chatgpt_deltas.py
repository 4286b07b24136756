"""ChatGPT's deltas: patches of which each leaves out what it has in common with the one before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from addon.patching import Document, Rope


@dataclass(frozen=True, slots=True)
class Change:
    """One change that a delta made: to which channel's document, and how."""

    channel: int
    operation: str
    path: str
    value: Any
    document: Document


class Deltas:
    """
    ChatGPT's "delta encoding v1": each of ``p`` (path), ``o`` (operation) and ``c`` (channel) that a delta leaves
    out is that of the delta before; each channel has a document of its own.
    """

    def __init__(self) -> None:
        self._path, self._operation, self._channel = "", "add", 0
        self._documents: dict[int, Document] = {}
        self._growing: tuple[Rope, Change] | None = None
        """The text that a delta of nothing but text adds to, and the change that its first letters were."""

    def take(self, delta: Mapping[str, Any]) -> Iterable[Change]:
        """
        Apply one delta and return the changes it made, those of a ``patch`` list one by one.

        Text added where the delta before added text is the same change again, with the value of the first.
        """
        if len(delta) == 1 and type(text := delta.get("v")) is str and (grown := self.grow(text)):
            return (grown,)
        self._growing = None
        return self._apply(delta)

    def grow(self, text: str) -> Change | None:
        """Add text where the delta before added text, and return the change that this was; None if it added none."""
        if self._growing is None:
            return None
        rope, change = self._growing
        rope.grow(text)
        return change

    def _apply(self, delta: Mapping[str, Any]) -> Iterator[Change]:
        if isinstance(path := delta.get("p"), str):
            self._path = path
        if isinstance(operation := delta.get("o"), str):
            self._operation = operation
        if isinstance(channel := delta.get("c"), int):
            self._channel = channel
        value = delta.get("v")
        if self._operation == "patch":
            # the operations inside carry their own p and o and leave the inherited ones alone
            for inner in value if isinstance(value, list) else ():
                match inner:
                    case {"p": str(inner_path), "o": str(inner_operation)}:
                        yield from self._change(inner_operation, self._path + inner_path, inner.get("v"))
        else:
            for change in self._change(self._operation, self._path, value):
                if self._operation == "append" and isinstance(rope := change.document.at(self._path), Rope):
                    self._growing = rope, change
                yield change

    def _change(self, operation: str, path: str, value: Any) -> Iterator[Change]:
        if not path and operation in {"add", "replace"}:
            document = self._documents[self._channel] = Document(value)
        else:
            document = self._documents.setdefault(self._channel, Document())
            if not document.apply(operation, path, value):
                return
        yield Change(self._channel, operation, path, value, document)
