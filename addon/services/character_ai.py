"""Character.ai."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from addon.exchange import Ending, Exchange, Message
from addon.framing import split_messages
from addon.framing.snapshots import Repeats
from addon.service import Listener, Service, Turn
from addon.services._page import identity_at, list_at, pick, text_at
from addon.services._superseded import hear_news

_ANOTHER = "generate_turn_candidate"
_SAID = "create_turn"
_QUESTIONS = frozenset({"create_and_generate_turn", "generate_turn", _ANOTHER})


class CharacterAi(Service):
    """
    One socket for all turns, another for rooms; each update repeats the whole answer so far.

    Shows: question, answer, the class of model preferred. Hides: token counts, the character's instructions, the
    history, the model's name. The sound of a voice is made elsewhere. In a room, what others ask is theirs.
    """

    name = "character-ai"
    title = "Character.ai"
    provider = "character_ai"
    hosts = ("neo.character.ai",)
    path = re.compile(r"/ws/?|/connection/websocket")
    methods = ("GET",)
    transports = ("websocket",)
    repeats = Repeats(re.compile(rb'"raw_content": ?"'))
    features = ("voice",)
    grade = "documented"
    verified = date(2026, 11, 21)

    def listen(self, opening: Exchange) -> Listener | None:
        return hear_news(Conversation(self, opening), self.repeats)


class Conversation:
    """Turns by the id of the request that asked for them; several may be open at once."""

    def __init__(self, service: Service, opening: Exchange) -> None:
        self._service, self._opening = service, opening
        self._open: dict[str, Turn] = {}
        self._said: Turn | None = None
        self._model: str | None = None

    def hear(self, message: Message) -> Iterable[Turn]:
        for event in split_messages(message.data):
            if message.from_client:
                yield from self._ask(pick(event.data, "rpc", "data") or event.data, message.at_ms)
            else:
                yield from self._answer(pick(event.data, "push", "pub", "data") or event.data, message)

    def close(self, ending: Ending, at_ms: int | None) -> Iterable[Turn]:
        for turn in self._open.values():
            turn.ended_ms = at_ms
            yield turn
        self._open.clear()

    def open_turns(self) -> int:
        return len(self._open)

    def _ask(self, asked: Any, at_ms: int | None) -> Iterator[Turn]:
        payload = pick(asked, "payload")
        self._model = text_at(payload, "chat", "preferred_model_type") or self._model
        if text_at(asked, "command") == _SAID:  # in a room one speaks first, and asks for an answer then
            self._said = Turn(self._service, self._opening)
            self._said.conversation_id = identity_at(payload, "turn", "turn_key", "chat_id")
            self._said.started_ms = at_ms or 0
            self._read_question(self._said, payload)
        if text_at(asked, "command") not in _QUESTIONS:
            return
        places = (("turn", "turn_key", "chat_id"), ("turn_key", "chat_id"), ("chat_id",))
        chat = next(filter(None, (identity_at(payload, *place) for place in places)), None)
        for key, earlier in list(self._open.items()):
            if len(self._open) >= 8 or (chat and earlier.conversation_id == chat):
                # Who asks on has had the answer, also where nothing said that it was final.
                earlier.finished = earlier.has_text("answer")
                yield self._open.pop(key)
        said, self._said = self._said, None
        turn = said if said is not None and said.conversation_id == chat else Turn(self._service, self._opening)
        self._open[identity_at(asked, "request_id") or ""] = turn
        turn.started_ms = at_ms or 0
        turn.state["another"] = text_at(asked, "command") == _ANOTHER
        turn.effort = (self._model or "").removeprefix("MODEL_TYPE_").lower() or None
        turn.conversation_id = chat
        self._read_question(turn, payload)
        if pick(payload, "tts_enabled") is True:
            turn.asked("voice")

    def _read_question(self, turn: Turn, payload: Any) -> None:
        for candidate in list_at(payload, "turn", "candidates"):
            turn.prompt(text_at(candidate, "raw_content"))

    def _answer(self, told: Any, message: Message) -> Iterator[Turn]:
        key = self._key_of(told)
        turn = self._open.get(key)
        if turn is None:
            return
        match text_at(told, "command"):
            case "add_turn" | "update_turn" | None if pick(told, "turn", "author", "is_human") is not True:
                done = self._read(turn, pick(told, "turn"), message.at_ms)
            case "neo_error":
                turn.outcome, done = "error", True
            case "filter_user_input_self_harm":
                turn.outcome, done = "refused", True
            case _:
                done = False
        if done:
            turn.ended_ms = message.at_ms
            yield self._open.pop(key)

    def _key_of(self, told: Any) -> str:
        """Return the request that a message answers; by its chat where it does not say."""
        key, chat = identity_at(told, "request_id"), identity_at(told, "turn", "turn_key", "chat_id")
        if key is not None or chat is None:
            return key or ""
        return next((known for known, turn in self._open.items() if turn.conversation_id == chat), "")

    def _read(self, turn: Turn, told: Any, at_ms: int | None) -> bool:
        turn.conversation_id = identity_at(told, "turn_key", "chat_id") or turn.conversation_id
        done = []
        # Of an answer that is made once more, the newest comes first and those before it come along.
        for candidate in list_at(told, "candidates")[: 1 if turn.state["another"] else None]:
            identity = identity_at(candidate, "candidate_id") or ""
            turn.response_id = turn.response_id or identity or None
            turn.answer(text_at(candidate, "raw_content"), at_ms, part=identity, replace=True)
            done.append(pick(candidate, "is_final") is True)
            if pick(candidate, "safety_truncated") is True:
                turn.outcome = "refused"
        turn.finished = bool(done) and all(done)
        return turn.finished
