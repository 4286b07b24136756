"""
OpenCode's messages: its SQLite database in both generations, and the older JSON files.

A fork copies its parent's messages under new names, and a database of the second generation may hold those of the
first once more. So an answer is told by its moment, its model and its counts, which every copy has.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tracker.imports import Context, NotReadableError, Part, Progress
from tracker.imports.logs import (
    LONGEST_LINE,
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
from tracker.imports.opencode_sessions import Sessions, open_database, read_rows
from tracker.record import Feature, Record, count_or_none, identify

READER = "opencode-log/2"
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
    "github-models": ("github-models", None),
    "google-vertex-anthropic": ("vertex-ai", "gcp.vertex_ai"),
    "togetherai": ("together-api", "together_ai"),
    "fireworks-ai": ("fireworks-api", "fireworks_ai"),
    "huggingface": ("huggingface-router", "huggingface"),
    "cohere": ("cohere-api", "cohere"),
    "perplexity": ("perplexity-api", "perplexity"),
    "nvidia": ("nvidia-api", "nvidia"),
    "minimax": ("minimax-api", "minimax"),
    "alibaba": ("dashscope-api", "alibaba_cloud"),
    "zai": ("zai-api", "z_ai"),
    "zai-coding-plan": ("zai-api", "z_ai"),
    "ollama": ("ollama", "ollama"),
    "ollama-cloud": ("ollama-cloud", "ollama"),
    "lmstudio": ("lm-studio", "lm_studio"),
}
"""Service and provider by OpenCode's provider; any other name may be a person's own and is not taken."""
_THOUGHTS_APART = frozenset({"google", "google-vertex"})
"""Providers whose own library counts thoughts beside the output, also in versions that told no total."""


@dataclass(slots=True)
class _Talk:
    """What is known of one session while its messages are read."""

    identity: str | None
    is_subagent: bool = False
    asked: bool = False
    """Second generation: the person spoke, and nothing was answered yet."""
    answered: set[str] = field(default_factory=set)
    """First generation: the questions that an answer names as its own."""


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
    talk, sessions = _Talk(None), Sessions()
    for file in sorted(files, key=lambda file: (file.suffix != ".db", file)):
        for session, message in _messages(file):
            position += 1
            if message is None:
                yield damaged(position)
                continue
            if session != talk.identity:
                talk = _Talk(session, is_subagent=sessions.has_parent(file, session))
            record = _read_message(message, talk, context)
            if record is not None and record.id not in seen:
                seen.add(record.id)
                yield record
        done += file.stat().st_size
        progress(done, everything)


def _messages(file: Path) -> Iterator[tuple[str | None, dict[str, Any] | None]]:
    if file.suffix == ".json":
        message = parse(file.read_bytes()) if file.stat().st_size < LONGEST_LINE else None
        session = message.get("sessionID") if message else None
        yield session if isinstance(session, str) else None, message
        return
    try:
        with closing(open_database(file)) as connection:
            for session, kind, data in read_rows(connection):
                message = parse(data) if isinstance(data, bytes) else None
                if message is not None and isinstance(kind, bytes):
                    message = {"role": kind.decode("utf-8", "replace"), **message}
                yield session.decode("utf-8", "replace") if isinstance(session, bytes) else None, message
    except sqlite3.Error as error:
        raise NotReadableError(
            "OpenCode's database is in use or damaged; close OpenCode and import it again"
        ) from error


def _read_message(message: dict[str, Any], talk: _Talk, context: Context) -> Record | None:
    match message:
        case {"role": "assistant", "tokens": dict() as tokens}:
            pass
        case {"role": "user"}:
            talk.asked = True
            return None
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
    counts = (plain_input, output, cached, written, reasoning)
    is_apart = isinstance(message.get("model"), dict) or provider_id in _THOUGHTS_APART
    return make_record(
        identity=identify(context.key, service, "opencode/", f"{created.timestamp()}/{provider_id}/{model}/{counts}"),
        moment=created,
        service=service,
        provider=provider,
        model=model,
        tokens=(
            total(plain_input, cached, written),
            _whole_output(tokens, counts, is_apart=is_apart),
            cached,
            reasoning,
        ),
        conversation=mark_conversation(context.key, service, talk.identity) if talk.identity else None,
        initiator="person" if _is_asked(message, talk) else "agent",
        client="cli/opencode",
        reader=READER,
        features=[Feature(name, "used", 1) for name, used in _features(reasoning, talk) if used],
    )


def _features(reasoning: int | None, talk: _Talk) -> tuple[tuple[str, bool], ...]:
    return ("reasoning", bool(reasoning)), ("agent", talk.is_subagent)


def _is_asked(message: dict[str, Any], talk: _Talk) -> bool:
    """Whether this is the first answer to something the person said."""
    parent = message.get("parentID")
    if isinstance(parent, str):
        first = parent not in talk.answered
        talk.answered.add(parent)
    else:
        first, talk.asked = talk.asked, False
    return first and not talk.is_subagent and message.get("summary") is not True


def _whole_output(tokens: dict[str, Any], counts: tuple[int | None, ...], *, is_apart: bool) -> int | None:
    """Return the output with its reasoning. Newer versions count them apart; where a total is told, it tells which."""
    plain_input, output, cached, written, reasoning = counts
    if output is None or not reasoning:
        return output
    everything = count_or_none(tokens.get("total"))
    if everything is not None:
        is_apart = everything == (plain_input or 0) + (cached or 0) + (written or 0) + output + reasoning
    return output + reasoning if is_apart or reasoning > output else output
