"""
Google's AI Overviews above search results, which nobody asked for, and AI Mode, which the person asks.

The wire shows the question (in the address) and the answer inside a page, so its text is counted roughly. No token
counts, hardly ever a model; the searches behind the answer are hidden. One turn of AI Mode may need several calls, of
which one holds the answer; an old thread that is opened again brings all its turns and is not counted again.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any
from urllib.parse import parse_qs

from addon.exchange import Exchange
from addon.service import Event, Service, Turn
from addon.services._google_page import AnswerPage
from addon.services._page import once

OVERVIEW, FIRST, NEXT = "/async/folsrch", "/async/folwr", "/async/folif"
MODEL = re.compile(r"\bmodel:(?:\"|&quot;|\\u0022|\\x22)(gemini-[a-z0-9.-]{1,40})")
LARGEST_PAGE = 3 << 20


class GoogleAI(Service):
    name = "google-ai"
    title = "Google AI Overviews and AI Mode"
    provider = "gcp.gemini"
    hosts = ("www.google.com",)
    path = re.compile(r"/async/(folsrch|folwr|folif)")
    methods = ("GET",)
    transports = ("html",)
    framing = "raw"
    operation = "search"
    tokens = "counted"
    features = ("web_search",)
    grade = "documented"
    verified = date(2026, 11, 21)
    needs_end = False
    """A page has no last word, and boxes left open are nothing strange: how the transfer ended must tell."""
    closed = "Everything you search for and open on Google passes the same host."

    def turns(self, exchange: Exchange, body: Any, events: Iterable[Event]) -> Iterator[Turn]:
        turn, page = Turn(self, exchange), AnswerPage()
        asked = parse_qs(exchange.query)
        for text in _read_text(events):
            page.feed(text)
            if found := MODEL.search(text):
                turn.response_model = found[1]
        last = page.turns[-1]
        is_old = exchange.path == FIRST and len(page.turns) > 1
        if is_old or not last.answer.strip():
            turn.dropped = True  # no overview was made, a part of a turn without its answer, or an old thread
        turn.answer(" ".join(last.answer.split()))
        turn.prompt(" ".join(asked.get("q", [])))
        if last.cites or exchange.path == OVERVIEW:
            once(turn, "web_search")
        self._identify(turn, page, asked)
        yield turn

    def _identify(self, turn: Turn, page: AnswerPage, asked: dict[str, list[str]]) -> None:
        if turn.exchange.path == OVERVIEW:
            turn.initiator = "unasked"
            place = [*asked.get("ei", []), *asked.get("ved", [])]
            turn.response_id = " ".join(place) or None
            return
        turn.conversation_id = page.thread
        question = " ".join(("".join(page.turns[-1].question) or " ".join(asked.get("q", []))).split())
        if page.thread and question:
            # Turns have no ids; the digest (and of that only a keyed one is kept) tells those of one thread apart.
            turn.response_id = page.thread + hashlib.sha256(question.encode("utf-8", "replace")).hexdigest()


def _read_text(events: Iterable[Event]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    left = LARGEST_PAGE
    for event in events:
        if isinstance(event.data, bytes) and left > 0:
            yield decoder.decode(event.data[:left])
            left -= len(event.data)
