"""Kimi."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from addon.service import Event, Service, Turn
from addon.services._page import identity_at, list_at, once, pick, text_at, tool_feature

_QUIET = frozenset({"heartbeat", "op", "mask", "chat", "message", "block", "done", "eventOffset", "error", "code"})

_MODEL = re.compile(r"(?:SCENARIO_)?(K\d)(?:D(\d))?((?:-[a-z]+)*)", re.IGNORECASE)


def spell_model(name: str | None) -> str | None:
    """Return a model as its maker writes it (``kimi-k2.6-chat`` for ``k2d6-chat``); None for a scenario without one."""
    if name is None or not (told := _MODEL.fullmatch(name)):
        return None if (name or "").startswith("SCENARIO_") else name
    return f"kimi-{told[1].lower()}" + (f".{told[2]}" if told[2] else "") + told[3]


class Kimi(Service):
    """
    Connect frames of JSON: each sets or appends to a block of thinking, text or tool use.

    Shows: thinking text, the answer, tools, what is switched on, uploads as blocks, mostly the model asked for. Hides:
    token counts, the history. Whether the thinking shown is whole is not known, so it is not counted.
    """

    name = "kimi"
    title = "Kimi"
    provider = "moonshot_ai"
    hosts = ("www.kimi.com", "kimi.com", "www.kimi.ai", "kimi.ai")
    path = re.compile(r"/apiv2/kimi\.gateway\.chat\.v1\.ChatService/Chat")
    transports = ("connect",)
    framing = "connect"
    adds = re.compile(rb'"op": ?"append".{0,300}?(?P<only>"content"): ?"(?!")')
    features = ("reasoning", "web_search", "agent", "tool", "file_input", "image_output", "audio_output")
    grade = "documented"
    verified = date(2026, 11, 21)

    def request(self, turn: Turn, body: Any) -> None:
        turn.conversation_id = identity_at(body, "chat_id")
        options = pick(body, "options")
        turn.request_model = spell_model(text_at(options, "model") or text_at(body, "scenario"))
        effort = text_at(options, "reasoning_effort")
        turn.effort = effort.removeprefix("REASONING_EFFORT_").lower() if effort else None
        if pick(options, "thinking") is True:
            turn.asked("reasoning")
        if pick(options, "agent_mode"):
            turn.asked("agent")
        if any(text_at(tool, "type") == "TOOL_TYPE_SEARCH" for tool in list_at(body, "tools")):
            turn.asked("web_search")
        for block in list_at(body, "message", "blocks"):
            turn.prompt(text_at(block, "text", "content"))
            if pick(block, "file") is not None or pick(block, "image") is not None:
                turn.attach(pick(block, "file", "size"), "image" if pick(block, "image") is not None else None)

    def event(self, turn: Turn, event: Event) -> None:
        data = event.data
        if not isinstance(data, dict):
            return
        if data.get("op") == "append" and isinstance(block := data.get("block"), dict) and turn.state.get("mine", True):
            self._read_block(turn, block, replaces=False, at_ms=event.at_ms)
            return
        if event.name == "end":
            turn.finished = turn.finished or not data.get("error")
        if data.get("error"):
            code = f"{pick(data, 'error', 'code')}".lower()
            turn.outcome = "limited" if "exhausted" in code or "limit" in code else "error"
        turn.conversation_id = turn.conversation_id or identity_at(data, "chat", "id")
        message = data.get("message")
        if isinstance(message, dict):
            mine = turn.state["mine"] = text_at(message, "role") == "assistant"
            if mine:
                turn.response_id = identity_at(message, "id") or turn.response_id
                turn.finished = turn.finished or text_at(message, "status") == "MESSAGE_STATUS_COMPLETED"
        if "done" in data:
            turn.finished = True
        block = data.get("block")
        if isinstance(block, dict) and turn.state.get("mine", True):
            self._read_block(turn, block, replaces=data.get("op") != "append", at_ms=event.at_ms)
        if event.name is None and _QUIET.isdisjoint(data):
            for name in data:
                turn.wonder(name)

    def _read_block(self, turn: Turn, block: dict[str, Any], *, replaces: bool, at_ms: int | None) -> None:
        part = identity_at(block, "id") or ""
        told = block.get("think")
        thinks = type(told) is dict and "content" in told
        if not thinks:
            told = block.get("text")
            thinks = "think" in (text_at(told, "flags") or "")
        if type(told) is dict and "content" in told:
            if thinks:
                turn.reason(told["content"], at_ms, part=part, replace=replaces)
                once(turn, "reasoning", None)
            else:
                turn.answer(told["content"], at_ms, part=part, replace=replaces)
            return
        tool = block.get("tool")
        name, seen = text_at(tool, "name"), turn.state.setdefault("tools", set())
        if name and part not in seen:
            seen.add(part)
            turn.used("audio_output" if "audio" in name.lower() else tool_feature(name))


class KimiBefore2025(Service):
    """
    The older Kimi: server-sent events with text deltas.

    Shows: the answer, whether search was on. Hides: token counts, the model, the history.
    """

    name = "kimi-moonshot-cn"
    title = "Kimi, older address"
    provider = "moonshot_ai"
    hosts = ("kimi.moonshot.cn", "kimi.com", "www.kimi.com", "kimi.ai", "www.kimi.ai")
    path = re.compile(r"/api/chat/[^/]+/completion/stream")
    adds = re.compile(rb'"text": ?"(?!")')
    features = ("web_search", "file_input")
    grade = "documented"
    verified = date(2026, 11, 21)

    def request(self, turn: Turn, body: Any) -> None:
        turn.conversation_id = turn.exchange.path.split("/")[3]
        turn.request_model = text_at(body, "model")
        for message in list_at(body, "messages"):
            turn.prompt(text_at(message, "content"))
        if pick(body, "use_search") is True:
            turn.asked("web_search")
        for _ in list_at(body, "refs"):
            turn.attach()

    def event(self, turn: Turn, event: Event) -> None:
        match event.data:
            case {"event": "cmpl", "text": str(text)}:
                turn.answer(text, event.at_ms)
            case {"event": "resp", "id": str(identity)}:
                turn.message_id = identity
            case {"event": "search_plus"}:
                once(turn, "web_search")
            case {"event": "all_done"}:
                turn.finished = True
            case {"event": "error"}:
                turn.outcome = "error"
