"""
The Mistral API, as programs use it.

Usage is always on the wire, in streams with the last chunk. Thinking of Magistral models is shown whole and is part
of the output; it has no number of its own, so it is counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from addon.exchange import Exchange
from addon.service import Event, Listener, Turn
from addon.services._dialect import ApiService
from addon.services._mistral_sound import PATHS, Sound, SoundSocket
from addon.services._openai_chat import ChatCompletions
from addon.services._openai_media import Embeddings, OneAnswer, Speech, Transcription
from addon.services._page import pick
from addon.services._usage import add, number, read_openai_chat


class Conversations(ChatCompletions):
    """``conversations`` (agents): outputs instead of choices; the tokens of connectors are input of their own."""

    def request(self, turn: Turn, body: Any) -> None:
        super().request(turn, body)
        if isinstance(body, dict):
            asked = body.get("inputs")
            turn.prompt(asked)
            for one in asked if isinstance(asked, list) else ():
                turn.prompt(pick(one, "content"))
                if pick(one, "type") == "function.result":
                    turn.initiator = "agent"

    def event(self, turn: Turn, event: Event) -> None:
        data = event.data
        if not isinstance(data, dict):
            return
        if isinstance(data.get("conversation_id"), str):
            turn.conversation_id = data["conversation_id"]
        match data.get("type") or data.get("object") or event.name:
            case "message.output.delta":
                turn.response_model = data.get("model") or turn.response_model
                turn.message_id = data.get("id") or turn.message_id
                self._read_content(turn, data.get("content"), event.at_ms, str(data.get("output_index", 0)))
            case "function.call.delta":
                turn.call_tool(data.get("arguments"))
            case "tool.execution.started":
                turn.used("web_search" if "web_search" in str(data.get("name")) else "tool")
            case "conversation.response.error":
                turn.outcome, turn.finished = "error", True
            case "conversation.response.done" | "conversation.response":
                self._end(turn, data)

    def _end(self, turn: Turn, data: Mapping[str, Any]) -> None:
        turn.usage = read_openai_chat(data.get("usage"))
        connectors = number(data, "usage", "connector_tokens")
        if turn.usage is not None and connectors:
            turn.usage = type(turn.usage)(
                input=add(turn.usage.input, connectors), output=turn.usage.output, cached=turn.usage.cached
            )
        outputs = data.get("outputs")
        for output in outputs if isinstance(outputs, list) else ():
            if not isinstance(output, dict):
                continue
            turn.message_id = output.get("id") or turn.message_id
            turn.response_model = output.get("model") or turn.response_model
            if output.get("type") == "message.output":
                self._read_content(turn, output.get("content"), None, "0")
            elif output.get("type") == "function.call":
                turn.used("tool")
            elif output.get("type") == "tool.execution":
                turn.used("web_search" if "web_search" in str(output.get("name")) else "tool")
        turn.finished = True


class Ocr(OneAnswer):
    """``ocr``: pages read, no tokens."""

    def event(self, turn: Turn, event: Event) -> None:
        pages = event.data.get("pages") if isinstance(event.data, dict) else None
        if isinstance(pages, list):
            turn.used("file_input", len(pages))
            turn.response_model = event.data.get("model")
            for page in pages:
                turn.answer(pick(page, "markdown"))
            turn.outcome, turn.finished = "complete", True


CHAT = ChatCompletions()


class MistralApi(ApiService):
    name = "mistral-api"
    title = "Mistral API"
    provider = "mistral_ai"
    hosts = ("api.mistral.ai", "codestral.mistral.ai")
    routes = (
        (r"/v1/(?:chat|agents)/completions", CHAT),
        (r"/v1/fim/completions", ChatCompletions(operation="text_completion")),
        (r"/v1/conversations(?:/[^/]+(?:/restart)?)?", Conversations()),
        (r"/v1/embeddings", Embeddings()),
        (r"/v1/ocr", Ocr()),
        (r"/v1/audio/speech", Speech()),
        (r"/v1/audio/transcriptions", Transcription()),
        (PATHS, Sound()),
    )
    methods = ("POST", "GET")
    sockets = (PATHS,)
    transports = ("sse", "json", "websocket")
    features = ("reasoning", "tool", "web_search", "file_input", "image_input", "audio_input", "audio_output")
    grade = "captured"
    verified = date(2026, 11, 21)

    def listen(self, opening: Exchange) -> Listener | None:
        return SoundSocket(self, opening)
