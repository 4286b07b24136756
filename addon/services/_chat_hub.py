"""The chat hub of Bing and Microsoft 365: SignalR messages on a socket, one invocation a turn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from addon.exchange import Ending, Message
from addon.framing import split_messages
from addon.service import Turn, each_of
from addon.services._dialect import TurnByTurn
from addon.services._ending import name_ending
from addon.services._page import list_at, once, pick, text_at

INVOKE, UPDATE, RESULT, COMPLETION, CLOSE = 4, 1, 2, 3, 7
_ENDS = (RESULT, COMPLETION, CLOSE)

WORK = {
    "InternalSearchQuery": "web_search", "SearchQuery": "web_search", "SearchResults": "web_search",
    "GeneratedCode": "code", "Code": "code", "ToolCall": "tool", "GenerateGraphicArt": "image_output",
}  # fmt: skip
"""Message and content types that tell of work beside the answer."""

_TELLING = frozenset({"text", "messageType", "contentType", "contentOrigin", "addToChainOfThought"})
"""What a message has that says something; most updates have pieces instead."""


class ChatHub(TurnByTurn):
    """
    A listener for the hub. The answer comes as snapshots of messages, as pieces at a cursor, or both; the final list
    of messages wins.
    """

    def take(self, message: Message) -> Iterable[Turn]:
        turns: list[Turn] = []
        for event in split_messages(message.data, "signalr"):
            kind = pick(event.data, "type")
            if message.from_client:
                if kind == INVOKE and text_at(event.data, "target") == "chat":
                    turns += self._end(message.at_ms)
                    self._ask(self.begin(message.at_ms), pick(event.data, "arguments", 0))
            elif self.turn is None:
                continue
            elif kind == UPDATE:
                self._update(self.turn, list_at(event.data, "arguments"), message.at_ms)
            elif kind in _ENDS:
                turns += self._hear_end(self.turn, kind, event.data, message.at_ms)
        return turns

    def close(self, ending: Ending, at_ms: int | None) -> Iterable[Turn]:
        return [*self.catch_up(), *self._end(at_ms)]

    def read_tone(self, turn: Turn, tone: str) -> None:
        """Take the word with which the person chose a style or a model."""
        turn.effort = tone.lower()

    def _ask(self, turn: Turn, asked: Any) -> None:
        turn.conversation_id = text_at(asked, "conversationId")
        turn.state["request"] = text_at(asked, "message", "requestId") or text_at(asked, "requestId")
        turn.prompt(pick(asked, "message", "text"))
        if tone := text_at(asked, "tone"):
            self.read_tone(turn, tone)
        if pick(asked, "message", "imageUrl") or pick(asked, "message", "originalImageUrl"):
            turn.attach(kind="image")
        for annotation in list_at(asked, "message", "messageAnnotations"):
            kind = text_at(annotation, "messageAnnotationType") or ""
            turn.attach(kind="image" if kind.startswith("Image") else None)

    def _update(self, turn: Turn, arguments: list[Any], at_ms: int | None) -> None:
        for argument in arguments:
            turn.note_first_byte(at_ms)
            turn.state["request"] = turn.state.get("request") or text_at(argument, "requestId")
            for piece in each_of(pick(argument, "writeAtCursor")):
                self._grow(turn, piece, at_ms)
            self._read(turn, argument, at_ms)
            for message in list_at(argument, "messages"):
                self._read(turn, message, at_ms)

    def _hear_end(self, turn: Turn, kind: int, data: Any, at_ms: int | None) -> Iterator[Turn]:
        if kind == RESULT:
            self._conclude(turn, pick(data, "item"), at_ms)
        elif error := pick(data, "error"):
            turn.outcome = name_ending(error)
        yield from self._end(at_ms)

    def _grow(self, turn: Turn, piece: str, at_ms: int | None) -> None:
        """Some clients see pieces here, some the whole text so far: what begins with all we have is whole."""
        if not piece:
            return
        written: list[str] = turn.state.setdefault("written", [])
        length = turn.state.get("length", 0)
        if written and len(piece) >= length and piece.startswith("".join(written)):
            written.clear()
            length = 0
        written.append(piece)
        turn.state["length"] = length + len(piece)
        self._note_visible(turn, at_ms)

    def _read(self, turn: Turn, message: Any, at_ms: int | None) -> None:
        if type(message) is not dict or _TELLING.isdisjoint(message) or text_at(message, "author") not in {"bot", None}:
            return
        identity = text_at(message, "messageId") or ""
        text = text_at(message, "text")
        kind, content = text_at(message, "messageType"), text_at(message, "contentType")
        if message.get("contentOrigin") == "ChainOfThoughtSummary" or message.get("addToChainOfThought") is True:
            turn.state.setdefault("thinking_from", at_ms)
            turn.reason(text, part=identity, replace=True)
        elif feature := WORK.get(kind or "") or WORK.get(content or ""):
            turn.state.setdefault(feature, set()).add(identity)
            if kind == "GeneratedCode":
                turn.call_tool(text, part=identity, replace=True)
        elif kind == "Disengaged":
            turn.outcome = "refused"
        elif kind in (None, "Chat") and text:
            turn.state.setdefault("said", {})[identity] = text
            turn.message_id = turn.message_id or identity
            self._note_visible(turn, at_ms)

    def _note_visible(self, turn: Turn, at_ms: int | None) -> None:
        if turn.first_token_ms is not None or at_ms is None:
            return
        turn.first_token_ms = at_ms
        begun = turn.state.get("thinking_from")
        if begun is not None and at_ms > begun:
            turn.thinking_ms = at_ms - begun

    def _conclude(self, turn: Turn, item: Any, at_ms: int | None) -> None:
        spoken = turn.state.get("said")
        turn.state["said"] = {}
        for message in list_at(item, "messages"):
            self._read(turn, message, at_ms)
        turn.state["said"] = turn.state["said"] or spoken or {}
        if not turn.state["said"] and not turn.state.get("written") and (text := text_at(item, "result", "message")):
            turn.state["said"] = {"": text}
        turn.finished = True
        match text_at(item, "result", "value"):
            case "Success" | None:
                pass
            case value:
                turn.outcome = turn.outcome or ("limited" if "Throttl" in value else name_ending(value))

    def _end(self, at_ms: int | None) -> Iterator[Turn]:
        """Hand over the open turn, if anything was answered."""
        turn, self.turn = self.turn, None
        if turn is None:
            return
        said: dict[str, str] = turn.state.get("said") or {}
        if not turn.finished and turn.state.get("length", 0) > sum(map(len, said.values())):
            said = {}  # broken off: the snapshot was only the beginning of what was written after it
        for identity, text in (said or {"": "".join(turn.state.get("written", []))}).items():
            turn.answer(text, turn.first_token_ms, part=identity)
        if turn.has_text("reasoning"):
            once(turn, "reasoning")
        for feature in sorted(set(WORK.values())):
            if seen := turn.state.get(feature):
                turn.used(feature, len(seen))
        turn.response_id = turn.state.get("request")
        if turn.has_text("answer") or turn.has_text("reasoning") or turn.outcome:
            turn.ended_ms = at_ms
            yield turn
