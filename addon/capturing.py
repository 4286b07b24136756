"""Grants the wish for a scrubbed example: a service's next exchange, safe to share, and what it reads as."""

from __future__ import annotations

import json
import os
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from addon.coding import CodingError
from addon.exchange import Exchange, Message
from addon.reader import Reader, Reading
from addon.scrubbing import Scrubber, scrub
from tracker.record import Record

MOST_MESSAGES = 3000
TOLERANCE = 0.02
"""How far the filler's token count may be from the text's."""
LEAST_TOLERANCE = 3
"""Tokens: for answers of a few words."""
PASSES = 6
COMPARED = ("response_model", "operation", "initiator", "outcome", "output_tokens_source", "media_count")
MOST_BYTES = 4 * 1024 * 1024
DECIDED_ELSEWHERE = frozenset({
    "id", "revision", "started_at", "utc_offset_minutes", "service", "source", "reader", "request_bytes",
    "response_bytes",
})  # fmt: skip
"""Columns that an example does not repeat: its folder, its exchange or its key decide them."""

_DEFAULTS = {one.name: one.default for one in fields(Record) if one.default is not MISSING}


@dataclass(frozen=True, slots=True)
class Wish:
    """The file, beside the database, in which ``klimaspor capture`` says what it waits for."""

    path: Path

    @classmethod
    def of(cls, folder: Path, service: str) -> Wish:
        """Return the wish for a service, whether or not it has been made."""
        return cls(folder / f"capture-{service}.wish")

    def make(self) -> None:
        """Make the wish; the answer comes to ``granted``."""
        self.path.touch(mode=0o600)

    @property
    def made(self) -> bool:
        return self.path.exists()

    @property
    def granted(self) -> Path:
        """Where the example is left, 0600, for the waiting command to take."""
        return self.path.with_suffix(".json")

    def grant(self, exchange: Exchange, reader: Reader) -> None:
        """Leave the scrubbed example, whole or not at all, and forget the wish."""
        text = json.dumps(make_example(exchange, reader), ensure_ascii=False, indent=1)
        half = self.path.with_suffix(".half")
        with open(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123
            file.write(text + "\n")
        half.rename(self.granted)
        self.path.unlink(missing_ok=True)


@dataclass(slots=True)
class Captures:
    """The wishes as the worker sees them: what is heard is offered to whoever waits for it, and no one else."""

    folder: Path
    reader: Reader
    _sockets: dict[str, tuple[Wish, Exchange, list[Message]]] = field(default_factory=dict)

    def take(self, service: str, exchange: Exchange, reading: Reading) -> None:
        """Offer an exchange; one that was nobody's turn grants no wish."""
        wish = Wish.of(self.folder, service)
        if wish.made and (reading.records or reading.unread):
            self._grant(wish, exchange)

    def open(self, socket: str, service: str, opening: Exchange) -> None:
        """A socket opens: if somebody waits for its service, keep its messages until its first turn has ended."""
        wish = Wish.of(self.folder, service)
        if wish.made:
            self._sockets[socket] = (wish, opening, [])

    def hear(self, socket: str, message: Message) -> None:
        """Keep a message of a socket that somebody waits for, while there is room."""
        if kept := self._sockets.get(socket):
            size = sum(len(one.data) for one in kept[2])
            if len(kept[2]) < MOST_MESSAGES and size < MOST_BYTES:
                kept[2].append(message)

    def turn(self, socket: str, reading: Reading) -> None:
        """A turn of a socket has ended."""
        if (reading.records or reading.unread) and (kept := self._sockets.pop(socket, None)):
            wish, opening, messages = kept
            self._grant(wish, replace(opening, messages=tuple(messages)))

    def close(self, socket: str) -> None:
        """A socket is gone: let go of what was kept of it."""
        self._sockets.pop(socket, None)

    def _grant(self, wish: Wish, exchange: Exchange) -> None:
        try:
            wish.grant(exchange, self.reader)
        except (CodingError, OSError):
            return  # the wish stands; the next exchange may grant it


def make_example(exchange: Exchange, reader: Reader) -> dict[str, Any]:
    """
    Return a ready example: the scrubbed exchange, what it reads as, and how many of what kind was removed.

    Raises ``CodingError`` where a body cannot be decoded, so that nothing half-scrubbed is left anywhere.
    """
    before = reader.read(exchange)
    scale = 1.0
    for _ in range(PASSES):
        scrubber = Scrubber(scale)
        clean = scrub(exchange, scrubber)
        after = reader.read(clean)
        had, has = _output_tokens(before), _output_tokens(after)
        if not had or not has or abs(has - had) <= TOLERANCE * had:
            break
        scale *= had / has
    return {
        "note": "captured and scrubbed by klimaspor capture",
        "exchange": tell_exchange(clean),
        "expected": [tell_record(record) for record in after.records],
        "removed": dict(sorted((kind, n) for kind, n in scrubber.removed.items() if n)),
        "reads_alike": _reads_alike(before, after),
    }


def _reads_alike(before: Reading, after: Reading) -> bool:
    """Whether scrubbing left everything that the reader needs: same kind of records, counts within the tolerance."""
    if len(before.records) != len(after.records):
        return False
    alike = all(
        getattr(old, name) == getattr(new, name)
        for old, new in zip(before.records, after.records, strict=True)
        for name in COMPARED
    )
    had, has = _output_tokens(before), _output_tokens(after)
    return alike and abs(has - had) <= max(LEAST_TOLERANCE, TOLERANCE * had)


def _output_tokens(reading: Reading) -> int:
    return sum(record.output_tokens or 0 for record in reading.records)


def tell_exchange(exchange: Exchange) -> dict[str, Any]:
    """Return an exchange in the form that tests/examples/README.md describes."""
    told: dict[str, Any] = {"method": exchange.method, "url": f"https://{exchange.host}{exchange.path}"}
    body = exchange.request_body.decode()
    try:
        told["request"] = json.loads(body)
    except ValueError:
        told["request_text"] = body
    told |= {
        "request_headers": dict(exchange.request_headers),
        "status": exchange.status,
        "response_headers": dict(exchange.response_headers),
        "ending": exchange.ending,
    }
    if exchange.messages:
        told["messages"] = [
            {"from": "client" if one.from_client else "server", "at_ms": one.at_ms, "data": one.data.decode()}
            for one in exchange.messages
        ]
    else:
        told["response_text"] = b"".join(chunk.data for chunk in exchange.chunks).decode()
    return told


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
