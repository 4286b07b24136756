"""Leonardo: its API, and its page as far as it can be told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from addon.exchange import Exchange
from addon.service import Event, Service, Turn
from addon.services._job import JobService
from addon.services._page import identity_at, pick, pixels, size_at, text_at

_ORDERS = frozenset({"Generate", "CreateSDGenerationJob"})


class Leonardo(JobService):
    """
    Pictures are ordered; their making is polled elsewhere.

    Shows: prompt, number and size of the pictures. Hides: the model's name (an id), how long the making took.
    """

    name = "leonardo-api"
    title = "Leonardo API"
    provider = "leonardo"
    hosts = ("cloud.leonardo.ai",)
    path = re.compile(r"/api/rest/v1/generations")
    kind = "image"
    features = ("image_input",)
    grade = "documented"
    verified = date(2026, 11, 21)

    def request(self, turn: Turn, body: Any) -> None:
        turn.prompt(text_at(body, "prompt"))
        turn.media_count = size_at(body, "num_images")
        turn.media_pixels = pixels(size_at(body, "width"), size_at(body, "height"))
        if text_at(body, "init_image_id") or text_at(body, "init_generation_image_id"):
            turn.used("image_input")

    def accept(self, turn: Turn, reply: dict[str, Any]) -> bool:
        turn.response_id = identity_at(reply, "sdGenerationJob", "generationId")
        return turn.response_id is not None


class LeonardoPage(Service):
    """One GraphQL address for all; the order's name is known from one source only, so time and bytes are recorded."""

    name = "leonardo"
    title = "Leonardo"
    provider = "leonardo"
    hosts = ("api.leonardo.ai",)
    path = re.compile(r"/v1/graphql")
    transports = ("json",)
    operation = "image"
    tokens = "none"
    grade = "inferred"
    verified = date(2026, 11, 21)
    closed = (
        "How its page orders pictures is known from one source only, so nothing but time and bytes is recorded "
        "(unverified)."
    )

    def turns(self, exchange: Exchange, body: Any, events: Iterable[Event]) -> Iterator[Turn]:
        if text_at(body, "operationName") not in _ORDERS:
            return
        turn = Turn(self, exchange)
        for event in events:
            if isinstance(pick(event.data, "data"), dict):
                turn.outcome = "complete"
        yield turn
