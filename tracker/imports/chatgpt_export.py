"""ChatGPT's data export: every branch's turns, read by the same reader as the live answers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from addon.exchange import Exchange
from addon.patching import Document
from addon.recording import make_record
from addon.service import Turn
from addon.services._chatgpt import Answer
from addon.services._chatgpt_request import read_question
from addon.services._chatgpt_settle import settle
from addon.services.chatgpt import ChatGPT
from tracker.imports import Context, Part, Progress
from tracker.imports.archives import Questions, holds_conversations, read_export
from tracker.imports.logs import read_time
from tracker.moments import utc_offset_minutes
from tracker.record import Record

MOST_NODES = 200_000
"""Messages of one conversation; more than that no person and no model has written."""

_UNSEEN = {"user_editable_context", "model_editable_context"}
"""What the site puts into a conversation without anybody having said it."""

Node = dict[str, Any]


def is_chatgpt_export(path: Path, head: bytes) -> bool:
    """Whether this is ChatGPT's export: the zip, its folder or its ``conversations.json``."""
    return holds_conversations(path, head, b'"mapping"')


def read_chatgpt_export(path: Path, context: Context, progress: Progress) -> Iterator[Part]:
    """Yield the turns of each conversation; what the export lacks (times of the answer, sizes) stays unknown."""
    service = ChatGPT()

    def read(conversation: dict[str, Any]) -> Iterator[Record] | None:
        match conversation:
            case {"mapping": dict() as mapping} if len(mapping) <= MOST_NODES:
                return _read_conversation(conversation, mapping, service, context.key)
        return None

    return read_export(path, progress, read)


def _read_conversation(
    conversation: dict[str, Any], mapping: dict[str, Any], service: ChatGPT, key: bytes
) -> Iterator[Record]:
    identity = conversation.get("conversation_id") or conversation.get("id")
    identity = identity if isinstance(identity, str) else None
    fallback = read_time(conversation.get("create_time"))
    nodes = {name: node for name, node in mapping.items() if isinstance(node, dict)}
    questions = Questions()
    for question, answers, is_first in _find_turns(nodes):
        questions.note(question)
        times = (read_time(message.get("create_time")) for message in (question, *answers))
        moment = next((time for time in times if time is not None), fallback)
        if moment is not None:
            yield _read_turn(
                service,
                key,
                conversation=identity,
                question=question,
                answers=answers,
                moment=moment,
                is_first=is_first,
            )


def _find_turns(nodes: dict[str, Node]) -> Iterator[tuple[Node, list[Node], bool]]:
    """
    Yield each question with the messages of one answer to it, and whether it is the first answer.

    Where a question (or a step of an answer) was tried again the tree branches; each branch is an answer of its own.
    In a tree each message answers one question, so one that is named by many is followed once.
    """
    seen: set[str] = set()
    for name, node in nodes.items():
        question = _message(node)
        if not _is_question(question):
            continue
        first = True
        starts = deque(_children(node, nodes))
        seen.add(name)
        while starts:
            at: str | None = starts.popleft()
            answers: list[Node] = []
            while at is not None and at not in seen:
                seen.add(at)
                message = _message(nodes[at])
                if _is_question(message):
                    break
                if message:
                    answers.append(message)
                children = [child for child in _children(nodes[at], nodes) if child not in seen]
                starts += children[1:]
                at = children[0] if children else None
            if any(_role(answer) == "assistant" for answer in answers):
                yield question, answers, first
                first = False


def _read_turn(
    service: ChatGPT,
    key: bytes,
    *,
    conversation: str | None,
    question: Node,
    answers: list[Node],
    moment: datetime,
    is_first: bool,
) -> Record:
    exchange = Exchange(
        method="POST",
        host="chatgpt.com",
        path="/backend-api/conversation",
        status=200,
        started_at=moment.astimezone(UTC),
        source="export",
    )
    turn = Turn(service, exchange)
    body: dict[str, Any] = {"messages": [question], "conversation_id": conversation}
    read_question(turn, body)
    turn.initiator = "person"
    if not is_first:
        turn.message_id = None  # asked once, answered again: the answer's own id tells it apart
    _read_speech(turn, question)
    answer = Answer()
    for message in answers:
        answer.add(turn, Document({"message": message, "conversation_id": conversation}))
        _read_speech(turn, message)
    settle(turn, answer)
    turn.finished = True
    if _is_unfinished(answers[-1]) and turn.outcome is None:
        turn.outcome = "aborted"
    record = make_record(
        turn,
        key,
        fallback_id=lambda: repr(sorted(str(message.get("id")) for message in answers)).encode(),
        local_offset=utc_offset_minutes(moment),
        sent=None,
        received=None,
    )
    turn.forget()
    return record


def _read_speech(turn: Turn, message: Node) -> None:
    """Note what was spoken. What the person said counts as their prompt; the answer's reader has its own text."""
    content = message.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    is_question = _role(message) == "user"
    for part in parts if isinstance(parts, list) else ():
        match part:
            case {"content_type": "audio_transcription", "text": str(text)} if is_question:
                turn.prompt(text)
            case {"content_type": "real_time_user_audio_video_asset_pointer"}:
                turn.used("voice")
                turn.used("audio_input")
            case {"content_type": "audio_asset_pointer"} if not is_question:
                turn.used("voice")
                turn.used("audio_output")


def _is_question(message: Node) -> bool:
    metadata = message.get("metadata")
    hidden = isinstance(metadata, dict) and (
        metadata.get("is_visually_hidden_from_conversation") or metadata.get("is_user_system_message")
    )
    content = message.get("content")
    kind = content.get("content_type") if isinstance(content, dict) else None
    return _role(message) == "user" and not hidden and kind not in _UNSEEN


def _is_unfinished(message: Node) -> bool:
    return _role(message) == "assistant" and message.get("status") == "in_progress"


def _message(node: Node) -> Node:
    message = node.get("message")
    return message if isinstance(message, dict) else {}


def _role(message: Node) -> str | None:
    author = message.get("author")
    role = author.get("role") if isinstance(author, dict) else None
    return role if isinstance(role, str) else None


def _children(node: Node, nodes: dict[str, Node]) -> list[str]:
    children = node.get("children")
    return (
        [child for child in children if isinstance(child, str) and child in nodes] if isinstance(children, list) else []
    )
