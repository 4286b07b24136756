"""The makers' own Python clients through HTTPS_PROXY: unchanged for them, recorded for us."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig import Reply, Rig, completion, rig, sse
from tracker.record import Record

pytestmark = pytest.mark.clients


@pytest.fixture
def way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    with rig(tmp_path) as made:
        monkeypatch.setenv("HTTPS_PROXY", made.proxy_url)
        monkeypatch.setenv("SSL_CERT_FILE", str(made.ca_file))
        yield made


def the_one_record(way: Rig) -> Record:
    """A client has its answer at ``[DONE]``, a moment before the proxy hears the end of the body."""
    deadline = time.monotonic() + 10
    while not (records := way.records()) and time.monotonic() < deadline:
        time.sleep(0.05)
    (record,) = records
    return record


def test_the_openai_client_streams(way: Rig) -> None:
    openai = pytest.importorskip("openai")
    way.origin.replies["/v1/chat/completions"] = Reply(completion(12))
    with openai.OpenAI(api_key="sk-none") as client:
        stream = client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": "How far is the moon?"}], stream=True
        )
        words = [chunk.choices[0].delta.content for chunk in stream if chunk.choices]
    assert "".join(word or "" for word in words) == "".join(f"word{i} " for i in range(12))
    record = the_one_record(way)
    assert (record.service, record.output_tokens, record.outcome) == ("openai-api", 12, "complete")
    assert record.client is not None


def test_the_openai_client_gets_a_whole_answer(way: Rig) -> None:
    openai = pytest.importorskip("openai")
    answer = {
        "id": "chatcmpl-9", "object": "chat.completion", "created": 1, "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Far."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 13, "completion_tokens": 2, "total_tokens": 15},
    }  # fmt: skip
    headers = [("content-type", "application/json")]
    way.origin.replies["/v1/chat/completions"] = Reply([json.dumps(answer).encode()], headers=headers)
    with openai.OpenAI(api_key="sk-none") as client:
        whole = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "How far?"}])
    assert whole.choices[0].message.content == "Far."
    record = the_one_record(way)
    assert (record.input_tokens, record.output_tokens, record.output_tokens_source) == (13, 2, "reported")


def test_the_anthropic_client_streams(way: Rig) -> None:
    anthropic = pytest.importorskip("anthropic")
    usage = {"input_tokens": 14, "output_tokens": 1}
    message = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-6", "content": [],
        "stop_reason": None, "stop_sequence": None, "usage": usage,
    }  # fmt: skip
    events: list[dict[str, object]] = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Far "}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "away."}},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 5},
        },
        {"type": "message_stop"},
    ]
    pieces = [f"event: {event['type']}\n".encode() + sse(event)[0] for event in events]
    way.origin.replies["/v1/messages"] = Reply(pieces)
    question = [{"role": "user", "content": "How far is the moon?"}]
    with (
        anthropic.Anthropic(api_key="none") as client,
        client.messages.stream(model="claude-sonnet-4-6", max_tokens=50, messages=question) as stream,
    ):
        assert "".join(stream.text_stream) == "Far away."
    record = the_one_record(way)
    assert (record.service, record.input_tokens, record.output_tokens) == ("anthropic-api", 14, 5)


@pytest.mark.parametrize(("maker", "name"), [("openai", "OpenAI"), ("anthropic", "Anthropic")])
def test_a_held_turn_is_told_at_once_and_not_tried_again(way: Rig, maker: str, name: str) -> None:
    package = pytest.importorskip(maker)
    way.proxy.settle()  # the first heartbeat looks at the limits too
    way.proxy.ear.gate.refresh({f"{maker}-api": "hold"})
    question = [{"role": "user", "content": "How far is the moon?"}]
    sent: list[object] = []
    transport = package.DefaultHttpxClient(event_hooks={"request": [sent.append]})
    with getattr(package, name)(api_key="none", http_client=transport) as client:
        make = client.messages.create if maker == "anthropic" else client.chat.completions.create
        with pytest.raises(package.RateLimitError, match="your own budget is used up"):
            make(model="a-model", max_tokens=50, messages=question)
    assert len(sent) == 1
