"""
The DeepSeek API, as programs use it: OpenAI's dialects and Anthropic's.

Usage is always on the wire, in streams with the last chunk. Reasoning is shown whole.
"""

from __future__ import annotations

from datetime import date

from addon.services._anthropic_messages import Messages
from addon.services._openai_like import OpenaiLike, openai_routes


class DeepseekApi(OpenaiLike):
    name = "deepseek-api"
    title = "DeepSeek API"
    provider = "deepseek"
    hosts = ("api.deepseek.com",)
    routes = (*openai_routes(r"(?:/v1|/beta)?"), (r"/anthropic/v1/messages", Messages()))
    grade = "captured"
    verified = date(2026, 11, 21)
