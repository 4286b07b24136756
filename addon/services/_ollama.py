"""Ollama's own dialect: JSON lines (its default) or one JSON body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from addon.service import Event, Turn
from addon.services._content import ask_thinking, ask_tools, base64_size, walk_text
from addon.services._dialect import Dialect
from addon.services._usage import number, read_ollama
from tracker.record import Operation


class Chat(Dialect):
    """``chat`` and ``generate``: the line with ``done`` has the counts; the prompt's is absent when it was cached."""

    def __init__(self, operation: Operation = "chat") -> None:
        self._operation = operation

    def request(self, turn: Turn, body: Any) -> None:
        turn.operation = self._operation
        turn.reasoning_is_whole = True
        if not isinstance(body, dict):
            return
        turn.request_model = body.get("model")
        ask_thinking(turn, body)
        ask_tools(turn, body.get("tools"))
        for key in ("prompt", "suffix", "system"):
            turn.prompt(body.get(key))
        self._attach(turn, body)
        messages = body.get("messages")
        told = [one for one in messages if isinstance(one, dict)] if isinstance(messages, list) else []
        last_answer = max((at for at, one in enumerate(told) if one.get("role") == "assistant"), default=-1)
        for at, one in enumerate(told):
            turn.prompt(one.get("content"))
            for text in walk_text(one.get("tool_calls")):
                turn.prompt(text)
            if at > last_answer:
                self._attach(turn, one)
        if told and told[-1].get("role") == "tool":
            turn.initiator = "agent"

    def _attach(self, turn: Turn, holder: Mapping[str, Any]) -> None:
        images = holder.get("images")
        for image in images if isinstance(images, list) else ():
            turn.attach(base64_size(image) if isinstance(image, str) else None, "image")

    def event(self, turn: Turn, event: Event) -> None:
        data = event.data
        if not isinstance(data, dict):
            return
        if data.get("error"):
            turn.outcome, turn.finished = "error", True
            return
        turn.response_model = data.get("model") or turn.response_model
        done = data.get("done") is True
        at_ms = None if done and not turn.has_text("answer") else event.at_ms
        message = data.get("message")
        message = message if isinstance(message, dict) else {}
        turn.answer(message.get("content") or data.get("response"), at_ms)
        turn.reason(message.get("thinking") or data.get("thinking"), at_ms)
        calls = message.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            turn.used("tool")
            for text in walk_text(call.get("function") if isinstance(call, dict) else None):
                turn.call_tool(text)
        if done:
            turn.dropped = data.get("done_reason") in ("load", "unload")  # an empty call that only moves the model
            turn.usage = read_ollama(data)
            turn.finished = True


class Embed(Dialect):
    """``embed`` reports its input, the older ``embeddings`` nothing."""

    operation: ClassVar[Operation] = "embeddings"

    def request(self, turn: Turn, body: Any) -> None:
        if isinstance(body, dict):
            turn.request_model = body.get("model")
            for text in walk_text(body.get("input", body.get("prompt"))):
                turn.prompt(text)

    def event(self, turn: Turn, event: Event) -> None:
        data = event.data
        if isinstance(data, dict) and ("embeddings" in data or "embedding" in data):
            turn.response_model = data.get("model")
            if number(data, "prompt_eval_count") is not None:
                turn.usage = read_ollama(data)
            turn.outcome, turn.finished = "complete", True
