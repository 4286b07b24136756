"""Two real recordings of browser chat, read right. They lie beside the repository, and are not part of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from addon.exchange import Chunk, Exchange
from addon.reader import Reader
from tests.captures import FOLDER
from tests.examples import KEY
from tracker.record import Record
from tracker.tokens import count

WAYS = {
    "chatgpt-web": ("chatgpt.com", "/backend-api/f/conversation"),
    "claude-web": ("claude.ai", "/api/organizations/o/chat_conversations/c/completion"),
}


def build(name: str, size: int | None = None) -> Exchange:
    """The recorded exchange, its response in chunks of ``size`` bytes."""
    host, path = WAYS[name]
    folder = captures()
    body = (folder / f"{name}.response.sse").read_bytes()
    step = size or len(body)
    return Exchange(
        method="POST",
        host=host,
        path=path,
        status=200,
        request_headers={"content-type": "application/json"},
        request_body=(folder / f"{name}.request.json").read_bytes(),
        response_headers={"content-type": "text/event-stream"},
        chunks=tuple(Chunk(at, body[at : at + step]) for at in range(0, len(body), step)),
        started_at=datetime(2026, 5, 24, 16, tzinfo=UTC),
        ended_ms=len(body),
    )


def captures() -> Path:
    if not (FOLDER / "chatgpt-web.response.sse").exists():
        pytest.skip(f"the recordings are not here: {FOLDER} does not exist, so nothing was compared")
    return FOLDER


def read(exchange: Exchange) -> Record:
    reading = Reader(KEY).read(exchange)
    assert not reading.unread
    (record,) = reading.records
    return record


def visible_text(name: str) -> str:
    """The answer's text by a plain way of its own: every string that is appended to it, in order."""
    pieces: list[str] = []
    for line in (captures() / f"{name}.response.sse").read_text("utf-8").splitlines():
        if not line.startswith("data: {"):
            continue
        match json.loads(line[6:]):
            case {"delta": {"type": "text_delta", "text": str(text)}}:
                pieces.append(text)
            case {"p": "/message/content/parts/0", "o": "append", "v": str(text)}:
                pieces.append(text)
            case {"o": "patch", "v": list(operations)}:
                pieces += [one["v"] for one in operations if one["p"] == "/message/content/parts/0"]
    return "".join(pieces)


@pytest.mark.parametrize("name", list(WAYS))
def test_the_visible_answer_is_counted_within_two_percent(name: str) -> None:
    record = read(build(name))
    text = visible_text(name)
    assert text
    direct = count(text, record.response_model, service=record.service)
    assert record.output_tokens is not None
    assert abs(record.output_tokens - direct) <= 0.02 * direct
    assert record.output_tokens_source == "counted"


def test_the_chatgpt_recording_is_a_thinking_model_that_was_asked_and_no_more() -> None:
    record = read(build("chatgpt-web"))
    assert (record.service, record.request_model, record.response_model, record.effort) == (
        "chatgpt",
        "gpt-5-5-thinking",
        "gpt-5-5-thinking",
        "standard",
    )
    assert [(one.feature, one.state) for one in record.features] == [("reasoning", "asked")]
    assert (record.outcome, record.reasoning_tokens) == ("complete", None)
    assert record.input_tokens is not None
    assert record.conversation


def test_the_claude_recording_offers_tools_and_uses_none() -> None:
    record = read(build("claude-web"))
    assert (record.service, record.request_model, record.response_model) == (
        "claude",
        "claude-opus-4-7",
        "claude-opus-4-7",
    )
    assert record.features == ()
    assert record.outcome == "complete"
    assert record.conversation


@pytest.mark.parametrize("name", list(WAYS))
@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_in_pieces_of_any_size_they_read_the_same(name: str, size: int) -> None:
    whole, cut = read(build(name)), read(build(name, size))
    assert (cut.id, cut.output_tokens, cut.response_model) == (whole.id, whole.output_tokens, whole.response_model)


@pytest.mark.parametrize("name", list(WAYS))
def test_cut_off_they_are_aborted(name: str) -> None:
    exchange = build(name, 64)
    torn = replace(exchange, chunks=exchange.chunks[: len(exchange.chunks) * 3 // 4], ending="aborted")
    assert read(torn).outcome == "aborted"
