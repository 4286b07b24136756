"""Answers that are not over: a stream handed to a socket, or broken off, waits here for its rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from addon.exchange import Exchange
from addon.service import Event, Turn

PATIENCE = timedelta(minutes=30)
"""After this an answer that never went on is over: aborted, if nobody was told of it before."""

ROOM = 64
"""How many may wait at once; the oldest goes when one more comes."""


@dataclass(slots=True)
class _Guest:
    turn: Turn
    keys: tuple[str, ...]
    owed: bool
    until: datetime


class Waiting:
    """A small, bounded, forgetful room. It has no clock: every caller says what time it is on the wire."""

    def __init__(self) -> None:
        self._guests: list[_Guest] = []

    def __len__(self) -> int:
        return len(self._guests)

    @property
    def owed(self) -> int:
        """How many of them no record was made of yet."""
        return sum(guest.owed for guest in self._guests)

    def keep(self, turn: Turn, now: datetime, *keys: str | None, owed: bool) -> None:
        """Keep a turn under its keys; ``owed`` if no record of it was made yet."""
        names = tuple(key for key in keys if key)
        self._guests = [guest for guest in self._guests if guest.turn is not turn]
        self._guests.append(_Guest(turn, names, owed, now + PATIENCE))

    def find(self, *keys: str | None, asked_by: datetime | None = None) -> Turn | None:
        """Return the latest turn kept under the first of the keys that is known, of those asked by a moment."""
        for key in keys:
            for guest in reversed(self._guests):
                if key and key in guest.keys and (asked_by is None or guest.turn.exchange.started_at <= asked_by):
                    return guest.turn
        return None

    def turns(self) -> list[Turn]:
        """Return all that wait, oldest first."""
        return [guest.turn for guest in self._guests]

    def take(self, *keys: str | None) -> Turn | None:
        """Return that turn and let it go from here."""
        turn = self.find(*keys)
        self.drop(turn)
        return turn

    def drop(self, turn: Turn | None) -> None:
        """Let a turn go."""
        self._guests = [guest for guest in self._guests if guest.turn is not turn]

    def overdue(self, now: datetime | None) -> Iterator[Turn]:
        """Let go of those whose time is up (all, if ``now`` is None) and return the ones that are owed a record."""
        over = [guest for guest in self._guests if now is None or guest.until <= now]
        if now is not None and len(self._guests) - len(over) > ROOM:
            over += [guest for guest in self._guests if guest not in over][: len(self._guests) - len(over) - ROOM]
        for guest in over:
            self._guests.remove(guest)
            if guest.owed:
                yield guest.turn
            else:
                guest.turn.forget()


def elapsed_ms(earlier: datetime, later: datetime) -> int:
    """Return the whole milliseconds from one moment to another."""
    return round((later - earlier).total_seconds() * 1000)


def go_on(turn: Turn, exchange: Exchange) -> int:
    """Let a turn go on in another exchange; return the milliseconds from its own start to that exchange's."""
    shift = elapsed_ms(turn.exchange.started_at, exchange.started_at)
    turn.response_bytes = (turn.response_bytes or 0) + exchange.response_bytes
    turn.ended_ms = None if exchange.ended_ms is None else exchange.ended_ms + shift
    turn.exchange = replace(turn.exchange, ending=exchange.ending, truncated=exchange.truncated)
    return shift


def shift_events(events: Iterable[Event], shift_ms: int) -> Iterable[Event]:
    """Return the events with their times on the clock of the turn that goes on with them."""
    return (_shift(event, shift_ms) for event in events) if shift_ms else events


def _shift(event: Event, shift_ms: int) -> Event:
    return event if event.at_ms is None else event._replace(at_ms=event.at_ms + shift_ms)


def spare(turn: Turn) -> Turn:
    """Return a copy of a turn that may go on, with no more of its exchange than the record needs."""
    exchange = turn.exchange
    twin = turn.twin(replace(exchange, chunks=(), messages=(), request_body=b""))
    if exchange.chunks:
        twin.note_first_byte(exchange.chunks[0].at_ms)
    if twin.request_bytes is None:
        twin.request_bytes = exchange.request_bytes or None
    if twin.response_bytes is None:
        twin.response_bytes = exchange.response_bytes or None
    return twin
