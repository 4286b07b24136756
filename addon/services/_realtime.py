"""Realtime sockets of OpenAI, Azure and xAI: one response is a turn, and so is each transcription of what was said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from addon.exchange import Exchange, Message
from addon.framing import split_messages
from addon.service import Service, Turn
from addon.services._content import base64_size, tool_feature
from addon.services._dialect import Dialect, TurnByTurn
from addon.services._openai_chat import fail
from addon.services._page import pick
from addon.services._usage import read_realtime

_ADDS = re.compile(rb'"type": ?"response\.(?:\w{1,30}_)?(?:text|transcript|arguments)\.delta".{0,400}?"delta": ?"(?!")')
"""Sound comes in pieces as well, each with an end of its own."""
_PCM_BYTES_A_SECOND = 48_000
"""16 bits, 24 kHz, one channel: the default format."""


class Realtime(Dialect):
    """Only what passes on the socket is heard; sound over WebRTC goes around any proxy."""

    socket_only = True


class RealtimeSocket(TurnByTurn):
    def __init__(self, service: Service, opening: Exchange) -> None:
        super().__init__(service, opening, _ADDS)
        self.model = self.asked("model")
        self.served: str | None = None
        self.transcriber: str | None = None
        self.is_pcm = True
        self.spoken_bytes = 0

    def take(self, message: Message) -> list[Turn]:
        turns: list[Turn] = []
        for event in split_messages(message.data, "json", message.at_ms):
            if not isinstance(event.data, dict):
                continue
            if message.from_client:
                self._hear_client(event.data)
            else:
                turns += self._hear_server(event.data, event.at_ms)
        return turns

    def _hear_client(self, data: Mapping[str, Any]) -> None:
        if data.get("type") in {"session.update", "transcription_session.update"}:
            self._read_session(data.get("session"))

    def _hear_server(self, data: Mapping[str, Any], at_ms: int | None) -> Iterable[Turn]:
        match data.get("type"):
            case "response.output_audio.delta" | "response.audio.delta":
                turn = self.turn or self._begin(at_ms)
                turn.note_first_token(at_ms)
                if isinstance(data.get("delta"), str):
                    self.spoken_bytes += base64_size(data["delta"])
            case "response.output_text.delta" | "response.text.delta":
                (self.turn or self._begin(at_ms)).answer(data.get("delta"), at_ms)
            case "response.output_audio_transcript.delta" | "response.audio_transcript.delta":
                (self.turn or self._begin(at_ms)).answer(data.get("delta"), at_ms)
            case "response.function_call_arguments.delta":
                (self.turn or self._begin(at_ms)).call_tool(data.get("delta"))
            case (
                "session.created"
                | "session.updated"
                | "transcription_session.created"
                | "transcription_session.updated"
            ):
                self._read_session(data.get("session"), served=True)
            case "response.created":
                ended = list(self.end(at_ms))
                self._begin(at_ms)
                return ended
            case "response.done":
                self._finish(self.turn or self._begin(at_ms), data)
                return self.end(at_ms)
            case "conversation.item.input_audio_transcription.completed":
                return (self._transcribed(data, at_ms),)
            case "error" if self.turn is not None:
                fail(self.turn, data.get("error") or {})
        return ()

    def _begin(self, at_ms: int | None) -> Turn:
        turn = self.begin(at_ms)
        turn.request_model, turn.response_model = self.model, self.served
        turn.first_byte_ms = at_ms
        self.spoken_bytes = 0
        return turn

    def _read_session(self, session: Any, *, served: bool = False) -> None:
        if not isinstance(session, dict):
            return
        if isinstance(session.get("model"), str):
            self.model = self.model or session["model"]
            self.served = session["model"] if served else self.served
        heard = session.get("input_audio_transcription")
        audio = session.get("audio")
        if isinstance(audio, dict) and isinstance(audio.get("input"), dict):
            heard = audio["input"].get("transcription") or heard
        if isinstance(heard, dict) and isinstance(heard.get("model"), str):
            self.transcriber = heard["model"]
        form = session.get("output_audio_format") or pick(session, "audio", "output", "format", "type")
        if isinstance(form, str):
            self.is_pcm = form in {"pcm16", "audio/pcm"}

    def _finish(self, turn: Turn, data: Mapping[str, Any]) -> None:
        told = data.get("response")
        response: Mapping[str, Any] = told if isinstance(told, dict) else {}
        turn.response_id = response.get("id") if isinstance(response.get("id"), str) else None
        turn.conversation_id = (
            response.get("conversation_id") if isinstance(response.get("conversation_id"), str) else None
        )
        turn.usage = read_realtime(response.get("usage")) or read_realtime(data.get("usage"))
        turn.finished = True
        output = response.get("output")
        for item in output if isinstance(output, list) else ():
            if pick(item, "type") in {"function_call", "mcp_call"}:
                turn.used(tool_feature(item["type"]))
        if self.spoken_bytes:
            turn.used("voice")
            turn.used("audio_output")
            if self.is_pcm:
                turn.media_seconds = self.spoken_bytes / _PCM_BYTES_A_SECOND
        match response.get("status"):
            case "cancelled":
                turn.outcome = "aborted"
            case "failed":
                details = response.get("status_details")
                fail(turn, details.get("error") if isinstance(details, dict) else {})

    def _transcribed(self, data: Mapping[str, Any], at_ms: int | None) -> Turn:
        turn = Turn(self.service, self.opening)
        turn.operation, turn.request_model = "transcription", self.transcriber
        turn.response_id = f"{data.get('item_id')}:transcription"
        turn.started_ms, turn.ended_ms = at_ms or 0, -1  # how long it took is not told
        turn.request_bytes = turn.response_bytes = 0
        usage = data.get("usage")
        if isinstance(usage, dict) and usage.get("type") == "duration":
            seconds = usage.get("seconds")
            turn.media_seconds = float(seconds) if isinstance(seconds, int | float) else None
        else:
            turn.usage = read_realtime(usage)
        turn.answer(data.get("transcript"))
        turn.used("audio_input")
        turn.finished = True
        return turn
