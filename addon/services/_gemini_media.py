"""Google's predict (Imagen, Veo), embeddings and live sockets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from addon.exchange import Exchange, Message
from addon.framing import split_messages
from addon.service import Event, Service, Turn, Usage
from addon.services._content import walk_text
from addon.services._dialect import Dialect, TurnByTurn
from addon.services._gemini import bare_name, model_in_path
from addon.services._openai_chat import fail
from addon.services._openai_media import pixels
from addon.services._page import pick
from addon.services._usage import add, number, read_gemini
from tracker.record import Operation


class Predict(Dialect):
    """Imagen and Veo: what is made is counted, there are no tokens. Embeddings on Vertex tell those of each text."""

    operation: ClassVar[Operation] = "image"

    def request(self, turn: Turn, body: Any) -> None:
        turn.request_model = model_in_path(turn.exchange.path)
        is_video = turn.exchange.path.endswith("predictLongRunning") or (turn.request_model or "").startswith("veo")
        is_embedding = "embedding" in (turn.request_model or "")
        turn.operation = "video" if is_video else "embeddings" if is_embedding else "image"
        parameters = body.get("parameters") if isinstance(body, dict) else None
        if isinstance(parameters, dict):
            turn.media_pixels = pixels(parameters.get("size"))
            seconds = parameters.get("durationSeconds")
            made = number(parameters, "sampleCount") or 1
            if is_video:
                turn.media_seconds = float(seconds) * made if isinstance(seconds, int | float) else None
                turn.state["made"] = made
        if isinstance(body, dict):
            for text in walk_text(body.get("instances")):
                turn.prompt(text if len(text) < 20_000 else None)

    def event(self, turn: Turn, event: Event) -> None:
        data = event.data
        if not isinstance(data, dict):
            return
        if data.get("error"):
            fail(turn, data["error"])
        predictions = data.get("predictions")
        if isinstance(predictions, list):
            turn.outcome, turn.finished = "complete", True
            read = [number(one, "embeddings", "statistics", "token_count") for one in predictions]
            if read and None not in read:
                turn.usage = Usage(input=add(*read))
            if turn.operation == "image":
                turn.media_count = len(predictions)
                turn.used("image_output", len(predictions))
        elif isinstance(data.get("name"), str) and turn.operation == "video":
            turn.response_id, turn.media_count, turn.finished = data["name"], turn.state.get("made", 1), True
            turn.used("video_output")


class Embed(Dialect):
    """``embedContent`` and ``batchEmbedContents``: often without usage, and then the text is counted."""

    operation = "embeddings"

    def request(self, turn: Turn, body: Any) -> None:
        turn.request_model = model_in_path(turn.exchange.path)
        if isinstance(body, dict):
            requests = body.get("requests")
            for one in requests if isinstance(requests, list) else [body]:
                for text in walk_text(pick(one, "content", "parts")):
                    turn.prompt(text if text != "text" else None)

    def event(self, turn: Turn, event: Event) -> None:
        if isinstance(event.data, dict):
            turn.usage = read_gemini(event.data.get("usageMetadata"))
            turn.outcome, turn.finished = "complete", True


class LiveSocket(TurnByTurn):
    """Live: ``setup`` names the model, ``turnComplete`` ends a turn, and each turn has its own usage."""

    def __init__(self, service: Service, opening: Exchange) -> None:
        super().__init__(service, opening)
        self.model: str | None = None

    def hear(self, message: Message) -> Iterator[Turn]:
        for event in split_messages(message.data, "json", message.at_ms):
            data = event.data
            if not isinstance(data, dict):
                continue
            if message.from_client:
                if isinstance(data.get("setup"), dict):
                    self.model = bare_name(data["setup"].get("model"))
                if isinstance(data.get("clientContent"), dict):
                    turn = self.turn or self.begin(message.at_ms)
                    for one in walk_text(pick(data, "clientContent", "turns")):
                        turn.prompt(one if one not in {"user", "model"} else None)
                continue
            yield from self._hear_server(data, message.at_ms)

    def _hear_server(self, data: Mapping[str, Any], at_ms: int | None) -> Iterator[Turn]:
        content = data.get("serverContent")
        if not isinstance(content, dict) and "usageMetadata" not in data and "toolCall" not in data:
            return
        turn = self.turn or self.begin(at_ms)
        turn.request_model = self.model
        if "usageMetadata" in data:
            turn.usage = read_gemini(data["usageMetadata"]) or turn.usage
        if isinstance(data.get("toolCall"), dict):
            turn.used("tool")
        if not isinstance(content, dict):
            return
        parts = content.get("modelTurn", {}).get("parts") if isinstance(content.get("modelTurn"), dict) else None
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, dict):
                turn.answer(part.get("text"), at_ms)
                if isinstance(part.get("inlineData"), dict) and not turn.state.get("voice"):
                    turn.state["voice"] = True
                    turn.note_first_token(at_ms)
                    turn.used("voice")
        heard = content.get("outputTranscription")
        turn.answer(heard.get("text") if isinstance(heard, dict) else None, at_ms)
        turn.prompt(pick(content, "inputTranscription", "text"))
        if content.get("interrupted"):
            turn.outcome = "aborted"  # the person spoke: turnComplete, often with the usage, is still to come
        if content.get("turnComplete"):
            turn.finished = True
            yield from self.end(at_ms)
