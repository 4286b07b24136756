"""LM Studio's own dialect: one JSON body, or named events of which the last has the whole answer and its counts."""

from __future__ import annotations

from typing import Any

from addon.service import Event, Turn
from addon.services._content import ask_thinking, base64_size, walk_text
from addon.services._dialect import Dialect
from addon.services._openai_chat import fail
from addon.services._page import pick, text_at
from addon.services._usage import read_lm_studio


class NativeChat(Dialect):
    """``/api/v1/chat``: stateful, so that a request carries only what is new; tools are run by LM Studio itself."""

    def request(self, turn: Turn, body: Any) -> None:
        turn.reasoning_is_whole = True
        if not isinstance(body, dict):
            return
        turn.request_model = text_at(body, "model")
        effort = text_at(body, "reasoning")
        ask_thinking(turn, {"reasoning_effort": effort} if effort else {})
        if body.get("integrations"):
            turn.asked("connector")
        turn.prompt(body.get("system_prompt"))
        asked = body.get("input")
        for part in asked if isinstance(asked, list) else [{"content": asked}]:
            if pick(part, "type") == "image":
                data = text_at(part, "data_url")
                turn.attach(base64_size(data) if data else None, "image")
            else:
                turn.prompt(pick(part, "content"))

    def event(self, turn: Turn, event: Event) -> None:
        data = event.data
        if not isinstance(data, dict):
            return
        match text_at(data, "type") or event.name:
            case "chat.start":
                turn.response_model = text_at(data, "model_instance_id")
            case "message.delta":
                turn.answer(data.get("content"), event.at_ms)
            case "reasoning.delta":
                turn.reason(data.get("content"), event.at_ms)
            case "chat.end":
                self._settle(turn, data.get("result"))
            case "error":
                fail(turn, data.get("error") or data)
            case None if "output" in data:
                self._settle(turn, data)
            case None if data.get("error"):
                fail(turn, data["error"])

    def _settle(self, turn: Turn, result: Any) -> None:
        turn.response_model = text_at(result, "model_instance_id") or turn.response_model
        turn.response_id = text_at(result, "response_id")
        turn.usage = read_lm_studio(pick(result, "stats"))
        output = pick(result, "output")
        is_new = not turn.has_text("answer")
        for item in output if isinstance(output, list) else ():
            match pick(item, "type"):
                case "message" if is_new:
                    turn.answer(item.get("content"))
                case "reasoning" if is_new:
                    turn.reason(item.get("content"))
                case "tool_call":
                    turn.used("connector")
                    for argument in walk_text(item.get("arguments")):
                        turn.call_tool(argument)
        turn.finished = True
