"""What holds of every reading, whatever the bytes were: the fuzzer and ``tests/test_reading_alike.py`` ask it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import fields, replace
from functools import cache

from addon.exchange import Exchange
from addon.framing.snapshots import Repeats
from addon.reader import Reader
from addon.reading import NOTHING, Reading
from addon.service import Service
from tests.examples import KEY
from tracker.record import LARGEST_COUNT, Record, Unread

COUNTS = ("input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens", "media_count", "media_pixels")
_NEVER = Repeats(re.compile(rb"(?!)"))


def read(exchanges: Iterable[Exchange], services: Iterable[type[Service]]) -> Reading:
    """Read exchanges one after the other, as the worker does: like events joined, snapshots held back."""
    return _read(Reader(KEY, services=services), exchanges)


def read_plainly(exchanges: Iterable[Exchange], services: Iterable[type[Service]]) -> Reading:
    """Read every event as it came, none joined and none held back."""
    plain = [service() for service in services]
    for service in plain:
        vars(service).update(adds=None, repeats=_NEVER, patches=None)
    return _read(Reader(KEY, services=plain), exchanges)


def _read(reader: Reader, exchanges: Iterable[Exchange]) -> Reading:
    reading = NOTHING
    for exchange in exchanges:
        reading += reader.read(exchange)
    return reading + reader.overdue()


def check(reading: Reading) -> None:
    """Raise if a number is below zero, no number or too large for the database, or if a name could steer anything."""
    for record in reading.records:
        for field in fields(record):
            value = getattr(record, field.name)
            if isinstance(value, int | float) and field.name != "utc_offset_minutes":
                assert 0 <= value < 2**63, (field.name, value)  # NaN is not
        assert all((getattr(record, name) or 0) <= LARGEST_COUNT for name in COUNTS)
        assert all(one.amount is None or 0 <= one.amount < 2**63 for one in record.features)
        for text in (record.request_model, record.response_model, record.effort, record.provider, record.client):
            assert text is None or (text.isprintable() and len(text) <= 80)
    assert all(one.n >= 0 and one.shape.isprintable() and len(one.shape) < 2000 for one in reading.unread)


def differ(one: Reading, other: Reading) -> bool:
    """Whether two readings tell different things, apart from times."""
    return untimed(one.records) != untimed(other.records) or _reasons(one) != _reasons(other)


def _reasons(reading: Reading) -> set[Unread]:
    """Return what was not read; where nothing could be, whether it was cut or broken is a guess."""
    return {replace(one, reason=one.reason.replace("truncated", "bad-json")) for one in reading.unread}


def untimed(records: tuple[Record, ...]) -> list[Record]:
    """Return the records but for their times, which are those of the chunks."""
    return [
        replace(
            record, started_at="", first_byte_ms=None, thinking_ms=None, time_to_first_token_ms=None, duration_ms=None
        )
        for record in records
    ]


def is_text(body: bytes) -> bool:
    """Whether letters are the same wherever the bytes are cut or joined."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return re.search(rb"\\u[dD][89a-fA-F]", body) is None


def service_of(exchange: Exchange) -> type[Service]:
    """Whose turn an exchange of the examples is."""
    service = _reader().find(exchange.method, exchange.host, exchange.path)
    assert service is not None
    return type(service)


@cache
def _reader() -> Reader:
    return Reader(KEY)
