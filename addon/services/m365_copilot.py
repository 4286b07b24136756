"""
Microsoft 365 Copilot (BizChat) in the browser.

One socket carries many turns. The wire shows the message, the tone (which chooses the model), the visible answer,
summaries of thoughts and what tools did. It names no resolved model and no token counts; the documents that it reads
are hidden. The path names the person: it is used for nothing.
"""

from __future__ import annotations

import re
from datetime import date

from addon.exchange import Exchange
from addon.service import Listener, Service, Turn
from addon.services._chat_hub import ChatHub

TONE = re.compile(
    r"(?P<family>gpt|claude)(?:_(?!(?:chat|quick|reasoning)$)(?P<model>\w+?))?(?:_(?P<mode>chat|quick|reasoning))?"
)


class M365Copilot(Service):
    name = "m365-copilot"
    title = "Microsoft 365 Copilot"
    provider = "microsoft"
    hosts = ("substrate.office.com", "substrate.office365.us", "substrate.svc.cloud.microsoft")
    path = re.compile(r"/m365Copilot/Chathub/[^/?]+")
    methods = ("GET",)
    transports = ("websocket",)
    framing = "signalr"
    adds = re.compile(rb'"writeAtCursor": ?(?P<each>")(?!")')
    tokens = "counted"
    features = ("reasoning", "web_search", "tool", "code", "file_input", "image_input", "image_output")
    grade = "documented"
    verified = date(2026, 11, 21)
    closed = "Mail, calendar, contacts and searches of Microsoft 365 pass the same host."

    def listen(self, opening: Exchange) -> Listener | None:
        return M365Hub(self, opening)


class M365Hub(ChatHub):
    def read_tone(self, turn: Turn, tone: str) -> None:
        """``Gpt_5_2_Reasoning`` asks for gpt-5.2, thinking; ``Gpt_Quick`` and ``Magic`` leave the model open."""
        match = TONE.fullmatch(tone.lower())
        turn.effort = match["mode"] if match else tone.lower()
        if match and match["model"]:
            model = re.sub(r"(?<=[0-9])_(?=[0-9])", ".", match["model"]).replace("_", "-")
            turn.request_model = f"{match['family']}-{model}"
        if turn.effort == "reasoning":
            turn.asked("reasoning")
