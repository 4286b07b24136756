"""OpenAI's assistants: a run is started, then polled until it is done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from addon.service import Event, Turn
from addon.services._content import ask_tools
from addon.services._dialect import ApiService, Dialect
from addon.services._openai_chat import fail
from addon.services._page import text_at
from addon.services._usage import read_openai_chat

_WAITING = {"queued", "in_progress", "requires_action", "cancelling"}


class Runs(Dialect):
    """One row a run: made by the stream that ends it, or by the first poll that finds it ended."""

    def read(self, turn: Turn, body: Any, events: Iterable[Event]) -> Iterator[Turn]:
        service = turn.service
        polled = turn.exchange.method.upper() == "GET"
        if not polled:
            self.request(turn, body)
        for event in events:
            self.event(turn, event)
        job = turn.response_id
        if not isinstance(service, ApiService) or not job:
            yield turn
            return
        continued = polled or "submit_tool_outputs" in turn.exchange.path
        if turn.finished:
            held = service.resume(turn, job) if continued else None
            if held is not None:
                held.response_model = turn.response_model or held.response_model
                held.usage, held.outcome, held.finished = turn.usage, turn.outcome, True
                turn = held
            elif polled:
                turn.dropped = True
            yield turn
        elif not polled and turn.state.get("waiting"):
            if not continued:
                service.remember(turn, job)
            place = Turn(service, turn.exchange)
            place.dropped = True
            yield place
        elif polled:
            turn.dropped = True
            yield turn
        else:
            yield turn

    def request(self, turn: Turn, body: Any) -> None:
        if isinstance(body, dict):
            turn.request_model = body.get("model")
            ask_tools(turn, body.get("tools"))

    def event(self, turn: Turn, event: Event) -> None:
        data = event.data
        if not isinstance(data, dict):
            return
        match data.get("object"):
            case "thread.run":
                self._read_run(turn, data)
            case "thread.message.delta":
                delta = data.get("delta")
                content = delta.get("content") if isinstance(delta, dict) else None
                for part in content if isinstance(content, list) else ():
                    text = part.get("text") if isinstance(part, dict) else None
                    turn.answer(text.get("value") if isinstance(text, dict) else None, event.at_ms)
            case _ if event.name == "error" or data.get("error"):
                fail(turn, data.get("error") or data)

    def _read_run(self, turn: Turn, run: Mapping[str, Any]) -> None:
        turn.response_id = run.get("id") if isinstance(run.get("id"), str) else turn.response_id
        turn.response_model = run.get("model") or turn.response_model
        turn.conversation_id = run.get("thread_id") if isinstance(run.get("thread_id"), str) else None
        status = text_at(run, "status")
        turn.state["waiting"] = status in _WAITING
        if run.get("usage"):
            turn.usage = read_openai_chat(run["usage"])
        if isinstance(status, str) and status not in _WAITING:
            turn.finished = True
            if status in {"failed", "expired"}:
                fail(turn, run.get("last_error") or {})
            elif status == "cancelled":
                turn.outcome = "aborted"
