"""Files that lie about what they are: the command says so in a sentence, and loses nothing but them."""

from __future__ import annotations

import io
import json
import random
import re
import sqlite3
import struct
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.agent_logs import CANARY, claude_answer, codex_context, codex_count, codex_meta, write
from tests.data_exports import assistant, claude_conversation, claude_message, conversation, node
from tests.test_store import make
from tracker.cli import main
from tracker.exports import COLUMNS, write_csv
from tracker.imports import archives, chatgpt_export, codex_parents, gemini_cli, logs
from tracker.store import Store

ROOT = Path(__file__).parents[1]

SENTENCE = re.compile(r"^Error: [A-Z][^·\n]+ · [^·\n]+ · [^·\n]*[a-z][^·\n]*$", re.MULTILINE)
"""What happened, to what, and why with what to do."""


def run(path: Path, db: Path) -> Result:
    return CliRunner().invoke(main, ["import", "--db", str(db), str(path)])


def stored(db: Path) -> int:
    with Store.open(db, readonly=True) as store:
        return len(list(store.records()))


def text(name: str, content: str | bytes) -> Callable[[Path], Path]:
    def build(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return build


def zipped(name: str, content: bytes = b"[]") -> Callable[[Path], Path]:
    def build(folder: Path) -> Path:
        with zipfile.ZipFile(folder / "export.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, content)
            if name != "conversations.json":
                archive.writestr("conversations.json", b'[{"mapping": {}}]')
        return folder / "export.zip"

    return build


def half(build: Callable[[Path], Path]) -> Callable[[Path], Path]:
    def cut(folder: Path) -> Path:
        path = build(folder)
        path.write_bytes(path.read_bytes()[:-30])
        return path

    return cut


def locked(build: Callable[[Path], Path]) -> Callable[[Path], Path]:
    """A zip that says that its files are encrypted."""

    def lock(folder: Path) -> Path:
        path = build(folder)
        content = bytearray(path.read_bytes())
        content[content.index(b"PK\x01\x02") + 8] |= 1
        path.write_bytes(content)
        return path

    return lock


def crowded(folder: Path) -> Path:
    """A zip whose list of files has one a million times; to read it as a list takes a gigabyte."""
    content = zipped("conversations.json", b"[]")(folder).read_bytes()
    begin, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    entry, files = content[begin:end], 1_000_000
    size, at = files * len(entry), begin + files * len(entry)
    told = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, files, files, size, begin)
    told += struct.pack("<4sIQI", b"PK\x06\x07", 0, at, 1)
    told += struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 2**32 - 1, 2**32 - 1, 0)
    (folder / "export.zip").write_bytes(content[:begin] + entry * files + told)
    return folder / "export.zip"


def bombs(folder: Path) -> Path:
    """Each of its files alone would do no harm."""
    with zipfile.ZipFile(folder / "export.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(20):
            archive.writestr(f"conversations-{number:03}.json", b'[{"mapping": {}}' + b" " * (4 << 20))
    return folder / "export.zip"


def other_way(folder: Path) -> Path:
    """A zip that is whole, but not packed as exports are."""
    with zipfile.ZipFile(folder / "export.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("conversations.json", b'[{"mapping": {}}]')
    return folder / "export.zip"


def shifted(folder: Path) -> Path:
    """A zip whose list of files says that it stands elsewhere, so that the files lie before the beginning."""
    path = zipped("conversations.json", b'[{"mapping": {}}]')(folder)
    content = bytearray(path.read_bytes())
    end = content.index(b"PK\x05\x06")
    (place,) = struct.unpack_from("<I", content, end + 16)
    struct.pack_into("<I", content, end + 16, place + 90)
    path.write_bytes(content)
    return path


def opencode_garbage(folder: Path) -> Path:
    """A database that begins as OpenCode's and is zeros from its second page on."""
    database = sqlite3.connect(folder / "opencode.db")
    database.execute("CREATE TABLE session (id TEXT, parent_id TEXT)")
    database.execute("CREATE TABLE message (id TEXT, session_id TEXT, time_created INTEGER, data TEXT)")
    database.executemany("INSERT INTO message VALUES (?, 's', 1, ?)", [(f"m{n}", CANARY * 200) for n in range(99)])
    database.commit()
    database.close()
    path = folder / "opencode.db"
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    return path


REFUSED = {
    "nothing": text("thing.json", b""),
    "words": text("notes.txt", f"Dear {CANARY}"),
    "zeros": text("zeros.jsonl", bytes(100_000)),
    "a picture": text("export.zip", b"\x89PNG\r\n\x1a\n" + bytes(1000)),
    "HAR without entries": text("a.har", json.dumps({"log": {"version": CANARY}})),
    "HAR as a deep nest": text("deep.har", '{"log":' + "[" * 200_000),
    "flow of junk": text("flows", f"9:{CANARY[:9]},"),
    "zip cut short": half(zipped("conversations.json", b'[{"mapping": {}}]')),
    "zip that leads out": zipped("../../.bashrc"),
    "zip with a drive": zipped("C:/x"),
    "zip bomb": zipped("conversations.json", b'[{"mapping": {}}' + b" " * (40 << 20)),
    "conversations in UTF-16": text("conversations.json", '[{"mapping": {}}]'.encode("utf-16")),
    "zip with a password": locked(zipped("conversations.json", b'[{"mapping": {}}]')),
    "zip of more files than any export": crowded,
    "zip of many small bombs": bombs,
    "zip packed in another way": other_way,
    "zip whose files lie before its beginning": shifted,
    "OpenCode's database in ruins": opencode_garbage,
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path: Path, name: str) -> None:
    db = tmp_path / "home" / "k.db"
    result = run(REFUSED[name](tmp_path), db)
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)
    assert SENTENCE.search(result.output), result.output
    assert CANARY not in result.output
    assert not db.exists() or stored(db) == 0


@pytest.mark.parametrize(
    "name",
    [
        "zip with a password", "zip of more files than any export", "zip of many small bombs",
        "zip packed in another way", "zip whose files lie before its beginning",
    ],
)  # fmt: skip
def test_of_a_zip_it_is_told_why_it_cannot_be_read(tmp_path: Path, name: str) -> None:
    why = run(REFUSED[name](tmp_path), tmp_path / "k.db").output
    assert why.startswith("Error: Cannot import this file · export.zip · the zip ")


def test_a_zip_that_says_it_holds_more_than_any_export_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "LARGEST_EXPORT", 5000)
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("conversations.json", b'[{"mapping": {}}]' + b" " * 5000)
    assert "would unpack to far more than an export holds" in run(tmp_path / "export.zip", tmp_path / "k.db").output


def test_a_link_among_unpacked_conversations_is_not_followed(tmp_path: Path) -> None:
    talk = conversation(node("u1", "root", "user"), assistant("a1", "u1"))
    other = conversation(node("u2", "root", "user"), assistant("a2", "u2"), identity="c2")
    (tmp_path / "elsewhere").write_text(json.dumps([other]))
    (tmp_path / "export").mkdir()
    (tmp_path / "export/conversations-1.json").write_text(json.dumps([talk]))
    (tmp_path / "export/conversations-2.json").symlink_to(tmp_path / "elsewhere")
    assert "1 new" in run(tmp_path / "export", tmp_path / "k.db").output


def test_a_zip_that_says_of_its_conversations_that_they_are_longer_is_damaged(tmp_path: Path) -> None:
    path = zipped("conversations.json", b'[{"mapping": {}}]')(tmp_path)
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02") + 24
    struct.pack_into("<I", content, at, struct.unpack_from("<I", content, at)[0] + 10)
    path.write_bytes(content)
    assert "the zip is damaged or was not downloaded to its end" in run(path, tmp_path / "k.db").output


def test_a_conversation_of_more_messages_than_anybody_wrote_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chatgpt_export, "MOST_NODES", 4)
    nodes = [node("u1", "root", "user"), assistant("a1", "u1"), assistant("b1", "u1"), assistant("c1", "u1")]
    talks = [conversation(*nodes[:3], identity="c1"), conversation(*nodes, identity="c2")]
    (tmp_path / "conversations.json").write_text(json.dumps(talks))
    told = run(tmp_path / "conversations.json", tmp_path / "k.db").output
    assert "2 new" in told
    assert "entry 2 was left out: it is no conversation" in told


def test_a_folder_of_more_files_than_any_agent_writes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "MOST_FILES", 3)
    for n in range(5):
        write(tmp_path / f"logs/s{n}.jsonl", [claude_answer(n, f"m{n}", 50)])
    told = run(tmp_path / "logs", tmp_path / "k.db").output
    assert "it holds more files than any agent writes" in told


def test_a_session_file_too_large_to_be_read_at_once_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = {"input": 1000, "output": 10, "total": 1010}
    answer = {"id": "m1", "type": "gemini", "timestamp": "2026-11-16T09:00:00Z", "tokens": tokens}
    whole = json.dumps({"sessionId": "g", "projectHash": "h", "messages": [answer]})
    write(tmp_path / "logs/session-1.json", [whole])
    write(tmp_path / "logs/session-2.json", [whole.replace('"m1"', '"m2"') + " " * 500])
    monkeypatch.setattr(gemini_cli, "_LARGEST", 400)
    told = run(tmp_path / "logs", tmp_path / "k.db").output
    assert "1 new" in told
    assert "was left out: it is damaged" in told


def own_row(n: int) -> str:
    file = io.StringIO()
    write_csv([make(n)], file)
    return file.getvalue().splitlines()[1]


ODD_ROWS = {
    "a quote without an end": '"' + CANARY,
    "a field too long": CANARY * 20_000,
    "a NUL": "\0" + own_row(9),
    "a line of many megabytes": '"' + CANARY * 2_000_000,
    "another number of cells": "a,b",
    "the last day of all": own_row(9).replace("2026-", "9999-"),
    "the first day of all": own_row(9).replace("2026-", "0001-"),
}


@pytest.mark.parametrize("odd", ODD_ROWS)
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_a_row_of_our_export_that_is_none_costs_only_itself(tmp_path: Path, odd: str, ends: str) -> None:
    quoted = own_row(3).replace(",", '","')
    rows = [",".join(COLUMNS), own_row(1), own_row(2), ODD_ROWS[odd], f'"{quoted}"']
    path = tmp_path / "export.csv"
    path.write_text("\ufeff" + ends.join(rows), newline="")
    result = run(path, tmp_path / "k.db")
    assert result.exit_code == 0, result.output
    assert "3 new" in result.output
    assert result.output.count("was left out") == 1
    assert CANARY not in result.output


def test_messages_that_many_questions_share_are_followed_once(tmp_path: Path) -> None:
    def node(role: str, child: str) -> dict[str, object]:
        said = {"author": {"role": role}, "content": {"content_type": "text", "parts": ["x"]}, "create_time": 1.79e9}
        return {"message": said, "children": [child]}

    many = 4000
    tree = {f"q{n}": node("user", "0") for n in range(many)}
    tree |= {str(n): node("assistant", str(n + 1)) for n in range(many)}
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps([{"mapping": tree, "id": "x"}]))
    begun = time.process_time()
    assert "1 new" in run(path, tmp_path / "k.db").output
    assert time.process_time() - begun < 10  # it took a minute


def test_what_no_agent_writes_costs_only_its_own_line(tmp_path: Path) -> None:
    good = json.dumps(claude_answer(0, "msg_1", 50), separators=(",", ":")).encode()
    odd = json.dumps(claude_answer(9, "msg_2", 50), separators=(",", ":")).encode()
    lines = [
        good,
        good[:-200],
        b'{"usage":' + b"[" * 100_000,
        b'{"usage":' + b"9" * 5000 + b"}",
        odd.replace(b'"output_tokens":50', b'"output_tokens":1e999'),
        odd.replace(b'"id":"msg_2"', b'"id":["msg_2"]').replace(b"req_msg_2", b"\xff\xfe"),
        b"\xef\xbb\xbf" + good,
    ]
    path = tmp_path / "s.jsonl"
    path.write_bytes(b"\n".join(lines))
    result = run(path, tmp_path / "k.db")
    assert result.exit_code == 0, result.output
    assert "2 new" in result.output  # the second without a count of what came out
    for place in (2, 3, 4, 6, 7):
        assert f"entry {place} was left out: it is damaged" in result.output
    assert CANARY not in result.output


def test_a_codex_count_cut_short_is_damaged_also_where_it_says_the_last_one_again(tmp_path: Path) -> None:
    count = json.dumps(codex_count(30, (100, 60, 10, 4), (100, 60, 10, 4)), separators=(",", ":"))
    path = tmp_path / "rollout-2026-11-16T09-00-00-x.jsonl"
    write(path, [codex_meta("x"), codex_context(), count, count, count[:-40]])
    result = run(path, tmp_path / "k.db")
    assert "1 new" in result.output
    assert "entry 5 was left out: it is damaged" in result.output
    assert "entry 4" not in result.output


def test_a_row_of_opencode_that_is_no_text_costs_only_itself(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "opencode.db")
    database.execute("CREATE TABLE session (id TEXT, parent_id TEXT)")
    database.execute("CREATE TABLE message (id TEXT, session_id, time_created INTEGER, data)")
    rows = [("a", "s", 10**12), ("b", "s", None), ("c", b"\xff", b"\xff{"), ("d", 7, json.dumps(OPENCODE_ANSWER))]
    database.executemany("INSERT INTO message VALUES (?, ?, 1, ?)", rows)
    database.execute("INSERT INTO message VALUES ('e', 's', 1, CAST(x'ff7b' AS TEXT))")
    database.commit()
    database.close()
    result = run(tmp_path / "opencode.db", tmp_path / "k.db")
    assert result.exit_code == 0, result.output
    assert "1 new" in result.output
    assert result.output.count("it is damaged") == 4


OPENCODE_ANSWER = {
    "role": "assistant", "modelID": "claude-sonnet-4-6", "providerID": "anthropic",
    "time": {"created": 1794819600000}, "sessionID": "s1",
    "tokens": {"input": 10, "output": 20, "reasoning": 0, "cache": {"read": 0, "write": 0}},
}  # fmt: skip
ENDLESS = "WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c) SELECT n AS id, n AS parent_id FROM c"
ENORMOUS = "AS (hex(zeroblob(400000000 + length(id))))"
SCHEMES = {
    "sessions without end": [f"CREATE VIEW session AS {ENDLESS}"],
    "data that is worked out": [
        "CREATE TABLE session_message (id, session_id, type)",
        "INSERT INTO session_message VALUES ('a', 's', 'x')",
        f"ALTER TABLE session_message ADD COLUMN data TEXT {ENORMOUS}",
    ],
    "parents that are worked out": [
        "CREATE TABLE session (id)",
        "INSERT INTO session VALUES ('s1'), ('s2')",
        f"ALTER TABLE session ADD COLUMN parent_id TEXT {ENORMOUS}",
    ],
}


@pytest.mark.parametrize("name", SCHEMES)
def test_nothing_runs_that_somebody_put_into_opencode_s_database(tmp_path: Path, name: str) -> None:
    with closing(sqlite3.connect(tmp_path / "opencode.db")) as database:
        for statement in [*SCHEMES[name], "CREATE TABLE message (id, session_id, data)"]:
            database.execute(statement)
        database.execute("INSERT INTO message VALUES ('m1', 's1', ?)", (json.dumps(OPENCODE_ANSWER),))
        database.commit()
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30)); from tracker.cli import main; main()"
    )
    command = [sys.executable, "-c", code, "import", str(tmp_path / "opencode.db"), "--db", str(tmp_path / "k.db")]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)
    assert "1 new" in told.stdout, told.stderr


def test_a_snapshot_within_a_snapshot_without_end_is_one_line(tmp_path: Path) -> None:
    head = {"sessionId": "g", "projectHash": "h"}
    tokens = {"input": 1000, "output": 10, "total": 1010}
    answer = {"id": "m1", "type": "gemini", "timestamp": "2026-11-16T09:00:00Z", "tokens": tokens}
    nested = '{"$set":' * 1400 + json.dumps({"messages": [answer]}) + "}" * 1400
    write(tmp_path / "session-1.jsonl", [head, nested])
    result = run(tmp_path / "session-1.jsonl", tmp_path / "k.db")
    assert result.exit_code == 0, result.output
    assert "1 new" in result.output


@pytest.mark.parametrize("maker", ["chatgpt", "claude"])
def test_a_long_question_is_not_read_again_for_each_of_very_many_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, maker: str
) -> None:
    words = "Some words about the weather. " * 100

    def talk(answers: int) -> dict[str, object]:
        names = [f"{answers}a{n}" for n in range(answers)]
        if maker == "claude":
            asked = claude_message("h", "human", content=[{"type": "text", "text": words}])
            return claude_conversation(asked, *(claude_message(name, "assistant", parent="h") for name in names))
        asked = node("u1", "root", "user", content={"content_type": "text", "parts": [words]})
        return conversation(asked, *(assistant(name, "u1") for name in names), identity=f"c{answers}")

    monkeypatch.setattr(archives, "MOST_AGAIN", 100 * len(words))
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps([talk(5), talk(1000), talk(7)]))
    result = run(path, tmp_path / "k.db")
    assert "12 new" in result.output
    assert "entry 2 was left out: it is damaged" in result.output


def quick(path: Path, db: Path) -> float:
    """Return the processor time that an import takes."""
    begun = time.process_time()
    assert run(path, db).exit_code == 0
    return time.process_time() - begun


def test_sessions_whose_parents_are_looked_for_take_no_longer_for_being_many(tmp_path: Path) -> None:
    count = codex_count(30, (100, 60, 10, 4), (100, 60, 10, 4))
    for n in range(1500):
        name = f"rollout-2026-11-16T09-00-00-{n:08x}.jsonl"
        write(tmp_path / "alone" / name, [codex_meta(f"{n:08x}"), codex_context(), count])
        write(tmp_path / "forked" / name, [codex_meta(f"{n:08x}", forked_from_id=f"z{n}"), codex_context(), count])
        answer = json.dumps({**OPENCODE_ANSWER, "sessionID": f"ses_{n}"})
        for place in ("messages/storage", "sessions/storage"):
            write(tmp_path / place / f"message/ses_{n}/msg_{n}.json", [answer])
        write(tmp_path / f"sessions/storage/session/project_{n}/ses_{n}.json", [{"id": f"ses_{n}"}])
    for plain, more in (("alone", "forked"), ("messages", "sessions")):
        before = quick(tmp_path / plain, tmp_path / "a.db")
        assert quick(tmp_path / more, tmp_path / "b.db") < 4 * before  # it was twenty times as long


def test_no_parent_s_history_is_read_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = [(100 * n, 60 * n, 10 * n, 4 * n) for n in range(1, 4)]
    history = [codex_count(30 * n, (100, 60, 10, 4), total) for n, total in enumerate(told, 1)]
    for n in range(12):
        write(tmp_path / f"rollout-2026-11-16T08-00-00-p{n}.jsonl", [codex_meta(f"p{n}"), codex_context(), *history])
    for n in range(36):
        meta = codex_meta(f"k{n:02}", 600, forked_from_id=f"p{n % 12}")
        own = codex_count(900 + n, (7, 0, n + 1, 0), (307 + n, 180, 31 + n, 12))
        name = f"rollout-2026-11-16T09-00-00-k{n:02}.jsonl"
        write(tmp_path / name, [meta, *history, codex_context(seconds=700), own])
    read, real = [], codex_parents._read_totals
    monkeypatch.setattr(codex_parents, "_read_totals", lambda file: [read.append(file), real(file)][1])
    assert "72 new" in run(tmp_path, tmp_path / "k.db").output  # 12 times 3 answers, and 36 of the forks' own
    assert len(read) == len(set(read)) == 12


def flows(n: int) -> bytes:
    """A file of mitmproxy's with so many answers."""
    from mitmproxy.io import FlowWriter
    from mitmproxy.test import tflow

    written = io.BytesIO()
    writer = FlowWriter(written)
    for number in range(n):
        flow = tflow.tflow(resp=True)
        flow.request.url = "https://api.openai.com/v1/chat/completions"
        flow.request.method, flow.request.raw_content = "POST", b'{"model": "gpt-4o"}'
        flow.response.headers["content-type"] = "application/json"
        told = {"id": f"x{number}", "model": "gpt-4o", "usage": {"prompt_tokens": 3, "completion_tokens": 4}}
        flow.response.raw_content = json.dumps({**told, "choices": [{"message": {"content": CANARY}}]}).encode()
        writer.add(flow)
    return written.getvalue()


def nest(depth: int) -> bytes:
    """A list in a list in a list …, each with its length in front."""
    nested = b""
    for _ in range(depth):
        nested = b"%d:%b]" % (len(nested), nested)
    return nested


ENDS = {"deep": nest(3000), "a terabyte": b"999999999999:abc,", "a long number": b"5000:" + b"9" * 5000 + b"#"}


@pytest.mark.parametrize("end", ENDS)
def test_a_flow_file_that_ends_in_lies_is_read_up_to_there(tmp_path: Path, end: str) -> None:
    (tmp_path / "flows").write_bytes(flows(3) + ENDS[end])
    result = run(tmp_path / "flows", tmp_path / "k.db")
    assert result.exit_code == 0, result.output
    assert "entry 4 was left out: the file breaks off there" in result.output
    assert stored(tmp_path / "k.db") == 3


def test_a_flow_file_with_bytes_that_were_changed_is_read_or_refused_with_a_sentence(tmp_path: Path) -> None:
    chance, whole = random.Random(8), flows(2)
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 2, 5, 20))):
            data[chance.randrange(len(data))] = chance.choice(b"0123456789:,;#~}]^!-\xff\x00a")
        (tmp_path / "flows").write_bytes(data)
        result = run(tmp_path / "flows", tmp_path / "k.db")
        assert "did not foresee" not in result.output
        assert result.exit_code == 0 or SENTENCE.search(result.output), result.output
        assert CANARY not in result.output


STARTS = {
    "a.har": ('{"log":{"entries":[', '{"startedDateTime":', 200_000),
    "b.har": ('{"log":{"entries":[', '{"startedDateTime":{}', 200_000),
    "conversations.json": ("[", '{"mapping":{}},{"mapping":', 200_000),
}


@pytest.mark.parametrize("name", STARTS)
def test_entries_without_ends_are_not_looked_through_again_and_again(tmp_path: Path, name: str) -> None:
    head, start, many = STARTS[name]
    (tmp_path / name).write_text(head + start * many)
    begun = time.process_time()
    result = run(tmp_path / name, tmp_path / "k.db")
    assert time.process_time() - begun < 8  # it took a minute
    assert result.exit_code == 0
    assert "more entries were left out" in result.output
