"""OpenCode's messages: its SQLite database in both generations, and the older JSON files."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tracker.imports import Context, NotReadableError, Part, Progress
from tracker.imports.logs import (
    Line,
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

READER = "opencode-log/1"
_SERVICES = {
    "anthropic": ("anthropic-api", "anthropic"),
    "openai": ("openai-api", "openai"),
    "google": ("gemini-api", "gcp.gemini"),
    "mistral": ("mistral-api", "mistral_ai"),
    "deepseek": ("deepseek-api", "deepseek"),
    "groq": ("groq-api", "groq"),
    "xai": ("xai-api", "x_ai"),
    "google-vertex": ("vertex-ai", "gcp.vertex_ai"),
    "amazon-bedrock": ("bedrock", "aws.bedrock"),
    "azure": ("azure-openai", "azure.ai.openai"),
    "moonshotai": ("moonshot-api", "moonshot_ai"),
    "cerebras": ("cerebras-api", "cerebras"),
    "openrouter": ("openrouter", None),
    "github-copilot": ("copilot-ide", None),
}
"""Service and provider by OpenCode's provider; any other name may be a person's own and is not taken."""
_QUERIES = {
    # v2 keeps the role in the row's type; both keep the rest as JSON
    "session_message": "SELECT id, session_id, type, data FROM session_message ORDER BY session_id, id",
    "message": "SELECT id, session_id, NULL, data FROM message ORDER BY session_id, id",
}


def is_opencode(path: Path, head: bytes) -> bool:
    """Whether this is OpenCode's database, one of its message files, or a folder with some."""

    def marks(data: bytes) -> bool:
        if data.startswith(b"SQLite format 3\x00"):
            return b"session" in data and b"message" in data
        return b'"sessionID"' in data and b'"role"' in data

    return holds(path, head, _fits, marks)


def read_opencode(path: Path, context: Context, progress: Progress) -> Iterator[Part]:
    """Yield the answers in ``~/.local/share/opencode``, its database or a folder of message files."""
    yield from in_batches(_read(path, context, progress))


def _fits(name: str) -> bool:
    return (name.startswith("opencode") and name.endswith(".db")) or (
        name.startswith("msg_") and name.endswith(".json")
    )


def _read(path: Path, context: Context, progress: Progress) -> Iterator[Record | Part]:
    position = 0
    files = find_files(path, _fits)
    everything = sum(file.stat().st_size for file in files)
    done = 0
    seen: set[str] = set()
    for file in sorted(files, key=lambda file: (file.suffix != ".db", file)):
        answered: set[str] = set()
        for identity, session, message in _messages(file):
            position += 1
            if message is None:
                yield damaged(Line(position, b"-"))
            elif identity not in seen:  # the database first; what was moved into it still lies about as JSON
                seen.add(identity)
                if (record := _read_message(identity, session, message, answered, context)) is not None:
                    yield record
        done += file.stat().st_size
        progress(done, everything)


def _messages(file: Path) -> Iterator[tuple[str, str | None, dict[str, Any] | None]]:
    if file.suffix == ".json":
        message = parse(file.read_bytes()) if file.stat().st_size < 64 << 20 else None
        identity = message.get("id") if message else None
        session = message.get("sessionID") if message else None
        yield str(identity or file.stem), session if isinstance(session, str) else None, message
        return
    try:
        connection = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=5)
        try:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            for table, query in _QUERIES.items():
                if table in tables:
                    for identity, session, kind, data in connection.execute(query):
                        message = parse(data.encode() if isinstance(data, str) else bytes(data or b""))
                        if message is not None and kind is not None:
                            message = {"role": kind, **message}
                        yield str(identity), str(session), message
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise NotReadableError("OpenCode's database could not be read; close OpenCode and try again") from error


def _read_message(
    identity: str, session: str | None, message: dict[str, Any], answered: set[str], context: Context
) -> Record | None:
    match message:
        case {"role": "assistant", "tokens": dict() as tokens}:
            pass
        case _:
            return None
    match message.get("model"):
        case {"id": str(model), "providerID": str(provider_id)}:
            pass
        case _:
            model, provider_id = str(message.get("modelID")), str(message.get("providerID"))
    times = message.get("time")
    created = read_time(times.get("created")) if isinstance(times, dict) else None
    cache = tokens.get("cache")
    cached, written = (
        (count_or_none(cache.get(name)) for name in ("read", "write")) if isinstance(cache, dict) else (None, None)
    )
    plain_input, output, reasoning = (count_or_none(tokens.get(name)) for name in ("input", "output", "reasoning"))
    if created is None or not (plain_input or output or cached):
        return None
    service, provider = _SERVICES.get(provider_id, ("opencode", None))
    parent = str(message.get("parentID"))
    asked = parent not in answered
    answered.add(parent)
    return make_record(
        identity=identify(context.key, service, "opencode/", identity),
        moment=created,
        service=service,
        provider=provider,
        model=model,
        tokens=(
            total(plain_input, cached, written),
            _whole_output(tokens, plain_input, output, cached, written, reasoning),
            cached,
            reasoning,
        ),
        conversation=mark_conversation(context.key, service, session) if session else None,
        initiator="person" if asked else "agent",
        client="cli/opencode",
        reader=READER,
        features=[Feature("reasoning", "used", 1)] if reasoning else (),
    )


def _whole_output(tokens: dict[str, Any], *counts: int | None) -> int | None:
    """Return the output with its reasoning. Newer versions count them apart, and their total tells which it is."""
    plain_input, output, cached, written, reasoning = counts
    if output is None or not reasoning:
        return output
    everything = count_or_none(tokens.get("total"))
    apart = (plain_input or 0) + (cached or 0) + (written or 0) + output + reasoning
    return output + reasoning if everything == apart or reasoning > output else output
