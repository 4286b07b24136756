"""Logs of Claude Code, Codex CLI, Gemini CLI and OpenCode: lines, packed lines, session files and databases."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.agent_logs import CANARY, claude_answer, claude_user, codex_context, codex_count, codex_meta, codex_user
from tests.fuzz import intakes
from tests.fuzz.intakes import NEXT, write_plainly
from tests.test_importing_agent_logs import gemini_message, newer_opencode_answer, opencode_message

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

KINDS = frozenset({"claude-code", "codex", "gemini-cli", "opencode"})
PARENT, CHILD = "0197-aaaa", "0197-bbbb"


def _pack(path: Path, content: bytes) -> None:
    path.write_bytes(zstd.compress(content))


def _rows(table: str) -> Callable[[Path, bytes], None]:
    """Return what writes a database of OpenCode with a row for each line; what is in it is broken, and not the file."""

    def write(path: Path, content: bytes) -> None:
        path.unlink(missing_ok=True)
        with closing(sqlite3.connect(path, autocommit=True)) as database:
            database.execute("PRAGMA synchronous = OFF")
            database.execute("PRAGMA page_size = 512")
            database.execute("CREATE TABLE session (id TEXT, parent_id TEXT)")
            database.execute("INSERT INTO session VALUES ('s0', NULL), ('s1', 's0')")
            kind = "" if table == "message" else "type TEXT, "
            database.execute(f"CREATE TABLE {table} (id TEXT, session_id TEXT, {kind}time_created INTEGER, data TEXT)")
            lines = [line.decode("utf-8", "replace") for line in content.split(b"\n")[:2000]]
            kinds = [] if table == "message" else ["user", "assistant"]
            database.executemany(
                f"INSERT INTO {table} VALUES ({', '.join('?' * (4 + len(kinds[:1])))})",
                [(f"m{n}", f"s{n // 4 % 3}", *kinds[n % 2 :][:1], n, line) for n, line in enumerate(lines)],
            )

    return write


NAMES: intakes.Names = {
    b"claude": ("p/s1.jsonl", write_plainly),
    b"claude agent": ("p/agent-1.jsonl", write_plainly),
    b"codex": (f"rollout-2026-11-16T09-00-00-{CHILD}.jsonl", write_plainly),
    b"codex parent": (f"rollout-2026-11-16T08-00-00-{PARENT}.jsonl", write_plainly),
    b"codex packed": (f"rollout-2026-11-16T08-00-00-{PARENT}.jsonl.zst", _pack),
    b"codex zst": (f"rollout-2026-11-16T08-00-00-{PARENT}.jsonl.zst", write_plainly),
    b"gemini": ("chats/session-1.jsonl", write_plainly),
    b"gemini old": ("chats/session-2.json", write_plainly),
    b"opencode": ("storage/message/ses_1/msg_1.json", write_plainly),
    b"opencode session": ("storage/session/p/ses_1.json", write_plainly),
    b"opencode rows": ("opencode.db", _rows("message")),
    b"opencode newer": ("opencode.db", _rows("session_message")),
    b"opencode db": ("opencode.db", write_plainly),
}


def seeds() -> Iterator[bytes]:
    """Yield logs of every kind, one by one and two together."""
    for name, lines in _logs():
        yield _lines(name, lines)
        yield _lines(name, lines * 2)
    for (one, lines), (other, more) in pairwise(_logs()):
        yield _lines(one, lines) + NEXT + _lines(other, more)
    yield from _databases()


def _lines(name: bytes, lines: list[Any]) -> bytes:
    return name + b"\n" + b"\n".join(json.dumps(line, separators=(",", ":")).encode() for line in lines)


def _logs() -> Iterator[tuple[bytes, list[Any]]]:
    tool = {"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": CANARY}}
    yield b"claude", [claude_user(0), claude_answer(1, "m1", 5), claude_answer(2, "m1", 250, block=tool)]
    yield b"claude", [claude_user(0), claude_answer(1, "m2", 1, stop=None), claude_user(2, tool=True)]
    yield b"claude agent", [claude_user(0, sidechain=True), claude_answer(1, "m3", 7, sidechain=True)]
    first, second = (100, 60, 10, 4), (200, 120, 20, 8)
    parent = [codex_meta(PARENT), codex_context(), codex_user(5), codex_count(9, first, first)]
    yield b"codex parent", parent
    yield b"codex packed", parent
    child = codex_meta(CHILD, 60, forked_from_id=PARENT, source={"subagent": {}}, model_provider="ollama")
    yield b"codex", [child, parent[1], parent[3], codex_user(70), codex_count(90, first, second)]
    calls = [{"type": "response_item", "payload": {"type": kind}} for kind in ("function_call", "web_search_call")]
    yield b"codex", [codex_meta(CHILD), codex_context(), *calls, codex_count(9, first, first)]
    head = {"sessionId": "g1", "projectHash": "h", "kind": "main"}
    asked, told = gemini_message("u1", "user"), gemini_message("m1", "gemini")
    yield b"gemini", [head, asked, told, {"$set": {"messages": [asked, told]}}, {"$rewindTo": "m1"}]
    yield b"gemini", [head | {"kind": "subagent"}, asked, told]
    yield b"gemini old", [head | {"messages": [asked, told]}]
    yield b"opencode", [opencode_message("msg_1", "u1")]
    yield b"opencode session", [{"id": "ses_1", "parentID": "ses_0", "title": CANARY}]
    yield (
        b"opencode rows",
        [{"role": "user"}, opencode_message("msg_1", "u1"), opencode_message("msg_2", "u1", total=9)],
    )
    yield b"opencode newer", [{"text": CANARY}, newer_opencode_answer(1794819600000), newer_opencode_answer(7)]


def _databases() -> Iterator[bytes]:
    """Yield OpenCode's databases as the bytes of their files."""
    path = intakes.scratch() / "seed.db"
    for name, lines in _logs():
        if name in {b"opencode rows", b"opencode newer"}:
            NAMES[name][1](path, _lines(name, lines).partition(b"\n")[2])
            yield b"opencode db\n" + path.read_bytes()


def throw(data: bytes) -> None:
    """Import bytes as logs, twice; raise if anything comes of it that must not."""
    intakes.throw(data, NAMES, KINDS)
