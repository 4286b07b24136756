"""
Gemini CLI's session files, the old JSON and the newer JSON lines with their snapshots.

A sub-agent's session lies in a folder named after its parent's, in a file named after itself. A snapshot of all
messages (``$set``) is written when the history was changed: what appears there first nobody said, such as a summary,
or a tool's result in the person's place.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tracker.imports import Context, Part, Progress
from tracker.imports.logs import (
    Logs,
    damaged,
    find_files,
    holds,
    in_batches,
    make_record,
    mark_conversation,
    parse,
    read_time,
    total,
)
from tracker.record import Feature, Record, count_or_none, identify

SERVICE = "code-assist"
"""What a Google login uses; with an API key it is another door to the same models."""
READER = "gemini-cli-log/2"
_LARGEST = 128 << 20
"""Bytes of an old session file, which is one JSON value."""


def is_gemini_cli(path: Path, head: bytes) -> bool:
    """Whether this is a session of Gemini CLI, or a folder with some."""

    def marks(data: bytes) -> bool:
        return b'"sessionId"' in data and b'"projectHash"' in data

    return holds(path, head, _fits, marks)


def read_gemini_cli(path: Path, context: Context, progress: Progress) -> Iterator[Part]:
    """Yield the answers in ``~/.gemini/tmp``, in a folder of sessions or in one file."""
    yield from in_batches(_read(path, context, progress))


def _fits(name: str) -> bool:
    return name.endswith(".jsonl") or (name.startswith("session-") and name.endswith(".json"))


def _read(path: Path, context: Context, progress: Progress) -> Iterator[Record | Part]:
    for file, lines in Logs(find_files(path, _fits), progress):
        session = _Session()
        with file.open("rb") as opened:
            first = opened.readline(1 << 20)
        if not _fits_session(file.name, first):
            continue  # some other log in the same folder
        if _is_lines(first):
            for position, data in lines:
                entry = parse(data)
                if entry is None:
                    yield damaged(position, too_long=not data)
                else:
                    session.take(entry)
        else:
            entry = parse(file.read_bytes()) if file.stat().st_size <= _LARGEST else None
            if entry is None:
                yield damaged(1)
                continue
            session.take(entry)
        yield from session.settle(context)


def _fits_session(name: str, first: bytes) -> bool:
    return name.startswith("session-") or (b'"sessionId"' in first and b'"projectHash"' in first)


def _is_lines(first: bytes) -> bool:
    return parse(first) is not None and b'"messages"' not in first


class _Session:
    """One session: its messages by id, the last version of each."""

    def __init__(self) -> None:
        self.identity: str | None = None
        self.is_subagent = False
        self.messages: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def take(self, entry: dict[str, Any]) -> None:
        """Take a line, or a whole file of the old kind."""
        is_snapshot = False
        while isinstance(changed := entry.get("$set"), dict):
            entry, is_snapshot = changed, True
        match entry:
            case {"type": str(), "id": str(identity)}:
                self.messages[identity] = _slim(entry)
        if isinstance(session := entry.get("sessionId"), str):
            self.identity = session
        if entry.get("kind") == "subagent":
            self.is_subagent = True
        if isinstance(messages := entry.get("messages"), list):
            for message in messages:
                if isinstance(message, dict) and isinstance(message.get("id"), str):
                    known = self.messages.get(message["id"])
                    said = known["said"] if known else not is_snapshot
                    self.messages[message["id"]] = _slim(message) | {"said": said}

    def settle(self, context: Context) -> Iterator[Record]:
        asked = False
        for identity, message in self.messages.items():
            if message["type"] == "user" and message["said"]:
                asked = not self.is_subagent
            moment, tokens = message["moment"], message["tokens"]
            if message["type"] != "gemini" or moment is None or not isinstance(tokens, dict):
                continue
            thoughts = count_or_none(tokens.get("thoughts"))
            yield make_record(
                identity=identify(context.key, SERVICE, "gemini-cli/", identity),
                moment=moment,
                service=SERVICE,
                provider="gcp.gemini",
                model=message["model"],
                # Thoughts are counted beside the answer, tools' results beside the prompt; cached is in the prompt.
                tokens=(
                    total(tokens.get("input"), tokens.get("tool")),
                    total(tokens.get("output"), thoughts),
                    count_or_none(tokens.get("cached")),
                    thoughts,
                ),
                conversation=mark_conversation(context.key, SERVICE, self.identity) if self.identity else None,
                initiator="person" if asked else "agent",
                client="cli/gemini-cli",
                reader=READER,
                features=[
                    Feature(name, "used", amount)
                    for name, amount in (("tool", message["tools"]), ("reasoning", min(thoughts or 0, 1)))
                    if amount
                ],
            )
            asked = False


def _slim(message: dict[str, Any]) -> dict[str, Any]:
    """Keep what is counted, so that no words stay in memory."""
    tools, model, content = message.get("toolCalls"), message.get("model"), message.get("content")
    parts = content if isinstance(content, list) else [content]
    return {
        "type": message.get("type"),
        "said": not any(isinstance(part, dict) and "functionResponse" in part for part in parts),
        "moment": read_time(message.get("timestamp")),
        "tokens": message.get("tokens"),
        "model": model if isinstance(model, str) else None,
        "tools": len(tools) if isinstance(tools, list) else 0,
    }
