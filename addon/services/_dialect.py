"""What API services are made of: dialects (a shape of request and answer) and the paths they are spoken on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import parse_qs

from addon.exchange import Ending, Exchange, Message
from addon.framing.gathering import Gathering
from addon.framing.splitter import Piece
from addon.service import KEPT_BACK, Event, Listener, Recall, Service, Turn
from addon.waiting import PATIENCE
from tracker.record import Operation


class Dialect:
    """One shape of request and answer. Stateless: what it needs while it reads lies in ``turn.state``."""

    operation: ClassVar[Operation] = "chat"
    socket_only: ClassVar[bool] = False
    """A POST on its path only prepares what a socket carries."""

    def read(self, turn: Turn, body: Any, events: Iterable[Event]) -> Iterator[Turn]:
        """Read one HTTP exchange into the turn; extra model runs reported inside it follow as turns of their own."""
        turn.operation = self.operation
        self.request(turn, body)
        for event in events:
            self.event(turn, event)
        self.finish(turn)
        yield turn
        yield from turn.state.pop("extra", ())

    def request(self, turn: Turn, body: Any) -> None:
        """Read the decoded request."""

    def event(self, turn: Turn, event: Event) -> None:
        """Read one event of the answer."""

    def finish(self, turn: Turn) -> None:
        """Settle what only the whole can tell."""


class ApiService(Service):
    """A service whose paths are spoken in several dialects."""

    routes: ClassVar[tuple[tuple[str, Dialect], ...]]
    """Whole-path pattern → dialect. The first that matches is meant."""
    polled: ClassVar[tuple[str, ...]] = ()
    """Whole-path patterns that are asked with GET, for an answer that is made in the background."""
    sockets: ClassVar[tuple[str, ...]] = ()
    """Whole-path patterns that are opened as WebSockets."""
    transports: ClassVar[tuple[str, ...]] = ("sse", "json")
    tokens = "reported"
    adds: ClassVar[re.Pattern[bytes] | None] = re.compile(
        rb'"(?:content|text|response|delta|thinking|partial_json|reasoning|reasoning_content'
        rb'|function": ?\{"arguments)": ?"(?!")'
    )

    def __init_subclass__(cls) -> None:
        """Join the routes to the one path pattern that every service has."""
        super().__init_subclass__()
        if "routes" in vars(cls):
            cls.path = re.compile("|".join(f"(?:{route})" for route, _ in cls.routes))
            cls._compiled = tuple((re.compile(route), dialect) for route, dialect in cls.routes)

    _compiled: ClassVar[tuple[tuple[re.Pattern[str], Dialect], ...]] = ()

    def __init__(self) -> None:
        self.jobs: Recall[Turn] = Recall()
        """Turns that were started here and are polled elsewhere; without their text."""

    def matches(self, method: str, host: str, path: str) -> bool:
        if not super().matches(method, host, path):
            return False
        polled = any(re.fullmatch(pattern, path) for pattern in self.polled)
        if method == "GET":
            return polled or any(re.fullmatch(one, path) for one in self.sockets)
        return not polled and not self.dialect(path).socket_only

    def dialect(self, path: str) -> Dialect:
        """Return the dialect spoken on this path."""
        return next(dialect for pattern, dialect in self._compiled if pattern.fullmatch(path))

    def turns(self, exchange: Exchange, body: Any, events: Iterable[Event]) -> Iterator[Turn]:
        yield from self.dialect(exchange.path).read(Turn(self, exchange), body, events)

    def remember(self, turn: Turn, job: str) -> None:
        """Keep a turn whose answer is still being made, without its text, until a poll finds it ready."""
        turn.forget()
        turn.exchange = replace(turn.exchange, request_body=b"", chunks=())
        self.jobs.put(job, turn)

    def resume(self, poll: Turn, job: str) -> Turn | None:
        """Return the remembered turn of this job, its clock moved on to the end of the poll, or None."""
        turn = self.jobs.pop(job)
        if turn is None:
            return None
        waited = poll.exchange.started_at - turn.exchange.started_at
        turn.ended_ms = int(waited.total_seconds() * 1000) + (poll.exchange.ended_ms or 0)
        turn.first_byte_ms = turn.first_token_ms = None
        turn.exchange = replace(turn.exchange, ending="complete")
        return turn

    def overdue(self, now: datetime | None) -> Iterator[Turn]:
        """Tell of jobs that nobody saw the end of. They stay remembered: a poll may still find them ready."""
        for turn in self.jobs.values():
            if not turn.state.get("told") and (now is None or turn.exchange.started_at + PATIENCE <= now):
                turn.state["told"] = True
                late = turn.twin(turn.exchange)
                late.outcome, late.ended_ms = "aborted", None
                yield late


class TurnByTurn:
    """
    A listener for sockets that carry one turn after the other.

    Messages in a row that only add to a text are read as one: where ``Service.adds`` says, or ``adds`` if a socket
    has other events.
    """

    def __init__(self, service: Service, opening: Exchange, adds: re.Pattern[bytes] | None = None) -> None:
        self.service, self.opening = service, opening
        self.turn: Turn | None = None
        self._alike = Gathering(service.adds and (adds or service.adds))

    def asked(self, name: str) -> str | None:
        """Return what the socket's address asks for under a name, such as the model."""
        return next(iter(parse_qs(self.opening.query).get(name, ())), None)

    def begin(self, at_ms: int | None) -> Turn:
        """Start a turn now."""
        self.turn = Turn(self.service, self.opening)
        self.turn.started_ms = at_ms or 0
        return self.turn

    def end(self, at_ms: int | None) -> Iterator[Turn]:
        """Hand over the open turn, if there is one."""
        if self.turn is not None:
            self.turn.ended_ms = at_ms
            yield self.turn
        self.turn = None

    def hear(self, message: Message) -> Iterable[Turn]:
        """Let a message wait if it only adds to the one before; take any other, after those that waited."""
        if message.from_client:
            return [*self.catch_up(), *self.take(message)]
        if self._alike.take(message.at_ms, message.data):
            return KEPT_BACK
        waited = self._alike.follow(message.data)
        return self.take(message) if waited is None else [*self._take_joined(waited), *self.take(message)]

    def take(self, message: Message) -> Iterable[Turn]:
        """Read one message; return the turns that it ended."""
        raise NotImplementedError

    def catch_up(self) -> Iterable[Turn]:
        """Read the messages that waited, as one."""
        waited = self._alike.release()
        return () if waited is None else self._take_joined(waited)

    def _take_joined(self, joined: Piece) -> Iterable[Turn]:
        at_ms, data = joined
        return self.take(Message(at_ms, False, data))

    def close(self, ending: Ending, at_ms: int | None) -> Iterable[Turn]:
        return [*self.catch_up(), *self.end(at_ms)]

    def open_turns(self) -> int:
        return int(self.turn is not None)


__all__ = ["ApiService", "Dialect", "Listener", "TurnByTurn"]
