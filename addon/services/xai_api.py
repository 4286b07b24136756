"""
The xAI API (Grok), as programs use it. The vendor's own library speaks gRPC, which is not read.

Completion tokens leave reasoning out; the total shows it. Reasoning is hidden, but counted by the service.
"""

from __future__ import annotations

from addon.exchange import Exchange
from addon.service import Listener
from addon.services._anthropic_messages import Messages
from addon.services._openai_chat import ChatCompletions
from addon.services._openai_like import OpenaiLike
from addon.services._openai_media import Images, Videos
from addon.services._openai_responses import Responses
from addon.services._realtime import Realtime, RealtimeSocket
from addon.services._usage import read_xai, read_xai_responses


class XaiApi(OpenaiLike):
    name = "xai-api"
    title = "xAI API"
    provider = "x_ai"
    hosts = ("api.x.ai", "us-east-1.api.x.ai", "us-west-1.api.x.ai", "eu-west-1.api.x.ai")
    methods = ("POST", "GET")
    routes = (
        (r"/v1/chat/completions", ChatCompletions(read_xai)),
        (r"/v1/completions", ChatCompletions(read_xai, operation="text_completion")),
        (r"/v1/responses", Responses(read_xai_responses)),
        (r"/v1/messages", Messages()),
        (r"/v1/images/(?:generations|edits)", Images()),
        (r"/v1/videos/(?:generations|edits|extensions)", Videos()),
        (r"/v1/realtime", Realtime()),
    )
    sockets = (r"/v1/realtime",)
    transports = ("sse", "json", "websocket")
    features = ("reasoning", "tool", "web_search", "image_input", "image_output", "video_output", "voice")

    def listen(self, opening: Exchange) -> Listener | None:
        return RealtimeSocket(self, opening)
