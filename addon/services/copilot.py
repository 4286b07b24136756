"""
Microsoft Copilot in the browser (the consumer one).

One socket carries many turns. The wire shows the person's message, the mode, the whole visible answer, summaries of
thoughts, pictures and sources. It names no model and no token counts; history and searches are hidden.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from addon.exchange import Ending, Exchange, Message
from addon.framing import split_messages
from addon.service import Listener, Service, Turn
from addon.services._dialect import TurnByTurn
from addon.services._ending import name_ending
from addon.services._page import list_at, once, pick, text_at

MODES = {"search": "web_search", "reasoning": "reasoning", "research": "deep_research"}
TASKS = frozenset({"taskStart", "invokeAction", "browserAutomate"})
VOICE = frozenset({"setCallType", "audioStart"})


class Copilot(Service):
    name = "copilot"
    title = "Microsoft Copilot"
    provider = "microsoft"
    hosts = ("copilot.microsoft.com",)
    path = re.compile(r"/c/api/chat")
    methods = ("GET",)
    transports = ("websocket",)
    adds = re.compile(rb'"event": ?"(?:appendText|chainOfThought)".{0,300}?(?P<only>"text"): ?"(?!")')
    tokens = "counted"
    features = (
        "reasoning", "deep_research", "web_search", "agent", "file_input", "image_input", "image_output", "voice",
    )  # fmt: skip
    grade = "documented"
    verified = date(2026, 11, 21)

    def listen(self, opening: Exchange) -> Listener | None:
        return CopilotSocket(self, opening)


class CopilotSocket(TurnByTurn):
    """Each ``send`` or ``regenerate`` of the page begins a turn, ``done`` ends it."""

    speaks = False

    def take(self, message: Message) -> Iterable[Turn]:
        turns: list[Turn] = []
        for event in split_messages(message.data):
            kind = text_at(event.data, "event")
            if kind is None:
                continue
            if message.from_client:
                turns += self._hear_page(kind, event.data, message.at_ms)
            else:
                turns += self._hear_service(kind, event.data, message.at_ms)
        return turns

    def close(self, ending: Ending, at_ms: int | None) -> Iterable[Turn]:
        return [*self.catch_up(), *self._end(at_ms)]

    def _hear_page(self, kind: str, data: Any, at_ms: int | None) -> Iterator[Turn]:
        if kind in VOICE:
            self.speaks = True
        if kind not in {"send", "regenerate"}:
            return
        yield from self._end(at_ms)
        turn = self.begin(at_ms)
        turn.conversation_id = text_at(data, "conversationId")
        turn.effort = text_at(data, "mode")
        if feature := MODES.get(turn.effort or ""):
            turn.asked(feature)
        for part in list_at(data, "content"):
            match text_at(part, "type"):
                case "text":
                    turn.prompt(pick(part, "text"))
                case "image" | "file" | "document" as part_kind:
                    turn.attach(kind=part_kind)
                case "audio":
                    turn.used("voice")

    def _hear_service(self, kind: str, data: Any, at_ms: int | None) -> Iterable[Turn]:
        if kind == "startMessage" and self.turn is None:
            self.begin(at_ms)  # nobody was heard to ask: a spoken question, or one asked before we listened
        turn = self.turn
        if turn is None:
            return ()
        match kind:
            case "startMessage":
                turn.message_id = turn.message_id or text_at(data, "messageId") or ""
                turn.conversation_id = text_at(data, "conversationId") or turn.conversation_id
                turn.first_byte_ms = turn.first_byte_ms or at_ms
                if self.speaks:
                    once(turn, "voice")
            case "appendText" | "replaceText":
                if turn.has_text("reasoning") and turn.first_token_ms is None:
                    begun = turn.state.get("thinking_from")
                    turn.thinking_ms = at_ms - begun if at_ms is not None and begun is not None else None
                turn.answer(pick(data, "text"), at_ms, part=_part_of(data), replace=kind == "replaceText")
            case "chainOfThought":
                turn.state.setdefault("thinking_from", at_ms)
                once(turn, "reasoning")
                turn.reason(pick(data, "text"), at_ms, part=_part_of(data))
            case "citation":
                once(turn, "web_search")
            case "partialImageGenerated":
                turn.state["drawn"] = True  # the same picture, better each time; often the last that comes of it
            case "imageGenerated":
                turn.state["drawn"] = False
                turn.media_count = (turn.media_count or 0) + 1
                turn.used("image_output")
            case _ if kind in TASKS:
                once(turn, "agent")
            case "done":
                turn.finished = True
                return self._end(at_ms)
            case "error" | "chatMessageError" | "banned":
                turn.outcome = "refused" if kind == "banned" else name_ending(text_at(data, "errorCode"))
                return self._end(at_ms)
        return ()

    def _end(self, at_ms: int | None) -> Iterator[Turn]:
        """Hand over the open turn, if anything was answered."""
        turn = self.turn
        if turn is not None and turn.state.get("drawn"):
            turn.media_count = (turn.media_count or 0) + 1
            turn.used("image_output")
        if turn is not None and (turn.message_id or turn.outcome or turn.media_count or turn.has_text("answer")):
            if turn.conversation_id is None:
                turn.response_id = turn.message_id
            yield from self.end(at_ms)
        self.turn = None


def _part_of(data: Any) -> str:
    """Return of which message and which part of it a text is."""
    return f"{text_at(data, 'messageId') or ''} {text_at(data, 'partId') or ''}"
