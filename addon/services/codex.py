"""
Codex with a ChatGPT login: the command line, the editor and the app.

It speaks OpenAI's responses, over a socket first and over server-sent events otherwise, with request bodies packed by
zstd. Usage is in every ``response.completed``; reasoning is hidden, but counted by the service. With an API key Codex
is the OpenAI API.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from addon.exchange import Exchange
from addon.service import Listener, Turn
from addon.services._dialect import ApiService
from addon.services._openai_responses import Responses
from addon.services._openai_responses_socket import ResponsesSocket


class CodexResponses(Responses):
    """Responses whose cache key is the session's id."""

    def request(self, turn: Turn, body: Any) -> None:
        super().request(turn, body)
        if isinstance(body, dict) and isinstance(body.get("prompt_cache_key"), str):
            turn.conversation_id = body["prompt_cache_key"] or None


RESPONSES = CodexResponses()


class Codex(ApiService):
    name = "codex"
    title = "Codex"
    provider = "openai"
    hosts = ("chatgpt.com",)
    methods = ("POST", "GET")
    routes = ((r"/backend-api/codex/responses(?:/compact)?", RESPONSES),)
    sockets = (r"/backend-api/codex/responses",)
    transports = ("websocket", "sse", "json")
    features = ("reasoning", "tool", "web_search", "code", "image_input")
    grade = "documented"
    verified = date(2026, 11, 21)

    def listen(self, opening: Exchange) -> Listener | None:
        return ResponsesSocket(self, opening, RESPONSES)
