"""A ready example of exchanges: scrubbed, told as tests/examples tells them, and with what they read as."""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

from addon.exchange import Exchange
from addon.reader import Reader
from addon.reading import Reading
from addon.scrubbing import Fillers, Scrubber, scrub
from addon.scrubbing.proof import unknown_words
from addon.scrubbing.refusals import MOST_BYTES, MOST_MESSAGES, Refused
from tracker.moments import timestamp
from tracker.record import Record

TOLERANCE = 0.02
"""How far the filler's token count may be from the text's."""
LEAST_TOLERANCE = 1
"""Tokens: for texts of a few words."""
PASSES = 6
COUNTED = ("input_tokens", "output_tokens", "reasoning_tokens")
LENGTHS = ("attachment_bytes",)
"""What may follow from the length of a text, which is not kept; files keep theirs."""
STARTED_AT = datetime(2026, 11, 16, 9, 30, tzinfo=UTC)
"""The moment at which every example begins."""
DECIDED_ELSEWHERE = frozenset({
    "id", "revision", "started_at", "utc_offset_minutes", "service", "source", "reader", "request_bytes",
    "response_bytes",
})  # fmt: skip
"""Columns that an example does not repeat: its folder, its exchange or its key decide them."""

_BINARY = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1d\x1f]")
"""What no text has in it; a record separator may end a message of text."""
_DEFAULTS = {one.name: one.default for one in fields(Record) if one.default is not MISSING}


def make_example(*exchanges: Exchange) -> dict[str, Any]:
    """
    Return a ready example: the scrubbed exchanges, what they read as, and how many of what kind was removed.

    Raises ``Refused`` where that cannot be done, so that nothing half-scrubbed is left anywhere.
    """
    _refuse(exchanges)
    before = read_together(exchanges)
    started_at = exchanges[0].started_at
    scrubber = Scrubber(Fillers(_vocabulary_of(before)), started_at, STARTED_AT - started_at)
    _scrub_all(exchanges, scrubber)
    tries: list[_Try] = []
    while len(tries) < PASSES and not (tries and tries[-1].distance == 0):
        scrubber.begin()
        clean = _scrub_all(exchanges, scrubber)
        after = read_together(clean)
        tries.append(_Try(_rescale(before, after, scrubber), clean, after, +scrubber.removed))
    best = min(tries, key=lambda one: one.distance)
    told = [tell_exchange(exchange) for exchange in best.exchanges]
    for one, exchange in zip(told[1:], exchanges[1:], strict=True):
        one["started_at"] = timestamp(STARTED_AT + (exchange.started_at - started_at))
    alike = reads_alike(before, best.reading)
    if unknown_words(told):
        raise Refused("words")
    if best.removed["binary message"] and not alike:
        raise Refused("binary")
    return {
        "note": "captured and scrubbed by klimaspor capture",
        **({"exchange": told[0]} if len(told) == 1 else {"exchanges": told}),
        "expected": [tell_record(record) for record in best.reading.records],
        **({"unread": tell_unread(best.reading)} if best.reading.unread else {}),
        "removed": dict(sorted(best.removed.items())),
        "reads_alike": alike,
    }


@dataclass(frozen=True, slots=True)
class _Try:
    """One way to fill in the texts, and how far (tokens) its counts are from the right ones."""

    distance: int
    exchanges: list[Exchange]
    reading: Reading
    removed: Counter[str]


def _refuse(exchanges: Sequence[Exchange]) -> None:
    for exchange in exchanges:
        size = len(exchange.request_body) + sum(len(chunk.data) for chunk in exchange.chunks)
        size += sum(len(message.data) for message in exchange.messages)
        if exchange.truncated or size > MOST_BYTES or len(exchange.messages) > MOST_MESSAGES:
            raise Refused("large")
    reader = _fresh_reader()
    if not any(reader.find(exchange.method, exchange.host, exchange.path) for exchange in exchanges):
        raise Refused("unknown")


def _scrub_all(exchanges: Sequence[Exchange], scrubber: Scrubber) -> list[Exchange]:
    reader = _fresh_reader()
    found = (reader.find(exchange.method, exchange.host, exchange.path) for exchange in exchanges)
    return [
        scrub(exchange, service.framing if service else "auto", scrubber)
        for exchange, service in zip(exchanges, found, strict=True)
    ]


def _rescale(before: Reading, after: Reading, scrubber: Scrubber) -> int:
    """Return how far the counts are apart (tokens), and correct the length of the filler by it."""
    pairs = list(zip(before.records, after.records, strict=False))
    distance = abs(len(before.records) - len(after.records))
    for side, name in (("question", "input_tokens"), ("answer", "output_tokens")):
        counted: list[tuple[int, int]] = [
            (getattr(old, name) or 0, getattr(new, name) or 0)
            for old, new in pairs
            if getattr(old, f"{name}_source") == getattr(new, f"{name}_source") == "counted"
        ]
        had, has = sum(old for old, _ in counted), sum(new for _, new in counted)
        distance += sum(abs(old - new) for old, new in counted)
        if had and has:
            scrubber.fillers.scales[side] = scrubber.fillers.scales.get(side, 1.0) * had / has
    return distance


def read_together(exchanges: Iterable[Exchange]) -> Reading:
    """Read exchanges one after the other with a reader that has heard nothing before them."""
    reader = _fresh_reader()
    return sum((reader.read(exchange) for exchange in exchanges), Reading())


def _fresh_reader() -> Reader:
    return Reader(secrets.token_bytes(32))


def _vocabulary_of(reading: Reading) -> str:
    """Return a model that counts plainly with the vocabulary that the reader's count was made with."""
    from tracker.tokens import tokenizer_of

    for record in reading.records:
        family = tokenizer_of(record.response_model or record.request_model, record.service)
        return "gpt-3.5" if family.vocabulary == "cl100k_base" else "nova"
    return "nova"


def reads_alike(before: Reading, after: Reading) -> bool:
    """Whether scrubbing left everything that the reader needs: the same records, counts within the tolerance."""
    if len(before.records) != len(after.records) or before.refused != after.refused:
        return False
    if [unread.reason for unread in before.unread] != [unread.reason for unread in after.unread]:
        return False
    return all(_is_alike(old, new) for old, new in zip(before.records, after.records, strict=True))


def _is_alike(before: Record, after: Record) -> bool:
    old, new = tell_record(before), tell_record(after)
    for name in COUNTED:
        had, has = old.pop(name, None), new.pop(name, None)
        if (had is None) != (has is None):
            return False
        if had is not None and abs(has - had) > max(LEAST_TOLERANCE, TOLERANCE * had):
            return False
    for name in LENGTHS:
        if (old.pop(name, None) is None) != (new.pop(name, None) is None):
            return False
    return old == new


def tell_exchange(exchange: Exchange) -> dict[str, Any]:
    """Return an exchange in the form that tests/examples/README.md describes."""
    query = f"?{exchange.query}" if exchange.query else ""
    told: dict[str, Any] = {"method": exchange.method, "url": f"https://{exchange.host}{exchange.path}{query}"}
    told |= _tell_request(exchange.request_body)
    told |= {
        "request_headers": dict(exchange.request_headers),
        "status": exchange.status,
        "response_headers": dict(exchange.response_headers),
        "ended_ms": exchange.ended_ms,
        "ending": exchange.ending,
    }
    if exchange.messages:
        told["messages"] = [
            {"from": "client" if one.from_client else "server", "at_ms": one.at_ms, **_tell_bytes(one.data, "data")}
            for one in exchange.messages
        ]
    else:
        told["chunks"] = [{"at_ms": chunk.at_ms, **_tell_bytes(chunk.data, "text")} for chunk in exchange.chunks]
    return told


def _tell_request(body: bytes) -> dict[str, Any]:
    told = _tell_bytes(body, "request_text")
    if "base64" in told:
        return {"request_base64": told["base64"]}
    try:
        value = json.loads(told["request_text"])
    except ValueError:
        return told
    return {"request": value} if json.dumps(value, ensure_ascii=False) == told["request_text"] else told


def _tell_bytes(data: bytes, name: str) -> dict[str, str]:
    text = data.decode("utf-8", "ignore")
    if text.encode() == data and not _BINARY.search(text):
        return {name: text}
    return {name: "", "base64": base64.b64encode(data).decode()}


def tell_unread(reading: Reading) -> list[list[str]]:
    """Return why and at which keys something could not be read."""
    return sorted([unread.reason, unread.shape] for unread in reading.unread)


def tell_record(record: Record) -> dict[str, Any]:
    """Return a record as an example tells it: the columns that matter and are not at their defaults."""
    told = {
        name: value
        for name, value in asdict(record).items()
        if name not in DECIDED_ELSEWHERE and name != "features" and value != _DEFAULTS.get(name)
    }
    if "conversation" in told:
        told["conversation"] = True
    if record.features:
        told["features"] = [[one.feature, one.state, one.amount] for one in record.features]
    return told
