"""
Model servers on this computer that speak OpenAI's dialect: LM Studio, llama.cpp's server, any other.

llama.cpp reports usage, or its own timings, in the last chunk; LM Studio in its own dialect always, else only if asked,
so that its text is counted otherwise. Each is heard through a port of its own:
``klimaspor start --local lm-studio=1234``.
"""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

from addon.local import CLOSED, OTHER, name_host
from addon.service import Event, Turn, Usage
from addon.services._anthropic_messages import Messages
from addon.services._content import walk_text
from addon.services._dialect import Dialect
from addon.services._gemini import GenerateContent
from addon.services._lm_studio import NativeChat
from addon.services._ollama import Chat
from addon.services._openai_like import OpenaiLike, openai_routes
from addon.services._page import pick
from addon.services._usage import number
from tracker.record import Operation


class Completion(Dialect):
    """llama.cpp's own ``/completion``: the chunk with ``stop`` has the counts."""

    operation: ClassVar[Operation] = "text_completion"

    def request(self, turn: Turn, body: Any) -> None:
        if isinstance(body, dict):
            turn.prompt(body.get("prompt"))

    def event(self, turn: Turn, event: Event) -> None:
        data = event.data
        if not isinstance(data, dict):
            return
        if data.get("error"):
            turn.outcome, turn.finished = "error", True
        turn.answer(data.get("content"), event.at_ms)
        turn.response_model = data.get("model") if isinstance(data.get("model"), str) else turn.response_model
        if data.get("stop") is True:
            turn.usage = Usage(
                input=number(data, "tokens_evaluated"),
                output=number(data, "tokens_predicted"),
                cached=number(data, "timings", "cache_n"),
            )
            turn.finished = True


class Infill(Completion):
    """llama.cpp's ``/infill``: an editor asks at every pause in the typing what might come next."""

    def request(self, turn: Turn, body: Any) -> None:
        super().request(turn, body)
        turn.initiator = "unasked"
        for text in walk_text([pick(body, key) for key in ("input_prefix", "input_suffix", "input_extra")]):
            turn.prompt(text)


class LmStudio(OpenaiLike):
    name = "lm-studio"
    title = "LM Studio on this computer"
    provider = "lm_studio"
    hosts = (name_host("lm-studio"),)
    closed = CLOSED
    routes = (*openai_routes(r"/(?:api/v0|v1)"), (r"/api/v1/chat", NativeChat()), (r"/v1/messages", Messages()))
    features = ("reasoning", "tool", "connector", "image_input")
    verified = date(2026, 11, 22)


class LlamaCpp(OpenaiLike):
    name = "llama-cpp"
    title = "llama.cpp's server on this computer"
    provider = "llama_cpp"
    hosts = (name_host("llama-cpp"),)
    closed = CLOSED
    routes = (
        *openai_routes(r"(?:/v1)?"),
        (r"/completion", Completion()),
        (r"/infill", Infill()),
        (r"/v1/messages", Messages()),
    )


_BASE = r"(?:/(?:openai|anthropic|gemini|litellm|proxy))?(?:/api)?(?:/v1)?"
"""A gateway puts a maker's name in front."""


class LocalServer(OpenaiLike):
    name = OTHER
    title = "Another model server on this computer"
    provider = "local"
    hosts = (name_host(OTHER),)
    closed = CLOSED
    routes = (
        *openai_routes(_BASE),
        (_BASE + r"/messages", Messages()),
        (r"(?:/gemini)?/v1beta/models/[^/:]+:(?:generateContent|streamGenerateContent)", GenerateContent()),
        (r"/api/chat", Chat()),
        (r"/api/generate", Chat("text_completion")),
    )
    transports = ("sse", "json", "ndjson")
