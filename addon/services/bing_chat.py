"""
Bing Chat as it was until 2024 (for old archives; the host answers no more people).

The wire shows the message, the style, and the whole visible answer again and again as it grows. No model, no tokens.
"""

from __future__ import annotations

import re
from datetime import date

from addon.exchange import Exchange
from addon.framing.snapshots import Repeats
from addon.service import Listener, Service
from addon.services._chat_hub import ChatHub
from addon.services._superseded import hear_news


class BingChat(Service):
    name = "bing-chat"
    title = "Bing Chat (until 2024)"
    provider = "microsoft"
    hosts = ("sydney.bing.com",)
    path = re.compile(r"/sydney/ChatHub")
    methods = ("GET",)
    transports = ("websocket",)
    framing = "signalr"
    repeats = Repeats(re.compile(rb'"text": ?"'), unless=b'"writeAtCursor"')
    tokens = "counted"
    features = ("web_search", "code", "image_input", "image_output")
    grade = "documented"
    verified = date(2026, 11, 21)

    def listen(self, opening: Exchange) -> Listener | None:
        return hear_news(ChatHub(self, opening), self.repeats)
