"""
The xAI API (Grok), as programs use it: over HTTP, and over gRPC, which the vendor's own library speaks.

Completion tokens leave reasoning out; the total shows it. Reasoning is hidden, but counted by the service. A deferred
answer is one row when it is fetched.
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
from addon.services._xai_deferred import Chat
from addon.services._xai_grpc import GrpcChat, GrpcImage, GrpcVideo

_FETCH = r"/v1/chat/deferred-completion/[0-9a-f]{8}-[0-9a-f-]{27}"
_COMPLETION = r"(?:GetCompletion(?:Chunk)?|(?:Start|Get)DeferredCompletion)"


class XaiApi(OpenaiLike):
    name = "xai-api"
    title = "xAI API"
    provider = "x_ai"
    hosts = ("api.x.ai", "us-east-1.api.x.ai", "us-west-1.api.x.ai", "eu-west-1.api.x.ai")
    methods = ("POST", "GET")
    routes = (
        (rf"/v1/chat/completions|{_FETCH}", Chat()),
        (r"/v1/completions", ChatCompletions(read_xai, operation="text_completion")),
        (r"/v1/responses", Responses(read_xai_responses)),
        (r"/v1/messages", Messages()),
        (r"/v1/images/(?:generations|edits)", Images()),
        (r"/v1/videos/(?:generations|edits|extensions)", Videos()),
        (r"/v1/realtime", Realtime()),
        (rf"/xai_api\.Chat/{_COMPLETION}", GrpcChat()),
        (r"/xai_api\.Image/GenerateImage", GrpcImage()),
        (r"/xai_api\.Video/(?:GenerateVideo|ExtendVideo)", GrpcVideo()),
    )
    polled = (_FETCH,)
    sockets = (r"/v1/realtime",)
    transports = ("sse", "json", "websocket", "grpc")
    features = ("reasoning", "tool", "web_search", "image_input", "image_output", "video_output", "voice")

    def listen(self, opening: Exchange) -> Listener | None:
        return RealtimeSocket(self, opening)
