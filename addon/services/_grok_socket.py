"""Grok's sockets: the chat gateway, which carries turn after turn, and the page that only makes pictures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from addon.exchange import Ending, Exchange, Message
from addon.framing import split_messages
from addon.service import Service, Turn
from addon.services._dialect import TurnByTurn
from addon.services._grok_answer import card_feature, draw, make_media
from addon.services._page import identity_at, list_at, once, pick, pixels, size_at, text_at

_QUIET = frozenset({
    "session.created", "conversation.attached", "conversation.queue.updated", "conversation.item.added",
    "response.output_item.added", "response.output_item.done", "response.content_part.added",
    "response.content_part.done", "response.output_text.delta", "response.output_text.done", "response.grok.output",
    "response.persisted", "conversation.title.updated", "pong", "response.created",
})  # fmt: skip


ANSWER = "CHANNEL_ASSISTANT_RESPONSE"
_ADDS = re.compile(rb'(?:"text": ?\{"text"|"delta"): ?"(?!")')


class Gateway(TurnByTurn):
    """A turn is ``response.create`` to ``response.done``; old items that are replayed before count for nothing."""

    def __init__(self, service: Service, opening: Exchange) -> None:
        super().__init__(service, opening, _ADDS)
        self.mode: str | None = None
        self.conversation: str | None = None
        self.images_asked = False
        self.item: dict[str, Any] | None = None

    def take(self, message: Message) -> Iterable[Turn]:
        for event in split_messages(message.data):
            told = pick(event.data, "event")
            if isinstance(told, dict):
                session = identity_at(event.data, "session_id")
                self.conversation = session or self.conversation
                if message.from_client:
                    yield from self._ask(told, message.at_ms)
                else:
                    yield from self._answer(told, message.at_ms)

    def _ask(self, told: dict[str, Any], at_ms: int | None) -> Iterator[Turn]:
        match told:
            case {"type": "session.create" | "session.update", "session": dict() as session}:
                self.mode = text_at(session, "model") or self.mode
                self.images_asked = pick(session, "x_grok", "enable_image_generation") is True
            case {"type": "conversation.item.create", "item": dict() as added}:
                self.item = {**added, "files": list_at(told, "file_attachment_ids")}
            case {"type": "response.create"}:
                yield from self.end(at_ms)
                item: Any = told.get("item") or pick(told, "response", "item") or self.item
                self.item = None
                turn = self.begin(at_ms)
                turn.effort = self.mode
                turn.conversation_id = self.conversation
                for piece in list_at(item, "x_grok", "input_chunks"):
                    turn.prompt(text_at(piece, "text", "text"))
                    if pick(piece, "mention", "file") is not None:
                        turn.attach()
                for _ in list_at(item, "files") or list_at(told, "file_attachment_ids"):
                    turn.attach()

    def _answer(self, told: dict[str, Any], at_ms: int | None) -> Iterator[Turn]:
        kind = text_at(told, "type")
        if kind == "conversation.attached":
            self.conversation = identity_at(told, "conversation", "id") or self.conversation
        turn = self.turn
        if turn is None:
            return
        turn.conversation_id = turn.conversation_id or self.conversation
        match kind:
            case "response.created":
                turn.response_id = turn.response_id or identity_at(told, "response", "id")
            case "response.chunk":
                turn.response_id = turn.response_id or identity_at(told, "response_id")
                chunk = told.get("chunk")
                if isinstance(chunk, dict):
                    self._read_chunk(turn, chunk, identity_at(told, "response_id") or "", at_ms)
            case "response.output_text.delta":
                turn.state["said"] = turn.state.get("said", "") + (text_at(told, "delta") or "")
            case "response.output_text.done":
                turn.state["said"] = text_at(told, "text") or turn.state.get("said", "")
            case "response.done":
                if not turn.has_text("answer"):
                    turn.answer(turn.state.get("said"), at_ms)  # pages that were not told in chunks
                match pick(told, "response", "status"):
                    case "failed" | "incomplete":
                        turn.outcome = "error"
                    case "cancelled":
                        turn.outcome = "aborted"
                turn.response_id = identity_at(told, "response", "id") or turn.response_id
                turn.finished = True
                yield from self.end(at_ms)
            case "error":
                code = f"{pick(told, 'error', 'code')} {pick(told, 'error', 'type')}".lower()
                turn.outcome = "limited" if "limit" in code or "quota" in code else "error"
                yield from self.end(at_ms)
            case str() if kind not in _QUIET:
                turn.wonder(kind.replace(".", "_"))

    def _read_chunk(self, turn: Turn, chunk: dict[str, Any], part: str, at_ms: int | None) -> None:
        match chunk:
            case {"text": {"text": text} as said} if (said.get("channel") or ANSWER) == ANSWER:
                turn.answer(text, at_ms, part=part)
            case {"text": {"text": text}}:
                turn.reason(text, at_ms, part=part)
                once(turn, "reasoning", None)
            case {"ui_layout": layout}:
                turn.response_model = text_at(layout, "steer_model_id") or turn.response_model
            case {"tool_usage_card": dict() as card}:
                turn.used(card_feature(card))
            case {"image_chunk": _} | {"card_attachment": _}:
                draw(turn, pick(chunk, "card_attachment") or chunk)
            case {"streaming_image_generation_response": {"progress": 100}}:
                make_media(turn, "image", 1)


class Pictures(TurnByTurn):
    """Each request makes several pictures, each a job of its own; every one is sent again and again as it sharpens."""

    def hear(self, message: Message) -> Iterable[Turn]:
        for event in split_messages(message.data):
            data = event.data
            if message.from_client:
                kinds = {text_at(part, "type") for part in list_at(data, "item", "content")}
                if kinds & {"input_text", "input_scroll"}:
                    yield from self.end(message.at_ms)
                    self._ask(data, message.at_ms)
            elif self.turn is not None and text_at(data, "type") == "json":
                self._hear_job(self.turn, data)
                jobs: dict[str, bool] = self.turn.state["jobs"]
                if jobs and all(jobs.values()) and len(jobs) >= self.turn.state["wanted"]:
                    self.turn.finished = True
                    yield from self.end(message.at_ms)

    def close(self, ending: Ending, at_ms: int | None) -> Iterable[Turn]:
        if self.turn is not None and self.turn.state["jobs"] and all(self.turn.state["jobs"].values()):
            self.turn.finished = True
        yield from super().close(ending, at_ms)

    def _ask(self, data: Any, at_ms: int | None) -> None:
        turn = self.begin(at_ms)
        turn.operation = "image"
        turn.asked("image_output")
        turn.state["jobs"] = {}
        for part in list_at(data, "item", "content"):
            turn.prompt(text_at(part, "text"))
            wanted = size_at(part, "properties", "num_generations")
            turn.state["wanted"] = wanted or turn.state.get("wanted", 1)
            turn.response_id = identity_at(part, "requestId") or turn.response_id
        turn.response_id = turn.response_id or identity_at(data, "requestId")

    def _hear_job(self, turn: Turn, data: Any) -> None:
        job = identity_at(data, "job_id") or identity_at(data, "image_id") or identity_at(data, "id")
        jobs = turn.state["jobs"]
        if job is None or jobs.get(job):
            return
        jobs[job] = text_at(data, "current_status") == "completed"
        if jobs[job]:
            turn.media_pixels = pixels(size_at(data, "width"), size_at(data, "height")) or turn.media_pixels
            make_media(turn, "image", 1)
