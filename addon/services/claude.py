"""
Claude in the browser.

The wire shows the model, effort, the person's newest message with the text of pasted files, the answer, tool calls,
thoughts (summaries with newer models) with the server's own times. It hides token counts (usage is read if it is
there), the system prompt, tool definitions' cost, history, project files, and all of the work of Research.

Newer accounts speak another protocol, in which question and answer come apart (``_claude_timeline.py``). It hides the
thoughts but tells how many tokens they were, roughly. It was read after public descriptions of October 2026.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

from addon.exchange import Exchange
from addon.service import Event, Recall, Service, Turn, Usage
from addon.services._claude_stream import QUIET, begin, end, grow, tell_summaries
from addon.services._claude_timeline import ACTION, RPC, Timelines
from addon.services._ending import name_ending
from addon.services._page import list_at, pick, text_at
from addon.services._usage import first, read_anthropic

CONVERSATION = re.compile(r"/api/organizations/[^/]+/chat_conversations/([^/]+)(/(retry_)?completion)?")


class Claude(Service):
    name = "claude"
    title = "Claude"
    provider = "anthropic"
    hosts = ("claude.ai",)
    path = re.compile(rf"/api/organizations/[^/]+/chat_conversations/[^/]+/(?:retry_)?completion|{RPC.pattern}")
    transports = ("sse", "connect")
    adds = re.compile(rb'"delta": ?\{"type": ?"\w+_delta", ?"(?:text|thinking|partial_json)": ?"(?!")')
    tokens = "counted"
    features = (
        "reasoning", "deep_research", "web_search", "tool", "code", "file_input", "image_input", "canvas", "connector",
        "memory", "subagent", "voice", "audio_input",
    )  # fmt: skip
    grade = "captured"
    verified = date(2026, 11, 21)

    def __init__(self) -> None:
        self.settings: Recall[dict[str, str]] = Recall()
        """Model, Research and thinking as they were set for a conversation: later requests need not repeat them."""
        self.timelines = Timelines(self, self.settings)

    def matches(self, method: str, host: str, path: str) -> bool:
        """Also a change of a conversation's settings: no turn, but Research is switched on there."""
        if host in self.hosts and RPC.fullmatch(path):
            return method == "POST"
        if host not in self.hosts or (match := CONVERSATION.fullmatch(path)) is None:
            return False
        return method == ("POST" if match[2] else "PUT")

    def turns(self, exchange: Exchange, body: Any, events: Iterable[Event]) -> Iterator[Turn]:
        if rpc := RPC.fullmatch(exchange.path):
            if rpc[1] == ACTION:
                self.timelines.act(exchange)
            else:
                yield from self.timelines.listen(exchange, body, events)
            return
        if exchange.method == "PUT":
            self._learn(_conversation_of(exchange), pick(body, "settings"))
            self._learn(_conversation_of(exchange), body)
            return
        yield from super().turns(exchange, body, events)

    def overdue(self, now: datetime | None) -> Iterable[Turn]:
        return self.timelines.overdue(now)

    def owed(self) -> int:
        return self.timelines.waiting.owed

    def request(self, turn: Turn, body: Any) -> None:
        turn.state["blocks"] = {}
        turn.conversation_id = _conversation_of(turn.exchange)
        self._learn(turn.conversation_id, pick(body, "create_conversation_params"))
        known = self._learn(turn.conversation_id, body)
        turn.request_model = known.get("model")
        turn.response_id = text_at(body, "turn_message_uuids", "assistant_message_uuid")
        thinks = known.get("paprika_mode") == "extended" or known.get("thinking_mode") in {"extended", "enabled", "on"}
        turn.effort = text_at(body, "effort") or ("extended" if thinks else None)
        if thinks:
            turn.asked("reasoning")
        if known.get("compass_mode"):
            turn.asked("deep_research")
        if list_at(body, "sync_sources"):
            turn.asked("connector")
        turn.prompt(pick(body, "prompt"))
        for attachment in list_at(body, "attachments"):
            turn.attach(pick(attachment, "file_size"), text_at(attachment, "file_type"))
            turn.prompt(pick(attachment, "extracted_content"))
        for file in list_at(body, "files"):  # mostly bare ids
            turn.attach(pick(file, "size_bytes"), text_at(file, "file_kind"))

    def event(self, turn: Turn, event: Event) -> None:
        match event.data:
            case {"type": "content_block_delta", "index": int(index), "delta": dict() as delta}:
                grow(turn, index, delta, event.at_ms)
            case {"type": "message_start", "message": dict() as message}:
                turn.response_id = text_at(message, "uuid") or turn.response_id or text_at(message, "id")
                turn.response_model = text_at(message, "model") or turn.response_model
                begun = read_anthropic(message.get("usage"))
                turn.usage = begun and Usage(input=begun.input, cached=begun.cached)  # the output is yet to come
            case {"type": "content_block_start", "index": int(index), "content_block": dict() as block}:
                begin(turn, index, block, event.at_ms)
            case {"type": "content_block_stop", "index": int(index)}:
                end(turn, index, event.data)
            case {"type": "message_delta"}:
                self._stop(turn, text_at(event.data, "delta", "stop_reason"))
                turn.usage = _latest(turn.usage, read_anthropic(event.data.get("usage")))
            case {"type": "message_stop"}:
                turn.finished = True
            case {"type": "message_limit", "message_limit": {"type": "exceeded_limit"}} if not turn.has_text("answer"):
                turn.outcome = "limited"
            case {"type": "error"}:
                turn.outcome = name_ending(event.data.get("error"))
            case {"type": "completion"}:
                self._read_old(turn, event)
            case {"type": str(kind)} if kind not in QUIET and kind != "message_limit":
                turn.wonder(kind)

    def finish(self, turn: Turn) -> None:
        tell_summaries(turn)
        # Only this generation shows its thoughts as they are; later ones show another model's summary of them.
        turn.reasoning_is_whole = (turn.response_model or turn.request_model or "").startswith("claude-3-7-sonnet")

    def _stop(self, turn: Turn, reason: str | None) -> None:
        match reason:
            case "refusal":
                turn.outcome = "refused"
            case "user_canceled":
                turn.outcome = "aborted"
            case "max_conversation_length":
                turn.outcome = "limited"

    def _read_old(self, turn: Turn, event: Event) -> None:
        """The old encoding: one kind of event, each with a piece of the text."""
        turn.answer(pick(event.data, "completion"), event.at_ms)
        turn.response_model = text_at(event.data, "model") or turn.response_model
        turn.response_id = turn.response_id or text_at(event.data, "id")
        if reason := text_at(event.data, "stop_reason"):
            turn.finished = True
            self._stop(turn, reason)

    def _learn(self, conversation: str | None, settings: Any) -> dict[str, str]:
        """Return what is set for a conversation, with these settings put on top and remembered."""
        known = self.settings.get(conversation) or {}
        for name in ("model", "compass_mode", "paprika_mode", "thinking_mode"):
            if isinstance(settings, dict) and name in settings:
                value = text_at(settings, name) or ""
                if value or name != "model":
                    known = known | {name: value}
        if conversation and known:
            self.settings.put(conversation, known)
        return known


def _latest(earlier: Usage | None, later: Usage | None) -> Usage | None:
    """Return the counts after another report of them: each replaces the one before."""
    if earlier is None or later is None:
        return later or earlier
    cached = first(later.cached, earlier.cached)
    return Usage(input=first(later.input, earlier.input), output=later.output, cached=cached, reasoning=later.reasoning)


def _conversation_of(exchange: Exchange) -> str | None:
    match = CONVERSATION.fullmatch(exchange.path)
    return match[1] if match else None
