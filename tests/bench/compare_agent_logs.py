"""The same agents' logs read by klimaspor, ccusage and ai-footprint: tokens, processor time and memory side by side.

The yardstick beside them is a plain one: ``json.loads`` of every line, then the rows that klimaspor stored, read from
its database and put by ``executemany`` into a table with the same columns and indexes.

The two others are installed by hand, in places of their own (versions this was last run with):

    npm install --prefix /tmp/cc ccusage@20.0.24 @ccusage/ccusage-linux-x64@20.0.24
    python3 -m venv /tmp/aif && /tmp/aif/bin/pip install ai-footprint==1.11.0
    python -m tests.bench.compare_agent_logs --ccusage /tmp/cc/node_modules/.bin/ccusage \
        --ai-footprint /tmp/aif/bin/ai-footprint

What has not been installed is left out of the table.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.agent_logs import (
    at,
    claude_answer,
    claude_user,
    codex_context,
    codex_count,
    codex_meta,
    codex_session,
    write,
)
from tests.bench.processes import compiled

KINDS = ("input", "cached", "output")


YARDSTICK = """
import json, sqlite3, sys
from itertools import batched
from pathlib import Path
for path in Path(sys.argv[1]).rglob("*.jsonl"):
    with path.open("rb") as lines:
        for line in lines:
            json.loads(line)
source, target = sqlite3.connect(sys.argv[2]), sqlite3.connect(sys.argv[3])
target.execute("PRAGMA journal_mode = WAL")
made = "SELECT sql FROM sqlite_master WHERE tbl_name = 'requests' AND sql IS NOT NULL"
for (sql,) in source.execute(made).fetchall():
    target.execute(sql)
names = [row[1] for row in source.execute("PRAGMA table_info(requests)")]
insert = f"INSERT INTO requests ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
for rows in batched(source.execute(f"SELECT {', '.join(names)} FROM requests"), 20_000):
    with target:
        target.executemany(insert, rows)
"""


@dataclass(frozen=True)
class Result:
    name: str
    tokens: dict[str, int | None] | None
    """None for the yardstick, which counts nothing."""
    seconds: float
    wall_seconds: float
    megabytes: int


def claude_logs(folder: Path, sessions: int, turns: int) -> dict[str, int]:
    """Write sessions in which every answer is logged twice as it grows, and every tenth again in a resumed session."""
    expected = dict.fromkeys(KINDS, 0)
    for session in range(sessions):
        lines: list[dict[str, Any]] = []
        copied: list[dict[str, Any]] = []
        for turn in range(turns):
            identity, seconds = f"msg_{session}_{turn}", session * 5000 + turn * 2.0
            sidechain = turn % 20 == 7
            name = f"{session:08d}-0000-4000-8000-000000000000"
            answer = [
                claude_answer(seconds, identity, 3, stop=None, session=name, sidechain=sidechain),
                claude_answer(seconds + 1, identity, 200 + turn % 50, session=name, sidechain=sidechain),
            ]
            lines += [claude_user(seconds, session=name, sidechain=sidechain), *answer]
            copied += answer if turn % 10 == 0 else []
            expected["input"] += 2307
            expected["cached"] += 2000
            expected["output"] += 200 + turn % 50
        write(folder / "projects/p" / f"{name}.jsonl", lines)
        write(folder / "projects/p" / f"{session:08d}-1111-4000-8000-000000000000.jsonl", copied)
    return expected


def codex_logs(folder: Path, sessions: int, turns: int) -> dict[str, int]:
    """Write sessions, the first of which was forked twice; every count is said twice."""
    day = folder / "sessions/2026/11/16"
    first: list[dict[str, Any]] = []
    for session in range(sessions):
        lines = codex_session(day, f"019a0000-0000-7000-8000-{session:012d}", turns, start=session * 5000)
        first = first or lines
        path = day / f"rollout-2026-11-16T09-00-00-019a0000-0000-7000-8000-{session:012d}.jsonl"
        write(path, [line for line in lines for _ in range(1 + (line["payload"].get("type") == "token_count"))])
    start = sessions * 5000
    for fork in ("a", "b"):
        identity = f"019b0000-0000-7000-8000-00000000000{fork}"
        replay = [{**line, "timestamp": at(start + 0.1)} for line in first[1:]]
        meta = codex_meta(identity, start, forked_from_id=first[0]["payload"]["id"])
        total = (100 * turns + 70, 60 * turns + 50, 10 * turns + 9, 4 * turns + 2)
        own = [codex_context(seconds=start + 20), codex_count(start + 60, (70, 50, 9, 2), total)]
        write(day / f"rollout-2026-11-16T20-00-00-{identity}.jsonl", [meta, first[0], *replay, *own])
    answers = sessions * turns
    return {"input": 100 * answers + 140, "cached": 60 * answers + 100, "output": 10 * answers + 18}


def klimaspor(logs: Path, db: Path) -> Result:
    environment = compiled(logs.parent)
    command = [sys.executable, "-c", "from tracker.cli import main; main()", "import", "--db", str(db), str(logs)]
    used, _ = run(command, environment)
    with sqlite3.connect(db) as connection:
        row = connection.execute("SELECT sum(input_tokens), sum(cached_input_tokens), sum(output_tokens) FROM requests")
        return Result("klimaspor", dict(zip(KINDS, row.fetchone(), strict=True)), *used)


def yardstick(logs: Path, db: Path) -> Result:
    used, _ = run(
        [sys.executable, "-c", YARDSTICK, str(logs), str(db), str(db.with_suffix(".plain"))], dict(os.environ)
    )
    return Result("yardstick", None, *used)


def ccusage(program: str, agent: str, folder: Path) -> Result:
    home = {**os.environ, "CLAUDE_CONFIG_DIR": str(folder), "CODEX_HOME": str(folder), "TZ": "UTC"}
    used, output = run([program, agent, "daily", "--json", "--offline"], home)
    totals = json.loads(output)["totals"]
    if agent == "codex":
        cached = totals.get("cachedInputTokens", totals.get("cacheReadTokens", 0))
        # its input is without the cache since version 20
        tokens = {"input": totals["inputTokens"] + cached, "cached": cached, "output": totals["outputTokens"]}
    else:
        cached = totals["cacheReadTokens"]
        whole = totals["inputTokens"] + totals["cacheCreationTokens"] + cached
        tokens = {"input": whole, "cached": cached, "output": totals["outputTokens"]}
    return Result("ccusage", tokens, *used)


def ai_footprint(program: str, agent: str, folder: Path, db: Path) -> Result:
    option, logs = ("--source", "projects") if agent == "claude" else ("--source-codex", "sessions")
    command = [program, "ingest", "--db", str(db), option, str(folder / logs)]
    used, _ = run(command, {**os.environ, "HF_HUB_OFFLINE": "1"})
    with sqlite3.connect(db) as connection:
        row = connection.execute(
            "SELECT sum(input_tokens + cache_creation_tokens + cache_read_tokens), sum(cache_read_tokens), "
            "sum(output_tokens) FROM events"
        )
        return Result("ai-footprint", dict(zip(KINDS, row.fetchone(), strict=True)), *used)


def run(command: list[str], environment: dict[str, str]) -> tuple[tuple[float, float, int], str]:
    """Return seconds of processor time, seconds on the clock, peak megabytes; and what it printed."""
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL, env=environment)
        _, _, used = os.wait4(process.pid, 0)
        output.seek(0)
        took = time.perf_counter() - began
        return (used.ru_utime + used.ru_stime, took, used.ru_maxrss // 1024), output.read()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--ccusage", default=shutil.which("ccusage"))
    parser.add_argument("--ai-footprint", default=shutil.which("ai-footprint"))
    parser.add_argument("--sessions", type=int, default=100)
    parser.add_argument("--turns", type=int, default=340)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for agent, make in (("claude", claude_logs), ("codex", codex_logs)):
            logs = folder / agent
            expected = make(logs, options.sessions, options.turns)
            files = list(logs.rglob("*.jsonl"))
            lines = sum(file.read_bytes().count(b"\n") for file in files)
            print(f"\n{agent}: {len(files)} files, {lines:,} lines, written: {expected}")
            db = folder / f"{agent}.db"
            klimaspor(logs, folder / f"{agent}-first.db")  # compiles our modules, as any first use
            results = [klimaspor(logs, db), yardstick(logs, db)]
            with sqlite3.connect(db) as connection:
                (answers,) = connection.execute("SELECT count(*) FROM requests").fetchone()
            if options.ccusage:
                results.append(ccusage(options.ccusage, agent, logs))
            if options.ai_footprint:
                results.append(ai_footprint(options.ai_footprint, agent, logs, folder / f"{agent}-aif.db"))
            for result in results:
                took = f"{result.seconds:6.2f} s of processor time, {result.wall_seconds:.2f} s on the clock"
                speed = f"{lines / result.seconds:,.0f} lines/s, {answers / result.seconds:,.0f} answers/s"
                print(f"  {result.name:13}{took}, {speed}, {result.megabytes} MB{_differences(result, expected)}")


def _differences(result: Result, expected: dict[str, int]) -> str:
    if result.tokens is None:
        return ""
    counted = {kind: None if (n := result.tokens[kind]) is None else n - expected[kind] for kind in KINDS}
    return f", difference {counted}"


if __name__ == "__main__":
    main()
