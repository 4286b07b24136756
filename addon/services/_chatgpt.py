"""What one ChatGPT answer says: the stream of its messages, and what is counted of them."""

from __future__ import annotations

from typing import Any

from addon.patching import Document
from addon.service import Event, Turn, each_of
from addon.services._chatgpt_deltas import Change, Deltas
from addon.services._chatgpt_message import (
    is_visible,
    read_texts,
)
from addon.services._ending import name_ending

QUIET = frozenset(
    """
    beacon_ui_response conversation_async_status conversation_detail_metadata heartbeat message_marker
    message_stream_complete ping resume_conversation_token title_generation url_moderation
    """.split()  # noqa: SIM905 - a list of words
)
"""Typed lines that say nothing about the answer, or nothing that the messages do not say."""


class Answer:
    """
    The messages of one answer as they grow. ``take`` reads one event; ``settle`` writes what all of them say into
    the turn, and may be called for a copy of the turn while this goes on.
    """

    def __init__(self) -> None:
        self.handed_off = False
        self.stopped_short = False
        """The answer reached its length limit: the person may ask to continue it."""
        self.image_is_due = False
        """An image was begun that comes later, by another way."""
        self._deltas = Deltas()
        self.messages: dict[str, Document] = {}
        self.facts: dict[str, Any] = {}
        self.thinking_shown: tuple[int, int] | None = None
        self._timed: Change | None = None
        """A change that, when it comes again, tells no time that is not known."""
        self._seen: list[int] = []
        """A mark of each event read, to know it when a resumed stream says it again."""
        self._again_from: int | None = None

    def rewind(self, offset: object) -> bool:
        """
        The stream is resumed from its event number ``offset``: what comes a second time is passed over.

        Return whether all before that was heard.
        """
        self._again_from = offset if isinstance(offset, int) and not isinstance(offset, bool) and offset >= 0 else 0
        self.handed_off = False
        return self._again_from <= len(self._seen)

    def go_on(self, *, ended: bool) -> bool:
        """
        The person let an answer continue that had reached its length limit: a stream of its own begins.

        Return whether all of the answer so far was heard (``ended``: up to the end of its stream).
        """
        self.stopped_short = self.handed_off = False
        self._deltas = Deltas()
        self._seen.clear()
        self._again_from = None
        return ended

    def take(self, turn: Turn, event: Event) -> None:
        """Read one event of the stream, or several that bring nothing but text."""
        data, name, at_ms = event
        if type(data) is dict and len(data) == 1 and type(texts := data.get("v")) is str:
            for text in each_of(texts):
                if not self._grow(turn, text, name, at_ms):
                    self._take(turn, Event({"v": text}, name, at_ms))
        else:
            self._take(turn, event)

    def _grow(self, turn: Turn, text: str, name: str | None, at_ms: int | None) -> bool:
        """Take more of the text before, as most events are; return False if it cannot be that."""
        grown = self._deltas.grow(text) if self._again_from is None else None
        if grown is None:
            return False
        self._seen.append(hash((name, text)))  # the mark that ``_is_again`` makes
        if grown is not self._timed or turn.first_token_ms is None:
            self._take_change(turn, grown, at_ms)
        return True

    def _take(self, turn: Turn, event: Event) -> None:
        data, name, at_ms = event
        if data == "[DONE]":
            turn.finished = not self.handed_off
            return
        if data in (None, "") or (isinstance(data, dict) and data.get("type") == "ping"):
            return
        if self._is_again(event):
            return
        match data:
            case {"type": str(kind)} if name != "delta":
                self._take_typed(turn, kind, data)
            case dict() if name == "delta" or (data and data.keys() <= {"p", "o", "v", "c"}):
                for change in self._deltas.take(data):
                    self._take_change(turn, change, at_ms)
            case {"message": dict()}:
                self.add(turn, Document(data), at_ms)
            case {"error": error} | {"detail": error} if error:
                turn.outcome = name_ending(error, data.get("error_code"))

    def _is_again(self, event: Event) -> bool:
        """Whether a resumed stream repeats an event; if not, note it."""
        data = event.data
        bare = data.get("v") if type(data) is dict and len(data) == 1 else None
        mark = hash((event.name, bare if type(bare) is str else repr(data)))
        if self._again_from is not None:
            if event.name == "delta_encoding" and self._again_from > 0:
                return True  # said again at the head of the resumed stream
            if self._again_from < len(self._seen) and self._seen[self._again_from] == mark:
                self._again_from += 1
                return True
            del self._seen[self._again_from :]
            self._again_from = None
        self._seen.append(mark)
        return False

    def add(self, turn: Turn, document: Document, at_ms: int | None = None, channel: int = 0) -> None:
        """Take a whole message, new or again."""
        message = document.get("message")
        identity = document.get("message", "id")
        if not isinstance(message, dict):
            return
        known = isinstance(identity, str)
        self.messages[str(identity) if known else f"channel {channel}"] = document
        if isinstance(conversation := document.get("conversation_id"), str):
            turn.conversation_id = conversation
        self._learn_turn(turn, document.get("message", "metadata", "turn_exchange_id"))
        if error := document.get("error"):
            turn.outcome = name_ending(error, document.get("error_code"))
        if known and turn.message_id is None and document.get("message", "author", "role") == "assistant":
            turn.message_id = str(identity)
        self._time(turn, document, at_ms)

    def _take_typed(self, turn: Turn, kind: str, data: dict[str, Any]) -> None:
        if isinstance(conversation := data.get("conversation_id"), str):
            turn.conversation_id = conversation
        match data:
            case {"type": "input_message", "input_message": {"metadata": dict() as metadata}}:
                self._learn_turn(turn, metadata.get("turn_exchange_id"))
            case {"type": "server_ste_metadata", "metadata": dict() as metadata}:
                self.facts.update(metadata)
                self._learn_turn(turn, metadata.get("turn_exchange_id"))
            case {"type": "stream_handoff"}:
                self.handed_off = True
                self._learn_turn(turn, data.get("turn_exchange_id"))
            case {"type": "moderation", "moderation_response": {"blocked": True}}:
                turn.outcome = "refused"
            case {"type": "error"}:
                turn.outcome = name_ending(
                    data.get("error") or data.get("message"), data.get("error_code") or data.get("code")
                )
            case _ if kind not in QUIET and kind not in {"moderation", "input_message"}:
                turn.wonder(kind)

    def _take_change(self, turn: Turn, change: Change, at_ms: int | None) -> None:
        if not change.path:
            self.add(turn, change.document, at_ms, change.channel)
        elif change.path.startswith("/message/content"):
            self._time(turn, change.document, at_ms)
            thinks = change.document.get("message", "content", "content_type") == "thoughts"
            self._timed = None if thinks else change

    def _time(self, turn: Turn, document: Document, at_ms: int | None) -> None:
        """Note when the first visible text came, and from when to when thoughts were shown."""
        if at_ms is None or document.get("message", "author", "role") != "assistant":
            return
        if document.get("message", "content", "content_type") == "thoughts":
            self.thinking_shown = (self.thinking_shown[0] if self.thinking_shown else at_ms, at_ms)
        elif turn.first_token_ms is None and is_visible(document) and any(read_texts(document)):
            turn.first_token_ms = at_ms

    def _learn_turn(self, turn: Turn, identity: object) -> None:
        if turn.response_id is None and isinstance(identity, str) and identity:
            turn.response_id = identity


def answer_of(turn: Turn) -> Answer:
    """Return what was read of this turn's answer so far."""
    answer: Answer = turn.state["answer"]
    return answer


def turn_key(identity: str | None) -> str | None:
    """Return the key under which a turn waits."""
    return identity and "turn:" + identity


def conversation_key(identity: str | None) -> str | None:
    """Return the key under which the latest turn of a conversation waits."""
    return identity and "conversation:" + identity
