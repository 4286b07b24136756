"""
The Anthropic API, as programs and Claude Code use it.

The wire shows everything that counts: usage with cache reads and writes, since 2026 also thinking tokens. It hides how
long the thinking really was on older models, whose shown thinking is a summary.
"""

from __future__ import annotations

from datetime import date

from addon.services._anthropic_messages import Complete, Messages
from addon.services._dialect import ApiService
from addon.services._openai_chat import ChatCompletions


class AnthropicApi(ApiService):
    name = "anthropic-api"
    title = "Anthropic API"
    provider = "anthropic"
    hosts = ("api.anthropic.com",)
    routes = (
        ("/v1/messages", Messages()),
        ("/v1/complete", Complete()),
        ("/v1/chat/completions", ChatCompletions(reasoning_is_whole=False)),
    )
    features = ("reasoning", "web_search", "code", "tool", "connector", "file_input", "image_input", "subagent")
    grade = "captured"
    verified = date(2026, 11, 21)
