"""
The Cohere API, as programs use it: version 2 as server-sent events, version 1 as JSON lines.

Usage is on the wire; billed units are taken, as OpenTelemetry asks. Plans that the model writes before it uses a tool
are output.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar

from addon.service import Event, Turn
from addon.services._content import ask_thinking, ask_tools, read_parts, walk_text
from addon.services._dialect import ApiService, Dialect
from addon.services._openai_like import CHAT
from addon.services._openai_media import Embeddings, Transcription
from addon.services._page import pick
from addon.services._usage import read_cohere
from tracker.record import Operation

_REASONS = {"ERROR": "error", "ERROR_TOXIC": "refused", "ERROR_LIMIT": "limited", "USER_CANCEL": "aborted"}


class Chat(Dialect):
    """Both versions of ``chat`` and the old ``generate`` and ``summarize``, whole or streamed."""

    def request(self, turn: Turn, body: Any) -> None:
        turn.reasoning_is_whole = True
        if not isinstance(body, dict):
            return
        turn.request_model = body.get("model")
        ask_thinking(turn, body)
        ask_tools(turn, body.get("tools"))
        connectors = body.get("connectors")
        for connector in connectors if isinstance(connectors, list) else ():
            turn.asked("web_search" if pick(connector, "id") == "web-search" else "connector")
        for key in ("message", "preamble", "prompt", "text"):
            turn.prompt(body.get(key))
        for text in walk_text([body.get("chat_history"), body.get("documents")]):
            turn.prompt(text)
        messages = body.get("messages")
        told = [one for one in messages if isinstance(one, dict)] if isinstance(messages, list) else []
        for one in told:
            read_parts(turn, one.get("content"), is_new=one is told[-1])
        if body.get("tool_results") or (told and told[-1].get("role") == "tool"):
            turn.initiator = "agent"

    def event(self, turn: Turn, event: Event) -> None:
        data = event.data
        if not isinstance(data, dict):
            return
        message = pick(data, "delta", "message")
        match data.get("type") or data.get("event_type"):
            case "message-start":
                turn.response_id = data.get("id") or turn.response_id
            case "stream-start":
                turn.response_id = data.get("generation_id") or turn.response_id
            case "content-delta":
                turn.answer(pick(message, "content", "text"), event.at_ms)
                turn.reason(pick(message, "content", "thinking"), event.at_ms)
            case "text-generation":
                turn.answer(data.get("text"), event.at_ms)
            case "tool-plan-delta":
                turn.answer(pick(message, "tool_plan"), event.at_ms)
            case "tool-call-start":
                turn.used("tool")
                turn.call_tool(pick(message, "tool_calls", "function", "name"))
            case "tool-call-delta":
                turn.call_tool(pick(message, "tool_calls", "function", "arguments"))
            case "tool-calls-generation":
                self._read_calls(turn, data.get("tool_calls"))
            case "search-results" if data.get("search_results"):
                turn.used("web_search")
            case "message-end":
                self._end(turn, pick(data, "delta", "finish_reason"), pick(data, "delta", "usage"))
            case "stream-end":
                response = data.get("response")
                turn.response_id = pick(response, "generation_id") or turn.response_id
                self._end(turn, data.get("finish_reason"), pick(response, "meta"))
            case None:
                self._read_whole(turn, data)

    def _read_whole(self, turn: Turn, data: Mapping[str, Any]) -> None:
        if not {"message", "text", "generations", "summary", "usage", "meta"} & data.keys():
            return
        turn.response_id = data.get("id") or data.get("generation_id")
        turn.answer(data.get("text"))
        turn.answer(data.get("summary"))
        self._read_calls(turn, data.get("tool_calls"))
        if data.get("search_results"):
            turn.used("web_search")
        message = data.get("message")
        if isinstance(message, dict):
            content = message.get("content")
            for part in content if isinstance(content, list) else ():
                turn.answer(pick(part, "text"))
                turn.reason(pick(part, "thinking"))
            turn.answer(message.get("tool_plan"))
            self._read_calls(turn, message.get("tool_calls"))
        generations = data.get("generations")
        for one in generations if isinstance(generations, list) else ():
            turn.answer(pick(one, "text"))
        self._end(turn, data.get("finish_reason"), data.get("usage") or data.get("meta"))

    def _read_calls(self, turn: Turn, calls: Any) -> None:
        for call in calls if isinstance(calls, list) else ():
            turn.used("tool")
            for text in walk_text(pick(call, "function") or call):
                turn.call_tool(text)

    def _end(self, turn: Turn, reason: Any, usage: Any) -> None:
        turn.usage = read_cohere(usage)
        turn.finished = True
        match _REASONS.get(reason) if isinstance(reason, str) else None:
            case "error" | "refused" | "limited" | "aborted" as outcome:
                turn.outcome = outcome


class Embed(Embeddings):
    """``embed``: billed input tokens."""

    def request(self, turn: Turn, body: Any) -> None:
        super().request(turn, body)
        if isinstance(body, dict):
            for text in walk_text(body.get("texts")):
                turn.prompt(text)

    def answer(self, turn: Turn, data: Mapping[str, Any], at_ms: int | None) -> None:
        turn.usage = read_cohere(data.get("meta"))
        turn.outcome, turn.finished = "complete", True


class Rerank(Dialect):
    """``rerank``: a search over documents, counted in units that are not tokens."""

    operation: ClassVar[Operation] = "search"

    def request(self, turn: Turn, body: Any) -> None:
        if isinstance(body, dict):
            turn.request_model = body.get("model")
            for text in walk_text([body.get("query"), body.get("documents")]):
                turn.prompt(text)

    def event(self, turn: Turn, event: Event) -> None:
        if isinstance(event.data, dict) and isinstance(event.data.get("results"), list):
            turn.response_id = event.data.get("id")
            turn.outcome, turn.finished = "complete", True


class CohereApi(ApiService):
    name = "cohere-api"
    title = "Cohere API"
    provider = "cohere"
    hosts = ("api.cohere.com", "api.cohere.ai")
    routes = (
        (r"/v[12]/(?:chat|generate)|/v1/summarize", Chat()),
        (r"/v[12]/embed", Embed()),
        (r"/v[12]/rerank", Rerank()),
        (r"/v2/audio/transcriptions", Transcription()),
        (r"/compatibility/v1/chat/completions", CHAT),
        (r"/compatibility/v1/embeddings", Embeddings()),
    )
    transports = ("sse", "json", "ndjson")
    adds = re.compile(rb'"(?:content|text|thinking|tool_plan|arguments)": ?"(?!")(?!.*"documents")')
    features = ("reasoning", "tool", "web_search", "connector", "image_input")
    grade = "captured"
    verified = date(2026, 11, 21)
