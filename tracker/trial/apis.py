"""OpenAI's and Anthropic's APIs, as their side of an example conversation is spoken (pure)."""

from __future__ import annotations

import json
from typing import Any

from tracker.trial.script import Script, named, pieces, sse


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
        sse(head | {"choices": [{"index": 0, "delta": {"content": words}, "finish_reason": None}], "usage": None})
        for words in pieces(talk["answer"])
    ]
    chunks.append(sse(head | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": None}))
    totals = {
        "prompt_tokens": usage["input"],
        "completion_tokens": usage["output"],
        "total_tokens": usage["input"] + usage["output"],
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
    chunks += [sse(head | {"choices": [], "usage": totals}), sse("[DONE]")]
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
        for words in pieces(talk["answer"])
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
    return Script("api.openai.com", "/v1/responses", json.dumps(body).encode(), tuple(named(event) for event in events))


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
