"""
ChatGPT in the browser and in its desktop app's web view.

The wire shows the model (asked and resolved), effort, the person's newest message, the whole visible answer, tool
calls, summaries of thoughts and how long the model thought. It hides token counts, the reasoning itself, the system
prompt, history, files and search results. Voice is signalled only (a session, no tokens); a Codex task only begins
here. A stream may be handed over to a socket, resumed, or continued: one answer, one row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from addon.exchange import Ending, Exchange, Message
from addon.framing import split_messages
from addon.framing.lines import SseSplitter
from addon.patching import Document
from addon.service import Event, Listener, Recall, Service, Turn
from addon.services._chatgpt import Answer
from addon.services._chatgpt_message import keep_word, listed
from addon.services._chatgpt_request import read_question, read_task, read_voice
from addon.waiting import Waiting

SOCKET_HOST = "ws.chatgpt.com"
SOCKET_PATH = re.compile(r"/p\d+/ws/user/[^/]+")
VOICE = "/backend-api/realtime/calls"
TASKS = "/backend-api/wham/tasks"


class ChatGPT(Service):
    name = "chatgpt"
    title = "ChatGPT"
    provider = "openai"
    hosts = ("chatgpt.com", "chat.openai.com", SOCKET_HOST)
    path = re.compile(
        r"/(backend-(api|anon|alt)/(f/)?conversation|backend-(api|anon)/f/conversation/resume|unauth-mweb/conversation"
        r"|backend-api/realtime/calls|backend-api/wham/tasks)"
    )
    transports = ("sse", "websocket", "json")
    tokens = "counted"
    features = (
        "reasoning", "deep_research", "web_search", "agent", "tool", "code", "file_input", "image_input", "audio_input",
        "image_output", "voice", "canvas", "connector", "memory",
    )  # fmt: skip
    grade = "captured"
    verified = date(2026, 11, 21)

    def __init__(self) -> None:
        self.waiting = Waiting()
        self.finished: Recall[bool] = Recall()
        """Ids of the turns that are over, so that a second view of one is no second row."""

    def matches(self, method: str, host: str, path: str) -> bool:
        if host == SOCKET_HOST:
            return method == "GET" and SOCKET_PATH.fullmatch(path) is not None
        return method in self.methods and host in self.hosts and self.path.fullmatch(path) is not None

    def turns(self, exchange: Exchange, body: Any, events: Iterable[Event]) -> Iterator[Turn]:
        now = exchange.started_at + timedelta(milliseconds=exchange.ended_ms or 0)
        if exchange.source == "proxy":  # an archive is read in one go and not in its order: there nobody waits
            yield from self.overdue(exchange.started_at)
        if exchange.path in {VOICE, TASKS}:
            turn = Turn(self, exchange)
            if exchange.path == VOICE:
                read_voice(turn, body, events)
            else:
                read_task(turn, events)
            yield turn
            return
        turn = self._begin(exchange, body if isinstance(body, dict) else {})
        shift = milliseconds_between(turn.exchange.started_at, exchange.started_at)
        for event in events:
            self.event(turn, replace(event, at_ms=None if event.at_ms is None else event.at_ms + shift))
        if turn.exchange is not exchange:
            turn.response_bytes = (turn.response_bytes or 0) + exchange.response_bytes
            turn.exchange = replace(turn.exchange, ending=exchange.ending, truncated=exchange.truncated)
            turn.ended_ms = None if exchange.ended_ms is None else exchange.ended_ms + shift
        yield from self.pause(turn, now)

    def request(self, turn: Turn, body: Any) -> None:
        turn.state["answer"] = Answer()
        if isinstance(body, dict):
            read_question(turn, body)

    def event(self, turn: Turn, event: Event) -> None:
        answer_of(turn).take(turn, event)

    def finish(self, turn: Turn) -> None:
        answer_of(turn).settle(turn)

    def listen(self, opening: Exchange) -> Listener | None:
        return Socket(self, opening) if opening.host == SOCKET_HOST else None

    def overdue(self, now: datetime | None) -> Iterator[Turn]:
        for turn in self.waiting.overdue(now):
            self.finish(turn)
            turn.outcome = turn.outcome or "aborted"
            yield turn

    def pause(self, turn: Turn, now: datetime) -> Iterator[Turn]:
        """The stream ended: yield the turn unless its rest is to come, and keep a twin if more may come."""
        answer = answer_of(turn)
        self.waiting.drop(turn)
        keys = (_turn_key(turn.response_id), _conversation_key(turn.conversation_id))
        over = turn.outcome is not None or turn.finished
        if over and turn.response_id:
            self.finished.put(turn.response_id, True)
        if answer.handed_off and not over:
            heard = self.waiting.take(keys[0])
            if heard is not None:
                yield from self._join(turn, heard)
            elif self.finished.get(turn.response_id) is None:
                self.waiting.keep(self._twin(turn), now, *keys, owed=True)
            return
        if not over and turn.response_id is None and turn.conversation_id:
            self.waiting.keep(self._twin(turn), now, *keys, owed=True)
            return
        twin = self._twin(turn)
        self.finish(turn)
        if not over or answer.stopped_short or answer.image_is_due or turn.exchange.host == SOCKET_HOST:
            self.waiting.keep(twin, now, *keys, owed=False)
        yield turn

    def _begin(self, exchange: Exchange, body: dict[str, Any]) -> Turn:
        """Return the turn that this exchange goes on with, or a new one."""
        conversation = _conversation_key(keep_word(body.get("conversation_id")))
        resumes, continues = exchange.path.endswith("/resume"), body.get("action") == "continue"
        earlier = self.waiting.find(conversation)
        if earlier and (resumes or continues):
            self.waiting.drop(earlier)
            answer = answer_of(earlier)
            whole = answer.rewind(body.get("offset")) if resumes else answer.go_on(ended=earlier.finished)
            earlier.finished = False
        else:
            alone = earlier is not None and earlier.exchange.host == SOCKET_HOST  # its question may yet come
            if earlier and earlier.response_id and not answer_of(earlier).handed_off and not alone:
                self.waiting.drop(earlier)  # the conversation went on without it
            earlier = Turn(self, exchange)
            self.request(earlier, body)
            whole = not resumes or answer_of(earlier).rewind(body.get("offset"))
        if not whole:
            earlier.outcome = "aborted"  # a piece in the middle was never heard
        return earlier

    def _join(self, turn: Turn, heard: Turn) -> Iterator[Turn]:
        """The socket was heard before the stream that was handed over to it: put question and answer together."""
        shift = milliseconds_between(turn.exchange.started_at, heard.exchange.started_at)
        turn.state["answer"], turn.finished, turn.outcome = answer_of(heard), heard.finished, heard.outcome
        turn.response_bytes = turn.exchange.response_bytes + (heard.response_bytes or 0)
        turn.ended_ms = None if heard.ended_ms is None else heard.ended_ms + shift
        turn.first_token_ms = None if heard.first_token_ms is None else heard.first_token_ms + shift
        self.finish(turn)
        yield turn

    def _twin(self, turn: Turn) -> Turn:
        """Return a copy that keeps no more of the exchange than the record needs."""
        exchange = turn.exchange
        twin = turn.twin(replace(exchange, chunks=(), messages=(), request_body=b""))
        if twin.first_byte_ms is None and exchange.chunks:
            twin.first_byte_ms = exchange.chunks[0].at_ms
        twin.request_bytes = exchange.request_bytes or None if turn.request_bytes is None else turn.request_bytes
        twin.response_bytes = exchange.response_bytes if turn.response_bytes is None else turn.response_bytes
        return twin


class Socket:
    """The one socket of a page, on which all handed-over turns go on, and late images arrive."""

    def __init__(self, service: ChatGPT, opening: Exchange) -> None:
        self._service, self._opening = service, opening

    def hear(self, message: Message) -> Iterable[Turn]:
        if message.from_client:
            return ()
        now = self._opening.started_at + timedelta(milliseconds=message.at_ms or 0)
        turns = list(self._service.overdue(now)) if self._opening.source == "proxy" else []
        for event in split_messages(message.data):
            for frame in event.data if isinstance(event.data, list) else [event.data]:
                turns += self._hear_frame(frame, now, len(message.data))
        return turns

    def close(self, ending: Ending, at_ms: int | None) -> Iterable[Turn]:
        """A page opens a new socket and asks for what it missed, so an open turn goes on waiting."""
        return ()

    def _hear_frame(self, frame: Any, now: datetime, size: int) -> Iterator[Turn]:
        match frame:
            case {"type": "reply", "reply": {"catchups": list(frames)}}:
                for caught in frames:
                    if not (isinstance(caught, dict) and caught.get("type") == "reply"):
                        yield from self._hear_frame(caught, now, 0)
            case {"payload": {"type": "conversation-turn-stream", "payload": dict() as item}}:
                yield from self._hear_item(item, frame.get("offset"), now, size)
            case {"payload": {"type": "conversation-update", "payload": dict() as update}}:
                yield from self._hear_update(update, now, size)

    def _hear_item(self, item: dict[str, Any], offset: object, now: datetime, size: int) -> Iterator[Turn]:
        identity = keep_word(item.get("turn_id"))
        if identity is None or self._service.finished.get(identity):
            return
        turn = self._find(identity, keep_word(item.get("conversation_id")), now)
        answer = answer_of(turn)
        at_ms = milliseconds_between(turn.exchange.started_at, now)
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
        for data, name in splitter.feed(encoded.encode("utf-8", "replace")) if isinstance(encoded, str) else ():
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
        turn = self._service.waiting.find(_turn_key(identity), _conversation_key(conversation))
        if turn is not None and turn.response_id in {None, identity}:
            turn.response_id = identity
            return turn
        turn = Turn(self._service, replace(self._opening, messages=()))
        turn.started_ms = milliseconds_between(self._opening.started_at, now)
        self._service.request(turn, None)
        turn.response_id, turn.conversation_id = identity, conversation
        return turn

    def _keep(self, turn: Turn, now: datetime) -> None:
        keys = (_turn_key(turn.response_id), _conversation_key(turn.conversation_id))
        self._service.waiting.keep(turn, now, *keys, owed=True)

    def _hear_update(self, update: dict[str, Any], now: datetime, size: int) -> Iterator[Turn]:
        """An image that was begun in an answer comes when it is ready."""
        turn = self._service.waiting.find(_conversation_key(keep_word(update.get("conversation_id"))))
        if turn is None or not answer_of(turn).image_is_due:
            return
        content = update.get("update_content")
        content = content if isinstance(content, dict) else {}
        for message in (content.get("message"), *listed(content.get("messages"))):
            answer_of(turn).add(turn, Document({"message": message}))
        turn.response_bytes = (turn.response_bytes or 0) + size
        if "async-task-completed" in (update.get("update_type"), content.get("update_type")):
            turn.ended_ms = milliseconds_between(turn.exchange.started_at, now)
            yield from self._service.pause(turn, now)


def answer_of(turn: Turn) -> Answer:
    """Return what was read of this turn's answer so far."""
    answer: Answer = turn.state["answer"]
    return answer


def milliseconds_between(earlier: datetime, later: datetime) -> int:
    return round((later - earlier).total_seconds() * 1000)


def _turn_key(identity: str | None) -> str | None:
    return identity and "turn:" + identity


def _conversation_key(identity: str | None) -> str | None:
    return identity and "conversation:" + identity
