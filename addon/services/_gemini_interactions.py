"""Google's Interactions API: one body, events, or a job in the background that is polled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from addon.service import Event, Turn
from addon.services._content import walk_text
from addon.services._dialect import ApiService, Dialect
from addon.services._openai_chat import fail
from addon.services._page import pick, text_at
from addon.services._usage import read_interactions

_TOOLS = {"google_search": "web_search", "url_context": "web_search", "code_execution": "code"}
_WAITING = {"in_progress", "queued", "requires_action"}


class Interactions(Dialect):
    """Steps of model output, thoughts and tool calls; usage on the interaction when it is completed."""

    def read(self, turn: Turn, body: Any, events: Iterable[Event]) -> Iterator[Turn]:
        service, polled = turn.service, turn.exchange.method.upper() == "GET"
        if not polled:
            self.request(turn, body)
        for event in events:
            self.event(turn, event)
        job = turn.response_id
        if polled and isinstance(service, ApiService):
            held = service.resume(turn, job) if turn.finished and job else None
            if held is not None:
                held.response_model, held.usage, held.outcome = turn.response_model, turn.usage, turn.outcome
                held.finished, held.media_count = True, turn.media_count
                for feature in turn.features:
                    held.used(feature.feature, feature.amount)
                yield held
            return
        if turn.state.get("background") and turn.state.get("waiting") and job and isinstance(service, ApiService):
            service.remember(turn, job)
            return
        yield turn

    def request(self, turn: Turn, body: Any) -> None:
        if not isinstance(body, dict):
            return
        turn.request_model = body.get("model") if isinstance(body.get("model"), str) else None
        if isinstance(body.get("agent"), str):
            turn.asked("deep_research" if "deep-research" in body["agent"] else "agent")
        turn.state["background"] = body.get("background") is True
        for tool in body.get("tools") or () if isinstance(body.get("tools"), list) else ():
            turn.asked(_TOOLS.get(str(pick(tool, "type")), "tool"))
        asked = body.get("input")
        turn.prompt(asked)
        for item in asked if isinstance(asked, list) else ():
            match item:
                case {"type": "function_result"}:
                    turn.initiator = "agent"
                case {"type": "image" | "audio" | "video" | "document" as kind}:
                    turn.attach(None, kind)
                case {"text": str(text)}:
                    turn.prompt(text)
                case {"content": content}:
                    for text in walk_text(content):
                        turn.prompt(text)

    def event(self, turn: Turn, event: Event) -> None:
        data = event.data
        if not isinstance(data, dict):
            return
        interaction = data.get("interaction")
        if isinstance(interaction, dict):
            self._settle(turn, interaction)
        elif "status" in data and (
            "steps" in data or "outputs" in data or "usage" in data or data.get("object") == "interaction"
        ):
            self._settle(turn, data)
        delta = data.get("delta")
        if isinstance(delta, dict):
            part = str(data.get("index", ""))
            match delta.get("type"):
                case "text":
                    turn.answer(delta.get("text"), event.at_ms, part=part)
                case "thought_summary" | "thought":
                    turn.reason("".join(walk_text(delta.get("content"))), event.at_ms, part=part)
                case "arguments" | "function_call":
                    turn.call_tool("".join(walk_text(delta.get("arguments"))), part=part)
        if data.get("error"):
            fail(turn, data["error"])

    def _settle(self, turn: Turn, told: Mapping[str, Any]) -> None:
        turn.response_id = told.get("id") if isinstance(told.get("id"), str) and told["id"] else turn.response_id
        turn.response_model = told.get("model") if isinstance(told.get("model"), str) else turn.response_model
        status = text_at(told, "status")
        turn.state["waiting"] = status in _WAITING
        turn.usage = read_interactions(told.get("usage")) or turn.usage
        if status == "requires_action" and told.get("usage"):
            turn.finished = True
        if not isinstance(status, str) or status in _WAITING:
            return
        turn.finished = True
        if status == "failed":
            fail(turn, told.get("error") or {})
        elif status == "cancelled":
            turn.outcome = "aborted"
        if not turn.has_text("answer"):
            self._read_steps(turn, told.get("steps") or told.get("outputs"))

    def _read_steps(self, turn: Turn, steps: Any) -> None:
        for step in steps if isinstance(steps, list) else ():
            if not isinstance(step, dict):
                continue
            match step.get("type"):
                case "model_output" | "text":
                    content = step.get("content")
                    for one in content if isinstance(content, list) else [step]:
                        turn.answer(one.get("text") if isinstance(one, dict) else None)
                case "function_call":
                    turn.used("tool")
                case "google_search_call":
                    turn.used("web_search")
                case "code_execution_call":
                    turn.used("code")
