"""Qwen Chat."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from addon.service import SEAM, Event, Service, Turn, each_of
from addon.services._page import asked_once, identity_at, list_at, once, pick, pixels, size_at, text_at
from addon.services._usage import number, read_openai_responses
from tracker.record import Outcome

_KINDS = {
    "search": "web_search", "deep_research": "deep_research", "artifacts": "canvas", "web_dev": "canvas",
    "t2i": "image_output", "image_edit": "image_output", "t2v": "video_output",
}  # fmt: skip
_KNOWN = frozenset({"choices", "response.created", "response.completed", "usage", "success", "error"})


class Qwen(Service):
    """
    Server-sent chunks in phases (think, summary, search, image, answer) with a running token count: the last counts.

    Shows: input and output tokens, thinking or a summary of it, searches, pictures with their size. Hides: how many
    of the output tokens are thinking, unless told; the history beyond the count. Films are jobs: the request is
    recorded, their making is polled elsewhere.
    """

    name = "qwen"
    title = "Qwen Chat"
    provider = "alibaba_cloud"
    hosts = ("chat.qwen.ai",)
    path = re.compile(r"/api/v2/chat/completions")
    transports = ("sse", "json")
    adds = re.compile(rb'"delta": ?\{[^{}]{0,200}?"(?:reasoning_)?(?P<only>content"): ?(?P<each>")(?!")')
    tokens = "reported"
    features = (
        "reasoning", "deep_research", "web_search", "code", "connector", "canvas", "file_input", "image_input",
        "image_output", "video_output",
    )  # fmt: skip
    grade = "documented"
    verified = date(2026, 11, 21)

    def request(self, turn: Turn, body: Any) -> None:
        turn.request_model = text_at(body, "model")
        turn.conversation_id = identity_at(body, "chat_id")
        turn.state["repeats"] = pick(body, "incremental_output") is False
        messages = list_at(body, "messages")
        for message in messages:
            turn.prompt(pick(message, "content"))
            for part in list_at(message, "content"):
                turn.prompt(text_at(part, "text"))
        message = pick(messages, -1)
        for file in list_at(message, "files"):
            turn.attach(pick(file, "size"), text_at(file, "file_type") or text_at(file, "type"))
        kind = text_at(message, "chat_type") or text_at(body, "chat_type") or ""
        if feature := _KINDS.get(kind):
            asked_once(turn, feature)
        if kind in {"t2i", "image_edit"}:
            turn.operation = "image"
        elif kind == "t2v":
            turn.operation = "video"
        settings = pick(message, "feature_config")
        turn.effort = text_at(settings, "thinking_mode")
        if pick(settings, "thinking_enabled") is True:
            turn.asked("reasoning")
        if pick(settings, "auto_search") is True:
            asked_once(turn, "web_search")

    def event(self, turn: Turn, event: Event) -> None:
        data = event.data
        if data == "[DONE]" or event.name == "response.completed":
            turn.finished = True
        if not isinstance(data, dict):
            return
        if data.get("success") is False:
            turn.outcome = _name_failure(data.get("data"))
            return
        if "response.completed" in data:
            turn.finished = True
        response = identity_at(data, "response_id") or identity_at(data, "response.created", "response_id")
        turn.response_id = turn.response_id or response
        if (error := data.get("error")) is not None:
            turn.outcome = _name_failure(error)
        if type(usage := data.get("usage")) is dict:
            self._read_usage(turn, response or "", usage)
        for choice in list_at(data, "choices"):
            if isinstance(delta := pick(choice, "delta"), dict):
                self._read_delta(turn, delta, response or "", event.at_ms)
        if "data" in data and (task := identity_at(data["data"], "messages", 0, "extra", "wanx", "task_id")):
            turn.response_id, turn.outcome, turn.operation, turn.media_count = task, "complete", "video", 1
            once(turn, "video_output")
        if _KNOWN.isdisjoint(data):
            for name in data:
                turn.wonder(name)

    def finish(self, turn: Turn) -> None:
        usages = turn.state.get("usages", {}).values()
        read = [usage for told in usages if (usage := read_openai_responses(told)) and usage.output is not None]
        if len(read) == 1:
            turn.usage = read[0]
        elif read:
            turn.usage = type(read[0])(
                input=max((usage.input or 0 for usage in read), default=0) or None,
                output=sum(usage.output or 0 for usage in read),
            )

    def _read_usage(self, turn: Turn, response: str, usage: dict[str, Any]) -> None:
        turn.state.setdefault("usages", {})[response] = usage
        if "image_count" in usage and (count := number(usage, "image_count")):
            turn.operation = "image"
            turn.state["image_usage"] = count
            turn.media_pixels = pixels(size_at(usage, "width"), size_at(usage, "height"))

    def _read_delta(self, turn: Turn, delta: dict[str, Any], response: str, at_ms: int | None) -> None:
        if delta.get("role") in ("user", "system"):
            return
        if delta.get("status") == "error":
            turn.outcome = _name_failure(delta)
            return
        finished = delta.get("status") == "finished"
        repeats = turn.state["repeats"]
        content = _told(delta.get("content"), repeats=repeats)
        if thought := delta.get("reasoning_content"):
            turn.reason(_told(thought, repeats=repeats), at_ms, part=response, replace=repeats)
        match text_at(delta, "phase"):
            case "answer" | None:
                if turn.operation == "image":
                    self._read_picture(turn, delta)
                else:
                    turn.answer(content, at_ms, part=response, replace=repeats)
                turn.finished = turn.finished or finished
            case "think":
                turn.reason(content, at_ms, part=response, replace=repeats)
                once(turn, "reasoning", None)
            case "thinking_summary":
                told = pick(delta, "extra", "summary_thought", "content")
                summary = told if isinstance(told, str) else "\n".join(map(str, list_at(told)))
                turn.reason(summary, at_ms, part="summary " + response, replace=True)
                once(turn, "reasoning", None)
            case "web_search":
                if finished or list_at(delta, "extra", "web_search_info"):
                    once(turn, "web_search")
            case "image_gen" | "image_gen_tool":
                if finished or text_at(delta, "content"):
                    turn.state["picture"] = True
                    turn.media_count = turn.state.get("image_usage", 1)
                    once(turn, "image_output")
            case "code_interpreter":
                once(turn, "code")
            case "local_tool" | "local_mcp" | "mcp":
                once(turn, "connector")
            case str() as phase:
                turn.wonder(phase)

    def _read_picture(self, turn: Turn, delta: Any) -> None:
        """In picture chats the answer is an address."""
        if text_at(delta, "content"):
            turn.media_count = turn.state.get("image_usage", 1)
            once(turn, "image_output")


def _told(content: Any, *, repeats: bool) -> Any:
    """Return what an event says, or several that were read as one: the last of them if each repeats all before."""
    if type(content) is not str or SEAM not in content:
        return content
    texts = each_of(content)
    return texts[-1] if repeats else "".join(texts)


def _name_failure(told: Any) -> Outcome:
    words = told if isinstance(told, str) else " ".join(text_at(told, key) or "" for key in ("code", "message"))
    return "limited" if any(word in words.lower() for word in ("ratelimit", "usage limit", "quota")) else "error"
