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
from datetime import date, datetime, timedelta
from typing import Any

from addon.exchange import Exchange
from addon.patching import ONLY_TEXT
from addon.service import Event, Listener, Recall, Service, Turn
from addon.services._chatgpt import Answer, answer_of, conversation_key, turn_key
from addon.services._chatgpt_message import keep_word
from addon.services._chatgpt_request import read_question, read_task, read_voice
from addon.services._chatgpt_settle import settle
from addon.services._chatgpt_socket import Socket
from addon.waiting import Waiting, elapsed_ms, go_on, shift_events, spare

SOCKET_HOST = "ws.chatgpt.com"
SOCKET_PATH = re.compile(r"(/[^/]+)?/ws(/[^/]+){0,2}")
VOICE = "/backend-api/realtime/calls"
TASKS = "/backend-api/wham/tasks"


class ChatGPT(Service):
    name = "chatgpt"
    title = "ChatGPT"
    provider = "openai"
    hosts = ("chatgpt.com", "chat.openai.com", SOCKET_HOST)
    path = re.compile(
        r"/(backend-(api|anon|alt)/(f/)?conversation|backend-(api|anon)/(f/)?conversation/resume|unauth-mweb/conversation"
        r"|backend-api/realtime/calls|backend-api/wham/tasks)"
    )
    transports = ("sse", "websocket", "json")
    adds = ONLY_TEXT
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
        if exchange.path in {VOICE, TASKS}:
            turn = Turn(self, exchange)
            if exchange.path == VOICE:
                read_voice(turn, body, events)
            else:
                read_task(turn, events)
            yield turn
            return
        turn = self._begin(exchange, body if isinstance(body, dict) else {})
        shift = 0 if turn.exchange is exchange else go_on(turn, exchange)
        answer = answer_of(turn)
        for event in shift_events(events, shift):
            answer.take(turn, event)
        yield from self.pause(turn, now)

    def request(self, turn: Turn, body: Any) -> None:
        turn.state["answer"] = Answer()
        if isinstance(body, dict):
            read_question(turn, body)

    def finish(self, turn: Turn) -> None:
        settle(turn, answer_of(turn))

    def listen(self, opening: Exchange) -> Listener | None:
        return Socket(self, opening) if opening.host == SOCKET_HOST else None

    def overdue(self, now: datetime | None) -> Iterator[Turn]:
        for turn in self.waiting.overdue(now):
            self.finish(turn)
            turn.outcome = turn.outcome or "aborted"
            yield turn

    def owed(self) -> int:
        return self.waiting.owed

    def pause(self, turn: Turn, now: datetime) -> Iterator[Turn]:
        """The stream ended: yield the turn unless its rest is to come, and keep a twin if more may come."""
        answer = answer_of(turn)
        self.waiting.drop(turn)
        keys = (turn_key(turn.response_id), conversation_key(turn.conversation_id))
        over = turn.outcome is not None or turn.finished
        if over and turn.response_id:
            self.finished.put(turn.response_id, True)
        if answer.handed_off and not over:
            heard = self.waiting.take(keys[0])
            if heard is not None:
                yield from self._join(turn, heard)
            elif self.finished.get(turn.response_id) is None:
                self.waiting.keep(spare(turn), now, *keys, owed=True)
            return
        if not over and turn.response_id is None and turn.conversation_id:
            self.waiting.keep(spare(turn), now, *keys, owed=True)
            return
        twin = spare(turn)
        self.finish(turn)
        if not over or answer.stopped_short or answer.image_is_due or turn.exchange.host == SOCKET_HOST:
            self.waiting.keep(twin, now, *keys, owed=False)
        yield turn

    def _begin(self, exchange: Exchange, body: dict[str, Any]) -> Turn:
        """Return the turn that this exchange goes on with, or a new one."""
        conversation = conversation_key(keep_word(body.get("conversation_id")))
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
        shift = elapsed_ms(turn.exchange.started_at, heard.exchange.started_at)
        turn.state["answer"], turn.finished, turn.outcome = answer_of(heard), heard.finished, heard.outcome
        turn.response_bytes = turn.exchange.response_bytes + (heard.response_bytes or 0)
        turn.ended_ms = None if heard.ended_ms is None else heard.ended_ms + shift
        turn.first_token_ms = None if heard.first_token_ms is None else heard.first_token_ms + shift
        self.finish(turn)
        yield turn
