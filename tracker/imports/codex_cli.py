"""
Codex CLI's rollouts, also those it packed away: one record a token count, replays of a parent's history in forks and
sub-agents left out.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from tracker.imports import Context, Part, Progress
from tracker.imports.codex_parents import Counts, Parents, Totals, is_rollout, read_counts, stem
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
    used,
)
from tracker.imports.packed import is_packed
from tracker.record import Record, identify

SERVICE = "codex"
READER = "codex-log/2"
_PROVIDERS = {
    "openai": (SERVICE, "openai"),
    "amazon-bedrock": ("bedrock", "aws.bedrock"),
    "ollama": ("ollama", "ollama"),
    "lmstudio": ("lm-studio", "lm_studio"),
}
"""Service and provider by the name that Codex itself has for one; any other may be a person's own."""
_REPLAY = timedelta(seconds=2)
"""Replayed history is written at once when the child begins; no answer comes that quickly."""
_COUNT = re.compile(rb'"token_count",\s*"info":\s*\{\s*"total_token_usage":\s*\{[^{}]*\}')
_CALLS = (b'"type":"function_call"', b'"type":"custom_tool_call"', b'"type":"local_shell_call"')


@dataclass(slots=True)
class _Session:
    """One rollout file while it is read."""

    identity: str | None = None
    began_at: Any = None
    parent: str | None = None
    is_subagent: bool = False
    service: str = SERVICE
    provider: str | None = "openai"
    model: str | None = None
    effort: str | None = None
    asked: bool = False
    tools: int = 0
    searches: int = 0
    last_total: Counts | None = None
    last_info: Any = None
    last_count: bytes = b""
    """The last total as it was written."""
    ordinal: int = 0
    history: Totals = field(default_factory=lambda: array("q"))
    """The parent's totals in order, as far as they have been seen again here."""
    replayed: int = 0
    in_replay: bool = True


def is_codex(path: Path, head: bytes) -> bool:
    """Whether this is a rollout of Codex CLI, or a folder with some."""

    def marks(data: bytes) -> bool:
        return b'"session_meta"' in data or (b'"event_msg"' in data and b'"payload"' in data)

    return holds(path, head, is_rollout, marks)


def read_codex(path: Path, context: Context, progress: Progress) -> Iterator[Part]:
    """Yield the answers in ``~/.codex``, in a folder of rollouts or in one file."""
    yield from in_batches(_read(path, context, progress))


def _read(path: Path, context: Context, progress: Progress) -> Iterator[Record | Part]:
    files = find_files(path, is_rollout)
    plain = set(files)  # while Codex packs a rollout away both lie side by side
    files = [file for file in files if not is_packed(file) or file.with_suffix("") not in plain]
    parents = Parents(files)
    for file, lines in Logs(files, progress):
        session = _Session()
        for position, data in lines:
            at = data.find(b'"token_count"')
            if not data or at >= 0 or b'"session_meta"' in data or b'"turn_context"' in data:
                count = _COUNT.match(data, at) if at >= 0 else None
                if count and count[0] == session.last_count and data.rstrip().endswith(b"}"):
                    continue  # said again, as most are: it need not be taken apart
                entry = parse(data)
                if entry is None:
                    yield damaged(position, too_long=not data)
                    continue
                session.last_count = count[0] if count else session.last_count
                if (record := _take(session, entry, file, parents, context)) is not None:
                    yield record
            elif b'"user_message"' in data:
                session.asked = not session.is_subagent
            elif b'"type":"web_search_call"' in data:
                session.searches += 1
            elif any(call in data for call in _CALLS):
                session.tools += 1
            elif not data.rstrip().endswith(b"}"):
                yield damaged(position)


def _take(session: _Session, entry: dict[str, Any], file: Path, parents: Parents, context: Context) -> Record | None:
    match entry:
        case {"type": "session_meta", "payload": dict() as payload} if session.identity is None:
            _begin(session, payload, parents)
        case {"type": "turn_context", "payload": dict() as payload}:
            session.model = _text(payload.get("model")) or session.model
            session.effort = _effort(payload.get("effort"))
        case {"type": "event_msg", "payload": {"type": "token_count", "info": dict() as info}}:
            return _count(session, entry, info, file, context)
    return None


def _begin(session: _Session, payload: dict[str, Any], parents: Parents) -> None:
    session.identity = _text(payload.get("id"))
    session.began_at = read_time(payload.get("timestamp"))
    source = payload.get("source")
    session.is_subagent = payload.get("thread_source") == "subagent" or (
        isinstance(source, dict) and "subagent" in source
    )
    session.parent = _text(payload.get("forked_from_id")) or _text(payload.get("parent_thread_id"))
    if provider := _text(payload.get("model_provider")):
        session.service, session.provider = _PROVIDERS.get(provider, (SERVICE, None))
    if session.parent:
        session.history = parents.totals(session.parent)


def _count(
    session: _Session, entry: dict[str, Any], info: dict[str, Any], file: Path, context: Context
) -> Record | None:
    reached = read_counts(info.get("total_token_usage"))
    if info == session.last_info or (reached is not None and reached == session.last_total):
        return None  # said again
    last = read_counts(info.get("last_token_usage"))
    if last is None and reached is not None:
        before = session.last_total or (0,) * len(reached)
        grown = tuple(now - then for now, then in zip(reached, before, strict=True))
        last = grown if min(grown) >= 0 else reached
    session.last_info, session.last_total = info, reached
    session.ordinal += 1
    moment = read_time(entry.get("timestamp"))
    if session.in_replay and session.parent and _is_replay(session, reached, moment):
        session.asked, session.tools, session.searches = False, 0, 0
        return None
    session.in_replay = False
    if last is None or moment is None or not any(last):
        return None
    name = session.identity or stem(file)
    mark = ",".join(map(str, reached)) if reached else f"#{session.ordinal}"
    tokens_in, cached, tokens_out, reasoning = last
    features = [
        used(feature, amount)
        for feature, amount in (
            ("tool", session.tools),
            ("web_search", session.searches),
            ("reasoning", int(reasoning > 0)),
            ("agent", int(session.is_subagent)),
        )
        if amount
    ]
    record = make_record(
        identity=identify(context.key, session.service, f"{name}/{mark}"),
        moment=moment,
        service=session.service,
        provider=session.provider,
        model=session.model,
        effort=session.effort,
        tokens=(tokens_in, tokens_out, cached, reasoning),
        conversation=mark_conversation(context.key, session.service, name),
        initiator="person" if session.asked else "agent",
        client="cli/codex",
        reader=READER,
        features=features,
    )
    session.asked, session.tools, session.searches = False, 0, 0
    return record


def _is_replay(session: _Session, reached: Counts | None, moment: Any) -> bool:
    if session.history:
        if session.replayed < len(session.history) and hash(reached) == session.history[session.replayed]:
            session.replayed += 1
            return True
        return False
    at_once = session.began_at is not None and moment is not None and moment - session.began_at <= _REPLAY
    return bool(at_once)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _effort(value: object) -> str | None:
    return value if value in ("none", "minimal", "low", "medium", "high", "xhigh") else None
