"""
Ollama on this computer (or a person's own), and its cloud at ollama.com.

Counts are on the last line; the prompt's count is absent when the prompt was cached, and is counted then. Thinking is
shown whole. A local server is heard through a port of its own: ``klimaspor start --local ollama=11434``.
"""

from __future__ import annotations

from datetime import date

from addon.local import CLOSED, name_host
from addon.services._anthropic_messages import Messages
from addon.services._dialect import ApiService
from addon.services._ollama import Chat, Embed
from addon.services._openai_like import openai_routes

ROUTES = (
    (r"/api/chat", Chat()),
    (r"/api/generate", Chat("text_completion")),
    (r"/api/(?:embed|embeddings)", Embed()),
    *openai_routes("/v1"),
    (r"/v1/messages", Messages()),
)


class Ollama(ApiService):
    name = "ollama"
    title = "Ollama on this computer"
    provider = "ollama"
    hosts = (name_host("ollama"),)
    closed = CLOSED
    routes = ROUTES
    transports = ("ndjson", "json", "sse")
    features = ("reasoning", "tool", "image_input")
    grade = "captured"
    verified = date(2026, 11, 21)


class OllamaCloud(ApiService):
    name = "ollama-cloud"
    title = "Ollama's cloud"
    provider = "ollama"
    hosts = ("ollama.com",)
    routes = ROUTES
    transports = ("ndjson", "json", "sse")
    features = ("reasoning", "tool", "image_input")
    grade = "documented"
    verified = date(2026, 11, 21)
