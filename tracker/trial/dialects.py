"""The wire shapes in which the chatbots' side of an example conversation is spoken (pure)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

STARTED = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Script:
    """One exchange to play: what the client sends, and what the stand-in answers, chunk by chunk."""

    host: str
    path: str
    request: bytes
    chunks: tuple[bytes, ...]
    content_type: str = "text/event-stream; charset=utf-8"
    abort_after: float | None = None
    """The share of the answer after which the client hangs up; None where it listens to the end."""


def script(number: int, conversation: dict[str, Any]) -> Script:
    """Return the exchange for one conversation of ``conversations.toml``; ``number`` makes its ids its own."""
    return DIALECTS[conversation["dialect"]](number, conversation)


def chatgpt(number: int, talk: dict[str, Any]) -> Script:
    """ChatGPT in the browser: server-sent events in delta encoding v1."""
    conversation, turn = _uuid(number, 1), _uuid(number, 2)
    body: dict[str, Any] = {
        "action": "next",
        "messages": [
            {
                "id": _uuid(number, 3),
                "author": {"role": "user"},
                "content": {"content_type": "text", "parts": [talk["prompt"]]},
                "metadata": {},
            }
        ],
        "conversation_id": conversation,
        "model": talk["model"],
        "conversation_mode": {"kind": "primary_assistant"},
        "system_hints": ["search"] if "search" in talk else ["picture_v2"] if "images" in talk else [],
        "supported_encodings": ["v1"],
    }
    if "effort" in talk:
        body["thinking_effort"] = talk["effort"]
    prefix = "/backend-anon" if talk.get("anonymous") else "/backend-api"
    return Script(
        "chatgpt.com",
        f"{prefix}/f/conversation",
        json.dumps(body).encode(),
        tuple(_chatgpt_events(number, talk, conversation, turn)),
        abort_after=talk.get("abort_after"),
    )


def _chatgpt_events(number: int, talk: dict[str, Any], conversation: str, turn: str) -> Iterator[bytes]:
    model = talk["model"]

    def message(part: int, role: str, content: dict[str, Any], **more: Any) -> dict[str, Any]:
        metadata = {"model_slug": model, "turn_exchange_id": turn} | more.pop("metadata", {})
        return {
            "message": {
                "id": _uuid(number, part),
                "author": {"role": role},
                "content": content,
                "status": "finished_successfully",
                "metadata": metadata,
                "recipient": "all",
            }
            | more,
            "conversation_id": conversation,
        }

    yield _sse('"v1"', "delta_encoding")
    yield _sse({"type": "resume_conversation_token", "kind": "topic", "token": "x", "conversation_id": conversation})
    channel = 0
    for query in range(talk.get("search", 0)):
        call = message(
            20 + query, "assistant", {"content_type": "code", "text": '{"q": "ferry times"}'}, recipient="web.run"
        )
        yield _sse({"p": "", "o": "add", "v": call, "c": channel}, "delta")
        result = message(
            30 + query, "tool", {"content_type": "text", "parts": [""]}, metadata={"search_result_groups": [{}]}
        )
        yield _sse({"p": "", "o": "add", "v": result, "c": channel + 1}, "delta")
        channel += 2
    if seconds := talk.get("thinking_seconds"):
        thoughts = message(40, "assistant", {"content_type": "thoughts", "thoughts": []}, status="in_progress")
        yield _sse({"p": "", "o": "add", "v": thoughts, "c": channel}, "delta")
        thought = [
            {"summary": "Listing the constraints", "content": "Seven dinners, one vegetarian.", "finished": True}
        ]
        yield _sse({"p": "/message/content/thoughts", "o": "append", "v": thought}, "delta")
        recap = {"content_type": "reasoning_recap", "content": f"Thought for {seconds}s"}
        times = {"reasoning_status": "reasoning_ended", "finished_duration_sec": seconds}
        yield _sse(
            {"p": "", "o": "add", "v": message(41, "assistant", recap, metadata=times), "c": channel + 1}, "delta"
        )
        channel += 2
    for image in range(talk.get("images", 0)):
        pointer = {
            "content_type": "image_asset_pointer",
            "asset_pointer": f"sediment://file_{number:04d}{image}",
            "width": 1024,
            "height": 1536,
        }
        content = {"content_type": "multimodal_text", "parts": [pointer]}
        drawn = message(50 + image, "tool", content, metadata={"image_gen_title": "poster"})
        yield _sse({"p": "", "o": "add", "v": drawn, "c": channel}, "delta")
        channel += 1
    answer = message(
        60,
        "assistant",
        {"content_type": "text", "parts": [""]},
        status="in_progress",
        channel="final",
        metadata={"resolved_model_slug": model},
    )
    yield _sse({"p": "", "o": "add", "v": answer, "c": channel}, "delta")
    yield _sse(
        {"type": "message_marker", "conversation_id": conversation, "marker": "user_visible_token", "event": "first"}
    )
    for place, words in enumerate(_pieces(talk["answer"])):
        delta = {"p": "/message/content/parts/0", "o": "append", "v": words} if place == 0 else {"v": words}
        yield _sse(delta, "delta")
    end = [
        {"p": "/message/status", "o": "replace", "v": "finished_successfully"},
        {"p": "/message/end_turn", "o": "replace", "v": True},
        {"p": "/message/metadata", "o": "append", "v": {"is_complete": True, "finish_details": {"type": "stop"}}},
    ]
    yield _sse({"p": "", "o": "patch", "v": end}, "delta")
    use = {"model_slug": model, "turn_use_case": "search" if "search" in talk else "text", "turn_exchange_id": turn}
    yield _sse({"type": "server_ste_metadata", "metadata": use, "conversation_id": conversation})
    yield _sse({"type": "message_stream_complete", "conversation_id": conversation})
    yield _sse("[DONE]")


def claude(number: int, talk: dict[str, Any]) -> Script:
    """Claude in the browser: Messages events with the site's own timestamps, and no usage."""
    body: dict[str, Any] = {
        "prompt": talk["prompt"],
        "model": talk["model"],
        "tools": [{"type": "web_search_v0", "name": "web_search"}],
        "attachments": [],
        "files": [],
        "rendering_mode": "messages",
        "turn_message_uuids": {"human_message_uuid": _uuid(number, 3), "assistant_message_uuid": _uuid(number, 2)},
    }
    if "attachment" in talk:
        text = talk["attachment"]
        body["attachments"] = [
            {"file_name": "notes.txt", "file_type": "text/plain", "file_size": len(text), "extracted_content": text}
        ]
    return Script(
        "claude.ai",
        f"/api/organizations/{_uuid(0, 9)}/chat_conversations/{_uuid(number, 1)}/completion",
        json.dumps(body).encode(),
        tuple(_claude_events(number, talk)),
    )


def _claude_events(number: int, talk: dict[str, Any]) -> Iterator[bytes]:
    start = {"id": f"chatcompl_{number:06d}", "type": "message", "role": "assistant", "model": talk["model"]}
    yield _named({"type": "message_start", "message": start | {"uuid": _uuid(number, 2), "content": []}})
    blocks: list[tuple[dict[str, Any], list[dict[str, Any]], int]] = []
    if seconds := talk.get("thinking_seconds"):
        pieces = [{"type": "thinking_delta", "thinking": words} for words in _pieces(talk["thinking"])]
        blocks.append(({"type": "thinking", "thinking": ""}, pieces, seconds))
    for query in range(talk.get("search", 0)):
        call = {"type": "tool_use", "id": f"toolu_{query}", "name": "web_search", "input": {}}
        blocks.append((call, [{"type": "input_json_delta", "partial_json": '{"query": "home office energy"}'}], 1))
        result = {"type": "tool_result", "tool_use_id": f"toolu_{query}", "name": "web_search", "content": []}
        blocks.append((result, [{"type": "input_json_delta", "partial_json": '[{"type": "knowledge"}]'}], 1))
    texts = [{"type": "text_delta", "text": words} for words in _pieces(talk["answer"])]
    blocks.append(({"type": "text", "text": "", "citations": []}, texts, 2))
    now = STARTED
    for index, (block, deltas, seconds) in enumerate(blocks):
        opened = block | {"start_timestamp": _timestamp(now), "stop_timestamp": None}
        yield _named({"type": "content_block_start", "index": index, "content_block": opened})
        for delta in deltas:
            yield _named({"type": "content_block_delta", "index": index, "delta": delta})
        now += timedelta(seconds=seconds)
        yield _named({"type": "content_block_stop", "index": index, "stop_timestamp": _timestamp(now)})
    yield _named({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}})
    yield _named({"type": "message_limit", "message_limit": {"type": "within_limit"}})
    yield _named({"type": "message_stop"})


def openai_chat(number: int, talk: dict[str, Any]) -> Script:
    """OpenAI's chat completions, streamed, with the usage in the last chunk."""
    body = {
        "model": talk["model"],
        "messages": [{"role": "user", "content": talk["prompt"]}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    head = {"id": f"chatcmpl-{number:06d}", "object": "chat.completion.chunk", "created": 1, "model": talk["model"]}
    usage = talk["usage"]
    chunks = [
        _sse(head | {"choices": [{"index": 0, "delta": {"content": words}, "finish_reason": None}], "usage": None})
        for words in _pieces(talk["answer"])
    ]
    chunks.append(_sse(head | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": None}))
    totals = {
        "prompt_tokens": usage["input"],
        "completion_tokens": usage["output"],
        "total_tokens": usage["input"] + usage["output"],
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
    chunks += [_sse(head | {"choices": [], "usage": totals}), _sse("[DONE]")]
    return Script("api.openai.com", "/v1/chat/completions", json.dumps(body).encode(), tuple(chunks))


def openai_responses(number: int, talk: dict[str, Any]) -> Script:
    """OpenAI's responses, streamed, with the usage in the terminal event."""
    body = {"model": talk["model"], "input": talk["prompt"], "reasoning": {"effort": "medium"}, "stream": True}
    usage = talk["usage"]
    response = {"id": f"resp_{number:06d}", "object": "response", "model": talk["model"], "status": "in_progress"}
    events: list[dict[str, Any]] = [{"type": "response.created", "response": response}]
    events += [
        {
            "type": "response.output_text.delta",
            "item_id": "msg_1",
            "output_index": 1,
            "content_index": 0,
            "delta": words,
        }
        for words in _pieces(talk["answer"])
    ]
    totals = {
        "input_tokens": usage["input"],
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": usage["output"],
        "output_tokens_details": {"reasoning_tokens": usage["reasoning"]},
        "total_tokens": usage["input"] + usage["output"],
    }
    output = [
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": talk["answer"]}]},
    ]
    done = response | {"status": "completed", "output": output, "usage": totals}
    events.append({"type": "response.completed", "response": done})
    return Script(
        "api.openai.com", "/v1/responses", json.dumps(body).encode(), tuple(_named(event) for event in events)
    )


def anthropic(number: int, talk: dict[str, Any]) -> Script:
    """Anthropic's messages in one JSON body, with cached input."""
    body = {"model": talk["model"], "max_tokens": 1024, "messages": [{"role": "user", "content": talk["prompt"]}]}
    usage = talk["usage"]
    answer = {
        "id": f"msg_{number:06d}",
        "type": "message",
        "role": "assistant",
        "model": talk["model"],
        "content": [{"type": "text", "text": talk["answer"]}],
        "stop_reason": "end_turn",
        "usage": {
            "input_tokens": usage["input"],
            "cache_read_input_tokens": usage["cached"],
            "cache_creation_input_tokens": 0,
            "output_tokens": usage["output"],
        },
    }
    chunks = (json.dumps(answer).encode(),)
    return Script("api.anthropic.com", "/v1/messages", json.dumps(body).encode(), chunks, "application/json")


def unreadable(number: int, talk: dict[str, Any]) -> Script:
    """A turn's path with an answer in a shape that no reader knows."""
    shape = {"kind": "surprise", "frames": [{"glyphs": words} for words in _pieces(talk["answer"])]}
    path = f"/api/organizations/{_uuid(0, 9)}/chat_conversations/{_uuid(number, 1)}/completion"
    request = json.dumps({"question": talk["prompt"]}).encode()
    return Script("claude.ai", path, request, (json.dumps(shape).encode(),), "application/json")


DIALECTS: dict[str, Callable[[int, dict[str, Any]], Script]] = {
    "chatgpt": chatgpt,
    "claude": claude,
    "openai-chat": openai_chat,
    "openai-responses": openai_responses,
    "anthropic": anthropic,
    "unreadable": unreadable,
}


def _pieces(text: str) -> list[str]:
    """Cut a text into runs of a few words, as a model's stream does."""
    words = re.findall(r"\S+\s*", text.strip())
    return ["".join(words[start : start + 3]) for start in range(0, len(words), 3)]


def _sse(data: object, event: str | None = None) -> bytes:
    text = data if isinstance(data, str) else json.dumps(data)
    return (f"event: {event}\n" if event else "").encode() + f"data: {text}\n\n".encode()


def _named(event: dict[str, Any]) -> bytes:
    return _sse(event, event["type"])


def _uuid(number: int, part: int) -> str:
    return str(UUID(int=number << 32 | part, version=4))


def _timestamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
