"""OpenAI's responses, and those who speak them too (Azure, Codex, Copilot, xAI …)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from addon.service import Event, Turn, Usage
from addon.services._content import ask_thinking, ask_tools, read_parts, tool_feature, walk_text
from addon.services._dialect import ApiService, Dialect
from addon.services._fetched import take_answer
from addon.services._openai_chat import fail
from addon.services._openai_media import pixels
from addon.services._page import pick, text_at
from addon.services._usage import Read, number, read_openai_responses

_TOOL_ITEMS = frozenset({
    "web_search_call", "file_search_call", "code_interpreter_call", "mcp_call", "computer_call",
    "custom_tool_call", "function_call", "tool_search_call",
    "shell_call", "local_shell_call", "apply_patch_call",
})  # fmt: skip
_TERMINAL = {"response.completed", "response.incomplete", "response.failed", "response.cancelled", "response.done"}
_TOOL_TEXT = (
    "response.function_call_arguments.delta", "response.custom_tool_call_input.delta",
    "response.mcp_call_arguments.delta", "response.code_interpreter_call_code.delta",
)  # fmt: skip
_SILENT = ("response.", "codex.", "keepalive", "ping", "error", "thread.")


class Responses(Dialect):
    """
    One JSON body, or events that end with ``response.completed``, ``.incomplete`` or ``.failed``, where usage is.

    A background answer is queued at the POST and told by a later GET: it is one row, made when a poll finds it ready.
    A GET of any other answer is a second sight of an old row and is nobody's turn.
    """

    def __init__(self, read_usage: Read = read_openai_responses) -> None:
        self.read_usage = read_usage

    def read(self, turn: Turn, body: Any, events: Iterable[Event]) -> Iterator[Turn]:
        service = turn.service
        if turn.exchange.method.upper() != "GET" or not isinstance(service, ApiService):
            for one in super().read(turn, body, events):
                yield self._hold(one)
            return
        for event in events:
            self.event(turn, event)
        self.finish(turn)
        held = service.resume(turn, turn.response_id or "") if turn.finished else None
        if held is not None:
            take_answer(held, turn)
            yield held
            for extra in turn.state.pop("extra", ()):
                extra.exchange = held.exchange
                yield extra

    def _hold(self, turn: Turn) -> Turn:
        """Keep a background answer that is only queued, and let nobody's turn take its place."""
        waiting = turn.state.get("status") in ("queued", "in_progress") and not turn.finished
        if not (waiting and turn.response_id and turn.state.get("background") and isinstance(turn.service, ApiService)):
            return turn
        place = Turn(turn.service, turn.exchange)
        place.dropped = True
        turn.service.remember(turn, turn.response_id)
        return place

    def request(self, turn: Turn, body: Any) -> None:
        if not isinstance(body, dict):
            return
        turn.request_model = body.get("model") or turn.request_model
        turn.state["background"] = body.get("background") is True
        turn.dropped = body.get("generate") is False  # Codex warms its socket up; nothing is written
        ask_thinking(turn, body)
        ask_tools(turn, body.get("tools"))
        tools = body.get("tools")
        painters = [one for one in tools if pick(one, "type") == "image_generation"] if isinstance(tools, list) else []
        turn.state["drawn_by"] = next((text_at(one, "model") for one in painters), None)
        turn.prompt(body.get("instructions"))
        conversation = body.get("conversation")
        turn.conversation_id = conversation.get("id") if isinstance(conversation, dict) else conversation
        if not isinstance(turn.conversation_id, str):
            turn.conversation_id = None
        asked = body.get("input")
        turn.prompt(asked)
        if isinstance(asked, list):
            self._read_input(turn, [item for item in asked if isinstance(item, dict)])

    def _read_input(self, turn: Turn, items: list[Mapping[str, Any]]) -> None:
        last_answer = max((at for at, item in enumerate(items) if item.get("role") == "assistant"), default=-1)
        for at, item in enumerate(items):
            read_parts(turn, item.get("content"), is_new=at > last_answer)
            for one in walk_text([item.get("arguments"), item.get("output"), item.get("input")]):
                turn.prompt(one)
        turn.prompt_overhead += 4 * len(items)
        if items and str(items[-1].get("type", "")).endswith("_output"):
            turn.initiator = "agent"

    def event(self, turn: Turn, event: Event) -> None:
        data = event.data
        if not isinstance(data, dict):
            return
        kind = text_at(data, "type") or event.name
        part = str(data.get("item_id") or data.get("output_index") or "")
        if kind == "response.output_text.delta":  # as most are
            turn.answer(data.get("delta"), event.at_ms, part=part)
            return
        if data.get("object") in ("response", "response.compaction"):
            self._settle(turn, data, terminal=data.get("status") not in ("queued", "in_progress"))
            return
        response = data.get("response")
        if isinstance(response, dict):
            self._settle(turn, response, terminal=kind in _TERMINAL, top=data)
        match kind:
            case "response.refusal.delta":
                turn.answer(data.get("delta"), event.at_ms, part=part)
                turn.outcome = "refused"
            case "response.reasoning_text.delta":
                turn.reasoning_is_whole = True
                turn.reason(data.get("delta"), event.at_ms, part=part)
            case "response.reasoning_summary_text.delta":
                turn.reason(data.get("delta"), event.at_ms, part=part)
            case "response.output_item.done":
                self._read_item(turn, data.get("item"), with_text=False)
            case "error":
                fail(turn, data.get("error") or data)
            case str() if kind in _TOOL_TEXT:
                turn.call_tool(data.get("delta"), part=part)
            case str() if not kind.startswith(_SILENT):
                turn.wonder(kind.replace(".", "_"))
            case None if data.get("error"):
                fail(turn, data["error"])

    def finish(self, turn: Turn) -> None:
        """Give the pictures to the model that drew them, where its tokens are told; to the answer otherwise."""
        images, tokens = turn.state.pop("images", 0), turn.state.pop("image_tokens", None)
        if not images:
            return
        run = turn if tokens is None else self._drawing(turn, tokens)
        run.media_count, run.media_pixels = images, turn.state.pop("pixels", None)
        run.used("image_output", images)

    def _drawing(self, turn: Turn, tokens: Usage) -> Turn:
        run = Turn(turn.service, turn.exchange)
        run.provider, run.conversation_id = turn.provider, turn.conversation_id
        run.operation, run.initiator = "image", "agent"
        run.request_model = turn.state.get("drawn_by")
        run.response_id, run.usage = f"{turn.response_id}:image", tokens
        run.started_ms, run.finished = turn.started_ms, True
        run.request_bytes, run.response_bytes, run.ended_ms = 0, 0, -1  # how long the drawing took is not told
        turn.state["extra"] = [run]
        return run

    def _settle(
        self, turn: Turn, response: Mapping[str, Any], *, terminal: bool, top: Mapping[str, Any] | None = None
    ) -> None:
        """Read a response object: what it says about itself, and at its end usage and outcome."""
        if isinstance(response.get("id"), str) and response["id"]:
            turn.response_id = response["id"]
        if isinstance(response.get("model"), str) and response["model"]:
            turn.response_model = response["model"]
        turn.state["status"] = response.get("status")
        if response.get("usage") or (top or {}).get("usage"):
            turn.usage = self.read_usage(response.get("usage") or (top or {}).get("usage")) or turn.usage
        if not terminal:
            return
        with_text = not turn.has_text("answer")
        output = response.get("output")
        for item in output if isinstance(output, list) else ():
            self._read_item(turn, item, with_text=with_text)
        searches = number(response, "tool_usage", "web_search", "num_requests")
        if searches and "web_search" not in {feature.feature for feature in turn.features if feature.state == "used"}:
            turn.used("web_search", searches)
        drawn = self.read_usage(pick(response, "tool_usage", "image_gen"))
        if drawn is not None and drawn.output:
            turn.state["image_tokens"] = drawn
        turn.finished = True
        details = response.get("incomplete_details")
        if response.get("status") == "failed" or response.get("error"):
            fail(turn, response.get("error") or {})
        elif response.get("status") == "cancelled":
            turn.outcome = "aborted"
        elif isinstance(details, dict) and details.get("reason") == "content_filter":
            turn.outcome = "refused"

    def _read_item(self, turn: Turn, item: Any, *, with_text: bool) -> None:
        if not isinstance(item, dict):
            return
        kind, seen = text_at(item, "type"), turn.state.setdefault("items", set())
        name = str(item.get("id") or item.get("call_id") or f"{kind}{len(seen)}")
        if kind == "image_generation_call" and name not in seen:
            turn.state["images"] = turn.state.get("images", 0) + 1
            turn.state["pixels"] = pixels(item.get("size"))
        elif kind in _TOOL_ITEMS and name not in seen:
            turn.used(tool_feature(kind))
            if with_text:
                turn.call_tool(item.get("arguments") or item.get("input"), part=name)
        if kind == "reasoning" and name not in seen:
            turn.used("reasoning")
        seen.add(name)
        content = item.get("content")
        for part in content if isinstance(content, list) else ():
            if not isinstance(part, dict):
                continue
            if with_text and kind == "message":
                turn.answer(part.get("text") or part.get("refusal"), part=name)
            if part.get("type") == "refusal":
                turn.outcome = "refused"
