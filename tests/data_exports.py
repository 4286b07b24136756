"""Chatbots' data exports as the tests write them: the shapes of the real ones, words of our own."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

CANARY = "kanarifugl"
BEGAN = 1794819600.0
"""2026-11-16, 09:00 UTC."""


def node(identity: str, parent: str | None, role: str, *, at: float | None = BEGAN, **more: Any) -> dict[str, Any]:
    """A message in a conversation's tree; ``children`` are filled in by ``conversation``."""
    content = more.pop("content", {"content_type": "text", "parts": [f"Some words about {CANARY} and the weather."]})
    metadata = more.pop("metadata", {})
    message = {
        "id": identity, "author": {"role": role, "name": more.pop("name", None), "metadata": {}}, "create_time": at,
        "content": content, "status": more.pop("status", "finished_successfully"), "end_turn": True, "weight": 1.0,
        "metadata": metadata, "recipient": more.pop("recipient", "all"), "channel": None,
    }  # fmt: skip
    return {"id": identity, "message": message, "parent": parent, "children": []}


def assistant(identity: str, parent: str, *, model: str = "gpt-5-5", **more: Any) -> dict[str, Any]:
    metadata = {"model_slug": model, **more.pop("metadata", {})}
    return node(identity, parent, "assistant", metadata=metadata, **more)


def conversation(*nodes: dict[str, Any], identity: str = "c1", **more: Any) -> dict[str, Any]:
    mapping = {"root": {"id": "root", "message": None, "parent": None, "children": []}}
    mapping |= {each["id"]: each for each in nodes}
    for each in nodes:
        mapping[each["parent"]]["children"].append(each["id"])
    return {
        "title": CANARY, "create_time": BEGAN, "update_time": BEGAN, "mapping": mapping, "conversation_id": identity,
        "id": identity, "gizmo_id": None, "default_model_slug": "gpt-5-5", **more,
    }  # fmt: skip


def pack(path: Path, conversations: Iterable[Any] | bytes, name: str = "conversations.json") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("user.json", json.dumps({"email": f"{CANARY}@example.org"}))
        with archive.open(name, "w", force_zip64=True) as member:
            if isinstance(conversations, bytes):
                member.write(conversations)
            else:
                for number, each in enumerate(conversations):
                    member.write((b"," if number else b"[") + json.dumps(each).encode())
                member.write(b"]")
    return path


def claude_message(identity: str, sender: str, *, parent: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "uuid": identity, "text": f"Words {CANARY}", "sender": sender, "created_at": "2026-11-16T09:00:00.000000Z",
        "content": [{"type": "text", "text": f"Words {CANARY}"}], "attachments": [], "files": [],
        "parent_message_uuid": parent, **more,
    }  # fmt: skip


def claude_conversation(*messages: dict[str, Any]) -> dict[str, Any]:
    return {"uuid": "k1", "name": CANARY, "created_at": "2026-11-16T09:00:00Z", "chat_messages": list(messages)}
