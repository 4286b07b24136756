"""ChatGPT in the browser, as its side of an example conversation is spoken (pure)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

from tracker.trial.script import Script, pieces, sse, uuid


def chatgpt(number: int, talk: dict[str, Any]) -> Script:
    """ChatGPT in the browser: server-sent events in delta encoding v1."""
    conversation, turn = uuid(number, 1), uuid(number, 2)
    body: dict[str, Any] = {
        "action": "next",
        "messages": [
            {
                "id": uuid(number, 3),
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
        tuple(_Answer(number, talk, conversation, turn).events()),
        abort_after=talk.get("abort_after"),
    )


class _Answer:
    """The events of one answer; each message that is added opens the next channel."""

    def __init__(self, number: int, talk: dict[str, Any], conversation: str, turn: str) -> None:
        self._number, self._talk, self._conversation, self._turn = number, talk, conversation, turn
        self._channels = count()

    def events(self) -> Iterator[bytes]:
        """Yield the whole stream: searches, thoughts and pictures as the conversation has them, then the words."""
        token = {"type": "resume_conversation_token", "kind": "topic", "token": "x"}
        yield sse('"v1"', "delta_encoding")
        yield sse(token | {"conversation_id": self._conversation})
        yield from self._searches()
        yield from self._thoughts()
        yield from self._pictures()
        yield from self._words()
        kind = "search" if "search" in self._talk else "text"
        use = {"model_slug": self._talk["model"], "turn_use_case": kind, "turn_exchange_id": self._turn}
        yield sse({"type": "server_ste_metadata", "metadata": use, "conversation_id": self._conversation})
        yield sse({"type": "message_stream_complete", "conversation_id": self._conversation})
        yield sse("[DONE]")

    def _searches(self) -> Iterator[bytes]:
        for query in range(self._talk.get("search", 0)):
            call = {"content_type": "code", "text": '{"q": "ferry times"}'}
            yield self._add(20 + query, "assistant", call, recipient="web.run")
            result = {"content_type": "text", "parts": [""]}
            yield self._add(30 + query, "tool", result, metadata={"search_result_groups": [{}]})

    def _thoughts(self) -> Iterator[bytes]:
        if seconds := self._talk.get("thinking_seconds"):
            yield self._add(40, "assistant", {"content_type": "thoughts", "thoughts": []}, status="in_progress")
            thought = {
                "summary": "Listing the constraints", "content": "Seven dinners, one vegetarian.", "finished": True,
            }  # fmt: skip
            yield sse({"p": "/message/content/thoughts", "o": "append", "v": [thought]}, "delta")
            recap = {"content_type": "reasoning_recap", "content": f"Thought for {seconds}s"}
            times = {"reasoning_status": "reasoning_ended", "finished_duration_sec": seconds}
            yield self._add(41, "assistant", recap, metadata=times)

    def _pictures(self) -> Iterator[bytes]:
        for image in range(self._talk.get("images", 0)):
            pointer = {
                "content_type": "image_asset_pointer",
                "asset_pointer": f"sediment://file_{self._number:04d}{image}",
                "width": 1024,
                "height": 1536,
            }
            content = {"content_type": "multimodal_text", "parts": [pointer]}
            yield self._add(50 + image, "tool", content, metadata={"image_gen_title": "poster"})

    def _words(self) -> Iterator[bytes]:
        empty = {"content_type": "text", "parts": [""]}
        model = {"resolved_model_slug": self._talk["model"]}
        yield self._add(60, "assistant", empty, status="in_progress", channel="final", metadata=model)
        marker = {"type": "message_marker", "conversation_id": self._conversation}
        yield sse(marker | {"marker": "user_visible_token", "event": "first"})
        for place, words in enumerate(pieces(self._talk["answer"])):
            delta = {"p": "/message/content/parts/0", "o": "append", "v": words} if place == 0 else {"v": words}
            yield sse(delta, "delta")
        end = [
            {"p": "/message/status", "o": "replace", "v": "finished_successfully"},
            {"p": "/message/end_turn", "o": "replace", "v": True},
            {"p": "/message/metadata", "o": "append", "v": {"is_complete": True, "finish_details": {"type": "stop"}}},
        ]
        yield sse({"p": "", "o": "patch", "v": end}, "delta")

    def _add(self, part: int, role: str, content: dict[str, Any], **more: Any) -> bytes:
        """Return the event that adds a message."""
        metadata = {"model_slug": self._talk["model"], "turn_exchange_id": self._turn} | more.pop("metadata", {})
        message = {
            "id": uuid(self._number, part),
            "author": {"role": role},
            "content": content,
            "status": "finished_successfully",
            "metadata": metadata,
            "recipient": "all",
        }
        added = {"message": message | more, "conversation_id": self._conversation}
        return sse({"p": "", "o": "add", "v": added, "c": next(self._channels)}, "delta")
