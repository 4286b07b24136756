"""Anthropic's messages, and everybody who carries them (Vertex, Bedrock, Copilot, OpenRouter, DeepSeek)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from addon.service import Event, Turn, Usage
from addon.services._content import ask_thinking, ask_tools, read_parts, tool_feature
from addon.services._dialect import Dialect
from addon.services._openai_chat import fail
from addon.services._usage import number, read_anthropic

_SESSION = re.compile(r'(?:session_|"session_id":\s*")([0-9a-f]{8}-[0-9a-f-]{27})')
_SIDE_RUNS = ("compaction", "advisor_message")
_SILENT = {"ping", "content_block_stop", "message_stop", "message_delta", "message_start", "error"}


class Messages(Dialect):
    """
    One JSON message, or events from ``message_start`` to ``message_stop``.

    Usage is cumulative: ``message_start`` is overlaid by each ``message_delta``. Compaction and advisor runs are
    reported in ``iterations`` beside the total, so each becomes a turn of its own. The thinking that is shown is a
    summary: it is counted only where ``thinking_tokens`` is reported.
    """

    def request(self, turn: Turn, body: Any) -> None:
        if not isinstance(body, dict):
            return
        turn.request_model = body.get("model") or turn.request_model
        ask_thinking(turn, body)
        ask_tools(turn, body.get("tools"))
        if body.get("mcp_servers"):
            turn.asked("connector")
        read_parts(turn, body.get("system"), is_new=False)
        user = body.get("metadata", {}).get("user_id") if isinstance(body.get("metadata"), dict) else None
        if isinstance(user, str) and (session := _SESSION.search(user)):
            turn.conversation_id = session[1]
        messages = body.get("messages")
        if isinstance(messages, list):
            self._read_messages(turn, [message for message in messages if isinstance(message, dict)])

    def _read_messages(self, turn: Turn, messages: list[Mapping[str, Any]]) -> None:
        last_answer = max((at for at, message in enumerate(messages) if message.get("role") == "assistant"), default=-1)
        for at, message in enumerate(messages):
            read_parts(turn, message.get("content"), is_new=at > last_answer)
        turn.prompt_overhead += 4 * len(messages) + 3
        content = messages[-1].get("content") if messages else None
        if isinstance(content, list) and any(_kind(part) == "tool_result" for part in content):
            turn.initiator = "agent"

    def event(self, turn: Turn, event: Event) -> None:
        data = event.data
        if not isinstance(data, dict):
            return
        kind = data.get("type") or event.name
        part = str(data.get("index", ""))
        match kind:
            case "message":
                self._start(turn, data)
                self._read_whole(turn, data)
            case "message_start":
                self._start(turn, data.get("message"))
            case "content_block_start":
                self._read_block(turn, data.get("content_block"), part)
            case "content_block_delta":
                self._read_delta(turn, data.get("delta"), event.at_ms, part)
            case "message_delta":
                turn.state["counted_to_the_end"] = True
                self._overlay(turn, data.get("usage"))
                self._stop(turn, data.get("delta"))
            case "message_stop":
                turn.finished = True
            case "error":
                fail(turn, data.get("error") or data)
            case "completion":
                self._read_completion(turn, data, event.at_ms)
            case None if "completion" in data:
                self._read_completion(turn, data, event.at_ms)
            case str() if kind not in _SILENT:
                turn.wonder(kind)

    def finish(self, turn: Turn) -> None:
        usage = turn.state.get("usage")
        if not usage:
            return
        turn.usage = read_anthropic(usage)
        if turn.usage and not turn.state.get("counted_to_the_end"):
            # What message_start says of the output is a beginning, not a count.
            turn.usage = Usage(input=turn.usage.input, cached=turn.usage.cached)
        used = {feature.feature for feature in turn.features if feature.state == "used"}
        searches = number(usage, "server_tool_use", "web_search_requests")
        if searches and "web_search" not in used:
            turn.used("web_search", searches)
        turn.state["extra"] = self._side_runs(turn, usage.get("iterations"))

    def _start(self, turn: Turn, message: Any) -> None:
        if isinstance(message, dict):
            turn.response_id = message.get("id") if isinstance(message.get("id"), str) else turn.response_id
            turn.response_model = message.get("model") or turn.response_model
            self._overlay(turn, message.get("usage"))

    def _read_whole(self, turn: Turn, message: Mapping[str, Any]) -> None:
        turn.state["counted_to_the_end"] = True
        content = message.get("content")
        for at, block in enumerate(content if isinstance(content, list) else ()):
            self._read_block(turn, block, str(at))
            if isinstance(block, dict):
                arguments = block.get("input")
                if isinstance(arguments, dict) and arguments:
                    turn.call_tool(_compact(arguments), part=str(at))
        self._stop(turn, message)
        turn.finished = True

    def _read_block(self, turn: Turn, block: Any, part: str) -> None:
        if not isinstance(block, dict):
            return
        turn.answer(block.get("text"), part=part)
        match block.get("type"):
            case "tool_use":
                turn.used("tool")
                turn.call_tool(block.get("name"), part=part)
            case "server_tool_use":
                turn.used(tool_feature(block.get("name")))
            case "mcp_tool_use":
                turn.used("connector")
            case "thinking" | "redacted_thinking":
                turn.reason(block.get("thinking"), part=part)
                if not turn.state.get("thinks"):
                    turn.state["thinks"] = True
                    turn.used("reasoning")

    def _read_delta(self, turn: Turn, delta: Any, at_ms: int | None, part: str) -> None:
        match delta:
            case {"type": "text_delta", "text": text}:
                turn.answer(text, at_ms, part=part)
            case {"type": "thinking_delta", "thinking": text}:
                turn.reason(text, at_ms, part=part)
            case {"type": "input_json_delta", "partial_json": text}:
                turn.call_tool(text, part=part)

    def _read_completion(self, turn: Turn, data: Mapping[str, Any], at_ms: int | None) -> None:
        """Read the legacy ``/v1/complete``, whole or as a stream."""
        turn.response_model = data.get("model") or turn.response_model
        turn.response_id = turn.response_id or data.get("id") or data.get("log_id")
        turn.answer(data.get("completion"), at_ms if turn.state.get("stream") else None)
        turn.finished = turn.finished or bool(data.get("stop_reason"))

    def _stop(self, turn: Turn, told: Any) -> None:
        if isinstance(told, dict) and told.get("stop_reason") == "refusal":
            turn.outcome = "refused"

    def _overlay(self, turn: Turn, usage: Any) -> None:
        if isinstance(usage, dict):
            kept = turn.state.setdefault("usage", {})
            kept.update({name: value for name, value in usage.items() if value is not None})

    def _side_runs(self, turn: Turn, iterations: Any) -> list[Turn]:
        """Return a turn for each compaction or advisor run inside this answer."""
        runs = []
        for at, run in enumerate(iterations if isinstance(iterations, list) else ()):
            if _kind(run) not in _SIDE_RUNS:
                continue
            extra = Turn(turn.service, turn.exchange)
            extra.provider, extra.initiator = turn.provider, "agent"
            extra.request_model = run.get("model") or turn.request_model
            extra.response_model = run.get("model") or turn.response_model
            extra.response_id = f"{turn.response_id}:{_kind(run)}:{at}"
            extra.conversation_id = turn.conversation_id
            extra.usage = read_anthropic(run)
            extra.finished, extra.request_bytes, extra.response_bytes, extra.ended_ms = True, 0, 0, None
            if _kind(run) == "advisor_message":
                extra.used("subagent")
            runs.append(extra)
        return runs


class Complete(Messages):
    """Anthropic's legacy text completion, which reports no usage."""

    operation = "text_completion"

    def request(self, turn: Turn, body: Any) -> None:
        if isinstance(body, dict):
            turn.request_model = body.get("model")
            turn.state["stream"] = bool(body.get("stream"))
            turn.prompt(body.get("prompt"))


def _kind(part: Any) -> Any:
    return part.get("type") if isinstance(part, dict) else None


def _compact(arguments: Any) -> str:
    import json

    return json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))
