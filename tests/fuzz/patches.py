"""Patches and ChatGPT's deltas, one a line: as they are read, and with nothing remembered between two of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from addon.framing.values import parse_or_none
from addon.patching import Document, Rope, text_of
from addon.services._chatgpt_deltas import Deltas
from tests.fuzz.cases import cases

MOST = 200


def seeds() -> Iterator[bytes]:
    """Yield the deltas of each of ChatGPT's answers, and patches as other services write them."""
    for case in cases().values():
        if case.service.name == "chatgpt":
            body = b"".join(chunk.data for chunk in case.exchanges[0].chunks)
            lines = [line[6:] for line in body.split(b"\n") if line.startswith(b'data: {"')]
            if 0 < sum(map(len, lines)) < 4000:
                yield b"\n".join(lines)
    for operation in ("add", "append", "delta", "extend", "replace", "remove", "truncate", "patch"):
        for path, value in (("/a/0", 1), ("/a~1b", "x"), ("", ["x"]), ("/a/-", {"text": "c"})):
            yield json.dumps({"op": operation, "path": path, "o": operation, "p": path, "v": value}).encode()


def throw(data: bytes) -> None:
    """Apply patches twice; raise if what is remembered makes a difference."""
    told = [parse_or_none(line.decode("utf-8", "replace")) for line in data.split(b"\n", MOST)[:MOST]]
    patches = [one for one in told if isinstance(one, dict)]
    fast, slow, document, fresh = Deltas(), Deltas(), Document(), Document()
    for patch, again in zip(patches, json.loads(json.dumps(patches)), strict=True):
        slow._growing = None
        for one in slow._documents.values():
            one._growing = None
        texts = [
            [(change.channel, text_of(change.document.get("text"))) for change in deltas.take(delta)]
            for deltas, delta in ((fast, patch), (slow, again))
        ]
        assert texts[0] == texts[1]
        fresh = Document(fresh.root)
        operation, path = patch.get("o"), patch.get("p")
        if isinstance(operation, str) and isinstance(path, str):
            value = json.dumps(patch.get("v"))
            made = [one.apply(operation, path, json.loads(value)) for one in (document, fresh)]
            assert made[0] == made[1]
    assert repr(_plain(document.root)) == repr(_plain(fresh.root))


def _plain(value: Any) -> Any:
    match value:
        case Rope():
            return str(value)
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
    return value
