"""DeepSeek's own chat."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from addon.exchange import Exchange
from addon.patching import ONLY_TEXT
from addon.service import Event, Recall, Turn, Usage, each_of
from addon.services._deepseek_patches import Fragments
from addon.services._page import Resumable, identity_at, list_at, once, pick, text_at
from tracker.record import count_or_none

_THINKING = ("THINK", "THINKING")
_ANSWER = ("RESPONSE",)
_GOES_ON = ("/continue", "/resume_stream")
_KNOWN = frozenset({*_THINKING, *_ANSWER, "TOOL_SEARCH", "TOOL_OPEN", "TIP"})


class DeepSeek(Resumable):
    """
    The answer is server-sent patches to a list of fragments (thinking, answer, search, notices).

    Shows: all of the thinking, the answer, one event a token (measured: exact), and a counter of the conversation's
    tokens without thinking. From these: output and reasoning counted by events, new input from the counter when the
    turn before was seen. Hides: the model's name, search results, the history (in the counter, not in a turn).
    ``continue`` and ``resume_stream`` go on with a cut answer and are the same row.
    """

    name = "deepseek"
    title = "DeepSeek"
    provider = "deepseek"
    hosts = ("chat.deepseek.com",)
    path = re.compile(r"/api/v0/chat/(?:completion|edit_message|regenerate|continue|resume_stream)")
    adds = ONLY_TEXT
    tokens = "reported"
    features = ("reasoning", "deep_research", "web_search", "tool", "file_input", "image_input")
    grade = "captured"
    verified = date(2026, 11, 21)

    def __init__(self) -> None:
        super().__init__()
        self.counters: Recall[int] = Recall()
        """The conversation's counter after each answer, by the answer's id."""

    def continues(self, exchange: Exchange, body: Any) -> str | None:
        if not exchange.path.endswith(_GOES_ON):
            return None
        chat, message = identity_at(body, "chat_session_id"), identity_at(body, "message_id")
        key = f"{chat}/{message}" if chat and message else None
        turn = self.waiting.find(key)
        if turn is not None:
            turn.state["fragments"].go_on()
        return key

    def keys(self, turn: Turn) -> tuple[str | None, ...]:
        return (turn.response_id,)

    def request(self, turn: Turn, body: Any) -> None:
        fragments = turn.state["fragments"] = Fragments()
        fragments.knows_beginning = not turn.exchange.path.endswith(_GOES_ON)
        if not fragments.knows_beginning and (message := identity_at(body, "message_id")):
            turn.conversation_id = identity_at(body, "chat_session_id")
            self._identify(turn, message)
        turn.reasoning_is_whole = True
        turn.conversation_id = identity_at(body, "chat_session_id")
        parent = identity_at(body, "parent_message_id")
        is_first = isinstance(body, dict) and "parent_message_id" in body and parent is None
        known = self.counters.get(f"{turn.conversation_id}/{parent}")
        turn.state["before"] = 0 if is_first and turn.exchange.path.endswith("/completion") else known
        turn.effort = text_at(body, "model_type")
        turn.prompt(text_at(body, "prompt"))
        if pick(body, "thinking_enabled") is True:
            turn.asked("reasoning")
        if pick(body, "search_enabled") is True:
            turn.asked("web_search")
        if text_at(body, "conversation_mode") == "DEEP_SEARCH":
            turn.asked("deep_research")
        for _ in list_at(body, "ref_file_ids"):
            turn.attach(kind="image" if turn.effort == "vision" else None)

    def event(self, turn: Turn, event: Event) -> None:
        data = event.data
        if event.name is None and type(data) is dict and "v" in data:
            if len(data) > 1 or type(data["v"]) is not str:
                self._patch(turn, data, event.at_ms)
                return
            grow = turn.state["fragments"].grow
            for text in each_of(data["v"]):
                if not grow(text):
                    self._patch(turn, {"v": text}, event.at_ms)
            return
        match event.name, data:
            case "ready", _:
                self._identify(turn, identity_at(data, "response_message_id"))
            case "hint", {"type": "error", "finish_reason": "manual_abort"}:
                turn.state["stopped"] = True  # by the person, who may let it go on
            case "hint", {"type": "error", **rest}:
                turn.outcome = "limited" if rest.get("finish_reason") == "rate_limit_reached" else "error"
            case "message", {"v": _} as patch:
                self._patch(turn, patch, event.at_ms)
            case _, {"choices": [{"delta": dict() as delta}, *_]}:
                self._read_oldest(turn, delta, event.at_ms)
            case None, {"code": code, **rest}:
                if code != 0 or pick(rest, "data", "biz_code") not in (0, None):
                    turn.outcome = "error"
            case None, "[DONE]":
                turn.finished = True
            case (("update_session" | "title" | "close" | "finish"), _):
                pass
            case _, dict() as other:
                for name in other:
                    turn.wonder(name)

    def finish(self, turn: Turn) -> None:
        fragments: Fragments = turn.state["fragments"]
        response = fragments.response
        match response.get("status"):
            case "FINISHED":
                turn.finished = True
            case "CONTENT_FILTER":
                turn.outcome = "refused"
        texts = fragments.texts()
        for position, (kind, text) in enumerate(texts):
            self._read_fragment(turn, kind, text, str(position))
        if response.get("search_triggered") is True:
            once(turn, "web_search")
        if texts:
            self._count(turn, fragments)
        elif turn.state.get("stopped"):
            turn.outcome = "aborted"

    def _identify(self, turn: Turn, message: str | None) -> None:
        if turn.response_id is None and turn.conversation_id and message:
            turn.response_id = f"{turn.conversation_id}/{message}"

    def _patch(self, turn: Turn, patch: dict[str, Any], at_ms: int | None) -> None:
        fragments: Fragments = turn.state["fragments"]
        fragments.take(patch)
        self._identify(turn, identity_at(fragments.response, "message_id"))
        if turn.first_token_ms is None and fragments.first_text(*_ANSWER):
            turn.first_token_ms = at_ms

    def _read_fragment(self, turn: Turn, kind: str, text: str, part: str) -> None:
        if kind in _ANSWER:
            turn.answer(text, part=part, replace=True)
        elif kind in _THINKING:
            turn.reason(text, part=part, replace=True)
            once(turn, "reasoning")
        elif kind == "TOOL_SEARCH":
            turn.used("web_search")
        elif kind == "TOOL_OPEN":
            turn.used("tool")
        elif kind not in _KNOWN:
            turn.wonder(kind.lower())

    def _count(self, turn: Turn, fragments: Fragments) -> None:
        answer, thought = fragments.count(*_ANSWER), fragments.count(*_THINKING)
        if answer is not None and thought is not None:
            turn.counted = Usage(output=answer + thought, reasoning=thought)
        counter = count_or_none(fragments.response.get("accumulated_token_usage"))
        if not counter or not turn.finished:
            return
        if turn.response_id:
            self.counters.put(turn.response_id, counter)
        before = turn.state.get("before")
        if before is not None and answer is not None and counter - before - answer > 0:
            turn.usage = Usage(input=counter - before - answer, output=None if thought else answer)

    def _read_oldest(self, turn: Turn, delta: dict[str, Any], at_ms: int | None) -> None:
        if delta.get("type") == "thinking":
            turn.reason(delta.get("content"), at_ms)
            once(turn, "reasoning")
        else:
            turn.answer(delta.get("content"), at_ms)
