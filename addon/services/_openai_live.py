"""
OpenAI's continuous voice sockets: Live sessions and live translation.

Nobody takes turns on them: both sides speak at once, and nothing says where an answer ends. So a session is one row.
Its transcripts are counted, for the only number on the wire is how long it lasted; what Live delegates to a model of
text reports tokens, and each such run is a row of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from addon.exchange import Ending, Exchange, Message
from addon.framing import split_messages
from addon.service import Event, Service, Turn
from addon.services._content import base64_size
from addon.services._dialect import Dialect, TurnByTurn
from addon.services._openai_chat import fail
from addon.services._openai_media import Decisions
from addon.services._openai_responses import Responses
from addon.services._page import pick, text_at

_BYTES_A_SAMPLE = {"audio/pcm": 2, "audio/pcmu": 1, "audio/pcma": 1}
_USUAL_RATE = 24_000
_OPEN_RUNS = 8


class Live(Dialect):
    """Only what passes on the session's own socket is heard: WebRTC goes around any proxy, a sideband sees it again."""

    socket_only = True


class LiveSocket(TurnByTurn):
    """One session, and the runs that it delegates."""

    def __init__(self, service: Service, opening: Exchange) -> None:
        super().__init__(service, opening)
        self.responses, self.decisions = Responses(), Decisions()
        self.bytes_a_second = 2 * _USUAL_RATE
        self.spoken_bytes = 0
        self.runs: dict[str, Turn] = {}

    def hear(self, message: Message) -> Iterator[Turn]:
        for event in split_messages(message.data, "json", message.at_ms):
            if not isinstance(event.data, dict):
                continue
            if message.from_client:
                self._read_session(event.data.get("session"), asked=True)
            else:
                yield from self._hear_server(event.data, event.at_ms)

    def close(self, ending: Ending, at_ms: int | None) -> Iterable[Turn]:
        for run in self.runs.values():
            self.responses.finish(run)
            yield run
        self.runs.clear()
        yield from self._end(at_ms)

    def open_turns(self) -> int:
        return int(self._is_spoken()) + len(self.runs)

    def _hear_server(self, data: Mapping[str, Any], at_ms: int | None) -> Iterator[Turn]:
        match data.get("type"):
            case "session.started" | "session.created" | "session.updated":
                self._read_session(data.get("session"))
            case "session.output_transcript.delta":
                self._session(at_ms).answer(data.get("delta"), at_ms)
            case "session.output_audio.delta" if isinstance(data.get("delta"), str):
                turn = self._session(at_ms)
                turn.note_first_token(at_ms)
                self.spoken_bytes += base64_size(data["delta"])
            case "session.input_transcript.delta":
                self._session(at_ms).prompt(data.get("delta"))
            case "response.event" if isinstance(data.get("event"), dict):
                yield from self._delegated(text_at(data, "delegation_id") or "", Event(data["event"], None, at_ms))
            case "decision.event" if isinstance(pick(data, "event", "decision"), dict):
                yield self._decided(Event(data["event"]["decision"], None, at_ms))
            case "session.closed":
                turn = self._session(at_ms)
                turn.finished = data.get("reason") != "connection_lost"
                turn.outcome = "refused" if data.get("reason") == "content" else turn.outcome
                yield from self._end(at_ms)
            case "error" if self.turn is not None and not self.turn.has_text("answer"):
                fail(self.turn, data.get("error") or {})

    def _session(self, at_ms: int | None) -> Turn:
        if self.turn is not None:
            return self.turn
        turn = self.begin(0)
        turn.request_model = self.asked("model")
        turn.first_byte_ms = at_ms
        turn.used("voice")
        return turn

    def _read_session(self, session: Any, *, asked: bool = False) -> None:
        if not isinstance(session, dict):
            return
        turn = self._session(None)
        if asked:
            turn.request_model = text_at(session, "model") or turn.request_model
            turn.prompt(session.get("instructions"))
        else:
            turn.response_model = text_at(session, "model") or turn.response_model
            turn.response_id = text_at(session, "id") or turn.response_id
        told = pick(session, "audio", "format")
        size, rate = _BYTES_A_SAMPLE.get(text_at(told, "type") or ""), pick(told, "rate")
        if size is not None:
            self.bytes_a_second = size * (rate if rate in {8000, 16_000, 24_000} else _USUAL_RATE)

    def _is_spoken(self) -> bool:
        """Whether the model has spoken in this session."""
        return self.turn is not None and (self.turn.has_text("answer") or self.spoken_bytes > 0)

    def _end(self, at_ms: int | None) -> Iterator[Turn]:
        turn = self.turn
        if turn is not None:
            turn.dropped = not self._is_spoken()
            if self.spoken_bytes:
                turn.used("audio_output")
                turn.media_seconds = self.spoken_bytes / self.bytes_a_second
        self.spoken_bytes = 0
        yield from self.end(at_ms)

    def _run(self, at_ms: int | None) -> Turn:
        turn = Turn(self.service, self.opening)
        turn.initiator, turn.started_ms, turn.first_byte_ms = "agent", at_ms or 0, at_ms
        turn.conversation_id = self.turn.response_id if self.turn is not None else None
        turn.request_bytes = turn.response_bytes = 0  # they are the session's
        return turn

    def _delegated(self, delegation: str, event: Event) -> Iterator[Turn]:
        """Read one event of a run of the Responses API behind the session."""
        if delegation not in self.runs:
            if len(self.runs) >= _OPEN_RUNS:
                yield self.runs.pop(next(iter(self.runs)))
            self.runs[delegation] = self._run(event.at_ms)
        turn = self.runs[delegation]
        self.responses.event(turn, event)
        if turn.finished:
            del self.runs[delegation]
            self.responses.finish(turn)
            turn.ended_ms = event.at_ms
            yield turn
            yield from turn.state.pop("extra", ())

    def _decided(self, event: Event) -> Turn:
        turn = self._run(event.at_ms)
        self.decisions.event(turn, event)
        turn.ended_ms = -1  # how long it took is not told
        return turn
