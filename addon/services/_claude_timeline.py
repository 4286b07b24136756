"""
Claude's newer protocol: a question is an action, and the answer comes on the conversation's one timeline.

Both are protocol buffers. The timeline brings old messages as well, closes every few minutes and is opened again: an
answer counts if it was asked for, or was seen while it was still being written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from addon.exchange import Exchange
from addon.framing.request import decode_request
from addon.service import Event, Recall, Service, Turn
from addon.services._claude_blocks import append_piece, begin, fill_blocks, write_blocks
from addon.services._protobuf import Fields, dig_fields, fields_in, number_in, read_fields, text_in
from addon.waiting import Waiting, elapsed_ms, spare

ACTION, TIMELINE = "PerformAction", "StreamTimeline"
RPC = re.compile(rf"(?:/claudeai-rpc)?/anthropic\.bard\.api\.v\d\w*\.ConversationService/({ACTION}|{TIMELINE})")

ASSISTANT, USER = 2, 1
ENDED, RUNNING = (1, 4, 5), (2, 6)
"""What a conversation's status says: idle, completed or failed; running or recovering."""
FAILED = 5
CANCELED, REFUSED, FULL, BROKEN = (10, 13), (4, 6, 15), (8, 9), 11
"""Why an answer stopped."""
OUT_OF_LIMITS = (1, 12, 13, 17, 20)
"""Kinds of errors: too many requests, no money or credits left, too many turns."""
EXCEEDED = 3
VOICE, DICTATED = 3, 4


class Timelines:
    """Answers that were asked for or begun, from one stream of their conversation to the next."""

    def __init__(self, service: Service, settings: Recall[dict[str, str]]) -> None:
        self.waiting = Waiting()
        self._service, self._settings = service, settings
        self._finished: Recall[bool] = Recall()

    def overdue(self, now: datetime | None) -> Iterator[Turn]:
        """Yield the answers whose rest never came."""
        for turn in self.waiting.overdue(now):
            write_blocks(turn)
            yield turn

    def act(self, exchange: Exchange) -> None:
        """Take an action of the person's; only a message that is sent asks for an answer."""
        data = decode_request(exchange)
        fields = read_fields(data)
        if text_in(fields, 2, 2) is None and exchange.source == "har":
            fields = read_fields(_as_bytes(data))
        conversation, answer = text_in(fields, 1, 2), text_in(fields, 2, 2)
        sent = fields_in(fields, 2)
        if answer is None or self._finished.get(answer):
            return
        known = self.waiting.find(answer)
        turn = known or Turn(self._service, replace(exchange, chunks=()))
        turn.conversation_id, turn.message_id, turn.response_id = conversation, text_in(sent, 1), answer
        if not turn.has_text("prompt"):
            self._ask(turn, sent)
        if known is None:
            turn = spare(turn)
        self.waiting.keep(turn, exchange.started_at, answer, turn.message_id, owed=True)

    def listen(self, exchange: Exchange, body: object, events: Iterable[Event]) -> Iterator[Turn]:
        """Yield the answers that were finished on a timeline."""
        conversation = text_in(read_fields(body), 1)
        for event in events:
            if not isinstance(event.data, bytes) or event.name:
                continue
            for told in map(read_fields, read_fields(event.data).get(1, [])):
                conversation = text_in(told, 1, 2, 1) or conversation
                yield from self._hear(exchange, conversation, told, len(event.data), event.at_ms)
        now = exchange.started_at + timedelta(milliseconds=exchange.ended_ms or 0)
        for turn in self._open(conversation):
            self.waiting.keep(turn, now, turn.response_id, turn.message_id, owed=True)

    def _ask(self, turn: Turn, sent: Fields) -> None:
        settings = fields_in(sent, 8, 1)
        known = self._learn(turn.conversation_id, text_in(sent, 7, 2), settings)
        turn.request_model, turn.effort = known.get("model"), known.get("effort") or known.get("thinking")
        if known.get("thinking") not in {None, "off"}:
            turn.asked("reasoning")
        if known.get("research"):
            turn.asked("deep_research")
        if number_in(sent, 6) == VOICE:
            turn.asked("voice")
        if number_in(sent, 6) == DICTATED:
            turn.used("audio_input")
        turn.prompt(text_in(sent, 3))
        for file in map(read_fields, sent.get(4, [])):
            turn.attach(number_in(file, 3), text_in(file, 4))
        for file in map(read_fields, sent.get(15, [])):
            turn.attach(number_in(file, 2), text_in(file, 3))
            turn.prompt(text_in(file, 4))

    def _learn(self, conversation: str | None, model: str | None, settings: Fields) -> dict[str, str]:
        """Return what is set for a conversation, with what was told now; later messages need not repeat it."""
        known = dict(self._settings.get(conversation) or {})
        told = {"model": model, "thinking": text_in(settings, 16), "effort": text_in(settings, 17)}
        known.update({name: value for name, value in told.items() if value})
        if 10 in settings:
            known["research"] = "on" if number_in(settings, 10) else ""
        if conversation:
            self._settings.put(conversation, known)
        return known

    def _hear(
        self, exchange: Exchange, conversation: str | None, event: Fields, size: int, at_ms: int | None
    ) -> Iterator[Turn]:
        now = None if at_ms is None else exchange.started_at + timedelta(milliseconds=at_ms)
        for update in map(read_fields, event.get(1, [])):
            yield from self._update(exchange, update, size, now)
        for piece in map(read_fields, event.get(2, [])):
            append_piece(self.waiting.turns(), piece, size, now)
        if event.keys() == {2}:
            return  # as most events
        for error in map(read_fields, event.get(3, [])):
            yield from self._fail(self._open(conversation), error, now)
        if number_in(event, 4, 1) == EXCEEDED:
            for turn in self._open(conversation):
                turn.state["limited"] = True
        for refusal in dig_fields(event, 5, 3):
            told = read_fields(refusal)
            refused = self.waiting.find(text_in(told, 2))
            yield from self._fail([refused] if refused else [], fields_in(told, 1), now)
        if model := text_in(event, 8, 2, 1):
            for turn in self._open(conversation):
                turn.response_model = model

    def _open(self, conversation: str | None) -> list[Turn]:
        """Return the answers under way in a conversation."""
        return [
            turn for turn in self.waiting.turns() if "blocks" in turn.state and turn.conversation_id == conversation
        ]

    def _update(self, exchange: Exchange, update: Fields, size: int, now: datetime | None) -> Iterator[Turn]:
        told = fields_in(update, 2)
        conversation, status = text_in(told, 1), number_in(told, 3)
        known = self._learn(conversation, text_in(told, 6, 2), fields_in(told, 10)) if conversation else {}
        whole = number_in(update, 1) == 1
        questions: dict[str, Fields] = {}
        over: list[tuple[Turn, Fields]] = []
        for message in map(read_fields, update.get(3, [])):
            identity = text_in(message, 1)
            if number_in(message, 3) == USER and identity:
                questions[identity] = message
            if number_in(message, 3) != ASSISTANT or identity is None or self._finished.get(identity):
                continue
            turn = self.waiting.find(identity)
            if turn is None and not number_in(message, 6) and (not whole or status in RUNNING):
                turn = self._notice(exchange, message, questions, update, now)
            if turn is not None:
                begin(turn)
                if number_in(message, 6):
                    over.append((turn, message))
        fill_blocks(self.waiting.turns(), update, size, now, whole=whole)
        for turn in self._open(conversation):
            turn.response_model = turn.response_model or known.get("model")
        for turn, message in over:
            yield from self._end(turn, fields_in(message, 16, 7), number_in(message, 7), now)
        if status in ENDED:
            for turn in self._open(conversation):
                stopped: Fields = {1: [number_in(told, 35)]}
                yield from self._end(turn, stopped, BROKEN if status == FAILED else 0, now)

    def _notice(
        self, exchange: Exchange, message: Fields, questions: dict[str, Fields], update: Fields, now: datetime | None
    ) -> Turn:
        """Begin an answer nobody was seen to ask for: the question went out before, or stands later in a recording."""
        turn = Turn(self._service, replace(exchange, chunks=(), request_body=b"", ending="complete"))
        turn.started_ms = elapsed_ms(exchange.started_at, now) if now else 0
        turn.response_id, turn.conversation_id = text_in(message, 1), text_in(message, 2)
        turn.message_id = text_in(message, 11)
        turn.request_bytes = turn.response_bytes = 0
        known = self._settings.get(turn.conversation_id) or {}
        turn.request_model, turn.effort = known.get("model"), known.get("effort") or known.get("thinking")
        question = questions.get(turn.message_id or "", {})
        for file in map(read_fields, question.get(12, [])):
            turn.attach(number_in(file, 3), text_in(file, 4))
        groups = {
            text_in(group, 1) for group in map(read_fields, update.get(4, []))
            if turn.message_id and text_in(group, 2) == turn.message_id
        }  # fmt: skip
        for block in map(read_fields, update.get(5, [])):
            if text_in(block, 2) in groups:
                turn.prompt(text_in(block, 9))
        self.waiting.keep(turn, now or exchange.started_at, turn.response_id, turn.message_id, owed=True)
        return turn

    def _end(self, turn: Turn, error: Fields, reason: int, now: datetime | None) -> Iterator[Turn]:
        turn.finished = True
        if reason in CANCELED:
            turn.outcome = "aborted"
        elif reason in REFUSED:
            turn.outcome = "refused"
        elif reason in FULL or number_in(error, 1) in OUT_OF_LIMITS:
            turn.outcome = "limited"
        elif reason == BROKEN:
            turn.outcome = "error"
        yield from self._let_go(turn, now)

    def _fail(self, turns: list[Turn], error: Fields, now: datetime | None) -> Iterator[Turn]:
        for turn in turns:
            if 5 in error or dig_fields(error, 7, 2):
                turn.outcome = "limited"
            elif number_in(error, 4):
                continue  # it is tried again
            else:
                turn.outcome = "error"
            yield from self._let_go(turn, now)

    def _let_go(self, turn: Turn, now: datetime | None) -> Iterator[Turn]:
        self.waiting.drop(turn)
        if turn.response_id:
            self._finished.put(turn.response_id, True)
        turn.ended_ms = elapsed_ms(turn.exchange.started_at, now) if now else None
        turn.note_first_byte(turn.ended_ms)
        turn.exchange = replace(turn.exchange, ending="complete")
        write_blocks(turn)
        if turn.state.get("limited") and not turn.has_text("answer"):
            turn.outcome = "limited"
        yield turn


def _as_bytes(data: bytes) -> bytes:
    """Some recordings hold bytes as text with one character each."""
    try:
        return data.decode("utf-8").encode("latin-1")
    except ValueError:
        return data
