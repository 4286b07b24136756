"""OpenAI's chat completions (and legacy completions), and everybody who imitates them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from addon.service import Event, Turn
from addon.services._content import ask_thinking, ask_tools, read_parts, tool_feature, walk_text
from addon.services._dialect import Dialect
from addon.services._usage import Read, first, number, read_openai_chat, read_timings
from tracker.record import Operation

_DRAWN = re.compile(r"\D*\d{0,6}")
_KNOWN = frozenset({
    "id", "object", "created", "model", "choices", "usage", "system_fingerprint", "service_tier", "x_groq",
    "obfuscation", "prompt_filter_results", "error", "provider", "p", "timings", "time_info", "citations",
    "search_results",
})  # fmt: skip


_DONE = {
    "search": "web_search", "browser_search": "web_search", "browser.search": "web_search", "visit": "web_search",
    "browser.open": "web_search", "browser_automation": "agent", "python": "code",
}  # fmt: skip
"""What Groq's own tools are called → feature."""
_PLAIN = frozenset({"role", "content"})
_REASONING = ("reasoning_content", "reasoning", "reasoning_text", "cot_summary")


class ChatCompletions(Dialect):
    """
    One JSON body, or chunks of ``choices[].delta`` that end with ``[DONE]``.

    Usage may come in any chunk, also after the last ``finish_reason`` and in ``x_groq``: the last one counts.
    Without it the text is counted: 4 tokens a message and 3 for the answer's start come on top of OpenAI's prompts
    (services-api 7.4: exact in 78 of 84 plain chats).
    """

    def __init__(
        self, read_usage: Read = read_openai_chat, *, reasoning_is_whole: bool = True, operation: Operation = "chat"
    ) -> None:
        self.read_usage = read_usage
        self.reasoning_is_whole = reasoning_is_whole
        self._operation = operation

    def request(self, turn: Turn, body: Any) -> None:
        turn.operation = self._operation
        turn.reasoning_is_whole = self.reasoning_is_whole
        if not isinstance(body, dict):
            return
        turn.request_model = body.get("model") or turn.request_model
        turn.state["stream"] = bool(body.get("stream"))
        ask_thinking(turn, body)
        ask_tools(turn, body.get("tools"))
        if isinstance(body.get("functions"), list):
            turn.asked("tool")
        if "web_search_options" in body or "plugins" in body or "search_parameters" in body:
            turn.asked("web_search")
        modalities = body.get("modalities")
        for kind in ("audio", "image"):
            if isinstance(modalities, list) and kind in modalities:
                turn.asked(f"{kind}_output")
        self._read_prompt(turn, body.get("prompt"))
        self._read_prompt(turn, body.get("suffix"))
        messages = body.get("messages")
        if isinstance(messages, list):
            self._read_messages(turn, messages)

    def event(self, turn: Turn, event: Event) -> None:
        data = event.data
        if isinstance(data, str):
            turn.finished = turn.finished or data.strip() == "[DONE]"
            return
        if not isinstance(data, dict):
            return
        if "choices" not in data and isinstance(data.get("data"), dict):
            data = data["data"]  # some gateways wrap each chunk
        turn.response_id = turn.response_id or _own_id(data.get("id"))
        turn.response_model = turn.response_model or _text(data.get("model"))
        groq = data.get("x_groq")
        usage = data.get("usage") or (groq.get("usage") if isinstance(groq, dict) else None)
        if usage and isinstance(usage, dict):
            turn.state["usage"] = usage  # some tell it with each piece
        if data.get("timings"):
            turn.state["timings"] = data["timings"]
        if data.get("error") or event.name == "error":
            fail(turn, data.get("error") or data)
        if data.get("citations") or data.get("search_results"):
            turn.state["cited"] = True
        choices = data.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict):
                self._read_choice(turn, choice, event.at_ms)
        if choices is None and not _KNOWN & data.keys():
            for name in data:
                turn.wonder(name)

    def finish(self, turn: Turn) -> None:
        state = turn.state
        usage = state.get("usage")
        turn.usage = turn.usage or self.read_usage(usage) or read_timings(state.get("timings"))
        searches = first(
            number(usage, "server_tool_use_details", "web_search_requests"), number(usage, "num_search_queries")
        )
        if searches or state.get("cited"):
            turn.used("web_search", searches or None)
        if state.get("whole") or (state.get("stopped") and turn.usage is not None):
            turn.finished = True

    def _read_prompt(self, turn: Turn, prompt: Any) -> None:
        """Read the prompt of a legacy completion: text, texts, or tokens already."""
        match prompt:
            case str():
                turn.prompt(prompt)
            case list() if all(isinstance(token, int) for token in prompt):
                turn.prompt_overhead += len(prompt)
            case list():
                for one in prompt:
                    self._read_prompt(turn, one)

    def _read_messages(self, turn: Turn, messages: list[Any]) -> None:
        told = [message for message in messages if isinstance(message, dict)]
        last_answer = max((at for at, message in enumerate(told) if message.get("role") == "assistant"), default=-1)
        for at, message in enumerate(told):
            read_parts(turn, message.get("content"), is_new=at > last_answer)
            for text in walk_text(message.get("tool_calls")):
                turn.prompt(text)
        turn.prompt_overhead += 4 * len(told) + 3
        if told and told[-1].get("role") in ("tool", "function"):
            turn.initiator = "agent"

    def _read_choice(self, turn: Turn, choice: Mapping[str, Any], at_ms: int | None) -> None:
        part = str(choice.get("index", 0))
        finish = choice.get("finish_reason")
        if finish:
            turn.state["stopped"] = True
            if finish in ("content_filter", "safety"):
                turn.outcome = "refused"
            if finish == "error":
                turn.outcome = "error"
        message = choice.get("delta")
        if isinstance(choice.get("message"), dict):
            message, at_ms = choice["message"], None
            turn.state["whole"] = True
        if not isinstance(message, dict):  # beside a message it says the same again (Together)
            turn.answer(choice.get("text"), at_ms if turn.state.get("stream") else None, part=part)
            if choice.get("text") is not None and not turn.state.get("stream"):
                turn.state["whole"] = True
            return
        self._read_content(turn, message.get("content"), at_ms, part)
        if message.keys() <= _PLAIN:  # as most pieces come
            return
        if _text(message.get("refusal")):
            turn.answer(message["refusal"], at_ms, part=part)
            turn.outcome = "refused"
        turn.reason(next((message[key] for key in _REASONING if message.get(key)), None), at_ms, part=part)
        self._read_calls(turn, message, part)
        if message.get("audio"):
            if not turn.state.get("audio"):
                turn.state["audio"] = True
                turn.used("audio_output")
            if isinstance(message["audio"], dict):
                turn.answer(message["audio"].get("transcript"), at_ms, part=part)
        for note in message.get("annotations") or ():
            if isinstance(note, dict) and note.get("type") == "url_citation":
                turn.state["cited"] = True
        done_by_itself = message.get("executed_tools")  # Groq's compound models
        for done in done_by_itself if isinstance(done_by_itself, list) else ():
            if isinstance(done, dict) and (name := f"{part}:done:{done.get('index')}") not in turn.state["calls"]:
                turn.state["calls"].add(name)
                turn.used(_DONE.get(str(done.get("type")), "tool"))
        images = message.get("images")
        if isinstance(images, list) and images:
            turn.media_count = (turn.media_count or 0) + len(images)
            turn.used("image_output", len(images))

    def _read_content(self, turn: Turn, content: Any, at_ms: int | None, part: str) -> None:
        """Read text, or Mistral's list of parts with the whole thinking among them."""
        if not isinstance(content, list):
            turn.answer(content, at_ms, part=part)
            return
        for one in content:
            match one:
                case {"type": "thinking", "thinking": list(thoughts)}:
                    for thought in thoughts:
                        turn.reason(thought.get("text") if isinstance(thought, dict) else thought, at_ms, part=part)
                case {"type": "thinking", "thinking": str(text)}:
                    turn.reason(text, at_ms, part=part)
                case {"text": str(text)} | str(text):
                    turn.answer(text, at_ms, part=part)

    def _read_calls(self, turn: Turn, message: Mapping[str, Any], part: str) -> None:
        """Read tool calls; in a stream the same call comes in pieces under one index."""
        calls = message.get("tool_calls")
        calls = list(calls) if isinstance(calls, list) else []
        if isinstance(message.get("function_call"), dict):
            calls.append({"function": message["function_call"], "index": 0})
        seen = turn.state.setdefault("calls", set())
        for at, call in enumerate(calls):
            if not isinstance(call, dict):
                continue
            name = f"{part}:{call.get('index', at)}"
            if name not in seen:
                seen.add(name)
                turn.used(tool_feature(call.get("type") or "function"))
            function = call.get("function") or call.get("custom")
            if isinstance(function, dict):
                turn.call_tool(function.get("name"), part=name)
                turn.call_tool(function.get("arguments") or function.get("input"), part=name)


def fail(turn: Turn, error: Any) -> None:
    """Settle the outcome of an answer that carries an error although its status was 2xx."""
    kind = " ".join(str(error.get(key, "")) for key in ("type", "code", "status")) if isinstance(error, dict) else ""
    kind = kind.lower()
    if any(word in kind for word in ("rate_limit", "quota", "429", "resource_exhausted", "limit_reached", "throttl")):
        turn.outcome = "limited"
    elif any(word in kind for word in ("content_filter", "content_policy", "moderation", "refus")):
        turn.outcome = "refused"
    else:
        turn.outcome = "error"
    turn.finished = True


def _own_id(value: object) -> str | None:
    """Return an answer's id, unless it is one of those that some servers draw from a thousand (``chatcmpl-842``)."""
    return value if isinstance(value, str) and value and not _DRAWN.fullmatch(value) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
