"""OpenAI's responses over a socket, as Codex, Copilot and Azure's clients open it too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from addon.exchange import Exchange, Message
from addon.framing import split_messages
from addon.service import Event, Service, Turn
from addon.services._dialect import TurnByTurn
from addon.services._openai_responses import Responses

_ADDS = re.compile(rb'"type": ?"response\.[\w.]{1,60}\.delta".{0,400}?"delta": ?"(?!")')


class ResponsesSocket(TurnByTurn):
    """Responses over a socket: one ``response.create`` and everything up to its terminal event is a turn."""

    def __init__(self, service: Service, opening: Exchange, dialect: Responses) -> None:
        super().__init__(service, opening, _ADDS)
        self.dialect = dialect

    def end(self, at_ms: int | None) -> Iterator[Turn]:
        turn = self.turn
        if turn is not None:
            self.dialect.finish(turn)
        yield from super().end(at_ms)
        yield from turn.state.pop("extra", ()) if turn is not None else ()

    def take(self, message: Message) -> Iterator[Turn]:
        for event in split_messages(message.data, "json", message.at_ms):
            if isinstance(event.data, dict):
                yield from self._ask(event) if message.from_client else self._answer(event)

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
