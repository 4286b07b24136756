"""Requests of every content type: JSON, forms, uploads, connect's envelopes; coded or not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from addon.exchange import Exchange
from addon.framing import read_request
from tests.fuzz.cases import CODINGS, cases, choose, code

TYPES = (
    "", "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=example",
    'multipart/form-data; boundary="a b"', "application/connect+json", "application/connect+proto",
    "application/grpc-web+proto", "text/plain;charset=UTF-8",
)  # fmt: skip
WAYS = {kind.encode(): kind for kind in TYPES}
LARGEST_SEED = 1500


def seeds() -> Iterator[bytes]:
    """Yield the first question of each service and content type, and an upload."""
    seen = set()
    for case in cases().values():
        body = case.exchanges[0].request_body
        kind = case.exchanges[0].request_header("content-type")
        if body and len(body) <= LARGEST_SEED and (case.service, kind) not in seen:
            seen.add((case.service, kind))
            yield kind.encode() + b"\n\x00" + body
    part = b'--example\r\ncontent-disposition: form-data; name="a"%s\r\ncontent-type: image/png\r\n\r\nx\r\n'
    yield b"multipart/form-data; boundary=example\n\x00" + part % b"" + part % b'; filename="f"' + b"--example--"
    for kind in TYPES[5:8]:
        yield kind.encode() + b'\n\x00\x00\x00\x00\x00\x0d{"a": "tide"}'


def throw(data: bytes) -> None:
    """Read a question, with its coding and without; raise if they differ, or if an upload has another shape."""
    way, _, rest = data.partition(b"\n")
    kind, coding, body = choose(way, WAYS), CODINGS[rest[0] % len(CODINGS)] if rest else "", rest[1:]
    plain = _read(body, kind, "")
    if coding and body:
        assert repr(_read(code(body, coding), kind, coding)) == repr(plain), "coded and not"
        _read(body, kind, coding)
    if kind.startswith("multipart") and plain is not None:
        assert all(type(text) is str for text in plain["fields"].values())
        assert all(one.keys() == {"size", "type", "field"} and one["size"] >= 0 for one in plain["files"])


def _read(body: bytes, kind: str, coding: str) -> Any:
    return read_request(
        Exchange(
            method="POST",
            host="chat.example",
            path="/",
            status=200,
            started_at=datetime(2026, 11, 22, tzinfo=UTC),
            request_headers={"content-type": kind, "content-encoding": coding},
            request_body=body,
        )
    )
