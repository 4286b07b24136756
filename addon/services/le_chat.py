"""Mistral Le Chat."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from addon.exchange import Exchange
from addon.patching import Document, text_of
from addon.service import Event, Recall, Turn, Usage
from addon.services._page import Resumable, asked_once, identity_at, list_at, once, pick, text_at, tool_feature

_FEATURES = {
    "beta-reasoning": "reasoning", "beta-deep-reasoning": "reasoning", "beta-fast-reasoning": "reasoning",
    "beta-deep-research": "deep_research", "beta-websearch": "web_search", "beta-code-interpreter": "code",
    "beta-imagegen": "image_output", "beta-trampoline": "canvas", "beta-mcp": "connector",
    "beta-airweave-connectors": "connector", "beta-memory": "memory", "agentic-harness": "agent",
    "agentic-fast": "agent",
}  # fmt: skip
_ANSWERING = ("assistant", None)
_IDLE_CODES = frozenset({"1", "2", "3", "4", "9", "10", "11", "14", "16"})


class LeChat(Resumable):
    """
    The answer is lines of ``code:json``; most are JSON patches to messages, which are applied and read at the end.

    Shows: reasoning and answer text, tool calls, images, deep-research steps, what is switched on. Hides: token
    counts, the model where the default is used, the history and library files sent along. The first question of a
    chat travels in a call of its own (``message.newChat``), of which only the token count is remembered. Whether
    the reasoning shown is all of it is not known, so it is not counted.
    """

    name = "le-chat"
    title = "Mistral Le Chat"
    provider = "mistral_ai"
    hosts = ("chat.mistral.ai",)
    path = re.compile(r"/api/chat(?:/resume)?|/api/trpc/(?:[\w.]+,)*message\.newChat(?:,[\w.]+)*")
    transports = ("lines",)
    framing = "coded_lines"
    adds = re.compile(
        rb'(?:^(?:0|12):|"patches": ?\[\{"op": ?"append", ?"path": ?"[^"\\]*", ?"value": ?)"(?!")(?=[^"\\]*"(?:\}\]|$))'
    )
    features = (
        "reasoning", "deep_research", "web_search", "agent", "tool", "code", "file_input", "image_input",
        "image_output", "canvas", "connector", "memory",
    )  # fmt: skip
    grade = "documented"
    verified = date(2026, 11, 21)

    def __init__(self) -> None:
        super().__init__()
        self.first_questions: Recall[tuple[int, int]] = Recall(100)
        """Token count and uploads of a chat's first question, until its answer begins."""

    def continues(self, exchange: Exchange, body: Any) -> str | None:
        return identity_at(body, "chatId") if exchange.path.endswith("/resume") else None

    def keys(self, turn: Turn) -> tuple[str | None, ...]:
        return (turn.conversation_id,)

    def turns(self, exchange: Exchange, body: Any, events: Iterable[Event]) -> Iterator[Turn]:
        if "newChat" in exchange.path:
            self._remember(body, events)
            return
        yield from super().turns(exchange, body, events)

    def request(self, turn: Turn, body: Any) -> None:
        turn.state["documents"] = {}
        turn.conversation_id = identity_at(body, "chatId")
        turn.request_model = text_at(body, "model")
        if text_at(body, "mode") == "toolCallConfirmation":
            turn.initiator = "agent"
        for switched in list_at(body, "features"):
            if feature := _FEATURES.get(switched if isinstance(switched, str) else ""):
                asked_once(turn, feature)
        if list_at(body, "integrations"):
            asked_once(turn, "connector")
        if text_at(body, "agentId"):
            asked_once(turn, "agent")
        _read_prompt(turn, pick(body, "messageInput") or pick(body, "content"))
        for file in list_at(body, "messageFiles"):
            turn.attach(kind=text_at(file, "type"))
        if text_at(body, "mode") == "start" and (first := self.first_questions.pop(turn.conversation_id)):
            turn.counted = Usage(input=first[0])
            for _ in range(first[1]):
                turn.attach()

    def event(self, turn: Turn, event: Event) -> None:
        name, data = event.name, event.data
        if name is None and isinstance(data, dict) and isinstance(code := data.get("code"), int):
            name, data = str(code), data.get("value")
        if isinstance(data, dict) and "json" in data:
            data = data["json"]
        if name == "15" and isinstance(data, dict) and isinstance(patches := data.get("patches"), list):
            self._patch(turn, str(data.get("messageId")), patches, event.at_ms)
            return
        match name, data:
            case "0", _:
                for text in data if isinstance(data, list) else [data]:
                    turn.answer(text, event.at_ms)
            case "12", _:
                turn.reason(data, event.at_ms)
                once(turn, "reasoning", None)
            case "15", {"type": "bootstrap", "messages": list(messages)}:
                self._begin(turn, data, messages)
            case "15", {"type": str(kind)}:
                if kind == "canvas":
                    once(turn, "canvas")
            case "5", {"name": str(), "isDone": True}:
                _use_tool(turn, data)
            case (("e" | "d"), {"finishReason": _}):
                turn.finished = True
            case "7", _:
                _add_image(turn)
            case "8", _:
                turn.finished = True
            case "13", _:
                once(turn, "deep_research")
            case "6", _:
                turn.outcome = "limited" if pick(data, "internalCode") == 6200 else "error"
            case None, {"error": _} | {"message": _}:
                turn.outcome = "error"
            case (str(code), _) if code not in _IDLE_CODES and code not in {"5", "15"}:
                turn.wonder("unknown_code")

    def finish(self, turn: Turn) -> None:
        for identity, document in turn.state.get("documents", {}).items():
            if document.get("role") not in _ANSWERING:
                continue
            model = document.get("model")
            turn.response_model = model if isinstance(model, str) else turn.response_model
            if document.get("generationStatus") == "success":
                turn.finished = True
            chunks = document.get("contentChunks")
            for position, chunk in enumerate(chunks if isinstance(chunks, list) else ()):
                _read_chunk(turn, chunk, f"{identity}/{position}")
            if not any(text_of(pick(chunk, "text")) and not _is_reasoning(chunk) for chunk in list_at(chunks)):
                turn.answer(text_of(document.get("content")), part=identity, replace=True)

    def _patch(self, turn: Turn, identity: str, patches: list[Any], at_ms: int | None) -> None:
        document = turn.state["documents"].setdefault(identity, Document())
        for patch in patches:
            match patch:
                case {"op": str(operation), "path": str() | list() as path}:
                    place = path if isinstance(path, str) else "".join(f"/{part}" for part in path)
                    if place.startswith("/contentChunks/") and not document.get("contentChunks"):
                        document.apply("replace", "/contentChunks", [])
                    document.apply(operation, place, patch.get("value"))
        role = document.get("role")
        if role not in _ANSWERING:
            turn.message_id = turn.message_id or identity
            return
        if role == "assistant":
            turn.response_id = turn.response_id or identity
        if turn.first_token_ms is None and text_of(document.get("content")):
            turn.first_token_ms = at_ms
        if turn.first_token_ms is None:
            for chunk in list_at(document.root, "contentChunks")[-5:]:
                if not _is_reasoning(chunk) and text_of(pick(chunk, "text")):
                    turn.first_token_ms = at_ms

    def _begin(self, turn: Turn, data: dict[str, Any], messages: list[Any]) -> None:
        """The first event of a stream may hold the chat so far: its last question is this one's."""
        turn.conversation_id = turn.conversation_id or identity_at(data, "chat", "id")
        questions = [message for message in messages if text_at(message, "role") == "user"]
        if questions and turn.counted is None and not turn.has_text("prompt"):
            _read_prompt(turn, pick(questions[-1], "content") or pick(questions[-1], "contentChunks"))

    def _remember(self, body: Any, events: Iterable[Event]) -> None:
        from tracker.tokens import count

        chat = None
        for event in events:
            for answer in event.data if isinstance(event.data, list) else [event.data]:
                told = pick(answer, "result", "data", "json")
                places = (("chatId",), ("messages", "chatId"), ("messages", 0, "chatId"), ("chat", "id"))
                chat = chat or next((found for place in places if (found := identity_at(told, *place))), None)
        for call in body.values() if isinstance(body, dict) else list_at(body):
            content = pick(call, "json", "content")
            parts = [content] if isinstance(content, str) else [text_at(part, "text") for part in list_at(content)]
            tokens = sum(count(part, service=self.name) for part in parts if part)
            if chat and tokens:
                self.first_questions.put(chat, (tokens, len(list_at(call, "json", "files"))))


def _read_prompt(turn: Turn, content: Any) -> None:
    if isinstance(content, str):
        turn.prompt(content)
    for part in list_at(content):
        turn.prompt(text_at(part, "text"))


def _read_chunk(turn: Turn, chunk: Any, part: str) -> None:
    match chunk:
        case {"type": "text"} if _is_reasoning(chunk):
            turn.reason(text_of(chunk.get("text")), part=part, replace=True)
            once(turn, "reasoning", None)
        case {"type": "text"} | {"text": _}:
            turn.answer(text_of(chunk.get("text")), part=part, replace=True)
        case {"type": "tool_call"}:
            _use_tool(turn, chunk)
        case {"type": "image_url"}:
            _add_image(turn)
        case {"type": str(kind)} if kind not in {"reference", "references", "widget", "file", "canvas"}:
            turn.wonder(kind)


def _use_tool(turn: Turn, call: dict[str, Any]) -> None:
    """Note a tool's use once, though it may be told in two ways."""
    known: set[str] = turn.state.setdefault("tools", set())
    identity = identity_at(call, "id") or f"unnamed {len(known)}"
    if identity not in known:
        known.add(identity)
        turn.used(tool_feature(call.get("name")))


def _is_reasoning(chunk: Any) -> bool:
    return text_at(chunk, "_context", "type") == "reasoning"


def _add_image(turn: Turn) -> None:
    turn.media_count = (turn.media_count or 0) + 1
    turn.used("image_output")
