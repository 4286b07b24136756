"""Bedrock's converse, one shape for every model, and what its dialects share."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any
from urllib.parse import unquote

from addon.framing import parse_or_none
from addon.framing.alike import join_texts
from addon.framing.values import parse
from addon.service import Event, Turn
from addon.services._content import ask_tools, base64_size, read_parts, walk_text
from addon.services._dialect import Dialect
from addon.services._usage import read_bedrock_converse

_ANSWERS = frozenset({"chunk", "contentBlockDelta"})
"""The names of nearly all events."""


def model_in_path(path: str) -> str | None:
    """Return the model id in the path; ``custom`` for a customer's own ARN, whose account number is not kept."""
    parts = path.split("/")
    return name_model(unquote(parts[2]) if len(parts) > 2 else "")


def name_model(model: str | None) -> str | None:
    """Return a model's id, also one told by an ARN; ``custom`` for an ARN of the customer's own."""
    if model is None or not model.startswith("arn:"):
        return model or None
    kind, _, name = model.partition("/")
    return name if kind.endswith((":inference-profile", ":foundation-model")) else "custom"


def fail_by_name(turn: Turn, event: Event) -> bool:
    """Settle the outcome if the event is one of Bedrock's exceptions."""
    if event.name not in _ANSWERS and event.name and event.name.lower().endswith(("exception", "error")):
        turn.outcome = "limited" if "throttling" in event.name.lower() or "quota" in event.name.lower() else "error"
        turn.finished = True
        return True
    return False


def unwrap(data: Any) -> Any:
    """Return the event that is packed into a chunk, None if it cannot be read; other data as it is."""
    if not _is_packed(data):
        return data
    try:
        return parse(binascii.a2b_base64(data["bytes"]).decode("utf-8", "replace"))
    except ValueError:
        return None


def unwrap_all(events: Iterable[Event], adds: re.Pattern[bytes] | None) -> Iterator[Event]:
    """Yield events with what their chunks pack; those that only add to a text as one, see ``Service.adds``."""
    for are_packed, group in groupby(events, key=lambda event: event.name == "chunk" and _is_packed(event.data)):
        if not are_packed:
            yield from group
            continue
        packed = ((event.at_ms, _unpack(event.data["bytes"])) for event in group)
        for at_ms, text in join_texts(packed, adds):
            if (data := parse_or_none(text.decode("utf-8", "replace"))) is not None:
                yield Event(data, "chunk", at_ms)


def _is_packed(data: Any) -> bool:
    return isinstance(data, dict) and isinstance(data.get("bytes"), str)


def _unpack(packed: str) -> bytes:
    """Return what Base64 stands for; nothing if it is none."""
    try:
        return binascii.a2b_base64(packed)
    except ValueError:
        return b""


class Converse(Dialect):
    """``converse`` and ``converse-stream``: one shape for every model."""

    def request(self, turn: Turn, body: Any) -> None:
        turn.request_model = model_in_path(turn.exchange.path)
        if not isinstance(body, dict):
            return
        config = body.get("toolConfig")
        if isinstance(config, dict):
            ask_tools(turn, config.get("tools"))
        fields = body.get("additionalModelRequestFields")
        if isinstance(fields, dict) and ("thinking" in fields or "reasoning_config" in fields):
            turn.asked("reasoning")
        read_parts(turn, body.get("system"), is_new=False)
        messages = body.get("messages")
        told = [one for one in messages if isinstance(one, dict)] if isinstance(messages, list) else []
        last_answer = max((at for at, one in enumerate(told) if one.get("role") == "assistant"), default=-1)
        for at, one in enumerate(told):
            content = one.get("content")
            for part in content if isinstance(content, list) else ():
                self._read_part(turn, part, is_new=at > last_answer)
        last = told[-1].get("content") if told else None
        if isinstance(last, list) and any(isinstance(part, dict) and "toolResult" in part for part in last):
            turn.initiator = "agent"

    def _read_part(self, turn: Turn, part: Any, *, is_new: bool) -> None:
        match part:
            case {"text": str(text)}:
                turn.prompt(text)
            case {"toolResult": {"content": content}} | {"toolUse": {"input": content}}:
                for text in walk_text(content):
                    turn.prompt(text)
            case {"image": Mapping() as media} | {"document": Mapping() as media} | {"video": Mapping() as media} if (
                is_new
            ):
                source = media.get("source")
                data = source.get("bytes") if isinstance(source, dict) else None
                turn.attach(base64_size(data) if isinstance(data, str) else None, next(iter(part)))

    def event(self, turn: Turn, event: Event) -> None:
        data = event.data
        if fail_by_name(turn, event) or not isinstance(data, dict):
            return
        match event.name:
            case "contentBlockDelta":
                self._read_answer(turn, data.get("delta"), event.at_ms)
            case "contentBlockStart":
                if isinstance(data.get("start"), dict) and "toolUse" in data["start"]:
                    turn.used("tool")
            case "messageStop":
                self._stop(turn, data)
            case "metadata":
                turn.usage = read_bedrock_converse(data.get("usage"))
                turn.finished = True
            case None if isinstance(data.get("output"), dict):
                message = data["output"].get("message")
                content = message.get("content") if isinstance(message, dict) else None
                for part in content if isinstance(content, list) else ():
                    self._read_answer(turn, part, None)
                    if isinstance(part, dict) and "toolUse" in part:
                        turn.used("tool")
                self._stop(turn, data)
                turn.usage = read_bedrock_converse(data.get("usage"))
                turn.finished = True

    def _read_answer(self, turn: Turn, part: Any, at_ms: int | None) -> None:
        if not isinstance(part, dict):
            return
        turn.answer(part.get("text"), at_ms)
        call = part.get("toolUse")
        if isinstance(call, dict):
            for text in walk_text(call.get("input")):
                turn.call_tool(text)
        thought = part.get("reasoningContent")
        if isinstance(thought, dict):
            inner = thought.get("reasoningText")
            turn.reason(thought.get("text") or (inner.get("text") if isinstance(inner, dict) else None), at_ms)
            if not turn.state.get("thinks"):
                turn.state["thinks"] = True
                turn.used("reasoning")

    def _stop(self, turn: Turn, data: Mapping[str, Any]) -> None:
        if data.get("stopReason") in ("guardrail_intervened", "content_filtered"):
            turn.outcome = "refused"
