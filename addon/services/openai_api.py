"""
The OpenAI API, as programs use it.

The wire reports usage nearly always; chat streams without ``include_usage`` and legacy completion streams report
none, so their text is counted. Reasoning is hidden but counted by the service. Sound over WebRTC is not heard. Live
and translation sockets tell no tokens of what is spoken: their transcripts are counted.
"""

from __future__ import annotations

import re
from datetime import date

from addon.exchange import Exchange
from addon.service import Listener
from addon.services._dialect import ApiService
from addon.services._openai_chat import ChatCompletions
from addon.services._openai_live import Live, LiveSocket
from addon.services._openai_media import Decisions, Embeddings, Images, Speech, Transcription, Videos
from addon.services._openai_responses import Responses
from addon.services._openai_responses_socket import ResponsesSocket
from addon.services._openai_runs import Runs
from addon.services._realtime import Realtime, RealtimeSocket

RESPONSES = Responses()
_LIVE = r"/v1/live/sessions(?:/[A-Za-z0-9_-]+/fork)?|/v1/realtime/translations"


class OpenaiApi(ApiService):
    name = "openai-api"
    title = "OpenAI API"
    provider = "openai"
    hosts = ("api.openai.com", "eu.api.openai.com", "us.api.openai.com")
    methods = ("POST", "GET")
    routes = (
        (r"/v1/chat/completions", ChatCompletions()),
        (r"/v1/responses(?:/compact|/resp_[A-Za-z0-9_-]+)?", RESPONSES),
        (r"/v1/completions", ChatCompletions(operation="text_completion")),
        (r"/v1/embeddings", Embeddings()),
        (r"/v1/images/(?:generations|edits|variations)", Images()),
        (r"/v1/audio/speech", Speech()),
        (r"/v1/audio/(?:transcriptions|translations)", Transcription()),
        (r"/v1/videos(?:/(?:edits|extensions|[A-Za-z0-9_-]+/remix))?", Videos()),
        (r"/v1/threads/runs|/v1/threads/[^/]+/runs(?:/[^/]+(?:/submit_tool_outputs)?)?", Runs()),
        (r"/v1/decisions", Decisions()),
        (r"/v1/realtime", Realtime()),
        (_LIVE, Live()),
    )
    polled = (r"/v1/responses/resp_[A-Za-z0-9_-]+", r"/v1/threads/[^/]+/runs/run_[A-Za-z0-9_-]+")
    sockets = (r"/v1/responses", r"/v1/realtime", _LIVE)
    transports = ("sse", "json", "websocket", "bytes")
    features = (
        "reasoning", "web_search", "code", "tool", "connector", "agent", "file_input", "image_input", "audio_input",
        "image_output", "audio_output", "video_output", "voice",
    )  # fmt: skip
    grade = "captured"
    verified = date(2026, 11, 21)

    def listen(self, opening: Exchange) -> Listener | None:
        if opening.path == "/v1/realtime":
            return RealtimeSocket(self, opening)
        if re.fullmatch(_LIVE, opening.path):
            return LiveSocket(self, opening)
        return ResponsesSocket(self, opening, RESPONSES) if opening.path == "/v1/responses" else None
