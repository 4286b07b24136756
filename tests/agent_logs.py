"""Logs of coding agents as the tests write them: the shapes of the real ones, words of our own."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2026, 11, 16, 9, tzinfo=UTC)
CANARY = "kanarifugl"


def at(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write(path: Path, lines: Iterable[dict[str, Any] | str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = (line if isinstance(line, str) else json.dumps(line, separators=(",", ":")) for line in lines)
    path.write_text("".join(f"{line}\n" for line in text))
    return path


def claude_user(
    seconds: float = 0, *, tool: bool = False, session: str = "s1", sidechain: bool = False
) -> dict[str, Any]:
    content = [{"type": "tool_result", "tool_use_id": "t", "content": CANARY}] if tool else f"Fix {CANARY}"
    return {
        "parentUuid": None, "isSidechain": sidechain, "cwd": f"/home/{CANARY}", "sessionId": session, "type": "user",
        "message": {"role": "user", "content": content}, "uuid": f"u{seconds}", "timestamp": at(seconds),
    }  # fmt: skip


def claude_answer(
    seconds: float,
    identity: str,
    output: int,
    *,
    block: dict[str, Any] | None = None,
    stop: str | None = "end_turn",
    session: str = "s1",
    sidechain: bool = False,
    cache: tuple[int, int] = (2000, 300),
) -> dict[str, Any]:
    read, written = cache
    return {
        "parentUuid": "u", "isSidechain": sidechain, "cwd": f"/home/{CANARY}", "sessionId": session,
        "message": {
            "id": identity, "type": "message", "role": "assistant", "model": "claude-opus-4-7",
            "content": [block or {"type": "text", "text": f"Done {CANARY}"}], "stop_reason": stop,
            "usage": {
                "input_tokens": 7, "cache_creation_input_tokens": written, "cache_read_input_tokens": read,
                "output_tokens": output, "server_tool_use": {"web_search_requests": 0}, "service_tier": "standard",
            },
        },
        "requestId": f"req_{identity}", "type": "assistant", "uuid": f"a{seconds}", "timestamp": at(seconds),
    }  # fmt: skip


def codex_meta(identity: str, seconds: float = 0, **more: Any) -> dict[str, Any]:
    payload = {"id": identity, "timestamp": at(seconds), "cwd": f"/home/{CANARY}", "originator": "codex_cli_rs", **more}
    return {"timestamp": at(seconds), "type": "session_meta", "payload": payload}


def codex_context(model: str = "gpt-5.5", seconds: float = 0) -> dict[str, Any]:
    return {
        "timestamp": at(seconds),
        "type": "turn_context",
        "payload": {"model": model, "effort": "high", "cwd": "/x"},
    }


def codex_user(seconds: float) -> dict[str, Any]:
    return {"timestamp": at(seconds), "type": "event_msg", "payload": {"type": "user_message", "message": CANARY}}


def codex_count(seconds: float, last: tuple[int, int, int, int], total: tuple[int, int, int, int]) -> dict[str, Any]:
    names = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens")
    info = {
        "total_token_usage": {**dict(zip(names, total, strict=True)), "total_tokens": total[0] + total[2]},
        "last_token_usage": {**dict(zip(names, last, strict=True)), "total_tokens": last[0] + last[2]},
        "model_context_window": 272000,
    }
    return {"timestamp": at(seconds), "type": "event_msg", "payload": {"type": "token_count", "info": info}}


def codex_session(path: Path, identity: str, counts: int, *, start: float = 0) -> list[dict[str, Any]]:
    """Write a rollout of so many answers of 100 in (60 cached) and 10 out (4 reasoning); return its lines."""
    lines = [codex_meta(identity, start), codex_context(seconds=start)]
    for number in range(1, counts + 1):
        when = start + 30 * number
        total = (100 * number, 60 * number, 10 * number, 4 * number)
        lines += [codex_user(when - 10), codex_count(when, (100, 60, 10, 4), total)]
    write(path / f"rollout-2026-11-16T09-00-00-{identity}.jsonl", lines)
    return lines
