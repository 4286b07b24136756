"""OpenAI's responses over a socket, as Codex, Copilot and Azure's clients open it too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from addon.exchange import Ending, Exchange, Message
from addon.framing import split_messages
from addon.framing.alike import join_texts
from addon.service import Event, Service, Turn
from addon.services._dialect import TurnByTurn
from addon.services._openai_responses import Responses

_PIECE, _WITHIN = b'.delta"', 80
"""What a message has within its first bytes if it is a piece of a text."""
_MOST_WAITING = 64 * 1024
"""Bytes of pieces."""


class ResponsesSocket(TurnByTurn):
    """
    Responses over a socket: one ``response.create`` and everything up to its terminal event is a turn.

    Pieces of text wait until something else is said; those that are alike are then read as one (``Service.adds``).
    """

    def __init__(self, service: Service, opening: Exchange, dialect: Responses) -> None:
        super().__init__(service, opening)
        self.dialect = dialect
        self._pieces: list[tuple[int | None, bytes]] = []
        self._waiting_bytes = 0

    def end(self, at_ms: int | None) -> Iterator[Turn]:
        turn = self.turn
        if turn is not None:
            self.dialect.finish(turn)
        yield from super().end(at_ms)
        yield from turn.state.pop("extra", ()) if turn is not None else ()

    def hear(self, message: Message) -> list[Turn]:
        data = message.data
        if self.turn is not None and not message.from_client and data.find(_PIECE, 0, _WITHIN) >= 0:
            self._pieces.append((message.at_ms, data))
            self._waiting_bytes += len(data)
            return self._catch_up() if self._waiting_bytes > _MOST_WAITING else []
        turns = self._catch_up() if self._pieces else []
        for event in split_messages(data, "json", message.at_ms):
            if isinstance(event.data, dict):
                turns += self._ask(event) if message.from_client else self._answer(event)
        return turns

    def close(self, ending: Ending, at_ms: int | None) -> list[Turn]:
        return [*self._catch_up(), *super().close(ending, at_ms)]

    def _catch_up(self) -> list[Turn]:
        """Read the pieces that waited."""
        pieces, self._pieces, self._waiting_bytes = self._pieces, [], 0
        turns: list[Turn] = []
        for at_ms, data in join_texts(pieces, self.service.adds):
            for event in split_messages(data, "json", at_ms):
                turns += self._answer(event) if isinstance(event.data, dict) else ()
        return turns

    def _ask(self, event: Event) -> Iterable[Turn]:
        if event.data.get("type") != "response.create":
            return ()
        ended = list(self.end(event.at_ms))
        nested = event.data.get("response")
        self.dialect.request(self.begin(event.at_ms), nested if isinstance(nested, dict) else event.data)
        return ended

    def _answer(self, event: Event) -> Iterable[Turn]:
        turn = self.turn or self.begin(event.at_ms)
        turn.note_first_byte(event.at_ms)
        self.dialect.event(turn, event)
        if turn.finished:
            return self.end(event.at_ms)
        if not turn.response_id and not turn.request_model:
            self.turn = None  # rate limits and greetings between turns belong to nobody
        return ()
