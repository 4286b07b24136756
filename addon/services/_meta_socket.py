"""Meta's gateway socket: binary frames around JSON and small protocol buffers, read as far as the answer needs."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator
from typing import Any

from addon.exchange import Ending, Exchange, Message
from addon.patching import Document, text_of
from addon.service import Recall, Service, Turn
from addon.services._dialect import TurnByTurn
from addon.services._page import list_at, once, pick, text_at

CONVERSATION = "x-dgw-app-x-ecto-conversation-id"
MODES = {1000: "fast", 1001: "thinking"}
LARGEST_SCAN = 8 << 20


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
            elif isinstance(pick(found, "seq"), int) and text_at(found, "type") in ("full", "patch"):
                turns += self._answer(found, message.at_ms)
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
        identity = text_at(found, "response", "response_id")
        if self.turn is None and text_at(found, "type") == "full":
            # nobody was heard to ask: the socket is older than we are
            self.begin(at_ms).conversation_id = self.conversation
        turn = self.turn
        if turn is None:
            return
        turn.response_id = identity or turn.response_id
        turn.first_byte_ms = at_ms if turn.first_byte_ms is None else turn.first_byte_ms
        document: Document = turn.state.setdefault("reply", Document({}))
        if text_at(found, "type") == "full":
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

    def _end(self, at_ms: int | None) -> Iterator[Turn]:
        turn, self.turn = self.turn, None
        if turn is None or "reply" not in turn.state:
            return
        write_reply(turn, turn.state["reply"].root)
        turn.ended_ms = at_ms
        yield turn


def write_reply(turn: Turn, reply: Any) -> None:
    """Write what a whole reply of Meta's says into the turn."""
    texts, thoughts, pictures = read_sections(reply)
    turn.answer("\n".join(texts), turn.first_token_ms, part="reply", replace=True)
    turn.reason("\n".join(thoughts), part="thoughts", replace=True)
    if thoughts:
        once(turn, "reasoning")
    if pictures:
        turn.media_count = pictures
        once(turn, "image_output", pictures)


def read_sections(reply: Any) -> tuple[list[str], list[str], int]:
    """Return the texts, the thoughts and the number of pictures in a reply's sections."""
    texts, thoughts, pictures = [], [], 0
    for section in list_at(reply, "sections"):
        primitive = pick(section, "view_model", "primitive")
        kind = text_at(primitive, "__typename") or ""
        thought = text_of(pick(primitive, "thought_text"))
        if thought or "Thinking" in kind:
            thoughts.append(thought)
        elif "Image" in kind or "Imagine" in kind:
            pictures += 1
        else:
            texts.append(text_of(pick(primitive, "text")))
    return [text for text in texts if text], [text for text in thoughts if text], pictures


def find_objects(data: bytes) -> Iterator[Any]:
    """Return every JSON object between the other bytes of a message."""
    text = data[:LARGEST_SCAN].decode("utf-8", "replace")
    decoder = json.JSONDecoder()
    start = text.find("{")
    failures = 0
    while start >= 0 and failures < 100:
        try:
            found, start = decoder.raw_decode(text, start)
            yield found
        except (ValueError, RecursionError):
            start += 1
            failures += 1
        start = text.find("{", start)


def read_fields(data: bytes | int) -> dict[int, list[bytes | int]]:
    """Return the fields of a protocol buffer by number: whole numbers, or bytes (text or another buffer)."""
    fields: dict[int, list[bytes | int]] = {}
    if isinstance(data, int):
        return fields
    at = 0
    while at < len(data):
        key, at = _read_number(data, at)
        match key & 7:
            case 0:
                value, at = _read_number(data, at)
                fields.setdefault(key >> 3, []).append(value)
            case 2:
                size, at = _read_number(data, at)
                fields.setdefault(key >> 3, []).append(data[at : at + size])
                at += size
            case 1 | 5 as kind:
                at += 8 if kind == 1 else 4
            case _:
                return fields
    return fields


def dig_fields(fields: dict[int, list[bytes | int]], *path: int) -> list[bytes | int]:
    """Return all values at a path of field numbers."""
    found = fields.get(path[0], [])
    if len(path) == 1:
        return found
    return [value for inner in found for value in dig_fields(read_fields(inner), *path[1:])]


def _read_number(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            break
    return value, at
