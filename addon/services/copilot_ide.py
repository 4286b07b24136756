"""
GitHub Copilot in editors and on the command line.

Chat speaks OpenAI's and Anthropic's dialects with usage on the wire; rounds of an agent say so in a header. Completions
while typing are many, report no usage, and nobody asked for them; nor for the next edit that it guesses (NES), which
comes as chat.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from addon.exchange import Exchange
from addon.service import Event, Listener, Turn
from addon.services._anthropic_messages import Messages
from addon.services._dialect import ApiService
from addon.services._openai_chat import ChatCompletions
from addon.services._openai_media import Embeddings
from addon.services._openai_responses import Responses
from addon.services._openai_responses_socket import ResponsesSocket

RESPONSES = Responses()
_PLANS = ("individual", "business", "enterprise")


class CopilotIde(ApiService):
    name = "copilot-ide"
    title = "GitHub Copilot in editors"
    provider = "github_copilot"
    hosts = (
        "api.githubcopilot.com",
        *(f"api.{plan}.githubcopilot.com" for plan in _PLANS),
        "copilot-proxy.githubusercontent.com",
        *(f"proxy.{plan}.githubcopilot.com" for plan in _PLANS),
    )
    methods = ("POST", "GET")
    routes = (
        (r"(?:/v1)?/chat/completions", ChatCompletions(reasoning_is_whole=False)),
        (r"(?:/v1)?/responses", RESPONSES),
        (r"/v1/messages", Messages()),
        (r"/embeddings", Embeddings()),
        (r"/v1/engines/[^/]+/completions", ChatCompletions(operation="text_completion")),
    )
    sockets = (r"(?:/v1)?/responses",)
    transports = ("sse", "json", "websocket")
    features = ("reasoning", "tool", "web_search", "image_input", "agent")
    grade = "captured"
    verified = date(2026, 11, 21)

    def turns(self, exchange: Exchange, body: Any, events: Iterable[Event]) -> Iterator[Turn]:
        for turn in super().turns(exchange, body, events):
            initiator = exchange.request_header("x-initiator")
            if turn.operation == "text_completion" or "-nes-" in str(turn.request_model):
                turn.initiator = "unasked"
                turn.request_model = turn.request_model or exchange.path.split("/")[3]
            elif initiator == "agent":
                turn.initiator = "agent"
            elif initiator == "user":
                turn.initiator = "person"
            yield turn

    def listen(self, opening: Exchange) -> Listener | None:
        return ResponsesSocket(self, opening, RESPONSES)
