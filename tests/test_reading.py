"""The rules of a row: ids, sources of counts, outcomes, times, what is kept of names, and sockets of any length."""

from __future__ import annotations

import json
import re
import tracemalloc
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.client import name_client
from addon.company import BotsError, load_bots
from addon.exchange import Chunk, Exchange, Message
from addon.local import resolve_host
from addon.reader import Reader
from addon.service import Event, Service, Turn, Usage, discover
from addon.shapes import tell_shape
from tests.examples import KEY, load_examples, read_all, read_example
from tracker.record import Record

START = datetime(2026, 11, 16, 9, 30, tzinfo=UTC)


class Toy(Service):
    """A service whose events say what it shall note."""

    name = "toy"
    title = "Toy"
    hosts = ("toy.example",)
    path = re.compile(r"/chat")
    grade = "documented"
    verified = date(2026, 11, 21)

    def event(self, turn: Turn, event: Event) -> None:
        match event.data:
            case {"set": {**values}}:
                for name, value in values.items():
                    setattr(turn, name, Usage(**value) if name == "usage" else value)
            case {"answer": str(text)}:
                turn.answer(text, event.at_ms)
            case {"prompt": str(text)}:
                turn.prompt(text)
            case {"raise": _}:
                raise RuntimeError("the person's words")
            case {"wonder": str(kind)}:
                turn.wonder(kind)


def hear(*events: Any, service: type[Service] = Toy, key: bytes = KEY, **changes: Any) -> Any:
    chunks = tuple(
        Chunk(100 * at, b"data: " + json.dumps(event).encode() + b"\n\n") for at, event in enumerate(events, start=1)
    )
    values: dict[str, Any] = {
        "method": "POST", "host": "toy.example", "path": "/chat", "status": 200, "started_at": START,
        "response_headers": {"content-type": "text/event-stream"}, "chunks": chunks, "ended_ms": 1000,
    }  # fmt: skip
    return Reader(key, services=[service]).read(Exchange(**(values | changes)))


def row(*events: Any, **changes: Any) -> Record:
    (record,) = hear(*events, **changes).records
    assert isinstance(record, Record)
    return record


DONE = {"set": {"finished": True}}


def test_the_id_is_of_the_answer_and_not_of_the_clock() -> None:
    told = {"set": {"response_id": "r1", "finished": True, "response_model": "gpt-4o"}}
    first, later = row(told), row(told, started_at=START + timedelta(days=1), source="har")
    assert first.id == later.id
    assert first.id != row({"set": {**told["set"], "response_id": "r2"}}).id


def test_without_an_id_of_its_own_it_is_made_of_conversation_and_message_or_of_the_content() -> None:
    ids = {"set": {"conversation_id": "c", "message_id": "m", "response_model": "gpt-4o"}}
    assert row(ids, DONE).id == row(ids, {"answer": "more"}, DONE).id
    assert row({"answer": "one"}, DONE).id != row({"answer": "two"}, DONE).id
    assert row({"answer": "one"}, DONE).id == row({"answer": "one"}, DONE, started_at=START + timedelta(hours=1)).id


def test_the_conversation_cannot_be_turned_back() -> None:
    ids = {"set": {"conversation_id": "c-123", "message_id": "m-456", "response_model": "gpt-4o"}}
    record, again, elsewhere = row(ids, DONE), row(ids, DONE), row(ids, DONE, key=b"another installation's key 32 by")
    assert record.conversation
    assert "c-123" not in repr(record)
    assert (record.id, record.conversation) == (again.id, again.conversation)
    # Who knows the ids and not the key can try all he wants: it is no digest of them alone.
    assert record.conversation != elsewhere.conversation
    assert record.id != elsewhere.id


@pytest.mark.parametrize("ending", ["complete", "aborted", "error"])
def test_without_its_terminal_event_a_stream_was_aborted(ending: str) -> None:
    assert row({"answer": "half"}, ending=ending).outcome == "aborted"
    assert row({"answer": "whole"}, DONE, ending=ending).outcome == "complete"


def test_status_400_and_above_makes_no_row_only_a_count() -> None:
    for status in (400, 401, 429, 500, 529):
        reading = hear({"answer": "no"}, DONE, status=status)
        assert (reading.records, reading.unread, reading.refused) == ((), (), 1)


def test_what_the_wire_reports_is_reported_and_what_it_does_not_is_counted() -> None:
    reported = row({"prompt": "one two"}, {"answer": "three"}, {"set": {"usage": {"input": 7, "output": 9}}}, DONE)
    assert (reported.input_tokens, reported.input_tokens_source) == (7, "reported")
    assert (reported.output_tokens, reported.output_tokens_source) == (9, "reported")
    counted = row({"prompt": "one two"}, {"answer": "three"}, DONE)
    assert counted.input_tokens_source == counted.output_tokens_source == "counted"
    unknown = row({"set": {"response_model": "gpt-4o"}}, DONE)
    assert (unknown.input_tokens, unknown.output_tokens, unknown.input_tokens_source) == (None, None, "unknown")


def test_reasoning_is_never_counted_from_a_summary() -> None:
    class Thinking(Toy):
        name = "toy"

        def event(self, turn: Turn, event: Event) -> None:
            turn.reason("a summary of many thoughts", event.at_ms)
            super().event(turn, event)

    summary = row({"answer": "x"}, DONE, service=Thinking)
    assert (summary.reasoning_tokens, summary.reasoning_tokens_source) == (None, "unknown")
    whole = row({"answer": "x"}, {"set": {"finished": True, "reasoning_is_whole": True}}, service=Thinking)
    assert whole.reasoning_tokens_source == "counted"
    assert whole.reasoning_tokens is not None
    assert whole.output_tokens is not None
    assert whole.output_tokens > whole.reasoning_tokens > 0


@pytest.mark.parametrize("bad", [-1, True, 1e999, float("nan"), 10**13, "7", None, [7]])
def test_impossible_counts_are_unknown(bad: object) -> None:
    class Lying(Toy):
        name = "toy"

        def finish(self, turn: Turn) -> None:
            turn.usage = Usage(input=bad, output=bad, cached=bad, reasoning=bad)  # type: ignore[arg-type]  # the point

    record = row({"set": {"response_model": "gpt-4o"}}, DONE, service=Lying)
    assert (record.input_tokens, record.output_tokens) == (None, None)
    assert (record.cached_input_tokens, record.reasoning_tokens) == (None, None)


def test_parts_cannot_be_more_than_the_whole() -> None:
    record = row({"set": {"usage": {"input": 5, "cached": 6, "output": 5, "reasoning": 6}}}, DONE)
    assert (record.cached_input_tokens, record.reasoning_tokens) == (None, None)


def test_a_copy_that_was_cut_makes_no_count_of_the_answer() -> None:
    record = row({"prompt": "one"}, {"answer": "beginning"}, truncated=True)
    assert (record.output_tokens, record.output_tokens_source, record.outcome) == (None, "unknown", "complete")


def test_time_to_the_first_visible_token() -> None:
    record = row({"set": {"response_model": "gpt-4o"}}, {"prompt": "q"}, {"answer": "a"}, {"answer": "b"}, DONE)
    assert (record.first_byte_ms, record.time_to_first_token_ms, record.duration_ms) == (100, 300, 1000)


@pytest.mark.parametrize(
    ("word", "kept"),
    [("high", "high"), ("MEDIUM", "medium"), ("alices-secret", None), ("x" * 30, None), (7, None), ("", None)],
)
def test_of_efforts_only_known_words_are_kept(word: object, kept: str | None) -> None:
    assert row({"set": {"effort": word, "response_model": "gpt-4o"}}, DONE).effort == kept


def test_a_reader_that_raises_is_told_by_its_kind_and_nothing_else() -> None:
    reading = hear({"answer": "words"}, {"raise": 1})
    assert reading.records == ()
    (unread,) = reading.unread
    assert (unread.reason, unread.service, unread.day) == ("RuntimeError", "toy", "2026-11-16")
    assert "words" not in repr(reading)


def test_unknown_events_are_told_beside_the_row() -> None:
    reading = hear({"answer": "x"}, {"wonder": "new_kind"}, {"wonder": "Ola Nordmann"}, DONE)
    assert len(reading.records) == 1
    assert [(one.reason, one.shape) for one in reading.unread] == [("unknown-events", "new_kind")]


def test_an_answer_of_which_nothing_was_read_is_drift() -> None:
    reading = hear({"new": {"content": {"secret_key": 1}}, "data": {"inner": 1}, "Secret Key": 1})
    assert reading.records == ()
    assert [(one.reason, one.shape) for one in reading.unread] == [("nothing-read", "data,inner,new")]


def test_what_was_stopped_before_any_answer_is_nothing() -> None:
    reading = hear(ending="aborted")
    assert (reading.records, reading.unread) == ((), ())


@given(st.recursive(st.text() | st.integers(), lambda inner: st.dictionaries(st.text(), inner) | st.lists(inner)))
@settings(max_examples=50, deadline=None)
def test_a_shape_has_only_names_of_keys(value: Any) -> None:
    names = [name for name in tell_shape([value]).split(",") if name]
    assert len(names) <= 40
    assert all(re.fullmatch(r"[a-z][a-z_]{1,30}", name) for name in names)


def test_an_inferred_service_tells_time_and_bytes_only() -> None:
    class Inferred(Toy):
        name = "toy"
        grade = "inferred"

    told = {"set": {"response_model": "gpt-4o", "usage": {"input": 5, "output": 5}, "effort": "high", "media_count": 2}}
    record = row({"prompt": "q"}, {"answer": "a"}, told, DONE, service=Inferred)
    assert (record.input_tokens, record.output_tokens, record.response_model, record.effort) == (None, None, None, None)
    assert (record.media_count, record.features, record.duration_ms) == (None, (), 1000)


def test_a_socket_of_200_mb_and_1000_turns_gives_1000_rows_in_flat_memory() -> None:
    reader = Reader(KEY)
    opening = Exchange(
        method="GET", host="api.openai.com", path="/v1/responses", status=101, started_at=START, response_headers={}
    )
    socket = reader.open_socket(opening)
    assert socket is not None
    filler = "x" * 1000
    ids, peak_early, at_ms = set(), 0, 0
    tracemalloc.start()
    for number in range(1000):
        for message in _turn_messages(number, filler):
            at_ms += 1
            for record in socket.hear(replace(message, at_ms=at_ms)).records:
                ids.add(record.id)
                assert record.output_tokens == 7
        if number == 100:
            peak_early = tracemalloc.get_traced_memory()[1]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(ids) == 1000
    assert peak < peak_early + 2_000_000


def _turn_messages(number: int, filler: str) -> Iterator[Message]:
    yield Message(0, True, json.dumps({"type": "response.create", "model": "gpt-5", "input": filler}).encode())
    delta = json.dumps({"type": "response.reasoning_summary_text.delta", "delta": filler * 20}).encode()
    for _ in range(10):
        yield Message(0, False, delta)
    usage = {"input_tokens": 5, "output_tokens": 7}
    done = {"type": "response.completed", "response": {"id": f"resp_{number}", "model": "gpt-5", "usage": usage}}
    yield Message(0, False, json.dumps(done).encode())


def test_a_background_answer_is_one_row_however_often_it_is_polled() -> None:
    case = next(case for case in load_examples() if case.path.stem == "responses-background")
    post, *polls = case.exchanges
    reader = Reader(KEY)
    records = read_all([post, *polls, *polls, *polls], reader).records
    assert len(records) == 1
    assert read_all(polls, Reader(KEY)).records == ()


def test_a_background_answer_that_nobody_saw_the_end_of_is_told_and_replaced_by_a_late_poll() -> None:
    case = next(case for case in load_examples() if case.path.stem == "responses-background")
    post, _, ready, _ = case.exchanges
    reader = Reader(KEY)
    assert reader.read(post).records == ()
    assert reader.overdue(post.started_at + timedelta(minutes=29)).records == ()
    (late,) = reader.overdue(post.started_at + timedelta(minutes=31)).records
    assert (late.outcome, late.output_tokens, late.duration_ms) == ("aborted", None, None)
    assert reader.overdue(post.started_at + timedelta(minutes=32)).records == ()
    (whole,) = reader.read(replace(ready, started_at=post.started_at + timedelta(hours=1))).records
    assert (whole.id, whole.outcome) == (late.id, "complete")


def test_being_sent_elsewhere_is_nothing() -> None:
    assert hear({"answer": "x"}, DONE, status=302) == hear(status=302)
    assert hear(status=302).unread == ()


def test_sockets_give_the_rows_of_a_recording_message_by_message() -> None:
    for case in load_examples():
        for exchange in case.exchanges if len(case.exchanges) == 1 else ():
            if not exchange.messages:
                continue
            socket = Reader(KEY).open_socket(replace(exchange, messages=()))
            assert socket is not None
            heard = [record for message in exchange.messages for record in socket.hear(message).records]
            heard += socket.close("complete", exchange.messages[-1].at_ms).records
            assert {record.id for record in heard} == {record.id for record in read_example(case).records}


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "browser/firefox"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/142.0 Safari/537.36 Edg/142.0", "browser/edge"),
        ("Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15", "browser/safari"),
        ("claude-cli/2.0.37 (external, cli)", "cli/claude-code"),
        ("codex_cli_rs/0.60.1 (Linux)", "cli/codex"),
        ("GitHubCopilotChat/0.32.5", "app/vscode"),
        ("OpenAI/Python 2.7.0", "library/openai"),
        ("AsyncAnthropic/Python 0.71.0", "library/anthropic"),
        ("Ola Nordmanns program", None),
        ("", None),
    ],
)
def test_a_client_is_a_word_from_a_list(agent: str, name: str | None) -> None:
    assert name_client({"User-Agent": agent}) == name


@given(st.text(max_size=200))
@settings(max_examples=50, deadline=None)
def test_nothing_of_a_user_agent_is_kept(agent: str) -> None:
    name = name_client({"user-agent": agent})
    assert name is None or re.fullmatch(r"(browser|app|cli|library)/[a-z0-9-]+", name)


def test_local_servers_are_told_by_port_and_only_on_this_computer() -> None:
    assert resolve_host("localhost", 11434) == resolve_host("127.0.0.1", 11434) == "ollama.localhost"
    assert resolve_host("localhost", 9999) == "local-server.localhost"
    assert resolve_host("Server.Example", 11434) == "server.example"


@pytest.fixture
def write_bots(tmp_path: Path) -> Any:
    def write(text: str) -> list[Service]:
        (tmp_path / "bots.toml").write_text(text)
        return load_bots(tmp_path)

    return write


def test_a_company_bot_is_read_without_code(write_bots: Any) -> None:
    bots: Iterable[Service] = write_bots(
        "[[bot]]\nname = 'acme-helper'\nhost = 'chat.acme.example'\npath = '/api/*/chat'\nshape = 'openai-chat'\n"
    )
    case = next(case for case in load_examples() if (case.service, case.path.stem) == ("openai-api", "chat-stream"))
    exchange = replace(case.exchanges[0], host="chat.acme.example", path="/api/v2/chat")
    (record,) = Reader(KEY, services=[*discover(), *bots]).read(exchange).records
    assert (record.service, record.output_tokens) == ("acme-helper", 24)
    assert Reader(KEY, services=bots).find("POST", "chat.acme.example", "/api/v2/x/chat") is None


@pytest.mark.parametrize(
    "text",
    [
        "[[bot]]", "bot = 1", "[[bot", "[[bot]]\nname='claude'\nhost='a.example'\npath='/a'\nshape='gemini'",
        "[[bot]]\nname='acme'\nhost='*.acme.example'\npath='/a'\nshape='gemini'",
        "[[bot]]\nname='acme'\nhost='a.example'\npath='a'\nshape='gemini'",
        "[[bot]]\nname='acme'\nhost='a.example'\npath='/a'\nshape='telepathy'",
    ],
)  # fmt: skip
def test_a_faulty_bot_is_a_sentence(write_bots: Any, text: str) -> None:
    with pytest.raises(BotsError, match=r".+ · bots\.toml · .+"):
        write_bots(text)


def test_no_file_of_bots_is_no_bots(tmp_path: Path) -> None:
    assert load_bots(tmp_path) == []
