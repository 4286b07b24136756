"""Claude's data export: each answer once. It names no model and no sizes; those stay unknown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from addon.exchange import Exchange
from addon.recording import make_record
from addon.service import Turn
from addon.services._claude_stream import name_tool
from addon.services.claude import Claude
from tracker.imports import Context, Part, Progress
from tracker.imports.archives import Questions, holds_conversations, read_export
from tracker.imports.logs import read_time
from tracker.moments import utc_offset_minutes
from tracker.record import Record

Message = dict[str, Any]
_PROMPTLY = timedelta(minutes=2)
_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".heic")


def is_claude_export(path: Path, head: bytes) -> bool:
    """Whether this is Claude's export: the zip, its folder or its ``conversations.json``."""
    return holds_conversations(path, head, b'"chat_messages"')


def read_claude_export(path: Path, context: Context, progress: Progress) -> Iterator[Part]:
    """Yield the answers of each conversation."""
    service = Claude()

    def read(conversation: dict[str, Any]) -> Iterator[Record] | None:
        match conversation:
            case {"chat_messages": list() as messages}:
                return _read_conversation(conversation, messages, service, context.key)
        return None

    return read_export(path, progress, read)


def _read_conversation(
    conversation: dict[str, Any], messages: list[Any], service: Claude, key: bytes
) -> Iterator[Record]:
    identity = conversation.get("uuid")
    model = conversation.get("model")
    by_id: dict[str, Message] = {}
    latest: Message | None = None
    questions = Questions()
    for message in messages:
        if not isinstance(message, dict):
            continue
        if isinstance(message.get("uuid"), str):
            by_id[message["uuid"]] = message
        if message.get("sender") == "human":
            latest = message
            continue
        asked = by_id.get(str(message.get("parent_message_uuid")), latest)
        question = asked if asked and asked.get("sender") == "human" else latest
        times = ((question or {}).get("created_at"), message.get("created_at"), conversation.get("created_at"))
        moment = next((time for value in times if (time := read_time(value)) is not None), None)
        if message.get("sender") == "assistant" and moment is not None:
            turn = _begin(service, moment, identity if isinstance(identity, str) else None)
            turn.response_model = model if isinstance(model, str) else None
            if question:
                questions.note(question)
                _read_question(turn, question)
            _read_answer(turn, message)
            yield _finish(turn, key, moment, message)


def _begin(service: Claude, moment: datetime, conversation: str | None) -> Turn:
    exchange = Exchange(
        method="POST",
        host="claude.ai",
        path="/",
        status=200,
        started_at=moment.astimezone(UTC),
        source="export",
    )
    turn = Turn(service, exchange)
    turn.conversation_id = conversation
    turn.finished = True
    return turn


def _read_question(turn: Turn, message: Message) -> None:
    texts = [block.get("text") for block in _blocks(message) if block.get("type") == "text"]
    for text in texts or [message.get("text")]:
        turn.prompt(text)
    for attachment in _listed(message.get("attachments")):
        turn.attach(attachment.get("file_size"), _text(attachment.get("file_type")))
        turn.prompt(attachment.get("extracted_content"))
    for file in _listed(message.get("files")) or _listed(message.get("files_v2")):
        is_picture = file.get("file_kind") == "image" or str(file.get("file_name")).lower().endswith(_PICTURES)
        turn.attach(None, "image" if is_picture else None)


def _read_answer(turn: Turn, message: Message) -> None:
    turn.response_id = _text(message.get("uuid"))
    if model := _text(message.get("model")):
        turn.response_model = model
    blocks = _blocks(message)
    for number, block in enumerate(blocks):
        match block.get("type"):
            case "text":
                turn.answer(block.get("text"), part=str(number))
            case "thinking":
                turn.used("reasoning")
                turn.reason(block.get("thinking"), part=str(number))
                began, ended = read_time(block.get("start_timestamp")), read_time(block.get("stop_timestamp"))
                if began and ended and 0 <= (ended - began).total_seconds() < 86_400:
                    turn.thinking_ms = (turn.thinking_ms or 0) + round((ended - began).total_seconds() * 1000)
            case "tool_use":
                turn.used(name_tool(block))
                turn.call_tool(_arguments(block.get("input")), part=str(number))
    if not any(block.get("type") == "text" for block in blocks):
        turn.answer(message.get("text"))
    turn.ended_ms = _time_answer(turn.exchange.started_at, blocks)
    if not blocks and not turn.has_text("answer"):
        turn.outcome = "aborted"  # stopped before the first word
    match message.get("stop_reason"):
        case "user_canceled":
            turn.outcome = "aborted"
        case "refusal":
            turn.outcome = "refused"


def _time_answer(asked_at: datetime, blocks: list[Message]) -> int | None:
    """Return the milliseconds from the question to the end of the answer; None for one that was made later again."""
    begun, ended = (
        [moment for block in blocks if (moment := read_time(block.get(name)))]
        for name in ("start_timestamp", "stop_timestamp")
    )
    if not begun or not ended or not timedelta(0) <= min(begun) - asked_at <= _PROMPTLY:
        return None
    took = max(ended) - asked_at
    return round(took.total_seconds() * 1000) if timedelta(0) <= took < timedelta(days=1) else None


def _finish(turn: Turn, key: bytes, moment: datetime, message: Message) -> Record:
    record = make_record(
        turn,
        key,
        fallback_id=str((turn.conversation_id, message.get("created_at"))).encode,
        local_offset=utc_offset_minutes(moment),
        sent=None,
        received=None,
    )
    turn.forget()
    return record


def _arguments(value: object) -> str | None:
    import json

    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) and value else None


def _blocks(message: Message) -> list[Message]:
    return _listed(message.get("content"))


def _listed(value: object) -> list[Message]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
