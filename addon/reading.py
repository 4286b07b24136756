"""What came of an exchange: a turn becomes a record, or it is told that it could not be read; its text is let go of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from addon.exchange import Exchange
from addon.framing import read_events
from addon.recording import make_record
from addon.service import Service, Turn
from addon.shapes import tell_names, tell_shape
from tracker.record import Record, Unread


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of an exchange, or of one message on a socket."""

    records: tuple[Record, ...] = ()
    unread: tuple[Unread, ...] = ()
    refused: int = 0
    """1 if the service refused the turn (HTTP status 400 and above): no record, only this count."""

    def __add__(self, other: Reading) -> Reading:
        if other is NOTHING:
            return self  # as most messages of a socket
        return Reading(self.records + other.records, self.unread + other.unread, self.refused + other.refused)


NOTHING = Reading()


def settle(
    turn: Turn,
    key: bytes,
    fallback_id: Callable[[], bytes],
    *,
    sent: int | None,
    received: int | None,
    problem: str = "nothing-read",
) -> Reading:
    """Make the record of a turn, or tell that it could not be read, and let go of its text."""
    service, exchange = turn.service, turn.exchange
    try:
        if turn.dropped:
            return NOTHING
        unread: tuple[Unread, ...] = ()
        if turn.unknown:
            unread = (tell_unread(service, exchange, tell_names(turn.unknown), "unknown-events", turn.started_ms),)
        if not _has_substance(turn):
            return Reading(unread=unread or (tell_unread(service, exchange, shape_of(service, exchange), problem),))
        offset = exchange.utc_offset_minutes
        record = make_record(turn, key, fallback_id=fallback_id, local_offset=offset, sent=sent, received=received)
        return Reading(records=(record,), unread=unread)
    except Exception as error:  # noqa: BLE001 - a service's fault must cost a reading, never a chat
        return Reading(unread=(tell_unread(service, exchange, "", type(error).__name__),))
    finally:
        turn.forget()


def _has_substance(turn: Turn) -> bool:
    """Whether anything of an answer was read; a question alone is not an answer."""
    return (
        turn.outcome is not None
        or turn.service.grade == "inferred"
        or turn.response_model is not None
        or turn.usage is not None
        or turn.media_count is not None
        or turn.media_seconds is not None
        or any(turn.has_text(role) for role in ("answer", "reasoning", "tool_call"))
    )


def tell_unread(service: Service, exchange: Exchange, shape: str, reason: str, at_ms: int | None = None) -> Unread:
    local = exchange.started_at + timedelta(minutes=exchange.utc_offset_minutes, milliseconds=at_ms or 0)
    return Unread(day=local.date().isoformat(), service=service.name, shape=shape, reason=reason)


def shape_of(service: Service, exchange: Exchange) -> str:
    """Read the exchange once more, only for the names of its keys."""
    events = read_events(exchange, service.framing)
    return tell_shape(event.data for event, _ in zip(events, range(50), strict=False))
