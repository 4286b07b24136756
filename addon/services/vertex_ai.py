"""
Vertex AI, as programs use it: Gemini in Google's dialect, other makers in theirs.

Usage is on the wire, thoughts included; pictures and videos are counted. The project in the path is not kept.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from addon.exchange import Exchange
from addon.service import Listener, Turn
from addon.services._anthropic_messages import Messages
from addon.services._dialect import ApiService
from addon.services._gemini import GenerateContent, model_in_path
from addon.services._gemini_media import Embed, LiveSocket, Predict
from addon.services._openai_chat import ChatCompletions
from addon.services._realtime import Realtime
from addon.services._usage import read_gemini_as_openai

REGIONS = (
    "us-central1", "us-east1", "us-east4", "us-east5", "us-south1", "us-west1", "us-west2", "us-west3", "us-west4",
    "northamerica-northeast1", "northamerica-northeast2", "southamerica-east1", "southamerica-west1",
    "europe-central2", "europe-north1", "europe-southwest1", "europe-west1", "europe-west2", "europe-west3",
    "europe-west4", "europe-west6", "europe-west8", "europe-west9", "europe-west12", "asia-east1", "asia-east2",
    "asia-northeast1", "asia-northeast2", "asia-northeast3", "asia-south1", "asia-southeast1", "asia-southeast2",
    "australia-southeast1", "me-central1", "me-central2", "me-west1", "africa-south1",
)  # fmt: skip
_PLACE = r"/v1\w*(?:/projects/[^/]+/locations/[^/]+)?"
_LIVE = r"/ws/google\.cloud\.aiplatform\.v1\w*\.LlmBidiService/BidiGenerateContent"
_MODEL = r"/models/(?!count-tokens)[^/:]+"


class MessagesInPath(Messages):
    """Anthropic's dialect with the model in the path."""

    def request(self, turn: Turn, body: Any) -> None:
        super().request(turn, body)
        turn.request_model = model_in_path(turn.exchange.path)


class ChatInPath(ChatCompletions):
    """OpenAI's dialect with the model in the path."""

    def request(self, turn: Turn, body: Any) -> None:
        super().request(turn, body)
        turn.request_model = turn.request_model or model_in_path(turn.exchange.path)


class VertexAi(ApiService):
    name = "vertex-ai"
    title = "Vertex AI"
    provider = "gcp.vertex_ai"
    hosts = (
        "aiplatform.googleapis.com",
        "aiplatform.us.rep.googleapis.com",
        "aiplatform.eu.rep.googleapis.com",
        *(f"{region}-aiplatform.googleapis.com" for region in REGIONS),
    )
    routes = (
        (_PLACE + rf"/publishers/google{_MODEL}:(?:generateContent|streamGenerateContent)", GenerateContent()),
        (_PLACE + r"/endpoints/\d+:(?:generateContent|streamGenerateContent)", GenerateContent()),
        (_PLACE + rf"/publishers/google{_MODEL}:embedContent", Embed()),
        (_PLACE + rf"/publishers/google{_MODEL}:(?:predict|predictLongRunning)", Predict()),
        (_PLACE + rf"/publishers/anthropic{_MODEL}:(?:rawPredict|streamRawPredict)", MessagesInPath()),
        (_PLACE + rf"/publishers/[a-z0-9-]+{_MODEL}:(?:rawPredict|streamRawPredict)", ChatInPath()),
        (
            _PLACE + r"/endpoints/openapi/chat/completions",
            ChatCompletions(read_gemini_as_openai, reasoning_is_whole=False),
        ),
        (_LIVE, Realtime()),
    )
    sockets = (_LIVE,)
    methods = ("POST", "GET")
    transports = ("sse", "json", "websocket")
    features = (
        "reasoning", "web_search", "code", "tool", "file_input", "image_input", "image_output", "voice",
        "video_output",
    )  # fmt: skip
    grade = "documented"
    verified = date(2026, 11, 21)

    def listen(self, opening: Exchange) -> Listener | None:
        return LiveSocket(self, opening)
