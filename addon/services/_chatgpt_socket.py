"""The one socket of a ChatGPT page: handed-over turns go on here, and late images arrive."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from addon.exchange import Ending, Exchange, Message
from addon.framing import split_messages
from addon.framing.sse import SseSplitter
from addon.patching import Document
from addon.service import Event, Turn
from addon.services._chatgpt import answer_of, conversation_key, turn_key
from addon.services._chatgpt_message import keep_word, listed
from addon.waiting import elapsed_ms

if TYPE_CHECKING:
    from addon.services.chatgpt import ChatGPT


TOPIC = "conversation-turn-"
"""What the name of a turn's topic begins with; the rest is the turn's own id."""


ARRIVED = ("async-task-completed", "add-messages")
"""Updates that bring what an answer had promised."""


def name_turn(topic: object) -> str | None:
    """Return the turn that a topic is of, where its items do not say it themselves."""
    return topic.removeprefix(TOPIC) or None if isinstance(topic, str) and topic.startswith(TOPIC) else None


class Socket:
    """The one socket of a page, on which all handed-over turns go on, and late images arrive."""

    def __init__(self, service: ChatGPT, opening: Exchange) -> None:
        self._service, self._opening = service, opening

    def hear(self, message: Message) -> Iterable[Turn]:
        if message.from_client:
            return ()
        now = self._opening.started_at + timedelta(milliseconds=message.at_ms or 0)
        turns: list[Turn] = []
        for event in split_messages(message.data):
            for frame in event.data if isinstance(event.data, list) else [event.data]:
                turns += self._hear_frame(frame, now, len(message.data))
        return turns

    def close(self, ending: Ending, at_ms: int | None) -> Iterable[Turn]:
        """A page opens a new socket and asks for what it missed, so an open turn goes on waiting."""
        return ()

    def open_turns(self) -> int:
        return 0  # they wait with the service

    def _hear_frame(self, frame: Any, now: datetime, size: int, topic: object = None) -> Iterator[Turn]:
        match frame:
            case {"reply": {"catchups": list(frames)} as reply}:
                for caught in frames:
                    if not (isinstance(caught, dict) and "reply" in caught):
                        yield from self._hear_frame(caught, now, 0, reply.get("topic_id"))
            case {"payload": {"type": "conversation-turn-stream", "payload": dict() as item}}:
                identity = keep_word(item.get("turn_id")) or name_turn(frame.get("topic_id") or topic)
                yield from self._hear_item(item, identity, frame.get("offset"), now, size)
            case {"payload": {"type": "conversation-update", "payload": dict() as update}}:
                yield from self._hear_update(update, now, size)

    def _hear_item(
        self, item: dict[str, Any], identity: str | None, offset: object, now: datetime, size: int
    ) -> Iterator[Turn]:
        if identity is None or self._service.finished.get(identity):
            return
        turn = self._find(identity, keep_word(item.get("conversation_id")), now)
        answer = answer_of(turn)
        at_ms = elapsed_ms(turn.exchange.started_at, now)
        turn.response_bytes = (turn.response_bytes or 0) + size
        key = item.get("stream_item_id") or offset
        heard: set[object] = turn.state.setdefault("heard", set())
        if isinstance(key, str) and key in heard:
            return
        if isinstance(key, str):
            heard.add(key)
        splitter: SseSplitter = turn.state.setdefault("splitter", SseSplitter([]))
        encoded = item.get("encoded_item")
        answer.handed_off = False  # here a [DONE] is the end
        whole = encoded.encode("utf-8", "replace") + b"\n\n" if isinstance(encoded, str) else b""
        for data, name in splitter.feed(whole):
            if not (isinstance(data, dict) and data.get("type") == "stream_handoff"):
                answer.take(turn, Event(data, name, at_ms))
        if item.get("type") == "done":
            turn.finished = True
        if item.get("type") == "error":
            turn.outcome = "error"
        turn.ended_ms = at_ms
        if turn.finished or turn.outcome is not None:
            turn.exchange = replace(turn.exchange, ending="complete")
            yield from self._service.pause(turn, now)
        else:
            answer.handed_off = True
            self._keep(turn, now)

    def _find(self, identity: str, conversation: str | None, now: datetime) -> Turn:
        turn = self._service.waiting.find(turn_key(identity), conversation_key(conversation))
        if turn is not None and turn.response_id in {None, identity}:
            turn.response_id = identity
            return turn
        turn = Turn(self._service, replace(self._opening, messages=()))
        turn.started_ms = elapsed_ms(self._opening.started_at, now)
        self._service.request(turn, None)
        turn.response_id, turn.conversation_id = identity, conversation
        return turn

    def _keep(self, turn: Turn, now: datetime) -> None:
        keys = (turn_key(turn.response_id), conversation_key(turn.conversation_id))
        self._service.waiting.keep(turn, now, *keys, owed=True)

    def _hear_update(self, update: dict[str, Any], now: datetime, size: int) -> Iterator[Turn]:
        """An image that was begun in an answer comes when it is ready."""
        turn = self._service.waiting.find(conversation_key(keep_word(update.get("conversation_id"))))
        if turn is None or not answer_of(turn).image_is_due:
            return
        content = update.get("update_content")
        content = content if isinstance(content, dict) else {}
        for message in (content.get("message"), *listed(content.get("messages"))):
            answer_of(turn).add(turn, Document({"message": message}))
        turn.response_bytes = (turn.response_bytes or 0) + size
        if any(kind in ARRIVED for kind in (update.get("update_type"), content.get("update_type"))):
            turn.ended_ms = elapsed_ms(turn.exchange.started_at, now)
            yield from self._service.pause(turn, now)
