"""Services that speak OpenAI's dialects and nothing else: what they share beyond the dialects."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from addon.service import Grade
from addon.services._dialect import ApiService, Dialect
from addon.services._openai_chat import ChatCompletions
from addon.services._openai_media import Embeddings
from addon.services._openai_responses import Responses

CHAT = ChatCompletions()
TEXT = ChatCompletions(operation="text_completion")


def openai_routes(base: str) -> tuple[tuple[str, Dialect], ...]:
    """Return the routes below a path such as ``/openai/v1``."""
    return (
        (rf"{base}/chat/completions", CHAT),
        (rf"{base}/completions", TEXT),
        (rf"{base}/responses", Responses()),
        (rf"{base}/embeddings", Embeddings()),
    )


class OpenaiLike(ApiService):
    """Chat completions with usage in the last chunks; reasoning text, where it is shown, is shown whole."""

    features: ClassVar[tuple[str, ...]] = ("reasoning", "tool", "image_input")
    grade: ClassVar[Grade] = "documented"
    verified: ClassVar[date] = date(2026, 11, 21)
