"""One open socket as the worker hears it: an answer of which something is lost counts once, and is heard no more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from addon.exchange import Ending, Exchange, Message
from addon.reader import Reader
from addon.reading import NOTHING, Reading
from addon.socket_reader import SocketReader

Part = Literal["question", "answer"]
"""What was lost: with some of a question all of it and its answer, with some of an answer the rest of that."""


@dataclass(slots=True)
class Hearing:
    """Hears what both sides say, until something is missing, and then from the next question on."""

    _reader: Reader
    _opening: Exchange
    _socket: SocketReader
    _lost: Part | None = None

    @classmethod
    def begin(cls, reader: Reader, opening: Exchange) -> Hearing | None:
        """Hear the socket that this exchange opens; None if it carries no turns."""
        socket = reader.open_socket(opening)
        return None if socket is None else cls(reader, opening, socket)

    @property
    def service(self) -> str:
        """The name of the service."""
        return self._socket.service

    @property
    def under_way(self) -> int:
        """How many answers have begun and are not over, and are nowhere but here."""
        return self._socket.under_way

    @property
    def is_asked(self) -> bool:
        """Whether there is a question, and nothing of its answer yet."""
        return self._socket.is_asked

    @property
    def part(self) -> Part | None:
        """What was lost, and whoever hears on in its place must not hear."""
        return self._lost

    def take_over(self, n: int) -> None:
        """The worker before heard this socket, and held so many answers of the service, if that keeps any."""
        if not self._socket.is_alone:
            self._socket.expect_rests(n)

    def expect_rests(self, n: int) -> None:
        """So many answers were lost with the worker before: what still comes of them is no answer."""
        self._socket.expect_rests(n)

    def hear(self, message: Message) -> Reading:
        """Take one message; return what was read of the turns that it ended."""
        if self.passes_over(from_client=message.from_client):
            return NOTHING
        is_rest = self._is_rest(from_client=message.from_client)
        reading = self._socket.hear(message)
        if self._socket.is_broken:  # the reading tells so
            self.lose("question" if message.from_client else "answer")
            return NOTHING if is_rest else reading
        return reading

    def miss(self, reason: str, at_ms: int, *, from_client: bool) -> Reading:
        """Tell of a message that cannot be heard: the answer that it belongs to is lost, unless it was already."""
        if not self._socket.is_alone or self.passes_over(from_client=from_client):
            return NOTHING
        if self._is_rest(from_client=from_client):
            return NOTHING
        told = self._socket.tell_lost(reason, at_ms)
        self.lose("question" if from_client else "answer")
        return told

    def lose(self, part: Part) -> None:
        """Forget the answer under way, and do not take its rest for another one."""
        if self._socket.is_alone:
            self._socket, self._lost = self._reader.open_socket(self._opening) or self._socket, part

    def close(self, ending: Ending, at_ms: int | None) -> Reading:
        """The socket is gone; return what was read of the turns that were still open."""
        return NOTHING if self._lost else self._socket.close(ending, at_ms)

    def _is_rest(self, *, from_client: bool) -> bool:
        """Whether the next message is of an answer that was lost, and counted, with the worker before."""
        return not from_client and self._socket.expects_rest

    def passes_over(self, *, from_client: bool) -> bool:
        """Whether the next message belongs to an answer that was lost before."""
        match self._lost, from_client:
            case (None, _):
                return False
            case ("answer", True):  # the next question
                self._lost = None
                return False
            case ("question", False):
                self._lost = "answer"
        return True
