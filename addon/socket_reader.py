"""One open socket: what both sides say on it, from its first message to its end, becomes records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from addon.digests import SocketDigest
from addon.exchange import Ending, Exchange, Message
from addon.reading import NOTHING, Reading, settle, tell_unread
from addon.service import Listener, Service, Turn


@dataclass(frozen=True, slots=True)
class BrokenListener:
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
        except Exception as error:  # noqa: BLE001 - a service's fault must cost a reading, never a chat
            self.is_broken = True
            return self.tell_lost(type(error).__name__, message.at_ms)
        return self._settle(turns, message.at_ms) if turns else NOTHING

    def close(self, ending: Ending, at_ms: int | None) -> Reading:
        """The socket is gone; return the records of the turns that were still open. Never raises."""
        try:
            turns = tuple(self._listener.close(ending, at_ms))
        except Exception as error:  # noqa: BLE001 - a service's fault must cost a reading, never a chat
            return self.tell_lost(type(error).__name__, at_ms)
        return self._settle(turns, at_ms)

    def tell_lost(self, reason: str, at_ms: int | None) -> Reading:
        """Return that something was said here which is not read."""
        return Reading(unread=(tell_unread(self._service, self._opening, "", reason, at_ms),))

    def _settle(self, turns: Sequence[Turn], at_ms: int | None) -> Reading:
        reading = NOTHING
        for turn in turns:
            if turn.ended_ms is None or turn.ended_ms == self._opening.ended_ms:
                turn.ended_ms = at_ms
            reading += settle(turn, self._key, self._digest.digest, sent=self._sent, received=self._received)
            self._sent, self._received, self._digest = 0, 0, SocketDigest()
        return reading
