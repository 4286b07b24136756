"""From what was heard to records: find the service, let it read, and let nothing it does get out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from addon.digests import SocketDigest, digest, digest_content
from addon.exchange import Ending, Exchange, Message
from addon.framing import read_events, read_request
from addon.recording import make_record
from addon.service import Listener, Service, Turn, discover
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


class Reader:
    """
    All services with one installation key. It lives as long as the process, for services remember a little
    between exchanges (a stream handed over to a socket, a job to be polled).
    """

    def __init__(self, key: bytes, *, services: Iterable[Service | type[Service]] | None = None) -> None:
        """Take the 32-byte key; ``services`` default to all that ship plus the person's own company bots."""
        self._key = key
        known = discover() if services is None else services
        self._services = tuple(service() if isinstance(service, type) else service for service in known)
        self._keeping = [service for service in self._services if service.owed() is not None]
        self._by_host: dict[str, list[Service]] = {}
        for service in self._services:
            for host in service.hosts:
                self._by_host.setdefault(host, []).append(service)

    @property
    def services(self) -> tuple[Service, ...]:
        """Every service this reader knows."""
        return self._services

    def find(self, method: str, host: str, path: str) -> Service | None:
        """Return the service whose turn this is, by exact host and whole path, or None."""
        host, method = host.lower(), method.upper()
        path = path.partition("?")[0]
        for name in (host, "*." + host.partition(".")[2]):
            for service in self._by_host.get(name, ()):
                if service.matches(method, host, path):
                    return service
        return None

    def read(self, exchange: Exchange) -> Reading:
        """
        Read one finished exchange. Never raises: what cannot be read is told as ``unread``.

        Answers that waited in vain until now are told as well; not so in an archive, which is read in one go.
        """
        late = self.overdue(exchange.started_at) if exchange.source == "proxy" else NOTHING
        return late + self._read_one(exchange)

    def _read_one(self, exchange: Exchange) -> Reading:
        service = self.find(exchange.method, exchange.host, exchange.path)
        if service is None:
            return NOTHING
        if exchange.status >= 400:
            return NOTHING if exchange.method.upper() == "GET" else Reading(refused=1)
        if 300 <= exchange.status < 400:
            return NOTHING  # the browser is sent elsewhere
        if exchange.messages:
            return self._read_socket(exchange)
        if exchange.status == 101:
            return NOTHING  # a socket that is still open, or was never used
        return self._read_http(service, exchange)

    def open_socket(self, exchange: Exchange) -> SocketReader | None:
        """Return a reader for the socket that this exchange opens, or None if it carries no turns."""
        service = self.find(exchange.method, exchange.host, exchange.path)
        if service is None:
            return None
        listener: Listener | None
        try:
            listener = service.listen(exchange)
        except Exception as error:  # noqa: BLE001 - a service's fault must cost a reading, never a chat
            listener = _Broken(error.with_traceback(None))
        return None if listener is None else SocketReader(self._key, service, exchange, listener)

    def under_way(self) -> Counter[str]:
        """How many answers are held until their rest comes, by service."""
        return Counter({service.name: n for service in self._keeping if (n := service.owed())})

    def overdue(self, now: datetime | None = None) -> Reading:
        """Return the answers whose rest did not come until ``now``; all that wait, if None. Never raises."""
        reading = NOTHING
        for service in self._services:
            try:
                turns = tuple(service.overdue(now))
            except Exception as error:  # noqa: BLE001 - as below
                day = (now or datetime.now(UTC)).date().isoformat()
                unread = Unread(day=day, service=service.name, shape="", reason=type(error).__name__)
                reading += Reading(unread=(unread,))
                continue
            for turn in turns:
                begun = partial(digest, turn.exchange.host.encode(), turn.exchange.started_at.isoformat().encode())
                reading += _settle(turn, self._key, begun, sent=None, received=None)
        return reading

    def _read_socket(self, exchange: Exchange) -> Reading:
        socket = self.open_socket(exchange)
        if socket is None:
            return NOTHING
        reading = NOTHING
        for message in exchange.messages:
            reading += socket.hear(message)
        last_ms = exchange.messages[-1].at_ms
        return reading + socket.close(exchange.ending, exchange.ended_ms if last_ms is None else last_ms)

    def _read_http(self, service: Service, exchange: Exchange) -> Reading:
        try:
            body = read_request(exchange)
            events = read_events(exchange, service.framing, service.adds)
            turns = tuple(service.turns(exchange, body, events))
        except Exception as error:  # noqa: BLE001 - a service's fault must cost a reading, never a chat
            return Reading(unread=(_unread(service, exchange, _shape_of(service, exchange), type(error).__name__),))

        reading = NOTHING
        for turn in turns:
            if exchange.chunks:
                turn.note_first_byte(exchange.chunks[0].at_ms)
            if not events.heard and exchange.ending != "complete":
                turn.dropped = True  # nothing was answered before it was stopped
            sent, received = exchange.request_bytes or None, exchange.response_bytes or None
            problem = next(iter(events.problems), "nothing-read")
            reading += _settle(
                turn, self._key, partial(digest_content, exchange), sent=sent, received=received, problem=problem
            )
        return reading


@dataclass(frozen=True, slots=True)
class _Broken:
    """In the place of a listener that could not begin: what is said on its socket is not read, and counted."""

    error: Exception = field(repr=False)

    def hear(self, message: Message) -> Iterable[Turn]:
        raise self.error

    def close(self, ending: Ending, at_ms: int | None) -> Iterable[Turn]:
        return ()


class SocketReader:
    """One open socket: feed it every message, and close it when the socket is gone."""

    def __init__(self, key: bytes, service: Service, opening: Exchange, listener: Listener) -> None:
        self._key, self._service, self._opening, self._listener = key, service, opening, listener
        self._sent, self._received = 0, 0
        self._digest = SocketDigest()
        self.is_broken = False
        """A message was more than its service's listener could take: what it has heard so far cannot be relied on."""

    @property
    def service(self) -> str:
        """The name of the service."""
        return self._service.name

    @property
    def is_alone(self) -> bool:
        """Whether answers are under way nowhere but here: the service keeps none between exchanges."""
        return self._service.owed() is None

    @property
    def is_asked(self) -> bool:
        """Whether the client has said something since the last turn ended, and nothing came back yet."""
        return bool(self._sent) and not self._received

    @property
    def is_busy(self) -> bool:
        """Whether something went both ways since the last turn ended: an answer may be under way, and only here."""
        return bool(self._sent and self._received) and self.is_alone

    def hear(self, message: Message) -> Reading:
        """Take one message; return the records of the turns that it ended. Never raises."""
        if message.from_client:
            self._sent += len(message.data)
        else:
            self._received += len(message.data)
        self._digest.take(message)
        try:
            turns = tuple(self._listener.hear(message))
        except Exception as error:  # noqa: BLE001 - as above
            self.is_broken = True
            return Reading(unread=(_unread(self._service, self._opening, "", type(error).__name__, message.at_ms),))
        return self._settle(turns, message.at_ms) if turns else NOTHING

    def close(self, ending: Ending, at_ms: int | None) -> Reading:
        """The socket is gone; return the records of the turns that were still open. Never raises."""
        try:
            turns = tuple(self._listener.close(ending, at_ms))
        except Exception as error:  # noqa: BLE001 - as above
            return Reading(unread=(_unread(self._service, self._opening, "", type(error).__name__, at_ms),))
        return self._settle(turns, at_ms)

    def _settle(self, turns: Sequence[Turn], at_ms: int | None) -> Reading:
        reading = NOTHING
        for turn in turns:
            if turn.ended_ms is None or turn.ended_ms == self._opening.ended_ms:
                turn.ended_ms = at_ms
            reading += _settle(turn, self._key, self._digest.digest, sent=self._sent, received=self._received)
            self._sent, self._received, self._digest = 0, 0, SocketDigest()
        return reading


def _settle(
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
            unread = (_unread(service, exchange, tell_names(turn.unknown), "unknown-events", turn.started_ms),)
        if not _has_substance(turn):
            return Reading(unread=unread or (_unread(service, exchange, _shape_of(service, exchange), problem),))
        offset = exchange.utc_offset_minutes
        record = make_record(turn, key, fallback_id=fallback_id, local_offset=offset, sent=sent, received=received)
        return Reading(records=(record,), unread=unread)
    except Exception as error:  # noqa: BLE001 - as above
        return Reading(unread=(_unread(service, exchange, "", type(error).__name__),))
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


def _unread(service: Service, exchange: Exchange, shape: str, reason: str, at_ms: int | None = None) -> Unread:
    local = exchange.started_at + timedelta(minutes=exchange.utc_offset_minutes, milliseconds=at_ms or 0)
    return Unread(day=local.date().isoformat(), service=service.name, shape=shape, reason=reason)


def _shape_of(service: Service, exchange: Exchange) -> str:
    """Read the exchange once more, only for the names of its keys."""
    events = read_events(exchange, service.framing)
    return tell_shape(event.data for event, _ in zip(events, range(50), strict=False))
