"""LM Studio's own dialect: one JSON body, or named events of which the last has the whole answer and its counts."""

from __future__ import annotations

from typing import Any

from addon.service import Event, Turn
from addon.services._content import ask_thinking, base64_size, walk_text
from addon.services._dialect import Dialect
from addon.services._openai_chat import fail
from addon.services._usage import dig, read_lm_studio, text


class NativeChat(Dialect):
    """``/api/v1/chat``: stateful, so that a request carries only what is new; tools are run by LM Studio itself."""

    def request(self, turn: Turn, body: Any) -> None:
        turn.reasoning_is_whole = True
        if not isinstance(body, dict):
            return
        turn.request_model = text(body, "model")
        effort = text(body, "reasoning")
        ask_thinking(turn, {"reasoning_effort": effort} if effort else {})
        if body.get("integrations"):
            turn.asked("connector")
        turn.prompt(body.get("system_prompt"))
        asked = body.get("input")
        for part in asked if isinstance(asked, list) else [{"content": asked}]:
            if dig(part, "type") == "image":
                data = text(part, "data_url")
                turn.attach(base64_size(data) if data else None, "image")
            else:
                turn.prompt(dig(part, "content"))

    def event(self, turn: Turn, event: Event) -> None:
        data = event.data
        if not isinstance(data, dict):
            return
        match text(data, "type") or event.name:
            case "chat.start":
                turn.response_model = text(data, "model_instance_id")
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
        turn.response_model = text(result, "model_instance_id") or turn.response_model
        turn.response_id = text(result, "response_id")
        turn.usage = read_lm_studio(dig(result, "stats"))
        output = dig(result, "output")
        is_new = not turn.has_text("answer")
        for item in output if isinstance(output, list) else ():
            match dig(item, "type"):
                case "message" if is_new:
                    turn.answer(item.get("content"))
                case "reasoning" if is_new:
                    turn.reason(item.get("content"))
                case "tool_call":
                    turn.used("connector")
                    for argument in walk_text(item.get("arguments")):
                        turn.call_tool(argument)
        turn.finished = True
