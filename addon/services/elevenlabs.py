"""ElevenLabs, speech."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Any
from urllib.parse import parse_qs

from addon.exchange import Exchange, Message
from addon.framing import split_messages
from addon.service import Event, Listener, Service, Turn
from addon.services._content import base64_size
from addon.services._dialect import TurnByTurn
from addon.services._page import pick, text_at

_FORMAT = re.compile(r"(mp3|opus|pcm|ulaw|alaw|wav)_(\d{4,6})(?:_(\d{1,3}))?")


class ElevenLabs(Service):
    """
    Text in, sound out: as one stream of sound, as JSON lines with sound in them, or over a socket.

    Shows: the text to be spoken (counted), the model, and the sound, whose seconds follow from its bytes and the
    constant bit rate of the format asked for (128 kbit/s where none is). Hides: nothing that matters.
    """

    name = "elevenlabs"
    title = "ElevenLabs"
    provider = "elevenlabs"
    hosts = ("api.elevenlabs.io", "api.us.elevenlabs.io", "api.eu.residency.elevenlabs.io")
    path = re.compile(
        r"/v1/text-to-speech/[\w-]+(?:/stream)?(?:/with-timestamps)?|/v1/text-to-speech/[\w-]+/stream-input"
    )
    methods = ("POST", "GET")
    transports = ("binary", "json", "websocket")
    operation = "speech"
    features = ("audio_output",)
    grade = "documented"
    verified = date(2026, 11, 21)
    needs_end = False

    def matches(self, method: str, host: str, path: str) -> bool:
        return super().matches(method, host, path) and (method == "GET") == path.endswith("/stream-input")

    def request(self, turn: Turn, body: Any) -> None:
        turn.request_model = text_at(body, "model_id")
        turn.prompt(text_at(body, "text"))

    def event(self, turn: Turn, event: Event) -> None:
        if isinstance(event.data, bytes):
            turn.state["sound"] = len(event.data)
        elif sound := text_at(event.data, "audio_base64"):
            turn.state["sound"] = turn.state.get("sound", 0) + base64_size(sound)

    def finish(self, turn: Turn) -> None:
        settle_sound(turn)

    def listen(self, opening: Exchange) -> Listener | None:
        return Speaking(self, opening)


class Speaking(TurnByTurn):
    """Text comes in pieces, sound goes out in pieces, until the last is said to be the last."""

    def hear(self, message: Message) -> Iterable[Turn]:
        for event in split_messages(message.data):
            if message.from_client:
                turn = self.turn or self.begin(message.at_ms)
                turn.request_model = self.asked("model_id")
                turn.prompt((text_at(event.data, "text") or "").strip())
            elif self.turn is not None:
                if sound := text_at(event.data, "audio"):
                    self.turn.state["sound"] = self.turn.state.get("sound", 0) + base64_size(sound)
                if pick(event.data, "isFinal") is True:
                    self.turn.finished = True
                    settle_sound(self.turn)
                    yield from self.end(message.at_ms)

    def close(self, ending: Any, at_ms: int | None) -> Iterable[Turn]:
        if self.turn is not None:
            self.turn.outcome = "aborted"
            settle_sound(self.turn)
        yield from super().close(ending, at_ms)


def settle_sound(turn: Turn) -> None:
    """Turn the bytes of sound into seconds."""
    size = turn.state.get("sound", 0)
    if not size:
        return
    found = _FORMAT.fullmatch((parse_qs(turn.exchange.query).get("output_format") or ["mp3_44100_128"])[0])
    turn.media_count = 1
    turn.used("audio_output")
    if found is None or turn.exchange.truncated:
        return
    rate = int(found[2])
    bytes_a_second = {"pcm": rate * 2, "wav": rate * 2, "ulaw": rate, "alaw": rate}.get(found[1], 0)
    bytes_a_second = bytes_a_second or int(found[3] or 128) * 125
    turn.media_seconds = round(size / bytes_a_second, 3) if bytes_a_second else None
