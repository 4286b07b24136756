"""JSON as strangers write it: any text gives a value or a plain refusal, never another exception."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from json.scanner import make_scanner
from typing import Any

LARGEST_EVENT = 16 * 1024 * 1024
"""Bytes; a single event above this is dropped."""

scan_at = make_scanner(json.JSONDecoder(strict=False))  # type: ignore[arg-type]  # typeshed takes it for a scanner
"""Return the value that begins at a position of a text, and where it ends; raise one of ``NOT_JSON``."""
NOT_JSON = (StopIteration, RecursionError, ValueError)
TEXT = re.compile(rb'[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+')
"""The inside of a JSON string."""

_SPACE = re.compile(r"[ \t\n\r]*")
_AFTER_NUMBER = frozenset(" \t\n\r,]}")


class NotJson(ValueError):  # noqa: N818 - reads better where it is caught
    """The text is not JSON, or not yet: ``ends_early`` tells a cut text from a wrong one."""

    def __init__(self, *, ends_early: bool) -> None:
        super().__init__("not JSON")
        self.ends_early = ends_early


@dataclass(frozen=True, slots=True)
class Scanned:
    value: Any
    end: int
    """Where in the text the value ended."""


def scan(text: str, start: int) -> Scanned:
    """
    Read the one value that begins at ``start``; raise ``NotJson``.

    Nesting beyond the interpreter's limit and numbers of thousands of digits count as not JSON.
    """
    try:
        value, end = scan_at(text, start)
    except StopIteration as stop:
        position = stop.value if isinstance(stop.value, int) else start
        raise NotJson(ends_early=position >= len(text) - 10) from None
    except json.JSONDecodeError as error:
        cut = error.msg.startswith("Unterminated string") or error.pos >= len(text) - 10
        raise NotJson(ends_early=cut) from None
    except (RecursionError, ValueError):
        raise NotJson(ends_early=False) from None
    return Scanned(value, end)


def parse(text: str) -> Any:
    """Return the value that is all of ``text``; raise ``NotJson``."""
    try:
        value, end = scan_at(text, 0)
    except NOT_JSON:
        end, value = -1, None
    if end == len(text):
        return value  # as most of what arrives: nothing around it
    start = skip_space(text, 0)
    found = scan(text, start)
    end = skip_space(text, found.end)
    if end != len(text):
        raise NotJson(ends_early=False)
    return found.value


def value_or_text(text: str) -> Any:
    """Return the JSON value that ``text`` is, else ``text`` itself."""
    try:
        return parse(text)
    except NotJson:
        return text


def parse_several(text: str) -> list[Any]:
    """Return the JSON values that follow one another in ``text``; an empty list if it is anything else as well."""
    values: list[Any] = []
    position = skip_space(text, 0)
    while position < len(text):
        try:
            found = scan(text, position)
        except NotJson:
            return []
        values.append(found.value)
        position = skip_space(text, found.end)
    return values


def parse_or_none(text: object) -> Any:
    """Return the JSON value in a text that a service carries inside another value; None if it is none."""
    if not isinstance(text, str):
        return None
    try:
        return parse(text)
    except NotJson:
        return None


def skip_space(text: str, start: int) -> int:
    """Return the first position from ``start`` that is not JSON white space."""
    match = _SPACE.match(text, start)
    return match.end() if match else start


def is_settled(value: object, text: str, end: int) -> bool:
    """Whether more text could not change ``value``: a number at the very end could still grow."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return True
    return end < len(text) and text[end] in _AFTER_NUMBER
