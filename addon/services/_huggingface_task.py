"""Hugging Face's own inference by task: text that goes on, pictures, sound, embeddings; one model a path."""

from __future__ import annotations

from typing import Any

from addon.service import Event, Turn, Usage
from addon.services._dialect import Dialect
from addon.services._openai_chat import fail
from addon.services._openai_media import pixels
from addon.services._page import pick
from addon.services._usage import number
from tracker.record import Operation

PATHS = r"(?:/hf-inference)?/models/[^/]+/[^/]+(?:/pipeline/[\w-]+)?"
_MADE: dict[str, tuple[Operation, str]] = {
    "image": ("image", "image_output"), "audio": ("speech", "audio_output"), "video": ("video", "video_output"),
}  # fmt: skip


class Task(Dialect):
    """
    The model's kind decides what comes back; only what a model wrote, drew or embedded is a turn, a label is not.

    Tokens are told of text alone, and only of what was written.
    """

    def request(self, turn: Turn, body: Any) -> None:
        turn.dropped = True
        turn.request_model = turn.exchange.path.partition("/models/")[2].split("/")[1]  # whose it is stands before it
        asked = pick(body, "inputs")
        turn.state["asked"] = asked if isinstance(asked, str) else ""
        for one in asked if isinstance(asked, list) else [asked]:
            turn.prompt(one)
        turn.media_pixels = pixels(f"{pick(body, 'parameters', 'width')}x{pick(body, 'parameters', 'height')}")

    def event(self, turn: Turn, event: Event) -> None:
        match event.data:
            case bytes():
                self._read_media(turn)
            case {"error": error} if error:
                fail(turn, error)
            case {"token": {"text": str(piece), **token}}:
                turn.answer(piece if token.get("special") is not True else None, event.at_ms)
                self._read_text(turn, event.data)
            case {"generated_text": str(written)}:
                turn.answer(written.removeprefix(turn.state["asked"]))  # many models say the question again
                self._read_text(turn, event.data)
            case {"text": str(heard)}:
                turn.operation, turn.dropped, turn.finished = "transcription", False, True
                turn.answer(heard)
            case int() | float() | [int() | float(), *_] | [[int() | float(), *_], *_]:
                turn.operation, turn.dropped, turn.finished = "embeddings", False, True
                turn.outcome = "complete"

    def _read_text(self, turn: Turn, told: Any) -> None:
        turn.operation, turn.dropped = "text_completion", False
        turn.finished = isinstance(pick(told, "generated_text"), str)
        written = number(told, "details", "generated_tokens")
        if written is not None:
            turn.usage = Usage(output=written)

    def _read_media(self, turn: Turn) -> None:
        kind = turn.exchange.response_header("content-type").partition("/")[0]
        if kind in _MADE:
            turn.operation, feature = _MADE[kind]
            turn.used(feature)
            turn.media_count, turn.dropped = 1, False
            turn.finished = turn.exchange.ending == "complete"
