"""Coding agents' logs: what the provider reported, once, whatever was logged twice."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.reader import Reader
from tests.agent_logs import (
    CANARY,
    at,
    claude_answer,
    claude_user,
    codex_context,
    codex_count,
    codex_meta,
    codex_session,
    codex_user,
    write,
)
from tracker.imports import Context, Part, detect
from tracker.imports.logs import LONGEST_LINE
from tracker.imports.packed import unpack_lines
from tracker.record import Record
from tracker.store import Added, Store

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

KEY = b"k" * 32
ROOT = Path(__file__).parents[1]


def read(path: Path) -> tuple[list[Record], list[Part]]:
    kind = detect(path)
    assert kind is not None
    parts = list(kind.load()(path, Context(Reader(KEY, services=()), KEY), lambda _done, _all: None))
    records = [record for part in parts if part.reading for record in part.reading.records]
    return records, [part for part in parts if part.problem]


def test_claude_code_snapshots_of_one_answer_are_one_record_and_the_last_wins(tmp_path: Path) -> None:
    thinking = {"type": "thinking", "thinking": CANARY}
    write(tmp_path / "p/s1.jsonl", [
        claude_user(0),
        claude_answer(1, "msg_1", 3, block=thinking, stop=None),
        claude_answer(2, "msg_1", 3, stop=None),
        claude_answer(3, "msg_1", 250, block={"type": "tool_use", "id": "t", "name": "Bash", "input": {}}),
        claude_user(4, tool=True),
        claude_answer(5, "msg_2", 40),
    ])  # fmt: skip
    records, problems = read(tmp_path)
    assert problems == []
    first, second = records
    assert (first.input_tokens, first.cached_input_tokens, first.output_tokens) == (2307, 2000, 250)
    assert (first.initiator, second.initiator) == ("person", "agent")
    assert {feature.feature for feature in first.features} == {"reasoning", "tool"}
    assert first.started_at == at(1)
    assert first.output_tokens_source == "reported"
    assert (first.service, first.response_model, first.client) == (
        "anthropic-api",
        "claude-opus-4-7",
        "cli/claude-code",
    )


def test_claude_code_copies_in_a_resumed_session_are_known(tmp_path: Path) -> None:
    lines = [claude_user(0), claude_answer(1, "msg_1", 100)]
    write(tmp_path / "p/s1.jsonl", lines)
    write(tmp_path / "p/s2.jsonl", [*lines, claude_user(9, session="s2"), claude_answer(10, "msg_2", 7, session="s2")])
    records, _ = read(tmp_path)
    with Store.open(tmp_path / "k.db") as store:
        assert store.add(records) == Added(new=2, known=1)
        assert sum(record.output_tokens or 0 for record in store.records()) == 107


def test_claude_code_sub_agents_are_agents(tmp_path: Path) -> None:
    write(tmp_path / "p/s1.jsonl", [
        claude_user(0), claude_user(1, sidechain=True), claude_answer(2, "msg_s", 5, sidechain=True),
        claude_answer(3, "msg_1", 6),
    ])  # fmt: skip
    write(tmp_path / "p/s1/subagents/agent-1.jsonl", [claude_user(0), claude_answer(1, "msg_t", 7)])
    found = {record.output_tokens: record.initiator for record in read(tmp_path)[0]}
    assert found == {5: "agent", 6: "person", 7: "agent"}


def test_claude_code_placeholder_counts_are_counted_from_the_text(tmp_path: Path) -> None:
    text = {"type": "text", "text": "The quick brown fox jumps over the lazy dog. " * 20}
    write(tmp_path / "s1.jsonl", [claude_user(0), claude_answer(1, "msg_1", 1, block=text, stop=None)])
    ((record,), _) = read(tmp_path / "s1.jsonl")
    assert record.output_tokens_source == "counted"
    assert 180 < (record.output_tokens or 0) < 320


def test_claude_code_errors_made_up_by_the_client_are_no_answers(tmp_path: Path) -> None:
    error = {**claude_answer(1, "msg_1", 0), "isApiErrorMessage": True}
    made_up = claude_answer(2, "msg_2", 0)
    made_up["message"]["model"] = "<synthetic>"
    write(tmp_path / "s1.jsonl", [claude_user(0), error, made_up])
    assert read(tmp_path) == ([], [])


def test_codex_counts_what_each_answer_used_and_not_the_running_total(tmp_path: Path) -> None:
    codex_session(tmp_path, "aaa", 3)
    records, problems = read(tmp_path)
    assert problems == []
    assert [(r.input_tokens, r.cached_input_tokens, r.output_tokens, r.reasoning_tokens) for r in records] == [
        (100, 60, 10, 4)
    ] * 3
    assert {r.initiator for r in records} == {"person"}
    assert {(r.response_model, r.effort) for r in records} == {("gpt-5.5", "high")}


def test_codex_counts_said_again_are_counted_once(tmp_path: Path) -> None:
    again = codex_count(1, (100, 0, 10, 0), (100, 0, 10, 0))
    later = {**again, "timestamp": at(2)}
    null = {"timestamp": at(0), "type": "event_msg", "payload": {"type": "token_count", "info": None}}
    write(tmp_path / "rollout-a.jsonl", [codex_meta("a"), codex_context(), null, again, again, later])
    assert len(read(tmp_path)[0]) == 1


def test_codex_running_totals_alone_are_turned_into_differences(tmp_path: Path) -> None:
    lines = [codex_meta("a"), codex_context()]
    for number, total in enumerate([(100, 0, 10, 0), (300, 50, 25, 5), (80, 0, 8, 0)]):
        line = codex_count(number, (0, 0, 0, 0), total)
        del line["payload"]["info"]["last_token_usage"]
        lines.append(line)
    write(tmp_path / "rollout-a.jsonl", lines)
    assert [(r.input_tokens, r.output_tokens) for r in read(tmp_path)[0]] == [(100, 10), (200, 15), (80, 8)]


@pytest.mark.parametrize("parent_is_there", [True, False])
def test_codex_forks_and_sub_agents_do_not_count_their_parents_history_again(
    tmp_path: Path, *, parent_is_there: bool
) -> None:
    parent = codex_session(tmp_path, "parent", 3)
    replay = [{**line, "timestamp": at(500.1)} for line in parent[1:]]
    for child in ("kid1", "kid2"):
        own = codex_count(530, (500, 400, 50, 9), (800, 580, 80, 21))
        meta = codex_meta(child, 500, forked_from_id="parent", thread_source="subagent")
        write(tmp_path / f"rollout-x-{child}.jsonl", [meta, parent[0], *replay, codex_context(seconds=510), own])
    if not parent_is_there:
        (tmp_path / "rollout-2026-11-16T09-00-00-parent.jsonl").unlink()
    records, _ = read(tmp_path)
    assert sorted(record.output_tokens or 0 for record in records) == [10, 10, 10] * parent_is_there + [50, 50]
    assert len({record.id for record in records}) == len(records)
    assert [r.initiator for r in records if r.output_tokens == 50] == ["agent", "agent"]


def test_codex_forks_imported_alone_find_their_parent(tmp_path: Path) -> None:
    parent = codex_session(tmp_path / "sessions/2026/11/15", "parent", 2)
    own = codex_count(900, (500, 400, 50, 9), (700, 520, 70, 17))
    slow = [{**line, "timestamp": at(505)} for line in parent[1:]]
    child = tmp_path / "sessions/2026/11/16/rollout-x-kid.jsonl"
    write(child, [codex_meta("kid", 500, forked_from_id="parent"), *slow, own])
    assert [record.output_tokens for record in read(child)[0]] == [50]


def test_codex_answers_that_the_proxy_heard_are_not_counted_again(tmp_path: Path) -> None:
    codex_session(tmp_path, "aaa", 3)
    logged, _ = read(tmp_path)
    heard = [replace(logged[0], id="e" * 32, source="proxy", reader="codex/1", started_at=at(-60))]
    heard += [replace(heard[0], id="f" * 32, input_tokens_source="counted")]
    heard += [replace(heard[0], id="d" * 32, started_at=at(3600))]
    with Store.open(tmp_path / "k.db") as store:
        store.add(heard)
        assert store.add(logged) == Added(new=2, known=1)
        assert store.add(logged) == Added(known=3)


def test_codex_archived_copies_of_a_session_are_known(tmp_path: Path) -> None:
    codex_session(tmp_path / "sessions/2026/11/16", "aaa", 3)
    codex_session(tmp_path / "archived_sessions", "aaa", 3)
    with Store.open(tmp_path / "k.db") as store:
        assert store.add(read(tmp_path)[0]) == Added(new=3, known=3)


def test_codex_rollouts_that_were_packed_away_are_read_and_their_unpacked_twins_once(tmp_path: Path) -> None:
    for identity in ("aaa", "bbb", "ccc"):
        codex_session(tmp_path, identity, 2)
    for identity in ("aaa", "bbb"):
        plain = tmp_path / f"rollout-2026-11-16T09-00-00-{identity}.jsonl"
        Path(f"{plain}.zst").write_bytes(zstd.compress(plain.read_bytes()))
    plain.unlink()
    records, problems = read(tmp_path)
    assert (len(records), problems) == (6, [])
    packed = tmp_path / "rollout-2026-11-16T09-00-00-bbb.jsonl.zst"
    assert len(read(packed)[0]) == 2
    packed.write_bytes(packed.read_bytes()[:-20])
    assert [part.problem for part in read(tmp_path)[1]] == ["it is damaged"]


def test_a_packed_rollout_that_swells_without_measure_is_read_up_to_there(tmp_path: Path) -> None:
    codex_session(tmp_path, "aaa", 2)
    plain = tmp_path / "rollout-2026-11-16T09-00-00-aaa.jsonl"
    packed, line = Path(f"{plain}.zst"), b'{"type": "' + b"x" * 1_000_000 + b'"}\n'
    packer = zstd.ZstdCompressor()
    with packed.open("wb") as file:
        file.write(packer.compress(plain.read_bytes()))
        for _ in range(200):
            file.write(packer.compress(line))
        file.write(packer.flush())
    plain.unlink()
    assert packed.stat().st_size < 100_000
    assert sum(map(len, unpack_lines(packed, LONGEST_LINE))) <= LONGEST_LINE  # of 200 MB
    records, problems = read(tmp_path)
    assert (len(records), [part.problem for part in problems]) == (2, ["it is damaged"])


def test_codex_with_a_local_model_is_told_from_openais(tmp_path: Path) -> None:
    for identity, provider in (("a", "ollama"), ("b", CANARY), ("c", "openai")):
        lines = [codex_meta(identity, model_provider=provider), codex_context("gpt-oss-20b"), codex_user(1)]
        counts = (100, 0, 10, 0)
        write(tmp_path / f"rollout-{identity}.jsonl", [*lines, codex_count(9, counts, counts)])
    assert [(r.service, r.provider) for r in read(tmp_path)[0]] == [
        ("ollama", "ollama"), ("codex", None), ("codex", "openai")
    ]  # fmt: skip


def test_claude_code_tells_thinking_where_the_log_does(tmp_path: Path) -> None:
    answer = claude_answer(1, "msg_1", 90)
    answer["message"]["usage"]["output_tokens_details"] = {"thinking_tokens": 70}
    write(tmp_path / "s1.jsonl", [claude_user(0), answer])
    assert [(r.output_tokens, r.reasoning_tokens) for r in read(tmp_path)[0]] == [(90, 70)]


def test_counts_that_cannot_be_together_are_unknown_and_a_feature_is_not_used_without_end(tmp_path: Path) -> None:
    lies = codex_count(9, (10, 99, 5, 7), (10, 99, 5, 7))
    write(tmp_path / "a/rollout-x.jsonl", [codex_meta("x"), codex_context(), lies])
    ((record,), _) = read(tmp_path / "a")
    assert (record.input_tokens, record.cached_input_tokens, record.output_tokens) == (10, None, 5)
    assert record.reasoning_tokens is None
    searching = claude_answer(1, "m1", 5)
    searching["message"]["usage"]["server_tool_use"]["web_search_requests"] = 10**11
    write(tmp_path / "b/s1.jsonl", [claude_user(0), searching])
    ((record,), _) = read(tmp_path / "b")
    assert [feature.amount for feature in record.features if feature.feature == "web_search"] == [10_000]


def gemini_message(identity: str, kind: str, output: int = 10) -> dict[str, object]:
    message: dict[str, object] = {"id": identity, "timestamp": at(1), "type": kind, "content": CANARY}
    if kind == "gemini":
        tokens = {"input": 1000, "output": output, "cached": 400, "thoughts": 34, "tool": 6, "total": 1050}
        message |= {"model": "gemini-3-flash-preview", "tokens": tokens, "toolCalls": [{"name": CANARY}]}
    return message


def test_gemini_cli_sessions_of_both_kinds_are_read_and_the_last_version_wins(tmp_path: Path) -> None:
    head = {"sessionId": "g1", "projectHash": "h", "startTime": at(0), "lastUpdated": at(9), "kind": "main"}
    old = {**head, "messages": [gemini_message("u1", "user"), gemini_message("m1", "gemini")]}
    write(tmp_path / "h/chats/session-1.json", [json.dumps(old, indent=2)])
    write(tmp_path / "h/chats/session-2.jsonl", [
        head, gemini_message("u2", "user"), gemini_message("m2", "gemini", 5), gemini_message("m2", "gemini", 20),
        {"$set": {"messages": [gemini_message("u2", "user"), gemini_message("m2", "gemini", 30)]}},
        gemini_message("m3", "gemini", 8),
    ])  # fmt: skip
    records, problems = read(tmp_path)
    assert problems == []
    assert [(r.input_tokens, r.cached_input_tokens, r.output_tokens, r.reasoning_tokens) for r in records] == [
        (1006, 400, 44, 34), (1006, 400, 64, 34), (1006, 400, 42, 34)
    ]  # fmt: skip
    assert [r.initiator for r in records] == ["person", "person", "agent"]


def test_gemini_cli_sub_agents_are_found_and_tools_results_are_no_questions(tmp_path: Path) -> None:
    head = {"sessionId": "g1", "projectHash": "h", "startTime": at(0), "lastUpdated": at(9)}
    response: dict[str, object] = {"functionResponse": {"id": "t", "response": {"output": CANARY}}}
    result = gemini_message("r1", "user") | {"content": [response]}
    summary = gemini_message("s1", "user") | {"content": [{"text": CANARY}]}
    write(tmp_path / "h/chats/session-2026-11-16T09-00-abcdef01.jsonl", [
        {**head, "kind": "main"}, gemini_message("u1", "user"), gemini_message("m1", "gemini", 5),
        {"$set": {"messages": [summary, gemini_message("u1", "user"), gemini_message("m1", "gemini", 5), result]}},
        gemini_message("m2", "gemini", 6), {"$rewindTo": "m2"},
        gemini_message("u2", "user"), gemini_message("m3", "gemini", 7),
    ])  # fmt: skip
    own: dict[str, object] = {**head, "sessionId": "g2", "kind": "subagent"}
    sub_agent = [own, gemini_message("u9", "user"), gemini_message("m9", "gemini", 8)]
    write(tmp_path / "h/chats/g1/investigator-1.jsonl", sub_agent)
    write(tmp_path / "h/other.jsonl", [{"anything": CANARY}])
    records, problems = read(tmp_path)
    assert problems == []
    assert sorted((r.output_tokens, r.initiator) for r in records) == [
        (39, "person"), (40, "agent"), (41, "person"), (42, "agent")
    ]  # fmt: skip


def opencode_message(identity: str, parent: str, **tokens: object) -> dict[str, object]:
    return {
        "id": identity, "sessionID": "ses_1", "role": "assistant", "parentID": parent, "modelID": "claude-sonnet-4-6",
        "providerID": "anthropic", "time": {"created": 1794819600000, "completed": 1794819609000},
        "path": {"cwd": f"/{CANARY}"},
        "tokens": {"input": 10, "output": 20, "reasoning": 5, "cache": {"read": 100, "write": 30}, **tokens},
    }  # fmt: skip


def test_opencode_files_and_databases_are_read_once(tmp_path: Path) -> None:
    first, second = opencode_message("msg_1", "u1", total=165), opencode_message("msg_2", "u1", total=160)
    second["time"] = {"created": 1794819610000, "completed": 1794819615000}
    write(tmp_path / "storage/message/ses_1/msg_1.json", [first])
    database = sqlite3.connect(tmp_path / "opencode.db")
    database.execute("CREATE TABLE session (id TEXT)")
    database.execute("CREATE TABLE message (id TEXT, session_id TEXT, time_created INTEGER, data TEXT)")
    rows = [(m["id"], "ses_1", 1, json.dumps({k: v for k, v in m.items() if k != "id"})) for m in (first, second)]
    database.executemany("INSERT INTO message VALUES (?, ?, ?, ?)", rows)
    database.commit()
    database.close()
    records, problems = read(tmp_path)
    assert problems == []
    assert [(r.input_tokens, r.cached_input_tokens, r.output_tokens, r.reasoning_tokens) for r in records] == [
        (140, 100, 25, 5),  # its total says that reasoning stands beside the output
        (140, 100, 20, 5),  # and here that it is inside
    ]
    assert [r.initiator for r in records] == ["person", "agent"]


def opencode_database(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path / "opencode.db")
    database.execute("CREATE TABLE session (id TEXT, parent_id TEXT)")
    database.execute("CREATE TABLE message (id TEXT, session_id TEXT, time_created INTEGER, data TEXT)")
    columns = "id TEXT, session_id TEXT, type TEXT, seq INTEGER, time_created INTEGER, data TEXT"
    database.execute(f"CREATE TABLE session_message ({columns})")
    return database


def newer_opencode_answer(created: int, **tokens: object) -> dict[str, object]:
    """An answer of the second generation: no parent, the model as one object, thoughts beside the output."""
    return {
        "agent": "build", "model": {"id": "gpt-5.5", "providerID": "openai"}, "finish": "stop",
        "content": [{"type": "text", "text": CANARY}],
        "time": {"created": created, "completed": created + 900},
        "tokens": {"input": 10, "output": 20, "reasoning": 5, "cache": {"read": 100, "write": 0}, **tokens},
    }  # fmt: skip


def test_opencode_newer_sessions_forks_and_sub_agents_are_told_apart(tmp_path: Path) -> None:
    database = opencode_database(tmp_path)
    sessions = [("ses_main", None), ("ses_fork", None), ("ses_sub", "ses_main")]
    database.executemany("INSERT INTO session VALUES (?, ?)", sessions)
    begun = 1794819600000
    for session in ("ses_main", "ses_fork", "ses_sub"):
        start = begun + 50 if session == "ses_sub" else begun
        rows = [
            ("user", start, {"text": CANARY, "time": {"created": start}}),
            ("assistant", start + 1, newer_opencode_answer(start + 1)),
            ("assistant", start + 2, newer_opencode_answer(start + 2)),
            ("user", start + 3, {"text": CANARY, "time": {"created": start + 3}}),
            ("assistant", start + 4, newer_opencode_answer(start + 4)),
        ]
        database.executemany(
            "INSERT INTO session_message VALUES (?, ?, ?, ?, ?, ?)",
            [(f"{session}_{n}", session, kind, n, at, json.dumps(data)) for n, (kind, at, data) in enumerate(rows)],
        )
    database.commit()
    database.close()
    records, problems = read(tmp_path)
    assert problems == []
    assert {(r.input_tokens, r.output_tokens, r.reasoning_tokens) for r in records} == {(110, 25, 5)}
    by_time = sorted((r.started_at, r.initiator) for r in records)
    assert [initiator for _, initiator in by_time] == ["person", "agent", "person", "agent", "agent", "agent"]


def test_opencode_sub_agents_in_files_are_agents(tmp_path: Path) -> None:
    write(tmp_path / "storage/message/ses_1/msg_1.json", [opencode_message("msg_1", "u1")])
    write(tmp_path / "storage/session/p/ses_1.json", [{"id": "ses_1", "parentID": "ses_0", "title": CANARY}])
    ((record,), _) = read(tmp_path)
    assert record.initiator == "agent"


def test_opencode_providers_that_a_person_named_are_not_taken(tmp_path: Path) -> None:
    message = opencode_message("msg_1", "u1") | {"providerID": CANARY, "modelID": f"gpt-5-{CANARY}"}
    write(tmp_path / "msg_1.json", [message])
    ((record,), _) = read(tmp_path)
    assert (record.service, record.response_model) == ("opencode", "gpt-5")


def test_a_broken_line_loses_only_itself_and_is_named_by_its_place(tmp_path: Path) -> None:
    broken = '{"type":"assistant","usage":{' + CANARY
    write(tmp_path / "s1.jsonl", [claude_user(0), claude_answer(1, "m1", 5), broken, claude_answer(2, "m2", 6)])
    records, problems = read(tmp_path)
    assert [record.output_tokens for record in records] == [5, 6]
    assert [(part.position, part.problem) for part in problems] == [(3, "it is damaged")]


def test_no_word_of_a_log_gets_into_a_record(tmp_path: Path) -> None:
    write(tmp_path / "a/s1.jsonl", [claude_user(0), claude_answer(1, "m1", 5)])
    codex_session(tmp_path / "b", "aaa", 1)
    write(tmp_path / "c/session-1.jsonl", [{"sessionId": "g", "projectHash": CANARY}, gemini_message("m", "gemini")])
    write(tmp_path / "d/msg_1.json", [opencode_message("msg_1", "u1")])
    for folder in "abcd":
        records, _ = read(tmp_path / folder)
        assert len(records) == 1
        assert CANARY not in repr(records)


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere/s1.jsonl", [claude_user(0), claude_answer(1, "m1", 5)])
    write(tmp_path / "logs/s2.jsonl", [claude_user(0), claude_answer(1, "m2", 6)])
    (tmp_path / "logs/link.jsonl").symlink_to(tmp_path / "elsewhere/s1.jsonl")
    (tmp_path / "logs/folder").symlink_to(tmp_path / "elsewhere")
    assert [record.output_tokens for record in read(tmp_path / "logs")[0]] == [6]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([
        "type", "message", "usage", "id", "payload", "info", "tokens", "time", "created", "messages", "role", "model",
        "output_tokens", "timestamp", "total_token_usage", "last_token_usage", "sessionId", "content", "cache",
    ]), inner, max_size=5),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode()), max_size=6), st.data())
def test_no_log_breaks_an_importer(tmp_path_factory, lines: list[bytes], data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("logs")
    heads = {
        "s.jsonl": claude_answer(1, "m", 5),
        "rollout-x.jsonl": codex_meta("x"),
        "session-1.jsonl": {"sessionId": "a", "projectHash": "b"},
        "msg_1.json": opencode_message("msg_1", "u1"),
    }
    name = data.draw(st.sampled_from(sorted(heads)))
    marks = b'"usage" "token_count" "session_meta"'
    content = json.dumps(heads[name]).encode() + b"\n"
    content += b"".join(
        line.replace(b"}", b', "x": ' + json.dumps(marks.decode()).encode() + b"}") + b"\n" for line in lines
    )
    (folder / name).write_bytes(content)
    records, _ = read(folder)
    assert all(isinstance(record, Record) for record in records)


def test_what_changes_is_read_while_it_is_watched(tmp_path: Path) -> None:
    logs = write(tmp_path / "logs/s1.jsonl", [claude_user(0), claude_answer(1, "m1", 5)])
    code = "import tracker.cli.imports as i; i.WATCH_S = 0.2; from tracker.cli import main; main()"
    command = [sys.executable, "-c", code, "import", "--watch", str(tmp_path / "logs"), "--db", str(tmp_path / "k.db")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stderr is not None
    assert process.stdout is not None
    assert "Watching 1 paths" in process.stderr.readline()
    write(logs, [claude_user(0), claude_answer(1, "m1", 5), claude_answer(2, "m2", 6), claude_answer(3, "m1", 9)])
    (tmp_path / "logs/other.json").write_text('{"usage": ')
    while "1 new · 1 read more fully" not in process.stdout.readline():
        assert process.poll() is None
    for _ in range(6):  # Python loses an interrupt that comes while it tidies up an object
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
            break
    assert process.returncode == 0
    assert "No longer watching" in process.stderr.read()
    process.stdout.close()
    process.stderr.close()
    with Store.open(tmp_path / "k.db", readonly=True) as store:
        assert sorted(record.output_tokens or 0 for record in store.records()) == [6, 9]
