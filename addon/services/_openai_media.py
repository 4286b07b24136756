"""OpenAI's images, speech, transcription, video and embeddings: one request, one made thing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from addon.service import Event, Turn, Usage
from addon.services._content import walk_text
from addon.services._dialect import Dialect
from addon.services._openai_chat import fail
from addon.services._page import pick, text_at
from addon.services._usage import number, read_openai_chat, read_openai_responses
from tracker.record import count_or_none

_SIZE = re.compile(r"(\d{2,5})\s*[x*:]\s*(\d{2,5})")


class OneAnswer(Dialect):
    """What the media dialects share: model, size, uploads, errors, usage where there is one."""

    made: str | None = None
    """The feature that the answer is."""

    def request(self, turn: Turn, body: Any) -> None:
        if not isinstance(body, dict):
            return
        fields = body.get("fields", body) if isinstance(body.get("fields"), dict) else body
        turn.request_model = fields.get("model") if isinstance(fields.get("model"), str) else turn.request_model
        turn.media_pixels = pixels(fields.get("size")) or pixels(f"{fields.get('width')}x{fields.get('height')}")
        turn.effort = fields.get("quality") if isinstance(fields.get("quality"), str) else None
        turn.prompt(fields.get("prompt"))
        for file in body.get("files", ()) if isinstance(body.get("files"), list) else ():
            if isinstance(file, dict):
                turn.attach(file.get("size"), file.get("type"))

    def event(self, turn: Turn, event: Event) -> None:
        data = event.data
        if not isinstance(data, dict):
            return
        if data.get("error"):
            fail(turn, data["error"])
            return
        if isinstance(data.get("model"), str):
            turn.response_model = data["model"]
        if isinstance(data.get("id"), str):
            turn.response_id = data["id"]
        if isinstance(data.get("usage"), dict):
            told = data["usage"]
            turn.usage = (read_openai_responses if "input_tokens" in told else read_openai_chat)(told)
        self.answer(turn, data, event.at_ms)

    def answer(self, turn: Turn, data: Mapping[str, Any], at_ms: int | None) -> None:
        """Read what is particular to this dialect."""


class Images(OneAnswer):
    """``images/generations``, ``edits`` and ``variations``; DALL-E reports no usage, GPT images do."""

    operation = "image"

    def answer(self, turn: Turn, data: Mapping[str, Any], at_ms: int | None) -> None:
        made = data.get("data")
        if isinstance(made, list):
            made_count = len(made)
        elif str(data.get("type", "")).endswith(".completed"):
            made_count = 1
        else:
            return
        turn.media_count = (turn.media_count or 0) + made_count
        turn.media_pixels = pixels(data.get("size")) or turn.media_pixels
        turn.used("image_output", made_count)
        turn.finished = True


class Speech(OneAnswer):
    """``audio/speech``: the answer is sound. Without usage the text to be spoken is the input."""

    operation = "speech"

    def request(self, turn: Turn, body: Any) -> None:
        super().request(turn, body)
        if isinstance(body, dict):
            turn.prompt(body.get("input") or body.get("text"))

    def event(self, turn: Turn, event: Event) -> None:
        if isinstance(event.data, bytes):
            turn.outcome = None if turn.exchange.ending != "complete" else "complete"
            turn.media_count = 1
            turn.finished = turn.exchange.ending == "complete"
        super().event(turn, event)

    def answer(self, turn: Turn, data: Mapping[str, Any], at_ms: int | None) -> None:
        if data.get("type") == "speech.audio.done" or (isinstance(data.get("audio_data"), str) and "type" not in data):
            turn.media_count, turn.finished = 1, True

    def finish(self, turn: Turn) -> None:
        if turn.media_count:
            turn.used("audio_output")


class Transcription(OneAnswer):
    """``audio/transcriptions`` and ``translations``: usage is tokens or seconds of sound; Mistral tells both."""

    operation = "transcription"

    def event(self, turn: Turn, event: Event) -> None:
        if isinstance(event.data, str) and event.name is None and event.data != "[DONE]":
            turn.answer(event.data)
            turn.finished = True
        super().event(turn, event)

    def answer(self, turn: Turn, data: Mapping[str, Any], at_ms: int | None) -> None:
        usage = data.get("usage")
        if isinstance(usage, dict) and usage.get("type") == "duration":
            turn.usage = None
            turn.media_seconds = _seconds(usage.get("seconds"))
        elif isinstance(usage, dict) and number(usage, "prompt_audio_seconds") is not None:
            turn.media_seconds = _seconds(usage["prompt_audio_seconds"])
        elif "duration" in data:
            turn.media_seconds = _seconds(data["duration"])
        match data:
            case {"type": "transcript.text.delta", "delta": text} | {"type": "transcription.text.delta", "text": text}:
                turn.answer(text, at_ms)
            case {"type": "transcript.text.done" | "transcription.done"}:
                turn.finished = True
            case {"text": str(text)} if "type" not in data:
                turn.answer(text)
                turn.outcome, turn.finished = "complete", True


class Videos(OneAnswer):
    """
    ``videos``: seconds and size are known when the job is taken; the row is made then, once.

    OpenAI's reply repeats what was ordered; xAI's is only the order's number.
    """

    operation = "video"

    def request(self, turn: Turn, body: Any) -> None:
        super().request(turn, body)
        fields = pick(body, "fields") or body
        turn.state["seconds"] = pick(fields, "seconds") or pick(fields, "duration")
        if pick(body, "image"):
            turn.attach(kind="image")

    def answer(self, turn: Turn, data: Mapping[str, Any], at_ms: int | None) -> None:
        turn.response_id = turn.response_id or text_at(data, "request_id")
        if data.get("object") != "video" and "seconds" not in data and "request_id" not in data:
            return
        turn.media_count = 1
        turn.media_seconds = _seconds(data.get("seconds") or turn.state["seconds"])
        turn.media_pixels = pixels(data.get("size")) or turn.media_pixels
        turn.used("video_output")
        turn.finished = True
        if data.get("status") == "failed":
            turn.outcome = "error"


class Embeddings(OneAnswer):
    """``embeddings``: input tokens, nothing written."""

    operation = "embeddings"

    def request(self, turn: Turn, body: Any) -> None:
        super().request(turn, body)
        if isinstance(body, dict):
            for text in walk_text(body.get("input", body.get("inputs"))):
                turn.prompt(text)

    def answer(self, turn: Turn, data: Mapping[str, Any], at_ms: int | None) -> None:
        if isinstance(data.get("usage"), dict):
            turn.usage = read_openai_chat(data["usage"])
            if turn.usage is not None and turn.usage.input is None:
                turn.usage = Usage(input=number(data, "usage", "total_tokens"))
        turn.outcome, turn.finished = "complete", True


class Decisions(OneAnswer):
    """``decisions``: questions to choose from answers; nothing is written but what the usage counts."""

    operation = "chat"

    def request(self, turn: Turn, body: Any) -> None:
        super().request(turn, body)
        if isinstance(body, dict):
            for one in walk_text([body.get("input"), body.get("questions")]):
                turn.prompt(one)

    def answer(self, turn: Turn, data: Mapping[str, Any], at_ms: int | None) -> None:
        answers = data.get("answers")
        if isinstance(answers, list):
            refused = bool(answers) and all(pick(one, "type") == "refusal" for one in answers)
            turn.outcome, turn.finished = "refused" if refused else "complete", True


def pixels(size: object) -> int | None:
    """Return the pixels of a size such as ``1024x1536``, or None."""
    if isinstance(size, str) and (found := _SIZE.fullmatch(size.strip())):
        return int(found[1]) * int(found[2])
    return None


def _seconds(value: object) -> float | None:
    if isinstance(value, str) and re.fullmatch(r"\d{1,6}(\.\d{1,6})?", value):
        value = float(value)
    return None if count_or_none(value) is None else float(value)  # type: ignore[arg-type]  # a number, as just checked
