"""Meta's gateway socket: binary frames around JSON and small protocol buffers, read as far as the answer needs."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator
from typing import Any

from addon.exchange import Ending, Exchange, Message
from addon.patching import Document
from addon.service import Recall, Service, Turn
from addon.services._dialect import TurnByTurn
from addon.services._meta_reply import read_sections, write_reply
from addon.services._page import list_at, once, pick, text_at
from addon.services._protobuf import dig_fields, read_fields

CONVERSATION = "x-dgw-app-x-ecto-conversation-id"
MODES = {1000: "fast", 1001: "thinking"}
LARGEST_SCAN = 8 << 20
DATA, END = b"\x0d", b"\x0e"
"""What the frames of a stream begin with that carry something, and the one that ends it."""
SEARCH = "search-results://query"
DECODER = json.JSONDecoder()


class MetaSocket(TurnByTurn):
    """A person's message begins a turn; the reply that says it is complete ends it."""

    def __init__(self, service: Service, opening: Exchange, modes: Recall[str]) -> None:
        super().__init__(service, opening)
        self.modes = modes
        self.conversation: str | None = None

    def hear(self, message: Message) -> Iterable[Turn]:
        turns: list[Turn] = []
        for found in find_objects(message.data):
            if message.from_client:
                self.conversation = text_at(found, CONVERSATION) or self.conversation
                if payload := text_at(found, "payload"):
                    turns += self._ask(payload, message.at_ms)
            elif text_at(found, "type") in ("full", "patch"):
                turns += self._answer(found, message.at_ms)
            elif self.turn is not None and text_at(found, "response_id") and list_at(found, "sections"):
                # The last word on a reply is the reply itself, without the envelope.
                turns += self._answer({"type": "full", "response": {**found, "is_complete": True}}, message.at_ms)
            elif self.turn is not None and SEARCH in (text := text_at(found, "text") or ""):
                self.turn.state.setdefault("searches", set()).add(hash(text))
        if not message.from_client and self.turn is not None:
            turns += self._hear_frame(self.turn, message)
        return turns

    def close(self, ending: Ending, at_ms: int | None) -> Iterable[Turn]:
        return self._end(at_ms)

    def _ask(self, payload: str, at_ms: int | None) -> Iterator[Turn]:
        try:
            fields = read_fields(base64.b64decode(payload, validate=True))
        except (binascii.Error, ValueError):
            return
        prompt = [part for part in dig_fields(fields, 2, 2) if isinstance(part, bytes)]
        files = dig_fields(fields, 2, 3)
        if not prompt and not files:
            return
        yield from self._end(at_ms)
        turn = self.begin(at_ms)
        turn.conversation_id = self.conversation
        for text in prompt:
            turn.prompt(text.decode("utf-8", "replace"))
        for file in files:
            kind = next((part for part in dig_fields(read_fields(file), 6) if isinstance(part, bytes)), b"")
            turn.attach(kind=kind.decode("ascii", "replace"))
        mode = next((number for number in dig_fields(fields, 1, 1, 12, 3) if isinstance(number, int)), None)
        turn.effort = self.modes.get(self.conversation) if mode is None else MODES.get(mode)
        if turn.effort == "thinking":
            turn.asked("reasoning")

    def _answer(self, found: Any, at_ms: int | None) -> Iterator[Turn]:
        is_whole = text_at(found, "type") == "full"
        if self.turn is None and is_whole:
            # nobody was heard to ask: the socket is older than we are
            self.begin(at_ms).conversation_id = self.conversation
        turn = self.turn
        if turn is None:
            return
        turn.response_id = text_at(found, "response", "response_id") or turn.response_id
        turn.note_first_byte(at_ms)
        document: Document = turn.state.get("reply") or turn.state.setdefault("reply", Document({}))
        if is_whole:
            document.root = pick(found, "response")
        for operation in list_at(found, "operations"):
            match operation:
                case {"op": str(name), "path": str(path)}:
                    document.apply(name, path, operation.get("value"))
        if at_ms is not None and turn.first_token_ms is None and any(read_sections(document.root)[0]):
            turn.first_token_ms = at_ms
        if pick(document.root, "is_complete") is True:
            turn.finished = True
            yield from self._end(at_ms)

    def _hear_frame(self, turn: Turn, message: Message) -> Iterator[Turn]:
        """Read what a frame says outside of JSON: sections of text as far as they go, or the end of the stream."""
        if message.data.startswith(DATA) and "reply" not in turn.state:
            for section in dig_fields(read_fields(message.data[8:LARGEST_SCAN]), 1, 5):
                told = read_fields(section)
                for name, text in zip(told.get(1, []), told.get(2, []), strict=False):
                    if isinstance(name, bytes) and isinstance(text, bytes):
                        said = turn.reason if name.startswith(b"reasoning") else turn.answer
                        said(text.decode("utf-8", "replace"), message.at_ms, part=repr(name[:80]), replace=True)
        elif message.data.startswith(END) and ("reply" in turn.state or turn.has_text("answer")):
            turn.finished = True
            yield from self._end(message.at_ms)

    def _end(self, at_ms: int | None) -> Iterator[Turn]:
        turn, self.turn = self.turn, None
        if turn is None or not ("reply" in turn.state or turn.has_text("answer")):
            return
        if "reply" in turn.state:
            write_reply(turn, turn.state["reply"].root)
        elif turn.effort == "thinking" and turn.has_text("reasoning"):
            once(turn, "reasoning")
        if searches := turn.state.get("searches"):
            turn.used("web_search", len(searches))
        turn.ended_ms = at_ms
        yield turn


def find_objects(data: bytes) -> Iterator[Any]:
    """Return every JSON object between the other bytes of a message."""
    text = data[:LARGEST_SCAN].decode("utf-8", "replace")
    start = text.find("{")
    failures = 0
    while start >= 0 and failures < 100:
        try:
            found, start = DECODER.raw_decode(text, start)
            yield found
        except (ValueError, RecursionError):
            start += 1
            failures += 1
        start = text.find("{", start)
