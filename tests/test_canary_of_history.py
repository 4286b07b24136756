"""No word of an import gets into the database, an export or onto the screen, whichever importer read it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.agent_logs import CANARY, claude_answer, claude_user, codex_session, write
from tests.data_exports import assistant, claude_conversation, claude_message, conversation, node, pack
from tests.test_importing_agent_logs import gemini_message, opencode_message
from tracker.cli import main

BROKEN = '{"type":"assistant","usage":{"' + CANARY


def make_logs(folder: Path) -> None:
    write(folder / f"claude/-home-{CANARY}/{CANARY}.jsonl", [claude_user(0), claude_answer(1, "m1", 5), BROKEN])
    codex_session(folder / f"codex/{CANARY}", f"aaa-{CANARY}", 2)
    head = {"sessionId": CANARY, "projectHash": CANARY}
    write(folder / f"gemini/{CANARY}/session-1.jsonl", [head, gemini_message(CANARY, "gemini"), "{" + CANARY])
    message = opencode_message(CANARY, CANARY) | {"modelID": CANARY, "providerID": CANARY, "sessionID": CANARY}
    write(folder / "opencode/storage/message/ses_1/msg_1.json", [message])
    (folder / "opencode" / "log").mkdir()
    database = sqlite3.connect(folder / "opencode" / "opencode.db")
    database.execute("CREATE TABLE message (id TEXT, session_id TEXT, data TEXT)")
    database.execute("INSERT INTO message VALUES (?, ?, ?)", (CANARY + "2", CANARY, json.dumps(message)))
    database.execute("INSERT INTO message VALUES (?, ?, ?)", (CANARY + "3", CANARY, "{" + CANARY))
    database.commit()
    database.close()
    asked = {"system_hints": [CANARY], "attachments": [{"name": CANARY, "size": 3}]}
    answered = {"thinking_effort": CANARY, "turn_exchange_id": CANARY}
    talk = conversation(
        node("u1", "root", "user", metadata=asked), assistant("a1", "u1", model=f"gpt-5-{CANARY}", metadata=answered),
        identity=CANARY, gizmo_id=f"g-{CANARY}",
    )  # fmt: skip
    pack(folder / "chatgpt.zip", [talk, CANARY, {CANARY: CANARY}])
    named = claude_message("a", "assistant", model=CANARY, stop_reason=CANARY)
    pack(folder / "claude.zip", [claude_conversation(claude_message("h", "human"), named), {"name": CANARY}])


@pytest.mark.parametrize("output_format", ["text", "json"])
def test_no_word_of_an_import_gets_anywhere(tmp_path: Path, output_format: str) -> None:
    make_logs(tmp_path / "logs")
    db = tmp_path / "data" / "klimaspor.db"
    runner = CliRunner()
    screen = ""
    for name in ("claude", "codex", "gemini", "opencode", "chatgpt.zip", "claude.zip"):
        path = tmp_path / "logs" / name
        result = runner.invoke(main, ["import", str(path), "--db", str(db), "--format", output_format])
        assert result.exit_code == 0, (name, result.output)
        screen += result.output
    for command in (["log"], ["log", "--format", "json"], ["export"], ["export", "--format", "jsonl"], ["budget"]):
        result = runner.invoke(main, [*command, "--db", str(db)])
        assert result.exit_code == 0, result.output
        screen += result.output
    screen += runner.invoke(main, ["rate", "--db", str(db)], input="1\n3\n-1\n").output
    screen += runner.invoke(main, ["forget", "--service", "codex", "--db", str(db)], input="n\n").output
    assert CANARY not in screen
    with sqlite3.connect(db) as connection:
        assert connection.execute("SELECT count(*) FROM requests").fetchone()[0] >= 7
    connection.close()
    for path in db.parent.iterdir():
        assert CANARY.encode() not in path.read_bytes(), path.name
