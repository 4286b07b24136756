"""From what was heard to records: find the service, let it read, and let nothing it does get out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial

from addon.digests import digest, digest_content, tell_apart
from addon.exchange import Exchange
from addon.framing import read_events, read_request
from addon.reading import NOTHING, Reading, settle, shape_of, tell_unread
from addon.service import Listener, Service, discover
from addon.socket_reader import BrokenListener, SocketReader
from tracker.record import Unread


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
            listener = BrokenListener(error.with_traceback(None))
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
                reading += settle(turn, self._key, begun, sent=None, received=None)
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
            events = read_events(exchange, service.framing, service.adds, service.repeats, service.patches)
            turns = tuple(service.turns(exchange, body, events))
        except Exception as error:  # noqa: BLE001 - a service's fault must cost a reading, never a chat
            return Reading(unread=(tell_unread(service, exchange, shape_of(service, exchange), type(error).__name__),))

        reading, content = NOTHING, tell_apart(partial(digest_content, exchange))
        for turn in turns:
            if exchange.chunks:
                turn.note_first_byte(exchange.chunks[0].at_ms)
            if not events.heard and exchange.ending != "complete":
                turn.dropped = True  # nothing was answered before it was stopped
            sent, received = exchange.request_bytes or None, exchange.response_bytes or None
            problem = next(iter(events.problems), "nothing-read")
            reading += settle(turn, self._key, content, sent=sent, received=received, problem=problem)
        return reading
