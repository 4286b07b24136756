"""Claude Code's logs: one answer from all the snapshots of it, sub-agents apart, copies in resumed sessions known."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from addon.service import Usage
from addon.services._usage import number, read_anthropic
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
    used,
)
from tracker.record import Feature, Record, count_or_none, identify

SERVICE = "anthropic-api"
"""As the proxy names it, so that what both have seen has one id."""
READER = "claude-code-log/1"
_OPEN_ANSWERS = 2000
"""Answers whose snapshots may still go on; what is older is written, and replaced should more come."""
_PLACEHOLDER = 10
"""Some versions log the count of the first snapshot, a token or a few, and never the last one."""
_TOOLS = {"Task": "subagent", "Agent": "subagent", "WebSearch": "web_search"}
"""Features by the tool that was used; any other is a tool like all."""


@dataclass(slots=True)
class _Answer:
    """What is known of one answer so far."""

    began_at: datetime
    session: str | None
    model: str | None
    is_agent: bool
    is_subagent: bool
    usage: dict[str, Any] = field(default_factory=dict)
    output: int = 0
    """As this usage counts it."""
    stop_reason: str | None = None
    blocks: dict[str, str | None] = field(default_factory=dict)
    """The feature that each block shows, if any, by a mark of the block; never its words."""
    texts: list[str] = field(default_factory=list)
    """What was written, as long as only a placeholder of a count is known; let go as soon as it is counted."""


def is_claude_code(path: Path, head: bytes) -> bool:
    """Whether this is a log of Claude Code, or a folder with some."""

    def marks(data: bytes) -> bool:
        return b'"sessionId"' in data and (b'"parentUuid"' in data or b'"leafUuid"' in data)

    return holds(path, head, _fits, marks)


def read_claude_code(path: Path, context: Context, progress: Progress) -> Iterator[Part]:
    """Yield the answers in ``~/.claude/projects``, in one of its folders or in one file."""
    yield from in_batches(_read(path, context, progress))


def _fits(name: str) -> bool:
    return name.endswith(".jsonl")


def _read(path: Path, context: Context, progress: Progress) -> Iterator[Record | Part]:
    for file, lines in Logs(find_files(path, _fits), progress):
        answers: OrderedDict[str, _Answer] = OrderedDict()
        is_subagent = file.name.startswith("agent-") or "subagents" in file.parts
        asked = False
        for position, data in lines:
            if data and b'"usage"' not in data:  # nothing of an answer
                asked = asked or _is_question(data)
                continue
            entry = parse(data)
            if entry is None:
                yield damaged(position, too_long=not data)
            elif entry.get("type") == "user":
                asked = asked or _is_question(data)
            elif _take(entry, answers, asked=asked, is_subagent=is_subagent):
                asked = False
            if len(answers) > _OPEN_ANSWERS:
                yield _settle(*answers.popitem(last=False), context)
        for identity, answer in answers.items():
            yield _settle(identity, answer, context)


def _is_question(data: bytes) -> bool:
    """Whether this line is what the person said: not a tool's result, nor words of the program or of an agent."""
    return (
        (b'"type":"user"' in data or b'"type": "user"' in data)
        and b'"tool_result"' not in data
        and b'"isSidechain":true' not in data
        and b'"isMeta":true' not in data
    )


def _take(entry: dict[str, Any], answers: OrderedDict[str, _Answer], *, asked: bool, is_subagent: bool) -> bool:
    """Take one entry; return whether it began an answer to the person."""
    message = entry.get("message")
    if entry.get("type") != "assistant" or entry.get("isApiErrorMessage") or not isinstance(message, dict):
        return False
    usage = message.get("usage")
    if not isinstance(usage, dict):
        return False
    model = message.get("model")
    identity = message.get("id") or entry.get("requestId") or entry.get("uuid")
    if model == "<synthetic>" or not isinstance(identity, str):
        return False
    answer = answers.get(identity)
    begins = answer is None
    if answer is None:
        if (moment := read_time(entry.get("timestamp"))) is None:
            return False
        session = entry.get("sessionId")
        sidechain = is_subagent or entry.get("isSidechain") is True
        answer = answers[identity] = _Answer(
            moment,
            session if isinstance(session, str) else None,
            model if isinstance(model, str) else None,
            is_agent=sidechain or not asked,
            is_subagent=sidechain,
        )
    # Snapshots only grow; a line that is out of order must not take back what a later one said.
    if (output := count_or_none(usage.get("output_tokens")) or 0) >= answer.output:
        answer.usage, answer.output = usage, output
    if isinstance(stop_reason := message.get("stop_reason"), str):
        answer.stop_reason = stop_reason
    _take_blocks(answer, message.get("content"), str(entry.get("uuid")))
    return begins and not answer.is_subagent


def _take_blocks(answer: _Answer, content: object, mark: str) -> None:
    for place, block in enumerate(content if isinstance(content, list) else ()):
        if isinstance(block, dict):
            name = str(block.get("id") or f"{mark}.{place}")
            if name not in answer.blocks:
                _keep_text(answer, block)
            answer.blocks[name] = _feature(block)


def _feature(block: dict[str, Any]) -> str | None:
    match block.get("type"):
        case "tool_use":
            return _TOOLS.get(str(block.get("name")), "tool")
        case "thinking" | "redacted_thinking":
            return "reasoning"
    return None


def _keep_text(answer: _Answer, block: dict[str, Any]) -> None:
    if answer.stop_reason is not None or answer.output > _PLACEHOLDER:
        answer.texts.clear()
        return
    match block:
        case {"type": "text", "text": str(text)}:
            answer.texts.append(text)
        case {"type": "tool_use", "input": dict() as arguments}:
            answer.texts.append(json.dumps(arguments, ensure_ascii=False))


def _count_texts(answer: _Answer) -> int:
    from tracker.tokens import count

    return sum(count(text, answer.model, service="claude") for text in answer.texts)


def _settle(identity: str, answer: _Answer, context: Context) -> Record:
    usage, key = answer.usage, context.key
    tokens = read_anthropic(usage) or Usage()
    visible = _count_texts(answer) if answer.texts else 0
    counted = tokens.output is not None and visible > 2 * tokens.output
    is_claude = "claude" in (answer.model or "claude").lower()
    return make_record(
        identity=identify(key, SERVICE, identity),
        moment=answer.began_at,
        service=SERVICE,
        provider="anthropic" if is_claude else None,
        model=answer.model,
        tokens=(tokens.input, visible if counted else tokens.output, tokens.cached, tokens.reasoning),
        output_source="counted" if counted else "reported",
        conversation=mark_conversation(key, SERVICE, answer.session) if answer.session else None,
        initiator="agent" if answer.is_agent else "person",
        client="cli/claude-code",
        reader=READER,
        features=_features(answer),
    )


def _features(answer: _Answer) -> list[Feature]:
    counts: dict[str, int] = {}
    for feature in answer.blocks.values():
        if feature:
            counts[feature] = 1 if feature == "reasoning" else counts.get(feature, 0) + 1
    server_tools = answer.usage.get("server_tool_use")
    if server_tools and (searches := number(server_tools, "web_search_requests")):
        counts["web_search"] = counts.get("web_search", 0) + min(searches, 10_000)
    if answer.is_subagent:
        counts["agent"] = 1
    return [used(name, amount) for name, amount in counts.items()]
