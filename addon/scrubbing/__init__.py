"""Makes an exchange safe to share: every word becomes filler, every id another, and the reader still reads the same."""

from __future__ import annotations

from dataclasses import replace

from addon.exchange import Exchange, Message
from addon.framing import split_messages
from addon.scrubbing.filler import Fillers
from addon.scrubbing.framed import scrub_answer, scrub_events
from addon.scrubbing.gateway import scrub_gateway
from addon.scrubbing.heads import scrub_headers, scrub_host, scrub_path, scrub_query, scrub_request
from addon.scrubbing.scrubber import Scrubber
from addon.scrubbing.words import vocabulary

__all__ = ["Fillers", "Scrubber", "scrub", "vocabulary"]


def scrub(exchange: Exchange, framing: str, scrubber: Scrubber) -> Exchange:
    """
    Return an exchange that its reader reads alike, with nothing of the person's in it.

    Cookies, keys and all headers but a few are dropped, content codings undone, times kept.
    Raises ``Refused`` if the answer's content coding cannot be undone.
    """
    scrubber.side = "question"
    request_body = scrub_request(exchange, scrubber)
    path, query = scrub_path(exchange.path, scrubber), scrub_query(exchange.query, scrubber)
    scrubber.side = "answer"
    chunks = scrub_answer(exchange, framing, scrubber)
    return replace(
        exchange,
        host=scrub_host(exchange.host),
        path=path,
        query=query,
        request_headers=scrub_headers(exchange.request_headers, scrubber),
        request_body=request_body,
        request_bytes=len(request_body),
        response_headers={"content-type": ""} | scrub_headers(exchange.response_headers, scrubber),
        chunks=chunks,
        response_bytes=sum(len(chunk.data) for chunk in chunks),
        messages=tuple(scrub_message(message, framing, scrubber) for message in exchange.messages),
    )


def scrub_message(message: Message, framing: str, scrubber: Scrubber) -> Message:
    """Return a socket message with nothing of the person's in it; binary of an unknown kind becomes empty."""
    scrubber.side = "question" if message.from_client else "answer"
    if (frames := scrub_gateway(message.data, scrubber)) is not None:
        return replace(message, data=frames)
    events = split_messages(message.data, framing)
    if any(isinstance(event.data, bytes) for event in events):
        scrubber.removed["binary message"] += 1
        return replace(message, data=b"")
    separator = "\x1e" if message.data.rstrip().endswith(b"\x1e") else ""
    return replace(message, data="".join(text + separator for text in scrub_events(events, scrubber)).encode())
