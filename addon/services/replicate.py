"""
Replicate, as programs use it: anybody's models, one call to order a prediction and others to fetch it.

What comes back depends on the model: text, pictures, sound, films. Tokens are told by some text models, and counted
otherwise; the model's name is told unless a private deployment hides it. A text that is streamed comes from another
host. An answer that is neither streamed nor fetched, but sent to a program of one's own, counts as broken off.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from addon.service import Event, Recall, Turn, Usage
from addon.services._dialect import ApiService, Dialect
from addon.services._fetched import hold_or_fetch
from addon.services._openai_media import pixels
from addon.services._page import pick, text_at
from addon.services._usage import number
from tracker.record import Operation

_FETCH = r"/v1/predictions/[\w-]{8,80}"
_STREAM = r"/v1/streams/[\w-]{8,80}"
_ENDS = {"succeeded": None, "failed": "error", "canceled": "aborted", "aborted": "aborted"}
_FILE = re.compile(r"(?:https?://|data:)\S*")
_KINDS: tuple[tuple[re.Pattern[str], Operation, str], ...] = (
    (re.compile(r"\.(?:mp4|webm|mov)\b|^data:video/"), "video", "video_output"),
    (re.compile(r"\.(?:mp3|wav|flac|ogg|m4a)\b|^data:audio/"), "speech", "audio_output"),
    (re.compile(r"\.(?:png|jpe?g|webp|gif|svg|avif)\b|^data:image/"), "image", "image_output"),
)


class Prediction(Dialect):
    """One object that is told again and again until its ``status`` is an end."""

    def read(self, turn: Turn, body: Any, events: Iterable[Event]) -> Iterator[Turn]:
        service, name = turn.service, turn.exchange.path.rpartition("/")[2]
        is_fetch = turn.exchange.method.upper() == "GET"
        if not is_fetch:
            self.request(turn, body)
        for event in events:
            self.event(turn, event)
        ordered = None if is_fetch or turn.finished else turn.response_id
        fetched = name if is_fetch else None
        if isinstance(service, Replicate):
            if ordered and "stream" in turn.state:
                service.streams.put(turn.state["stream"], ordered)
            if "/streams/" in turn.exchange.path:
                fetched = service.streams.pop(name)
                turn.response_id = fetched
                turn.dropped = fetched is None
        yield from hold_or_fetch(turn, ordered=ordered, fetched=fetched)

    def request(self, turn: Turn, body: Any) -> None:
        asked = pick(body, "input")
        for name in ("prompt", "system_prompt", "text", "negative_prompt"):
            turn.prompt(pick(asked, name))
        turn.media_pixels = pixels(f"{pick(asked, 'width')}x{pick(asked, 'height')}")
        _, _, kind, *names = turn.exchange.path.split("/")
        turn.request_model = names[1] if kind == "models" and len(names) > 1 else None

    def event(self, turn: Turn, event: Event) -> None:
        if event.name is not None:
            self._read_piece(turn, event)
            return
        data, status = event.data, text_at(event.data, "status")
        stream = text_at(data, "urls", "stream")
        if stream is not None:
            turn.state["stream"] = stream.rpartition("/")[2]
        turn.response_id = text_at(data, "id") or turn.response_id
        turn.response_model = text_at(data, "model") or turn.response_model
        if status not in _ENDS:
            return
        turn.finished, turn.outcome = True, _ENDS[status]  # type: ignore[assignment]  # words of Outcome, as they stand
        output = pick(data, "output")
        made = [one for one in output if isinstance(one, str)] if isinstance(output, list) else [output]
        files = [one for one in made if isinstance(one, str) and _FILE.fullmatch(one)]
        for pattern, operation, feature in _KINDS:
            if files and pattern.search(files[0]):
                turn.operation, turn.media_count = operation, len(files)
                turn.used(feature, len(files))
                break
        else:
            for piece in made:
                turn.answer(piece)
        metrics = pick(data, "metrics")
        told = Usage(input=number(metrics, "input_token_count"), output=number(metrics, "output_token_count"))
        turn.usage = None if told == Usage() else told

    def _read_piece(self, turn: Turn, event: Event) -> None:
        """Read an event of a stream: pieces of text, and how they end."""
        match event.name:
            case "output":
                turn.answer(event.data, event.at_ms)
            case "error":
                turn.outcome, turn.finished = "error", True
            case "done":
                turn.finished = True
                turn.outcome = "aborted" if "canceled" in str(event.data) else turn.outcome


class Replicate(ApiService):
    name = "replicate"
    title = "Replicate API"
    provider = "replicate"
    hosts = ("api.replicate.com", "streaming-api.svc.us.c.replicate.net")
    methods = ("POST", "GET")
    routes = (
        (r"/v1/predictions|/v1/models/[^/]+/[^/]+/predictions|/v1/deployments/[^/]+/[^/]+/predictions", Prediction()),
        (rf"{_FETCH}|{_STREAM}", Prediction()),
    )
    polled = (_FETCH, _STREAM)
    transports = ("json", "sse")
    framing = "sse_text"
    adds = None  # a text that is JSON is a text
    features = ("image_output", "audio_output", "video_output")
    grade = "captured"
    verified = date(2026, 11, 22)

    def __init__(self) -> None:
        super().__init__()
        self.streams: Recall[str] = Recall()
        """Prediction by the name of its stream."""
