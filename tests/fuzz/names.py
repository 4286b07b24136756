"""Names of models: whatever is told, what is kept is makers' words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.fuzz.cases import cases
from tracker.naming import CUSTOM, keep_model
from tracker.record import model_name


def seeds() -> Iterator[bytes]:
    """Yield the names that the examples tell."""
    names = {name for case in cases().values() for one in case.exchanges for name in _names(one.request_body)}
    yield from sorted(names)
    yield from (b"ft:gpt-4o-mini:acme::abc", b"anthropic/claude-3-5-sonnet:beta", b"us.meta.llama3-1-8b-instruct-v1:0")


def _names(body: bytes) -> set[bytes]:
    return set(re.findall(rb'"model\w*": ?"([^"]{1,60})"', body))


def throw(data: bytes) -> None:
    """Keep a name; raise if what is kept is not a part of it that would be kept by itself."""
    name = data.decode("utf-8", "surrogateescape")
    kept = keep_model(name)
    if kept is None:
        assert not name.strip()
    elif kept != CUSTOM:
        assert kept == model_name(kept)
        assert kept in name
        assert keep_model(kept) == kept
