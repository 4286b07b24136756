"""
Google's Gemini API (AI Studio keys), as programs and Gemini CLI with a key use it.

Usage is on the wire, thoughts included; embeddings often come without it. Shown thoughts are summaries.
"""

from __future__ import annotations

from datetime import date

from addon.exchange import Exchange
from addon.service import Listener
from addon.services._dialect import ApiService
from addon.services._gemini import GenerateContent
from addon.services._gemini_interactions import Interactions
from addon.services._gemini_media import Embed, LiveSocket, Predict
from addon.services._openai_chat import ChatCompletions
from addon.services._openai_media import Embeddings
from addon.services._realtime import Realtime
from addon.services._usage import read_gemini_as_openai

_VERSION = r"/v1(?:alpha|beta\d*)?"
_LIVE = r"/ws/google\.ai\.generativelanguage\.v1\w*\.GenerativeService\.BidiGenerateContent"
_INTERACTION = _VERSION + r"/interactions/[^/:]+"


class GeminiApi(ApiService):
    name = "gemini-api"
    title = "Gemini API"
    provider = "gcp.gemini"
    hosts = ("generativelanguage.googleapis.com",)
    methods = ("POST", "GET")
    routes = (
        (_VERSION + r"/(?:models|tunedModels)/[^/:]+:(?:generateContent|streamGenerateContent)", GenerateContent()),
        (_VERSION + r"/(?:models|tunedModels)/[^/:]+:(?:embedContent|batchEmbedContents)", Embed()),
        (_VERSION + r"/models/[^/:]+:(?:predict|predictLongRunning)", Predict()),
        (_VERSION + r"/interactions(?:/[^/:]+)?", Interactions()),
        (_VERSION + r"/openai/chat/completions", ChatCompletions(read_gemini_as_openai, reasoning_is_whole=False)),
        (_VERSION + r"/openai/embeddings", Embeddings()),
        (_LIVE, Realtime()),
    )
    polled = (_INTERACTION,)
    sockets = (_LIVE,)
    transports = ("sse", "json", "websocket")
    features = (
        "reasoning", "deep_research", "web_search", "code", "tool", "file_input", "image_input", "image_output",
        "video_output", "voice",
    )  # fmt: skip
    grade = "captured"
    verified = date(2026, 11, 21)

    def listen(self, opening: Exchange) -> Listener | None:
        return LiveSocket(self, opening)
