"""What may be told of traffic that could not be read: names of keys, never anything a person wrote."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

KEY = re.compile(r"[a-z][a-z_]{1,30}")
LIMIT = 40

_WRAPPERS = frozenset({
    "data", "response", "message", "delta", "choices", "event", "events", "result", "payload", "candidates", "usage",
    "item", "usage_metadata", "error",
})  # fmt: skip
"""Keys that services put around their answers; only these are looked into, so content and tool arguments are not."""


def tell_shape(values: Iterable[Any]) -> str:
    """Return the sorted key names of decoded events, comma-separated, at most 40."""
    names: set[str] = set()
    for value in values:
        _gather(value, names, depth=3)
        if len(names) >= LIMIT:
            break
    return tell_names(names)


def tell_names(names: Iterable[str]) -> str:
    """Return those of the names that may be told, sorted, comma-separated, at most 40."""
    return ",".join(sorted(name for name in names if KEY.fullmatch(name))[:LIMIT])


def _gather(value: Any, names: set[str], depth: int) -> None:
    match value:
        case dict() if depth:
            for key, inner in list(value.items())[: 2 * LIMIT]:
                if isinstance(key, str) and KEY.fullmatch(key):
                    names.add(key)
                    if key in _WRAPPERS:
                        _gather(inner, names, depth - 1)
        case list():
            for inner in value[:3]:
                _gather(inner, names, depth)
