"""The wire shapes in which the chatbots' side of an example conversation is spoken (pure)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tracker.trial.apis import anthropic, openai_chat, openai_responses
from tracker.trial.chatgpt import chatgpt
from tracker.trial.claude import claude
from tracker.trial.script import Script, pieces, uuid


def script(number: int, conversation: dict[str, Any]) -> Script:
    """Return the exchange for one conversation of ``conversations.toml``; ``number`` makes its ids its own."""
    return DIALECTS[conversation["dialect"]](number, conversation)


def unreadable(number: int, talk: dict[str, Any]) -> Script:
    """A turn's path with an answer in a shape that no reader knows."""
    shape = {"kind": "surprise", "frames": [{"glyphs": words} for words in pieces(talk["answer"])]}
    path = f"/api/organizations/{uuid(0, 9)}/chat_conversations/{uuid(number, 1)}/completion"
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
