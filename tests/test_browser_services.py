"""Browser services: what recordings show, what long and hostile answers cost, what unverified services may claim."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from addon.exchange import Chunk, Exchange, Message
from addon.reader import Reader
from addon.reading import Reading
from addon.service import discover
from addon.services.perplexity import spell_model

CAPTURES = Path(__file__).parents[2] / "shared" / "captures"
KEY = bytes(range(32))


def exchange(host: str, path: str, body: bytes = b"", size: int = 4096, **more: Any) -> Exchange:
    chunks = tuple(Chunk(n, body[n : n + size]) for n in range(0, len(body), size))
    told: dict[str, Any] = {
        "method": "POST", "status": 200, "started_at": datetime(2026, 11, 20, tzinfo=UTC), "ended_ms": len(body) + 1,
        "response_headers": {"content-type": "text/event-stream"},
    }  # fmt: skip
    return Exchange(host=host, path=path, chunks=chunks, **(told | more))


def sse(*events: Any) -> bytes:
    return "".join(f"data: {json.dumps(event)}\n\n" for event in events).encode()


def read_recording(name: str, size: int = 4096) -> Reading:
    path = CAPTURES / name
    if not path.exists():
        pytest.skip(f"{path} is not here: this reading of a real recording did not run")
    return Reader(KEY).read(exchange("www.perplexity.ai", "/rest/sse/perplexity_ask", path.read_bytes(), size))


def test_a_real_perplexity_answer_is_read() -> None:
    [record] = read_recording("perplexity-web.response.sse").records
    assert (record.outcome, record.response_model, record.request_model) == ("complete", "pplx_pro", "pplx_pro")
    # 1679 characters once, not the 3353 that the doubled parts would make
    assert 330 <= (record.output_tokens or 0) <= 480
    assert record.output_tokens_source == "counted"
    assert [(one.feature, one.state) for one in record.features] == [("web_search", "used")]


def test_a_real_perplexity_answer_that_was_cut_off_is_aborted() -> None:
    whole = read_recording("perplexity-web.response.sse").records[0]
    [record] = read_recording("perplexity-web.truncated.response.sse").records
    assert record.outcome == "aborted"
    assert record.id == whole.id
    assert 0 < (record.output_tokens or 0) < (whole.output_tokens or 0)


def test_a_recording_reads_the_same_wherever_it_is_cut() -> None:
    first, *others = (read_recording("perplexity-web.response.sse", size).records[0] for size in (97, 1000, 10**7))
    assert {other.output_tokens for other in others} == {first.output_tokens}
    assert {other.features for other in others} == {first.features}


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("claude45sonnetthinking", "claude-4.5-sonnet-thinking"),
        ("gpt5_thinking", "gpt-5-thinking"),
        ("grok4", "grok-4"),
        ("gemini25pro", "gemini-2.5-pro"),
        ("kimik2thinking", "kimi-k2-thinking"),
        ("pplx_pro", "pplx_pro"),
        ("turbo", "turbo"),
        (None, None),
    ],
)
def test_perplexity_spells_others_models_as_their_makers_do(name: str | None, spelled: str | None) -> None:
    assert spell_model(name) == spelled


# Cost.


def deepseek_answer(words: int) -> bytes:
    fragment = {"id": 1, "type": "THINK", "content": "x"}
    begin = {"v": {"response": {"message_id": 2, "status": "WIP", "fragments": [fragment]}}}
    grow = {"p": "response/fragments/-1/content", "o": "APPEND", "v": "."}
    return sse(begin, grow, *[{"v": " word"}] * words)


def minimax_answer(words: int) -> bytes:
    return sse(*[{"type": 6, "agent_message_chunk": {"msg_content": " word", "finish": False}}] * words)


def zai_answer(words: int) -> bytes:
    edits = [{"data": {"edit_content": " word", "edit_index": 5 * n + 4, "phase": "answer"}} for n in range(words)]
    return sse(*edits)


def le_chat_answer(words: int) -> bytes:
    def line(*patches: Any) -> str:
        return "15:" + json.dumps({"json": {"type": "message", "messageId": "m", "patches": patches}}) + "\n"

    chunk = {"type": "text", "text": "", "_context": {"type": "reasoning"}}
    root = line({"op": "replace", "path": "/", "value": {"role": "assistant", "contentChunks": [chunk]}})
    return (root + line({"op": "append", "path": "/contentChunks/0/text", "value": " word"}) * words).encode()


def perplexity_answer(words: int) -> bytes:
    def block(patch: Any) -> dict[str, Any]:
        return {"intended_usage": "plan", "diff_block": {"field": "plan_block", "patches": [patch]}}

    begin = {"backend_uuid": "b", "blocks": [block({"op": "replace", "path": "", "value": {"goals": []}})]}
    more = (
        {"backend_uuid": "b", "blocks": [block({"op": "add", "path": f"/goals/{n}", "value": {}})]}
        for n in range(words)
    )
    return sse(begin, *more)


@pytest.mark.parametrize(
    ("host", "path", "write"),
    [
        ("chat.deepseek.com", "/api/v0/chat/completion", deepseek_answer),
        ("agent.minimax.io", "/archon/api/v1/session/s/message", minimax_answer),
        ("chat.z.ai", "/api/chat/completions", zai_answer),
        ("chat.mistral.ai", "/api/chat", le_chat_answer),
        ("www.perplexity.ai", "/rest/sse/perplexity_ask", perplexity_answer),
    ],
)
def test_the_time_to_read_grows_with_the_answer_and_no_faster(host: str, path: str, write: Any) -> None:
    reader = Reader(KEY)
    taken = []
    for words in (4_000, 8_000, 16_000):
        answer = exchange(host, path, write(words), ending="aborted")
        rounds = []
        for _ in range(3):
            started = time.process_time()
            reader.read(answer)
            rounds.append(time.process_time() - started)
        taken.append(min(rounds))
    assert all(after < 3.5 * before for before, after in pairwise(taken)), taken


def grok_turn(number: int) -> list[Message]:
    def message(*, from_client: bool, **event: Any) -> Message:
        text = json.dumps({"session_id": "c", "event": event})
        return Message(number * 10, from_client, text.encode())

    item = {"x_grok": {"input_chunks": [{"text": {"text": "Name two rivers."}}]}}
    words = {"text": {"text": " word" * 200, "channel": "CHANNEL_ASSISTANT_RESPONSE"}}
    return [
        message(from_client=True, type="response.create", item=item),
        *[message(from_client=False, type="response.chunk", response_id=f"r{number}", chunk=words)] * 20,
        message(from_client=False, type="response.done", response={"id": f"r{number}", "status": "completed"}),
    ]


def test_a_socket_with_a_thousand_turns_gives_a_thousand_records_and_keeps_nothing() -> None:
    opening = exchange("grok.com", "/ws/mgw/", method="GET", status=101)
    socket = Reader(KEY).open_socket(opening)
    assert socket is not None
    ids = set()
    for number in range(1000):
        records = [record for message in grok_turn(number) for record in socket.hear(message).records]
        assert len(records) == 1
        assert records[0].outcome == "complete"
        ids.add(records[0].id)
    assert len(ids) == 1000
    listener: Any = socket._listener
    assert listener.turn is None
    assert not socket.close("complete", 10_000_000).records


# Claims.

SERVICES = discover()


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_an_unverified_service_is_closed_and_claims_no_tokens(service: Any) -> None:
    if service.grade == "inferred":
        assert service.closed
        assert service.tokens == "none"
    assert service.__doc__ or service.title


@pytest.mark.parametrize("name", ["chatglm", "leonardo"])
def test_an_unverified_service_records_bytes_and_times_only(name: str) -> None:
    folder = Path(__file__).parent / "examples" / name
    for case in folder.glob("*.json"):
        for expected in json.loads(case.read_text("utf-8"))["expected"]:
            assert not {"input_tokens", "output_tokens", "reasoning_tokens", "media_count"} & expected.keys()


@pytest.mark.parametrize(
    "host", ["x.com", "github.com", "huggingface.co", "duckduckgo.com", "www.google.com", "www.bing.com"]
)
def test_hosts_that_carry_more_than_a_chatbot_are_closed(host: str) -> None:
    for service in SERVICES:
        if host in service.hosts:
            assert service.closed, service.name
            assert len(service.closed) > 30


def test_an_answer_that_broke_off_is_kept_for_half_an_hour_and_no_longer() -> None:
    reader = Reader(KEY)
    broken = sse(
        {"v": {"response": {"message_id": 2, "status": "WIP", "fragments": [{"type": "RESPONSE", "content": "x"}]}}}
    )
    body = json.dumps({"chat_session_id": "s", "parent_message_id": None, "prompt": "Name two rivers."}).encode()
    answer = exchange("chat.deepseek.com", "/api/v0/chat/completion", broken, request_body=body, ending="aborted")
    [record] = reader.read(answer).records
    assert record.outcome == "aborted"
    service: Any = reader.find("POST", "chat.deepseek.com", "/api/v0/chat/completion")
    assert len(service.waiting) == 1
    kept = service.waiting.find("s/2")
    assert not reader.overdue(answer.started_at + timedelta(minutes=20)).records
    assert len(service.waiting) == 1
    assert not reader.overdue(answer.started_at + timedelta(minutes=40)).records
    assert len(service.waiting) == 0
    assert not kept.has_text("answer")
    assert not kept.has_text("prompt")
