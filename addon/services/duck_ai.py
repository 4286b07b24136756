"""Duck.ai, DuckDuckGo's chat."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from addon.service import Event, Service, Turn
from addon.services._page import identity_at, list_at, once, pick, text_at, tool_feature

_TOOLS = {
    "WebSearch": "web_search", "NewsSearch": "web_search", "VideosSearch": "web_search", "LocalSearch": "web_search",
    "WeatherForecast": "tool", "GenerateImage": "image_output",
}  # fmt: skip


class DuckAi(Service):
    """
    Server-sent pieces of text, each with the exact model that served; the request carries the whole thread.

    Shows: all that is sent to the model but the site's own instructions, the answer, shown reasoning, pictures made.
    Hides: token counts, whether the reasoning is whole.
    """

    name = "duck-ai"
    title = "Duck.ai"
    hosts = ("duck.ai",)
    path = re.compile(r"/duckchat/v1/chat")
    adds = re.compile(rb'(?:"message"|"role": ?"reasoning", ?"text"): ?"(?!")')
    features = ("reasoning", "web_search", "tool", "file_input", "image_input", "image_output")
    grade = "documented"
    verified = date(2026, 11, 21)

    def request(self, turn: Turn, body: Any) -> None:
        turn.request_model = text_at(body, "model")
        turn.effort = text_at(body, "reasoningEffort")
        if turn.effort not in {None, "none"}:
            turn.asked("reasoning")
        turn.conversation_id = identity_at(body, "durableStream", "conversationId")
        turn.message_id = identity_at(body, "durableStream", "messageId")
        messages = list_at(body, "messages")
        for position, message in enumerate(messages):
            content = pick(message, "content")
            turn.prompt(content)
            for part in list_at(content):
                turn.prompt(text_at(part, "text"))
                kind = text_at(part, "type")
                if position == len(messages) - 1 and kind in {"image", "file"}:
                    turn.attach(kind=kind)
        choice = pick(body, "metadata", "toolChoice")
        switched = {_TOOLS[name] for name in _TOOLS if pick(choice, name) is True}
        for feature in sorted(switched):
            turn.asked(feature)

    def event(self, turn: Turn, event: Event) -> None:
        data = event.data
        if isinstance(data, str):
            if data == "[DONE]":
                turn.finished = True
            elif "LIMIT" in data.upper():
                turn.outcome = "limited"
            return
        turn.response_model = text_at(data, "model") or turn.response_model
        turn.response_id = turn.response_id or identity_at(data, "id")
        match pick(data, "role"):
            case _ if pick(data, "action") == "error":
                limited = "LIMIT" in str(pick(data, "type")).upper() or pick(data, "status") == 429
                turn.outcome = "limited" if limited else "error"
            case "reasoning":
                turn.reason(text_at(data, "text"), event.at_ms)
                once(turn, "reasoning", None)
            case "generated-image":
                self._add_image(turn)
            case "ui-component" if isinstance(tool := pick(data, "toolName"), str):
                status = pick(data, "data", "status")
                if tool == "GenerateImage":
                    if status == "success":
                        self._add_image(turn)
                elif status in (None, "success"):
                    turn.used(_TOOLS.get(tool, tool_feature(tool)))
            case _ if isinstance(said := pick(data, "message"), str):
                turn.answer(said, event.at_ms)
            case str(role) if role not in {"assistant", "partial-image"}:
                turn.wonder(role)

    def _add_image(self, turn: Turn) -> None:
        turn.media_count = (turn.media_count or 0) + 1
        turn.used("image_output")


class DuckAiBefore2026(DuckAi):
    """The same chat where it lived before 2026: a page of the search site."""

    name = "duck-ai-on-duckduckgo"
    title = "Duck.ai on duckduckgo.com"
    hosts = ("duckduckgo.com",)
    closed = "duckduckgo.com also carries everything searched for."
