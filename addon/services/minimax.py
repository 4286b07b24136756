"""MiniMax: the agent site, and the old Hailuo chat."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from addon.framing.snapshots import Repeats
from addon.service import Event, Service, Turn, each_of
from addon.services._page import asked_once, identity_at, list_at, once, pick, text_at, tool_feature


class MiniMax(Service):
    """
    Server-sent chunks of thinking and answer; some repeat what was said so far, some add to it.

    Shows: thinking text, the answer, tool calls, the model. Hides: token counts (a usage object may come; its shape is
    not known, so it is not read), the history, the agent's own steps. The address holds the login token and is never
    kept.
    """

    name = "minimax"
    title = "MiniMax Agent"
    provider = "minimax"
    hosts = (
        "agent.minimax.io", "agent-stream.minimax.io", "agent.minimaxi.com", "agent-stream.minimaxi.com",
    )  # fmt: skip
    path = re.compile(r"/(?:minimax-cloud|archon)/api/v1/session/[^/]+/message")
    adds = re.compile(
        rb'essage_?[cC]hunk": ?\{[^{}]{0,200}?"(?:msg_c|msgC|thinking_c|thinkingC)(?P<only>ontent"): ?(?P<each>")(?!")'
    )
    features = ("reasoning", "web_search", "subagent", "tool", "code", "file_input")
    grade = "documented"
    verified = date(2026, 11, 21)

    def request(self, turn: Turn, body: Any) -> None:
        turn.conversation_id = turn.exchange.path.split("/")[5]
        turn.message_id = identity_at(body, "turn_id")
        turn.request_model = text_at(body, "model", "model_id")
        content = pick(body, "content")
        turn.prompt(content)
        for part in list_at(content):
            turn.prompt(text_at(part, "text"))
        if text_at(body, "model", "variant") == "thinking":
            asked_once(turn, "reasoning")
        if pick(body, "enable_team") is True:
            turn.asked("subagent")
        for file in list_at(body, "attachments"):
            turn.attach(pick(file, "size"), text_at(file, "mime_type"))

    def event(self, turn: Turn, event: Event) -> None:
        data = event.data
        if not isinstance(data, dict):
            return
        if isinstance(chunk := data.get("agent_message_chunk") or data.get("agentMessageChunk"), dict):
            for text in each_of(chunk.get("thinking_content") or chunk.get("thinkingContent")):
                self._grow(turn, "reasoning", text, event)
            for text in each_of(chunk.get("msg_content") or chunk.get("msgContent")):
                self._grow(turn, "answer", text, event)
            turn.finished = turn.finished or chunk.get("finish") is True
        elif isinstance(whole := data.get("agent_message") or data.get("agentMessage"), dict):
            self._read_whole(turn, whole, event)
        elif pick(data, "error") is not None or pick(data, "base_resp", "status_code") not in (0, None):
            turn.outcome = "error"
        elif "type" not in data:
            for name in data:
                turn.wonder(name)

    def _grow(self, turn: Turn, role: str, text: str, event: Event) -> None:
        """A chunk that begins with all that was said so far replaces it; any other adds to it."""
        if not text:
            return
        said: list[str] = turn.state.setdefault("said " + role, [])
        length: int = turn.state.get("length " + role, 0)
        repeats = len(text) > length > 0 and text.startswith("".join(said))
        if repeats:
            said.clear()
        said.append(text)
        turn.state["length " + role] = len(text) if repeats else length + len(text)
        if role == "answer":
            turn.answer(text, event.at_ms, replace=repeats)
        else:
            turn.reason(text, event.at_ms, replace=repeats)
            once(turn, "reasoning", None)

    def _read_whole(self, turn: Turn, whole: dict[str, Any], event: Event) -> None:
        if text_at(whole, "role") == "user":
            return
        if not turn.has_text("answer"):
            turn.answer(text_at(whole, "msg_content") or text_at(whole, "msgContent"), event.at_ms)
        for call in list_at(whole, "tool_calls"):
            turn.used(tool_feature(text_at(call, "function", "name") or text_at(call, "name")))
        if text_at(whole, "finish_reason") == "stop":
            turn.finished = True


class Hailuo(Service):
    """
    The old Hailuo chat: server-sent events that repeat the whole answer so far.

    Shows: the answer, whether search was on. Hides: token counts, the model, the history.
    """

    name = "hailuo"
    title = "Hailuo AI"
    provider = "minimax"
    hosts = ("hailuoai.com", "hailuo.ai")
    path = re.compile(r"/v4/api/chat/msg")
    repeats = Repeats(re.compile(rb'"content": ?"'))
    features = ("web_search",)
    grade = "documented"
    verified = date(2026, 11, 21)

    def request(self, turn: Turn, body: Any) -> None:
        fields = pick(body, "fields")
        turn.prompt(text_at(fields, "msgContent"))
        turn.conversation_id = identity_at(fields, "chatID")
        if text_at(fields, "searchMode") not in {None, "0"}:
            turn.asked("web_search")

    def event(self, turn: Turn, event: Event) -> None:
        result = pick(event.data, "data", "messageResult")
        if event.name == "message_result" and isinstance(result, dict):
            turn.conversation_id = identity_at(result, "chatID") or turn.conversation_id
            turn.response_id = identity_at(result, "msgID") or turn.response_id
            turn.answer(text_at(result, "content"), event.at_ms, replace=True)
            turn.finished = turn.finished or result.get("isEnd") == 0
        elif event.name == "close_chunk":
            turn.finished = True
        elif pick(event.data, "statusInfo", "code"):
            turn.outcome = "error"
