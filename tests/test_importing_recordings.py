"""HAR and flow files go through the same readers as the proxy's traffic: once, whatever is broken in them."""

from __future__ import annotations

import base64
import gzip
import json
import sys
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import brotli
import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from addon.reader import Reader
from tests.examples import KEY, Example, load_examples, read_example
from tracker.cli import main
from tracker.imports import Context, NotReadableError, Part
from tracker.imports.entries import read_entries
from tracker.imports.har import read_har
from tracker.key import load_key
from tracker.store import Store

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CODINGS = {"gzip": gzip.compress, "br": brotli.compress, "deflate": zlib.compress, "zstd": zstd.compress}
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
SIMPLE = [
    case
    for case in load_examples()
    if "exchange" in case.content and "messages" not in case.content["exchange"] and case.expected
][:400:5]


def to_entry(case: Example, *, dialect: str = "chromium") -> dict[str, Any]:
    """Write an example's exchange as a browser would save it."""
    exchange = case.exchanges[0]
    body = b"".join(chunk.data for chunk in exchange.chunks)
    content: dict[str, Any] = {"size": len(body), "mimeType": exchange.response_headers.get("content-type", "")}
    try:
        content["text"] = body.decode()
    except UnicodeDecodeError:
        content |= {"text": base64.b64encode(body).decode(), "encoding": "base64"}
    entry: dict[str, Any] = {
        "startedDateTime": "2026-11-16T09:30:00.000Z" if dialect != "firefox" else "2026-11-16T10:30:00.000+01:00",
        "time": exchange.ended_ms,
        "request": {
            "method": exchange.method,
            "url": f"https://{exchange.host}{exchange.path}" + (f"?{exchange.query}" if exchange.query else ""),
            "httpVersion": "HTTP/2",
            "headers": [
                {"name": "Cookie", "value": "session=secret"},
                *({"name": name, "value": value} for name, value in exchange.request_headers.items()),
            ],
            "queryString": [],
            "cookies": [],
            "headersSize": -1,
            "bodySize": len(exchange.request_body),
        },
        "response": {
            "status": exchange.status,
            "headers": [{"name": name, "value": value} for name, value in exchange.response_headers.items()]
            + [{"name": "content-encoding", "value": "br"}],
            "content": content,
            "bodySize": -1,
        },
        "cache": {},
        "timings": {},
    }
    if exchange.request_body:
        try:
            entry["request"]["postData"] = {"mimeType": "", "text": exchange.request_body.decode()}
        except UnicodeDecodeError:
            text = base64.b64encode(exchange.request_body).decode()
            entry["request"]["postData"] = {"mimeType": "", "text": text, "encoding": "base64"}
    if exchange.messages:
        start = datetime(2026, 11, 16, 9, 30, tzinfo=UTC).timestamp()
        entry["_webSocketMessages"] = [
            {
                "type": "send" if message.from_client else "receive",
                "time": start + (message.at_ms or 0) / 1000,
                "opcode": 1,
                "data": message.data.decode("utf-8", "replace"),
            }
            for message in exchange.messages
        ]
    return entry


def write_har(path: Path, entries: list[Any], **log: Any) -> Path:
    path.write_text(
        json.dumps({"log": {"version": "1.2", "creator": {"name": "t"}, "pages": [], **log, "entries": entries}})
    )
    return path


def read_parts(path: Path) -> list[Part]:
    return list(read_har(path, Context(Reader(KEY), KEY), lambda _done, _all: None))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["import", *map(str, arguments)])


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "data" / "klimaspor.db"


@pytest.fixture
def chat() -> Example:
    return next(case for case in load_examples() if (case.service, case.path.stem) == ("openai-api", "chat-stream"))


@pytest.mark.parametrize("case", SIMPLE, ids=lambda case: f"{case.service}-{case.path.stem}")
@pytest.mark.parametrize("dialect", ["chromium", "firefox"])
def test_a_recording_gives_the_rows_that_the_proxy_would(tmp_path: Path, case: Example, dialect: str) -> None:
    path = write_har(tmp_path / "one.har", [to_entry(case, dialect=dialect)])
    heard = {record.id: record for record in read_example(case).records}
    found = [record for part in read_parts(path) if part.reading for record in part.reading.records]
    assert {record.id for record in found} == set(heard)
    for record in found:
        before = heard[record.id]
        assert record.source == "har"
        assert (record.input_tokens, record.output_tokens) == (before.input_tokens, before.output_tokens)
        assert (record.outcome, record.features) == (before.outcome, before.features)


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("told", [True, False])
def test_bodies_that_a_recorder_kept_coded_are_read(tmp_path: Path, chat: Example, coding: str, *, told: bool) -> None:
    entry = to_entry(chat)
    body = CODINGS[coding](entry["response"]["content"]["text"].encode())
    entry["response"]["content"] |= {"text": base64.b64encode(body).decode(), "encoding": "base64"}
    entry["response"]["headers"] = [{"name": "content-encoding", "value": coding}] if told else []
    parts = read_parts(write_har(tmp_path / "one.har", [entry]))
    records = [record for part in parts if part.reading for record in part.reading.records]
    expected = read_example(chat).records if told or coding in {"gzip", "zstd"} else ()
    assert [one.output_tokens for one in records] == [one.output_tokens for one in expected]


def test_twice_adds_nothing(tmp_path: Path, db: Path, chat: Example) -> None:
    path = write_har(tmp_path / "one.har", [to_entry(chat)])
    assert "1 new" in run(path, "--db", db).output
    assert "0 new · 0 read more fully · 1 known already" in run(path, "--db", db).output


def test_what_the_proxy_saw_is_not_counted_again(tmp_path: Path, db: Path, chat: Example) -> None:
    with Store.open(db) as store:
        store.add(read_example(chat, Reader(load_key(db))).records)
    assert "0 new" in run(write_har(tmp_path / "one.har", [to_entry(chat)]), "--db", db).output


def test_a_broken_entry_loses_only_itself_and_is_named(tmp_path: Path, db: Path, chat: Example) -> None:
    good, other = to_entry(chat), to_entry(chat)
    other["response"]["content"]["text"] = other["response"]["content"]["text"].replace(
        "chatcmpl-two", "chatcmpl-other"
    )
    faults = [
        {"request": None},
        {**good, "startedDateTime": "yesterday"},
        "no entry",
        {**good, "request": {"url": "http://[x"}},
    ]
    path = write_har(tmp_path / "broken.har", [good, *faults, other])
    result = run(path, "--db", db)
    assert result.exit_code == 0
    assert "2 new" in result.output
    assert "entry 2 was left out" in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.95])
def test_a_file_that_breaks_off_keeps_what_came_before(tmp_path: Path, chat: Example, cut: float) -> None:
    entries = []
    for number in range(20):
        entry = to_entry(chat)
        entry["response"]["content"]["text"] = entry["response"]["content"]["text"].replace(
            "chatcmpl-two", f"c-{number}"
        )
        entries.append(entry)
    path = write_har(tmp_path / "cut.har", entries)
    text = path.read_text()
    path.write_text(text[: int(len(text) * cut)])
    parts = read_parts(path)
    assert (
        sum(bool(part.reading) for part in parts) == int(20 * cut)
        or sum(bool(part.reading) for part in parts) > 20 * cut - 2
    )
    assert sum(bool(part.problem) for part in parts) <= 1


def test_an_entry_that_lost_its_end_does_not_swallow_the_next(tmp_path: Path, chat: Example) -> None:
    path = write_har(tmp_path / "hole.har", [to_entry(chat)] * 3)
    text = path.read_text()
    middle = text.index('"startedDateTime"', text.index('"startedDateTime"') + 10)
    broken = text[: middle + 60] + text[text.index('{"startedDateTime"', middle + 10) - 2 :]
    path.write_text(broken)
    parts = read_parts(path)
    assert [bool(part.reading) for part in parts] == [True, False, True]
    assert [part.position for part in parts] == [1, 2, 3]


@QUICK
@given(junk=st.binary(max_size=400))
def test_junk_is_refused_or_read_as_nothing(tmp_path_factory: pytest.TempPathFactory, junk: bytes) -> None:
    path = tmp_path_factory.mktemp("junk") / "junk.har"
    path.write_bytes(b'{"log": {"entries": [' + junk)
    assert all(part.reading is None for part in read_parts(path))
    path.write_bytes(junk)
    with pytest.raises(NotReadableError):
        read_parts(path)


@QUICK
@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), max_size=5),
    piece=st.integers(1, 50),
)
def test_entries_are_found_wherever_the_window_ends(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], piece: int
) -> None:
    path = tmp_path_factory.mktemp("window") / "one.har"
    path.write_text(json.dumps({"log": {"entries": [{"a": text, "{": '}"\\'} for text in texts]}}), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tracker.imports.entries.PIECE", piece)
        found = [entry.content for entry in read_entries(path, lambda _done, _all: None)]
    assert found == [{"a": text, "{": '}"\\'} for text in texts]


def test_utf16_and_a_byte_order_mark_are_read(tmp_path: Path, chat: Example) -> None:
    path = write_har(tmp_path / "one.har", [to_entry(chat)])
    text = path.read_text()
    for encoding in ("utf-16", "utf-8-sig"):
        path.write_text(text, encoding)
        assert len(read_parts(path)) == 1


def test_server_sent_events_saved_beside_the_body_are_read(tmp_path: Path, chat: Example) -> None:
    entry = to_entry(chat)
    del entry["response"]["content"]["text"]
    start = datetime(2026, 11, 16, 9, 30, tzinfo=UTC).timestamp()
    entry["_eventSourceMessages"] = [
        {
            "time": start + at,
            "eventName": "message",
            "eventId": "",
            "data": json.dumps(event) if isinstance(event, dict) else event,
        }
        for at, event in enumerate(chat.content["exchange"]["events"], start=1)
    ]
    (part,) = read_parts(write_har(tmp_path / "one.har", [entry]))
    assert part.reading is not None
    (record,) = part.reading.records
    assert record.output_tokens == chat.expected[0]["output_tokens"]
    assert record.time_to_first_token_ms == 2000


def test_a_local_server_is_told_by_its_port(tmp_path: Path) -> None:
    case = next(case for case in load_examples() if (case.service, case.path.stem) == ("ollama", "chat-lines"))
    entry = to_entry(case)
    entry["request"]["url"] = "http://localhost:11434/api/chat"
    (part,) = read_parts(write_har(tmp_path / "one.har", [entry]))
    assert part.reading is not None
    assert part.reading.records[0].service == "ollama"


def test_delete_removes_the_file_only_if_all_of_it_was_read(tmp_path: Path, db: Path, chat: Example) -> None:
    whole = write_har(tmp_path / "whole.har", [to_entry(chat)])
    assert run(whole, "--db", db, "--delete").exit_code == 0
    assert not whole.exists()
    broken = write_har(tmp_path / "broken.har", [to_entry(chat), {}])
    run(broken, "--db", db, "--delete")
    assert broken.exists()


def test_the_reminder_that_the_file_still_holds_chats(tmp_path: Path, db: Path, chat: Example) -> None:
    output = run(write_har(tmp_path / "one.har", [to_entry(chat)]), "--db", db).output
    assert "still holds cookies and whole chats" in output
    assert "--delete" in output


def test_json_tells_the_same(tmp_path: Path, db: Path, chat: Example) -> None:
    path = write_har(tmp_path / "one.har", [to_entry(chat), {}])
    (told,) = json.loads(run(path, "--db", db, "--format", "json").stdout)
    assert (told["kind"], told["new"], told["left_out"]) == ("har", 1, [{"entry": 2, "reason": "it is damaged"}])


@pytest.mark.parametrize("content", ["", "hello", '{"a": 1}', "[]"])
def test_what_is_no_recording_is_a_sentence(tmp_path: Path, db: Path, content: str) -> None:
    path = tmp_path / "thing.json"
    path.write_text(content)
    result = run(path, "--db", db)
    assert result.exit_code == 1
    assert "Cannot tell what this is · thing.json" in result.output


def test_a_folder_that_holds_nothing_to_read_is_called_by_its_name(
    tmp_path: Path, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(Path(), "--db", db)
    assert result.exit_code == 1
    assert f"Cannot tell what this is · {tmp_path.name} · " in result.output


def test_a_har_without_entries_is_a_sentence_and_exit_code_1(tmp_path: Path, db: Path) -> None:
    path = tmp_path / "no.har"
    path.write_text("{}")
    result = run(path, "--db", db)
    assert result.exit_code == 1
    assert "no.har · it has no list of entries" in result.output


def test_of_a_folder_all_recordings_are_read(tmp_path: Path, db: Path, chat: Example) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    write_har(folder / "a.har", [to_entry(chat)])
    write_har(folder / "b.har", [to_entry(chat)])
    result = run(folder, "--db", db)
    assert result.exit_code == 0
    assert "a.har" in result.output
    assert "0 new · 0 read more fully · 1 known already" in result.output


def test_a_faulty_file_of_bots_is_a_sentence(tmp_path: Path, db: Path, chat: Example) -> None:
    db.parent.mkdir(parents=True)
    (db.parent / "bots.toml").write_text("[[bot")
    result = run(write_har(tmp_path / "one.har", [to_entry(chat)]), "--db", db)
    assert result.exit_code == 1
    assert "bots.toml" in result.output
    assert "Traceback" not in result.output


def test_a_missing_file_is_exit_code_2(tmp_path: Path, db: Path) -> None:
    assert run(tmp_path / "none.har", "--db", db).exit_code == 2


@pytest.fixture
def write_flows(tmp_path: Path) -> Callable[[list[Example]], Path]:
    from mitmproxy.http import Headers, HTTPFlow, Request, Response
    from mitmproxy.io import FlowWriter
    from mitmproxy.test import tflow
    from mitmproxy.websocket import WebSocketData, WebSocketMessage

    def build(case: Example) -> HTTPFlow:
        exchange = case.exchanges[0]
        flow = tflow.tflow()
        flow.request = Request.make(
            exchange.method,
            f"https://{exchange.host}{exchange.path}",
            exchange.request_body,
            dict(exchange.request_headers),
        )
        flow.request.timestamp_start = exchange.started_at.timestamp()
        body = b"".join(chunk.data for chunk in exchange.chunks)
        flow.response = Response.make(
            exchange.status, body, Headers(**{"content-type": exchange.response_headers["content-type"]})
        )
        flow.response.timestamp_end = flow.request.timestamp_start + 2
        if exchange.messages:
            start = flow.request.timestamp_start
            flow.websocket = WebSocketData()
            flow.websocket.messages = [
                WebSocketMessage(1, message.from_client, message.data, start + (message.at_ms or 0) / 1000)
                for message in exchange.messages
            ]
        return flow

    def write(cases: list[Example]) -> Path:
        path = tmp_path / "recorded.flow"
        with path.open("wb") as file:
            writer = FlowWriter(file)
            for case in cases:
                writer.add(build(case))
        return path

    return write


def test_a_flow_file_gives_the_rows_that_the_proxy_would(
    write_flows: Callable[[list[Example]], Path], db: Path
) -> None:
    cases = [
        case for case in SIMPLE if case.service in {"openai-api", "anthropic-api", "codex", "gemini-api", "bedrock"}
    ]
    with Store.open(db) as store:
        for case in cases:
            store.add(read_example(case, Reader(load_key(db))).records)
    result = run(write_flows(cases), "--db", db)
    assert result.exit_code == 0, result.output
    assert "mitmproxy flow file" in result.output
    assert "  0 new" in result.output


def test_a_flow_file_that_breaks_off_keeps_what_came_before(
    write_flows: Callable[[list[Example]], Path], db: Path, chat: Example
) -> None:
    path = write_flows([chat, chat])
    path.write_bytes(path.read_bytes()[:-100])
    result = run(path, "--db", db)
    assert "1 new" in result.output
    assert "entry 2 was left out: the file breaks off there" in result.output


def test_the_times_of_a_har_are_those_of_the_file(tmp_path: Path, chat: Example) -> None:
    (part,) = read_parts(write_har(tmp_path / "one.har", [to_entry(chat, dialect="firefox")]))
    assert part.reading is not None
    (record,) = part.reading.records
    assert (record.started_at, record.utc_offset_minutes) == ("2026-11-16T09:30:00.000Z", 60)
    assert record.time_to_first_token_ms is None
    assert replace(record, source="proxy").source == "proxy"
