"""
Open WebUI on this computer.

Programs get OpenAI's and Ollama's dialects back on the call itself. The page gets its answer over a socket (socket.io)
that all its chats share: chunks in OpenAI's dialect, or the whole text so far, and usage as far as the server behind it
tells. What the person asked is in the call, so the two are put together by the message's id. Titles and tags that Open
WebUI asks for by itself are not on this wire; where the server behind it is heard too, they are seen there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from addon.exchange import Ending, Exchange, Message
from addon.framing import parse_or_none
from addon.local import CLOSED, name_host
from addon.service import Event, Listener, Recall, Turn, Usage
from addon.services._ollama import Chat, Embed
from addon.services._openai_chat import ChatCompletions
from addon.services._openai_like import CHAT, OpenaiLike, openai_routes
from addon.services._page import pick, text_at
from addon.services._realtime import Realtime

_SOCKET = r"/ws/socket\.io/"
_EVENT = re.compile(rb"\d+(?:/[^,]{0,40},)?(?=\[)")
"""What socket.io puts before the JSON of an event."""
_FOLD = '<details type="reasoning"'
_FEATURES = {"web_search": "web_search", "image_generation": "image_output", "code_interpreter": "code"}


class PageChat(ChatCompletions):
    """``/api/chat/completions``, which answers itself or promises to answer on the page's socket."""

    def request(self, turn: Turn, body: Any) -> None:
        super().request(turn, body)
        turn.message_id, turn.conversation_id = text_at(body, "id"), text_at(body, "chat_id")
        for name, feature in _FEATURES.items():
            if pick(body, "features", name) is True:
                turn.asked(feature)

    def event(self, turn: Turn, event: Event) -> None:
        if pick(event.data, "task_id") or pick(event.data, "task_ids"):
            turn.dropped = True
            return
        super().event(turn, event)


class OpenWebui(OpenaiLike):
    name = "open-webui"
    title = "Open WebUI on this computer"
    provider = "open_webui"
    hosts = (name_host("open-webui"),)
    closed = CLOSED
    methods = ("POST", "GET")
    routes = (
        (r"/api/(?:v1/)?chat/completions", PageChat()),
        (r"/openai/chat/completions", CHAT),
        (r"/ollama/api/chat(?:/\d+)?", Chat()),
        (r"/ollama/api/generate(?:/\d+)?", Chat("text_completion")),
        (r"/ollama/api/(?:embed|embeddings)(?:/\d+)?", Embed()),
        *((f"{route}(?:/\\d+)?", dialect) for route, dialect in openai_routes("/ollama/v1")),
        *openai_routes("/openai/v1"),
        (_SOCKET, Realtime()),
    )
    sockets = (_SOCKET,)
    transports = ("sse", "json", "ndjson", "websocket")
    features = ("reasoning", "tool", "web_search", "code", "image_input", "image_output")
    verified = date(2026, 11, 22)

    def turns(self, exchange: Exchange, body: Any, events: Iterable[Event]) -> Iterator[Turn]:
        for turn in super().turns(exchange, body, events):
            if turn.dropped and turn.message_id:
                self._await(turn)
            yield turn

    def listen(self, opening: Exchange) -> Listener | None:
        return PageSocket(self, opening)

    def begin(self, opening: Exchange, message_id: str) -> Turn:
        """Return the turn of a message that is answered on a socket: with what was asked, if that was heard."""
        asked = self.jobs.pop(message_id)
        if asked is None:
            return Turn(self, opening)
        turn = asked.twin(opening)
        turn.dropped = False
        turn.started_ms = max(0, int((asked.exchange.started_at - opening.started_at).total_seconds() * 1000))
        return turn

    def _await(self, turn: Turn) -> None:
        """Keep what was asked, counted and without its words, until the socket tells the answer."""
        from tracker.tokens import count

        model = turn.request_model if isinstance(turn.request_model, str) else None
        prompt = count(turn.text("prompt"), model, service=self.name) + turn.prompt_overhead
        twin = turn.twin(turn.exchange)
        twin.counted, twin.request_bytes = Usage(input=prompt), turn.exchange.request_bytes
        self.remember(twin, turn.message_id or "")


class PageSocket:
    """The page's one socket: answers of several chats may come at once, each under its message's id."""

    def __init__(self, service: OpenWebui, opening: Exchange) -> None:
        self.service, self.opening = service, opening
        self.open: Recall[Turn] = Recall(100)

    def hear(self, message: Message) -> Iterator[Turn]:
        head = _EVENT.match(message.data)
        if message.from_client or head is None:
            return
        match parse_or_none(message.data[head.end() :].decode("utf-8", "replace")):
            case [str(), {"message_id": str(name), "data": {"type": "chat:completion", "data": dict(data)}}, *_]:
                yield from self._hear_answer(name, data, message.at_ms)

    def _hear_answer(self, name: str, data: Mapping[str, Any], at_ms: int | None) -> Iterator[Turn]:
        turn = self.open.get(name)
        if turn is None:
            turn = self.service.begin(self.opening, name)
            turn.started_ms = turn.started_ms or at_ms or 0
            turn.response_id, turn.first_byte_ms = name, at_ms
            self.open.put(name, turn)
        if {"choices", "usage", "error"} & data.keys():
            CHAT.event(turn, Event(data, at_ms=at_ms))
            turn.response_id = name
        if isinstance(data.get("content"), str):  # the whole text so far, with the thinking folded into it
            thoughts, answer = unfold(data["content"])
            turn.answer(answer, at_ms, replace=True)
            turn.reason(thoughts, at_ms, replace=True)
        if data.get("done") is True or data.get("error"):
            turn.finished, turn.ended_ms = True, at_ms
            CHAT.finish(turn)
            yield from filter(None, [self.open.pop(name)])

    def close(self, ending: Ending, at_ms: int | None) -> Iterator[Turn]:
        for turn in self.open.values():
            CHAT.finish(turn)
            turn.ended_ms = at_ms
            yield turn

    def open_turns(self) -> int:
        return len(self.open.values())


def unfold(content: str) -> tuple[str, str]:
    """Return the thinking that is folded into a text, and the text without it."""
    answer, *folds = content.split(_FOLD)
    thoughts = []
    for fold in folds:
        thought, _, after = fold.partition(">")[2].partition("</details>")
        thoughts.append(thought)
        answer += after.lstrip()
    return "\n".join(thoughts), answer
