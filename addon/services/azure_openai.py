"""
Azure OpenAI and Azure AI Foundry, as programs use them.

The deployment in the path is a name that the customer chose; the model is the one in the answer. Chat streams report
no usage unless asked to, so their text is counted.
"""

from __future__ import annotations

from datetime import date

from addon.exchange import Exchange
from addon.service import Listener
from addon.services._anthropic_messages import Messages
from addon.services._dialect import ApiService
from addon.services._openai_like import CHAT, TEXT
from addon.services._openai_media import Embeddings, Images, Speech, Transcription, Videos
from addon.services._openai_responses import Responses
from addon.services._openai_responses_socket import ResponsesSocket
from addon.services._realtime import Realtime, RealtimeSocket

_BASE = r"/openai/(?:deployments/[^/]+|v1)"
RESPONSES = Responses()


class AzureOpenai(ApiService):
    name = "azure-openai"
    title = "Azure OpenAI"
    provider = "azure.ai.openai"
    hosts = (
        "*.openai.azure.com",
        "*.cognitiveservices.azure.com",
        "*.services.ai.azure.com",
        "models.inference.ai.azure.com",
    )
    methods = ("POST", "GET")
    routes = (
        (_BASE + r"(?:/extensions)?/chat/completions|/models/chat/completions|/chat/completions", CHAT),
        (_BASE + r"/completions", TEXT),
        (r"/openai(?:/v1)?/responses(?:/compact|/resp_[A-Za-z0-9_-]+)?", RESPONSES),
        (_BASE + r"/embeddings|/models/embeddings|/embeddings", Embeddings()),
        (_BASE + r"/images/(?:generations|edits)", Images()),
        (_BASE + r"/audio/speech", Speech()),
        (_BASE + r"/audio/(?:transcriptions|translations)", Transcription()),
        (r"/openai/v1/videos(?:/(?:edits|extensions|[A-Za-z0-9_-]+/remix))?", Videos()),
        (r"/anthropic/v1/messages", Messages()),
        (r"/openai(?:/v1)?/realtime|/voice-live/realtime", Realtime()),
    )
    polled = (r"/openai(?:/v1)?/responses/resp_[A-Za-z0-9_-]+",)
    sockets = (r"/openai(?:/v1)?/responses", r"/openai(?:/v1)?/realtime", r"/voice-live/realtime")
    transports = ("sse", "json", "websocket", "bytes")
    features = ("reasoning", "web_search", "code", "tool", "file_input", "image_input", "image_output", "voice")
    grade = "captured"
    verified = date(2026, 11, 21)

    def listen(self, opening: Exchange) -> Listener | None:
        if opening.path.endswith("/realtime"):
            return RealtimeSocket(self, opening)
        return ResponsesSocket(self, opening, RESPONSES)
