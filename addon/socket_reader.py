"""One open socket: what both sides say on it, from its first message to its end, becomes records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from addon.digests import SocketDigest, tell_apart
from addon.exchange import Ending, Exchange, Message
from addon.reading import NOTHING, Reading, settle, tell_unread
from addon.service import KEPT_BACK, Listener, Service, Turn


@dataclass(frozen=True, slots=True)
class BrokenListener:
    """In the place of a listener that could not begin: what is said on its socket is not read, and counted."""

    error: Exception = field(repr=False)

    def hear(self, message: Message) -> Iterable[Turn]:
        raise self.error

    def close(self, ending: Ending, at_ms: int | None) -> Iterable[Turn]:
        return ()

    def open_turns(self) -> int:
        return 0


class SocketReader:
    """One open socket: feed it every message, and close it when the socket is gone."""

    def __init__(self, key: bytes, service: Service, opening: Exchange, listener: Listener) -> None:
        self._key, self._service, self._opening, self._listener = key, service, opening, listener
        self._sent, self._received = 0, 0
        self._digest = self._begin_digest()
        self._open = 0
        """Turns that had begun and were not over after the last message."""
        self._is_answered = False
        """Something came back since the first of these began."""
        self._is_spoken = False
        """The last message was the client's."""
        self._rests = 0
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
        """Whether the client has said something to which nothing came back yet, and no answer is under way."""
        return self._is_spoken and not self._is_answered

    @property
    def under_way(self) -> int:
        """How many answers have begun and are not over, and are nowhere but here."""
        return max(0, self._open - self._rests) if self._is_answered and self.is_alone else 0

    def expect_rests(self, n: int) -> None:
        """So many answers were lost with whoever heard before: what still comes of them is no answer."""
        self._rests = n

    @property
    def expects_rest(self) -> bool:
        """Whether what the service says next may belong to an answer that was lost."""
        return self._rests > 0

    def hear(self, message: Message) -> Reading:
        """Take one message; return the records of the turns that it ended. Never raises."""
        if message.from_client:
            self._sent += len(message.data)
        else:
            self._received += len(message.data)
        self._digest.take(message)
        try:
            told = self._listener.hear(message)
            if told is KEPT_BACK:
                return NOTHING
            turns = tuple(told)
        except Exception as error:  # noqa: BLE001 - a service's fault must cost a reading, never a chat
            self.is_broken = True
            return self.tell_lost(type(error).__name__, message.at_ms)
        reading = self._settle(turns, message.at_ms) if turns else NOTHING
        self._note(len(turns), from_client=message.from_client)
        return reading

    def _note(self, ended: int, *, from_client: bool) -> None:
        """Note what is under way after a message that ended so many turns."""
        before, self._open, self._is_spoken = self._open, self._listener.open_turns(), from_client
        if not from_client:
            self._is_answered = self._open > 0
        elif ended or not before:
            self._is_answered = False
        if from_client and self._open > before - ended:
            self._rests = 0  # a question: nothing more comes of what was before

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
        """Make records of turns that one message ended; the digest of all that was heard tells them from others."""
        reading, told = NOTHING, tell_apart(self._digest.digest)
        for turn in turns:
            if self._rests and (
                self.is_alone or turn.exchange.path == self._opening.path
            ):  # it was not asked elsewhere
                self._rests -= 1
                turn.dropped = True
            if turn.ended_ms is None or turn.ended_ms == self._opening.ended_ms:
                turn.ended_ms = at_ms
            reading += settle(turn, self._key, told, sent=self._sent, received=self._received)
            self._sent, self._received = 0, 0
        if turns:
            self._digest = self._begin_digest()
        return reading

    def _begin_digest(self) -> SocketDigest:
        return SocketDigest(in_memory=bool(self._opening.messages))
