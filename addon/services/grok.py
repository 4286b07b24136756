"""Grok on its own site, and Grok inside X."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from addon.exchange import Exchange
from addon.service import Event, Listener, Service, Turn
from addon.services._ending import name_ending
from addon.services._grok_answer import read_film, read_result
from addon.services._grok_socket import Gateway, Pictures
from addon.services._page import Resumable, identity_at, list_at, pick, text_at

_DONE = frozenset({
    "conversation", "response", "title", "userResponse", "token", "message", "modelResponse", "isThinking", "sender",
    "finalMetadata", "uiLayout", "cardAttachment", "toolUsageCard", "webSearchResults", "xSearchResults", "isSoftStop",
    "streamingImageGenerationResponse", "streamingVideoGenerationResponse", "progressReport", "llmInfo", "responseId",
    "queryAction", "followUpSuggestions", "cardAttachments", "error",
})  # fmt: skip


class Grok(Resumable):
    """
    Chat over a socket (since summer 2026) or JSON lines; pictures over a socket of their own; films as JSON lines.

    Shows: the answer, headings and summaries of the reasoning (never the whole), tool cards, the mode asked for, the
    model that served, thinking times (JSON lines), pictures and films made. Hides: token counts, the history. Voice
    goes another way (WebRTC). Reconnecting gives the same row.
    """

    name = "grok"
    title = "Grok"
    provider = "x_ai"
    hosts = ("grok.com",)
    path = re.compile(
        r"/rest/app-chat/conversations/(?:new|[\w-]+/responses)"
        r"|/rest/app-chat/conversations/reconnect-response(?:-v2)?/[\w-]+"
        r"|/ws/mgw/?|/ws/imagine/listen"
    )
    methods = ("POST", "GET")
    transports = ("websocket", "ndjson")
    adds = re.compile(rb'"token": ?"(?!")(?!.*tool_usage)')
    features = (
        "reasoning", "deep_research", "web_search", "tool", "code", "file_input", "image_input", "image_output",
        "video_output", "connector", "memory",
    )  # fmt: skip
    grade = "documented"
    verified = date(2026, 11, 21)

    def matches(self, method: str, host: str, path: str) -> bool:
        reads = path.startswith("/ws/") or "/reconnect-response" in path
        return super().matches(method, host, path) and (method == "GET") == reads

    def continues(self, exchange: Exchange, body: Any) -> str | None:
        return exchange.path.rpartition("/")[2] if "/reconnect-response" in exchange.path else None

    def request(self, turn: Turn, body: Any) -> None:
        path = turn.exchange.path
        if "/reconnect-response" in path:
            turn.response_id = path.rpartition("/")[2]
        if path.endswith("/responses"):
            turn.conversation_id = path.split("/")[-2]
        turn.request_model = text_at(body, "modelName")
        turn.effort = text_at(body, "modeId")
        turn.prompt(text_at(body, "message"))
        for key, feature in (("isReasoning", "reasoning"), ("deepsearchPreset", "deep_research")):
            if pick(body, key):
                turn.asked(feature)
        if list_at(body, "connectorIds"):
            turn.asked("connector")
        for _ in list_at(body, "fileAttachments"):
            turn.attach()
        for _ in list_at(body, "imageAttachments"):
            turn.attach(kind="image")
        read_film(turn, body)

    def event(self, turn: Turn, event: Event) -> None:
        read_line(turn, event)

    def listen(self, opening: Exchange) -> Listener | None:
        return Pictures(self, opening) if "imagine" in opening.path else Gateway(self, opening)


class GrokOnX(Service):
    """
    JSON lines; the request carries the whole thread.

    Shows: the answer, shown reasoning, the model option. Hides: token counts, what X adds to the prompt.
    """

    name = "grok-on-x"
    title = "Grok inside X"
    provider = "x_ai"
    hosts = ("grok.x.com", "x.com", "api.x.com")
    path = re.compile(r"/(?:i/api/)?2/grok/add_response\.json")
    transports = ("ndjson",)
    adds = re.compile(rb'"sender": ?"ASSISTANT", ?"message": ?"(?!")(?!.*tool_usage)')
    features = ("reasoning", "deep_research", "web_search", "file_input", "image_output")
    grade = "documented"
    verified = date(2026, 11, 21)
    closed = "x.com also carries everything else on X: timelines, direct messages, the account."

    def turns(self, exchange: Exchange, body: Any, events: Iterable[Event]) -> Iterator[Turn]:
        if pick(body, "isCancel") is not True:
            yield from super().turns(exchange, body, events)

    def request(self, turn: Turn, body: Any) -> None:
        turn.request_model = text_at(body, "grokModelOptionId")
        turn.conversation_id = identity_at(body, "conversationId")
        messages = list_at(body, "responses")
        for message in messages:
            turn.prompt(text_at(message, "message"))
        for _ in list_at(messages, -1, "fileAttachments"):
            turn.attach()
        for key, feature in (("isReasoning", "reasoning"), ("isDeepsearch", "deep_research")):
            if pick(body, key) is True:
                turn.asked(feature)

    def event(self, turn: Turn, event: Event) -> None:
        if chat := identity_at(event.data, "agentChatItemId"):
            turn.response_id = chat
            turn.conversation_id = identity_at(event.data, "conversationId") or turn.conversation_id
        else:
            read_line(turn, event)
            if pick(event.data, "result", "isSoftStop") is True:
                turn.finished = True


def read_line(turn: Turn, event: Event) -> None:
    """Read one line of either site: the content lies under ``result`` or, in new chats, one level deeper."""
    data = event.data
    if not isinstance(data, dict):
        return
    result = data["result"] if isinstance(data.get("result"), dict) else {}
    told = result["response"] if isinstance(result.get("response"), dict) else result
    if error := data.get("error") or result.get("error") or told.get("error"):
        limited = pick(error, "code") == 8
        turn.outcome = "limited" if limited else name_ending(error, pick(error, "message"))
    if "conversation" in result:
        turn.conversation_id = identity_at(result, "conversation", "conversationId") or turn.conversation_id
    if "userResponse" in told or told.get("sender") == "human":
        return
    read_result(turn, told, event.at_ms)
    if _DONE.isdisjoint(told):
        for name in told:
            turn.wonder(name)
