"""HuggingChat."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from addon.exchange import Exchange
from addon.framing import parse_or_none
from addon.service import Event, Recall, Service, Turn
from addon.services._page import identity_at, list_at, once, pick, text_at, tool_feature

_TURN = re.compile(r"/chat/conversation/[0-9a-f]{24}")
_QUIET = frozenset({"status", "title", "stream", "finalAnswer", "elicitation"})


class HuggingChat(Service):
    """
    JSON lines of padded text pieces and a full copy at the end; the request is an upload with one JSON field.

    Shows: the answer, the reasoning where the model writes it apart, tools, files made, the router's choice of model.
    Hides: token counts, the history. The model is told only where the conversation is created, which is remembered.
    """

    name = "huggingchat"
    title = "HuggingChat"
    provider = "huggingface"
    hosts = ("huggingface.co",)
    path = re.compile(r"/chat/conversation(?:/|/[0-9a-f]{24})?")
    transports = ("ndjson",)
    framing = "ndjson"
    features = ("reasoning", "web_search", "tool", "connector", "file_input", "image_input", "image_output")
    grade = "documented"
    verified = date(2026, 11, 21)
    closed = "huggingface.co also carries model downloads, private repositories and the account."

    def __init__(self) -> None:
        self.models: Recall[str] = Recall()

    def turns(self, exchange: Exchange, body: Any, events: Iterable[Event]) -> Iterator[Turn]:
        if _TURN.fullmatch(exchange.path):
            yield from super().turns(exchange, body, events)
            return
        model = text_at(body, "model")
        for event in events:
            conversation = identity_at(event.data, "conversationId")
            if conversation and model:
                self.models.put(conversation, model)

    def request(self, turn: Turn, body: Any) -> None:
        asked = parse_or_none(pick(body, "fields", "data")) or body
        turn.reasoning_is_whole = True
        turn.state["pieces"] = []
        turn.conversation_id = turn.exchange.path.rpartition("/")[2]
        turn.request_model = self.models.get(turn.conversation_id)
        turn.response_id = identity_at(asked, "generationId")
        turn.prompt(text_at(asked, "inputs"))
        turn.state["continues"] = pick(asked, "is_continue") is True
        if pick(asked, "web_search") is True:
            turn.asked("web_search")
        if list_at(asked, "selectedMcpServerNames"):
            turn.asked("connector")
        for file in list_at(body, "files"):
            turn.attach(pick(file, "size"), text_at(file, "type"))

    def event(self, turn: Turn, event: Event) -> None:
        data = event.data
        if type(data) is dict and data.get("type") == "stream" and type(token := data.get("token")) is str:
            turn.state["pieces"].append(token)
            if not turn.state.get("speaks"):
                self._time(turn, token, event.at_ms)
            return
        match data:
            case {"type": "reasoning", "subtype": "stream", "token": str(token)}:
                turn.reason(token.rstrip("\0"), event.at_ms)
                once(turn, "reasoning")
            case {"type": "finalAnswer", "text": str(text)}:
                turn.state["whole"] = text
                turn.finished = True
            case {"type": "routerMetadata"}:
                turn.response_model = text_at(event.data, "model") or turn.response_model
            case {"type": "tool", "subtype": "call"}:
                turn.used(tool_feature(pick(event.data, "call", "name")))
            case {"type": "file", "mime": str(kind)} if kind.startswith("image/"):
                turn.media_count = (turn.media_count or 0) + 1
                turn.used("image_output")
            case {"type": "status", "status": "finished"}:
                turn.finished = True
            case {"type": "status", "status": "error"}:
                turn.outcome = "error"
            case {"type": str(kind)} if kind not in _QUIET | {"tool", "file", "reasoning"}:
                turn.wonder(kind)

    def finish(self, turn: Turn) -> None:
        """Take the final copy, or the pieces if there is none, or if the copy tells the earlier answer as well."""
        whole = None if turn.state.get("continues") else turn.state.get("whole")
        text = "".join(turn.state["pieces"]).replace("\0", "") if whole is None else whole
        opened = text.lstrip()
        if opened.startswith("<think>"):  # some models write their thinking into the answer
            thought, _, text = opened.removeprefix("<think>").partition("</think>")
            turn.reason(thought, part="written")
            once(turn, "reasoning")
        turn.answer(text)

    def _time(self, turn: Turn, token: str, at_ms: int | None) -> None:
        """Note when the first word came that is no thinking."""
        token = token.rstrip("\0")
        if "<think>" in token:
            turn.state["thinks"] = True
        if turn.state.get("thinks"):
            _, end, token = token.partition("</think>")
            turn.state["thinks"] = not end
        if token:
            turn.state["speaks"] = True
            turn.first_token_ms = at_ms
