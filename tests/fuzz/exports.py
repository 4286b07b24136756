"""ChatGPT's and Claude's data exports, as files and as zips, and our own: what is in them is counted, and no more."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.agent_logs import CANARY
from tests.data_exports import assistant, claude_conversation, claude_message, conversation, node
from tests.fuzz import intakes
from tests.fuzz.intakes import NEXT, write_plainly
from tests.test_store import make
from tracker.exports import write_csv, write_json_lines
from tracker.record import Feature

KINDS = frozenset({"chatgpt-export", "claude-export", "own-export"})


def _pack(path: Path, content: bytes) -> None:
    """Write a zip with these conversations, whole: what is in it is broken, and not the zip."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("user.json", "{}")
        archive.writestr("conversations.json", content)


NAMES: intakes.Names = {
    b"json": ("conversations.json", write_plainly),
    b"part": ("conversations-001.json", write_plainly),
    b"packed": ("export.zip", _pack),
    b"zip": ("export.zip", write_plainly),
    b"csv": ("klimaspor.csv", write_plainly),
    b"lines": ("klimaspor.jsonl", write_plainly),
}


def seeds() -> Iterator[bytes]:
    """Yield exports of every kind."""
    for talk in _talks():
        content = json.dumps([talk], indent=0).encode()
        yield b"json\n" + content
        yield b"packed\n" + content
    some = [talk for talk in _talks() if len(json.dumps(talk)) < 1500]
    for one, other in pairwise(some):
        yield b"json\n" + json.dumps([one, other, 7, {}], indent=0).encode()
    yield b"json\n" + json.dumps(some[:1]).encode() + NEXT + b"part\n" + json.dumps(some[1:2]).encode()
    for name in ("conversations.json", "a/b/conversations-1.json", "/conversations.json", "../conversations.json"):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(name, json.dumps(some[:1]))
        yield b"zip\n" + file.getvalue()
    yield from _own()


def _talks() -> Iterator[dict[str, Any]]:
    """Yield a conversation of each shape that the exports have."""
    plain = conversation(node("u1", "root", "user"), assistant("a1", "u1"))
    yield plain
    yield conversation(node("u1", "root", "user"), assistant("a1", "u1"), assistant("b1", "u1"), identity="c2")
    yield conversation(
        node("u1", "root", "user", metadata={"system_hints": ["search"]}),
        assistant("q1", "u1", content={"content_type": "code", "text": "search()"}, recipient="web.run"),
        node("r1", "q1", "tool", name="web.run"),
        assistant("a1", "r1", metadata={"thinking_effort": "extended", "finished_duration_sec": 12}),
        identity="c3",
    )
    picture = {"content_type": "image_asset_pointer", "asset_pointer": "sediment://x", "width": 1024, "height": 1024}
    spoken = [{"content_type": "audio_transcription", "text": CANARY}, {"content_type": "audio_asset_pointer"}]
    for parts in ([picture, CANARY], spoken):
        content = {"content_type": "multimodal_text", "parts": parts}
        yield conversation(node("u1", "root", "user", content=content), assistant("a1", "u1", content=content))
    thoughts = {"content_type": "thoughts", "thoughts": [{"summary": CANARY, "content": CANARY}]}
    yield conversation(node("u1", "root", "user"), assistant("t1", "u1", content=thoughts), assistant("a1", "t1"))
    yield conversation(node("u1", "root", "user"), assistant("a1", "u1", model=f"gpt-5-{CANARY}", status="in_progress"))
    yield plain | {"mapping": {**plain["mapping"], "x": None, "y": {"message": {"author": 3}}, "z": []}}
    moments = {"start_timestamp": "2026-11-16T09:00:01Z", "stop_timestamp": "2026-11-16T09:00:05.500Z"}
    thinking = {"type": "thinking", "thinking": CANARY, **moments}
    search = {"type": "tool_use", "name": "web_search", "input": {"query": CANARY}}
    attachment = {"file_name": CANARY, "file_size": 1234, "file_type": "text/plain", "extracted_content": "words " * 9}
    human, answer = claude_message("h1", "human"), claude_message("a1", "assistant", parent="h1")
    yield claude_conversation(human, answer)
    yield claude_conversation(claude_message("h1", "human", attachments=[attachment]), answer)
    yield claude_conversation(human, answer | {"content": [thinking, search, {"type": "text", "text": CANARY}]})
    yield claude_conversation(human, answer | {"model": f"claude-{CANARY}", "content": [], "stop_reason": "refusal"})
    yield claude_conversation(human | {"files": [{"file_name": f"{CANARY}.PNG"}], "content": None}, answer, answer)


def _own() -> Iterator[bytes]:
    """Yield our own exports."""
    records = [
        make(1),
        make(2, outcome="aborted", media_seconds=1.5, conversation="c" * 32),
        make(3, features=(Feature("web_search", "used", 3), Feature("reasoning", "asked", None))),
    ]
    for write in (write_csv, write_json_lines):
        for some in (records, records[:1], []):
            file = io.StringIO()
            write(some, file)
            yield (b"csv\n" if write is write_csv else b"lines\n") + file.getvalue().encode()


def throw(data: bytes) -> None:
    """Import bytes as an export, twice; raise if anything comes of it that must not."""
    intakes.throw(data, NAMES, KINDS)
