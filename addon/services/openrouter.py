"""
OpenRouter, as programs use it: every maker's models behind OpenAI's and Anthropic's dialects.

Usage is always on the wire, after the last ``finish_reason``. Which machine answered is not told reliably. Reasoning
may be a summary, depending on the maker.
"""

from __future__ import annotations

from datetime import date

from addon.services._anthropic_messages import Messages
from addon.services._openai_chat import ChatCompletions
from addon.services._openai_like import OpenaiLike
from addon.services._openai_media import Embeddings
from addon.services._openai_responses import Responses
from addon.services._usage import read_openrouter


class Openrouter(OpenaiLike):
    name = "openrouter"
    title = "OpenRouter"
    provider = "openrouter"
    hosts = ("openrouter.ai",)
    routes = (
        (r"/api/v1/chat/completions", ChatCompletions(read_openrouter, reasoning_is_whole=False)),
        (r"/api/v1/completions", ChatCompletions(read_openrouter, operation="text_completion")),
        (r"/api/(?:v1|alpha)/responses", Responses()),
        (r"/api/v1/messages", Messages()),
        (r"/api/v1/embeddings", Embeddings()),
    )
    features = ("reasoning", "tool", "web_search", "image_input", "image_output")
    verified = date(2026, 11, 21)
