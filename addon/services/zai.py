"""Z.ai, Zhipu's chat, and its Chinese sibling chatglm.cn."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from addon.service import Event, Service, Turn
from addon.services._page import identity_at, list_at, once, pick, text_at, tool_feature
from addon.services._usage import read_openai_chat

_DETAILS = re.compile(r"<details[^<>]*>.*?(?:</details>|\Z)", re.DOTALL)
_TAGS = re.compile(r"</?details[^<>]*>|</?summary[^<>]*>")
_PHASES = frozenset({"thinking", "answer", "tool_call", "tool_response", "search", "other", "done"})


class ZAi(Service):
    """
    Server-sent pieces and edits of one text, in phases; the request carries the whole thread.

    Shows: input and output tokens (in any frame, the last counts), the thinking, searches, tool calls. Hides: how many
    of the output tokens are thinking; titles and tags are made on the server.
    """

    name = "z-ai"
    title = "Z.ai"
    provider = "z_ai"
    hosts = ("chat.z.ai",)
    path = re.compile(r"/api(?:/v2)?/chat/completions")
    tokens = "reported"
    adds = re.compile(rb'"delta_content": ?"(?!")')
    features = ("reasoning", "web_search", "tool", "connector", "file_input", "image_output")
    grade = "documented"
    verified = date(2026, 11, 21)
    needs_end = False
    """Some models send no last event."""

    def request(self, turn: Turn, body: Any) -> None:
        turn.request_model = text_at(body, "model")
        turn.effort = text_at(body, "reasoning_effort")
        turn.conversation_id = identity_at(body, "chat_id")
        turn.message_id = identity_at(body, "id")
        for message in list_at(body, "messages"):
            turn.prompt(pick(message, "content"))
            for part in list_at(message, "content"):
                turn.prompt(text_at(part, "text"))
        for _ in list_at(body, "files"):
            turn.attach()
        switched = pick(body, "features")
        for key, feature in (("enable_thinking", "reasoning"), ("image_generation", "image_output")):
            if pick(switched, key) is True:
                turn.asked(feature)
        if pick(switched, "web_search") is True or pick(switched, "auto_web_search") is True:
            turn.asked("web_search")
        if list_at(body, "mcp_servers"):
            turn.asked("connector")

    def event(self, turn: Turn, event: Event) -> None:
        if event.data == "[DONE]":
            turn.finished = True
            return
        outer = event.data if isinstance(event.data, dict) else {}
        data = outer["data"] if isinstance(outer.get("data"), dict) else outer
        if data.get("error") or pick(data, "data", "error"):
            turn.outcome = "error"
        if told := data.get("usage"):
            turn.usage = read_openai_chat(told) or turn.usage
        phase = text_at(data, "phase")
        if data.get("done") is True or phase == "done":
            turn.finished = True
        if phase == "thinking":
            once(turn, "reasoning", None)
        elif phase == "search":
            once(turn, "web_search")
        elif phase == "tool_call" and not turn.state.get("calls"):
            turn.state["calls"] = True
            turn.used(tool_feature(pick(data, "tool_name") or ""), None)
        elif phase is not None and phase not in _PHASES:
            turn.wonder(phase)
        self._write(turn, data, phase, event.at_ms)

    def finish(self, turn: Turn) -> None:
        pieces: list[tuple[bool, str]] = turn.state.get("pieces", [])
        turn.reason(_TAGS.sub("", "".join(text for thinks, text in pieces if thinks)))
        said = _DETAILS.sub("", "".join(text for thinks, text in pieces if not thinks))
        turn.answer(said.rpartition("</details>")[2], replace=True)

    def _write(self, turn: Turn, data: dict[str, Any], phase: str | None, at_ms: int | None) -> None:
        """Add to the one text, or replace it from a place on; code points are counted."""
        edit, place = text_at(data, "edit_content"), data.get("edit_index")
        text = edit or text_at(data, "delta_content")
        if text is None:
            return
        pieces: list[tuple[bool, str]] = turn.state.setdefault("pieces", [])
        length: int = turn.state.get("length", 0)
        if edit and isinstance(place, int) and 0 <= place < length:
            while pieces and length - len(pieces[-1][1]) >= place:
                length -= len(pieces.pop()[1])
            if pieces:
                thinks, last = pieces.pop()
                length -= len(last)
                pieces.append((thinks, last[: place - length]))
                length = place
        pieces.append((phase == "thinking", text))
        turn.state["length"] = length + len(text)
        if phase == "answer":
            turn.note_first_token(at_ms)


class ChatGlm(Service):
    """Server-sent events that repeat the answer so far. Only one source describes it: time and bytes are recorded."""

    name = "chatglm"
    title = "ChatGLM (chatglm.cn)"
    provider = "z_ai"
    hosts = ("chatglm.cn",)
    path = re.compile(r"/chatglm/backend-api/assistant/stream")
    tokens = "none"
    grade = "inferred"
    verified = date(2026, 11, 21)
    closed = "Its wire format is known from one source only, so nothing but time and bytes is recorded (unverified)."

    def event(self, turn: Turn, event: Event) -> None:
        turn.response_id = turn.response_id or identity_at(event.data, "id")
        match text_at(event.data, "status"):
            case "finish":
                turn.outcome = "complete"
            case "intervene":
                turn.outcome = "refused"
        turn.state["began"] = True

    def finish(self, turn: Turn) -> None:
        if turn.outcome is None and turn.state.get("began"):
            turn.outcome = "aborted"
