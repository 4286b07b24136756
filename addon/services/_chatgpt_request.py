"""What a request to ChatGPT asks for: the newest message, uploads, and what is switched on."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any

from addon.framing import split_messages
from addon.patching import Document
from addon.service import Event, Turn
from addon.services._chatgpt_message import keep_slug, keep_word, listed

HINTS = {
    "search": "web_search",
    "reason": "reasoning",
    "picture_v2": "image_output",
    "canvas": "canvas",
    "agent": "agent",
    "slurm": "connector",
}


def read_question(turn: Turn, body: dict[str, Any]) -> None:
    """Read what the person asks: the newest message, the model and what is switched on."""
    turn.request_model = keep_slug(body.get("model"))
    turn.effort = keep_word(body.get("thinking_effort"))
    turn.conversation_id = keep_word(body.get("conversation_id"))
    hints = listed(body.get("system_hints"))
    for message in listed(body.get("messages")):
        if isinstance(message, dict):
            _read_message(turn, Document(message))
            hints = [*hints, *listed(Document(message).get("metadata", "system_hints"))]
    wished = {feature for hint in hints if (feature := name_hint(hint))}
    if turn.request_model and re.search(r"thinking|-pro\b|^o\d", turn.request_model):
        wished.add("reasoning")
    if turn.request_model and "research" in turn.request_model:
        wished.add("deep_research")
    for feature in sorted(wished):
        turn.asked(feature)


def read_voice(turn: Turn, body: Any, events: Iterable[Event]) -> None:
    """A spoken conversation: only its beginning passes here, its sound goes another way."""
    for _ in events:
        turn.outcome = "complete"
    turn.used("voice")
    turn.response_id = hashlib.sha256(turn.exchange.request_body).hexdigest()  # the offer is made for this session
    match body:
        case {"fields": {"session": str(session)}}:
            for event in split_messages(session.encode()):
                if isinstance(event.data, dict):
                    turn.request_model = keep_slug(event.data.get("model"))
        case {"session": {"model": model}} | {"model": model}:
            turn.request_model = keep_slug(model)


def read_task(turn: Turn, events: Iterable[Event]) -> None:
    """A Codex task in the cloud: it is begun here, the work is never seen."""
    turn.asked("agent")
    turn.asked("code")
    for event in events:
        match event.data:
            case {"task": {"id": str(identity)}} | {"id": str(identity)}:
                turn.response_id, turn.outcome = identity, "complete"


def name_hint(hint: object) -> str | None:
    """Return the feature that a system hint switches on."""
    if not isinstance(hint, str):
        return None
    if hint.startswith(("connector:", "plugin:")):
        return "deep_research" if "deep_research" in hint else "connector"
    return HINTS.get(hint)


def _read_message(turn: Turn, message: Document) -> None:
    role = message.get("author", "role")
    if role == "tool":
        turn.initiator = "agent"
    if role not in ("user", None):
        return
    turn.message_id = turn.message_id or keep_word(message.get("id"))
    known = set()
    for attachment in listed(message.get("metadata", "attachments")):
        if isinstance(attachment, dict):
            known.add(str(attachment.get("id")))
            turn.attach(attachment.get("size"), keep_word(attachment.get("mimeType") or attachment.get("mime_type")))
    for part in listed(message.get("content", "parts")):
        match part:
            case str():
                turn.prompt(part)
            case {"content_type": "image_asset_pointer", "asset_pointer": str(pointer)}:
                if pointer.rpartition("/")[2] not in known:
                    turn.attach(part.get("size_bytes"), "image")
            case {"content_type": "audio_asset_pointer"}:
                turn.used("audio_input")
    metadata = message.get("metadata")
    for key, feature in (
        ("deep_research_version", "deep_research"),
        ("caterpillar_selected_sources", "deep_research"),
        ("venus_model_variant", "deep_research"),
        ("selected_connector_ids", "connector"),
        ("selected_github_repos", "connector"),
        ("selected_sources", "connector"),
    ):
        if isinstance(metadata, dict) and metadata.get(key):
            turn.asked(feature)
    if isinstance(metadata, dict) and metadata.get("dictation"):
        turn.used("audio_input")
    if isinstance(metadata, dict) and metadata.get("voice_mode_message"):
        turn.used("voice")
