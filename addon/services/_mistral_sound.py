"""Mistral's sockets for sound: speech is written down, or text is spoken, while it comes."""

from __future__ import annotations

from collections.abc import Iterator

from addon.exchange import Exchange, Message
from addon.framing import split_messages
from addon.service import Service, Turn
from addon.services._dialect import Dialect, TurnByTurn
from addon.services._openai_media import OneAnswer, Speech, Transcription
from addon.services._page import pick, text_at

PATHS = r"/v1/audio/(?:transcriptions|speech)/realtime"


class Sound(Dialect):
    """What passes on the socket is told as over HTTP."""

    socket_only = True


class SoundSocket(TurnByTurn):
    """From the first sound or text that goes in to the ``done`` that has the counts is a turn."""

    def __init__(self, service: Service, opening: Exchange) -> None:
        super().__init__(service, opening)
        self.dialect: OneAnswer = Transcription() if "/transcriptions/" in opening.path else Speech()
        self.served: str | None = None

    def hear(self, message: Message) -> Iterator[Turn]:
        for event in split_messages(message.data, "json", message.at_ms):
            kind = text_at(event.data, "type") or ""
            if kind.startswith("session."):
                self.served = text_at(event.data, "session", "model") or self.served
            elif message.from_client and kind.startswith("input_"):
                self._turn(event.at_ms).prompt(pick(event.data, "text"))
            elif not message.from_client and kind:
                turn = self._turn(event.at_ms)
                turn.note_first_byte(event.at_ms)
                self.dialect.event(turn, event)
                if turn.finished:
                    self.dialect.finish(turn)
                    yield from self.end(event.at_ms)

    def _turn(self, at_ms: int | None) -> Turn:
        if self.turn is not None:
            return self.turn
        turn = self.begin(at_ms)
        turn.operation = self.dialect.operation
        turn.request_model, turn.response_model = self.asked("model"), self.served
        if turn.operation == "transcription":
            turn.used("audio_input")
        return turn
