"""Claude in the browser, as its side of an example conversation is spoken (pure)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from tracker.trial.script import Script, named, pieces, uuid

STARTED = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


def claude(number: int, talk: dict[str, Any]) -> Script:
    """Claude in the browser: Messages events with the site's own timestamps, and no usage."""
    body: dict[str, Any] = {
        "prompt": talk["prompt"],
        "model": talk["model"],
        "tools": [{"type": "web_search_v0", "name": "web_search"}],
        "attachments": [],
        "files": [],
        "rendering_mode": "messages",
        "turn_message_uuids": {"human_message_uuid": uuid(number, 3), "assistant_message_uuid": uuid(number, 2)},
    }
    if "attachment" in talk:
        text = talk["attachment"]
        body["attachments"] = [
            {"file_name": "notes.txt", "file_type": "text/plain", "file_size": len(text), "extracted_content": text}
        ]
    return Script(
        "claude.ai",
        f"/api/organizations/{uuid(0, 9)}/chat_conversations/{uuid(number, 1)}/completion",
        json.dumps(body).encode(),
        tuple(_claude_events(number, talk)),
    )


def _claude_events(number: int, talk: dict[str, Any]) -> Iterator[bytes]:
    start = {"id": f"chatcompl_{number:06d}", "type": "message", "role": "assistant", "model": talk["model"]}
    yield named({"type": "message_start", "message": start | {"uuid": uuid(number, 2), "content": []}})
    blocks: list[tuple[dict[str, Any], list[dict[str, Any]], int]] = []
    if seconds := talk.get("thinking_seconds"):
        thoughts = [{"type": "thinking_delta", "thinking": words} for words in pieces(talk["thinking"])]
        blocks.append(({"type": "thinking", "thinking": ""}, thoughts, seconds))
    for query in range(talk.get("search", 0)):
        call = {"type": "tool_use", "id": f"toolu_{query}", "name": "web_search", "input": {}}
        blocks.append((call, [{"type": "input_json_delta", "partial_json": '{"query": "home office energy"}'}], 1))
        result = {"type": "tool_result", "tool_use_id": f"toolu_{query}", "name": "web_search", "content": []}
        blocks.append((result, [{"type": "input_json_delta", "partial_json": '[{"type": "knowledge"}]'}], 1))
    texts = [{"type": "text_delta", "text": words} for words in pieces(talk["answer"])]
    blocks.append(({"type": "text", "text": "", "citations": []}, texts, 2))
    now = STARTED
    for index, (block, deltas, seconds) in enumerate(blocks):
        opened = block | {"start_timestamp": _timestamp(now), "stop_timestamp": None}
        yield named({"type": "content_block_start", "index": index, "content_block": opened})
        for delta in deltas:
            yield named({"type": "content_block_delta", "index": index, "delta": delta})
        now += timedelta(seconds=seconds)
        yield named({"type": "content_block_stop", "index": index, "stop_timestamp": _timestamp(now)})
    yield named({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}})
    yield named({"type": "message_limit", "message_limit": {"type": "within_limit"}})
    yield named({"type": "message_stop"})


def _timestamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
