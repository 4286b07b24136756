"""
Cursor's agent and chat, over a binary protocol without a public description.

Only that an answer came, how long it took and how many bytes it had can be told: no model, no tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from addon.exchange import Exchange
from addon.service import Event, Service, Turn


class Cursor(Service):
    name = "cursor"
    title = "Cursor"
    provider = "cursor"
    hosts = (
        "api2.cursor.sh", "api3.cursor.sh", "api4.cursor.sh", "api5.cursor.sh", "agent.api5.cursor.sh",
        "agentn.api5.cursor.sh", "api2geo.cursor.sh", "api2direct.cursor.sh",
    )  # fmt: skip
    path = re.compile(r"/aiserver\.v1\.(?:ChatService|AiService)/Stream[A-Za-z]+|/agent\.v1\.AgentService/Run(?:SSE)?")
    transports = ("connect",)
    framing = "raw"
    initiator = "agent"
    tokens = "none"
    grade = "inferred"
    verified = date(2026, 11, 21)
    closed = (
        "Sign-in, code indexing, completions while typing and updates of Cursor pass there as well, "
        "and what is read of it is unverified: time and bytes only."
    )
    needs_end = False

    def turns(self, exchange: Exchange, body: Any, events: Iterable[Event]) -> Iterator[Turn]:
        turn = Turn(self, exchange)
        turn.dropped = not any(True for _ in events)
        turn.finished = exchange.ending == "complete"
        yield turn
