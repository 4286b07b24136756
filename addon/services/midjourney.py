"""Midjourney."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from addon.exchange import Exchange
from addon.service import Event, Service, Turn
from addon.services._page import identity_at, list_at, pick, pixels, size_at, text_at

_MOST_PICTURES = 100
"""In one prompt; a larger number is a lie."""


class Midjourney(Service):
    """
    A job is submitted and made elsewhere; the reply already tells size and number. One row a job.

    Shows: prompt, pictures in a job and their size, mode. Hides: how long the making took (it is polled), the model
    but as ``--v`` in the prompt, which is the person's text. Upscales and variations come the same way.
    """

    name = "midjourney"
    title = "Midjourney"
    provider = "midjourney"
    hosts = ("www.midjourney.com", "alpha.midjourney.com")
    path = re.compile(r"/api/submit-jobs")
    transports = ("json",)
    operation = "image"
    features = ("image_output", "image_input", "video_output")
    grade = "documented"
    verified = date(2026, 11, 21)

    def turns(self, exchange: Exchange, body: Any, events: Iterable[Event]) -> Iterator[Turn]:
        for event in events:
            for job in list_at(event.data, "success"):
                turn = Turn(self, exchange)
                self._read_job(turn, body, job)
                yield turn
            if list_at(event.data, "failure") and not list_at(event.data, "success"):
                turn = Turn(self, exchange)
                turn.prompt(text_at(body, "prompt"))
                turn.outcome = "refused"
                yield turn

    def _read_job(self, turn: Turn, body: Any, job: Any) -> None:
        turn.finished = True
        turn.response_id = identity_at(job, "job_id")
        turn.effort = text_at(job, "flags", "mode")
        turn.prompt(text_at(body, "prompt"))
        for _ in range(min(size_at(body, "metadata", "imagePrompts") or 0, _MOST_PICTURES)):
            turn.attach(kind="image")
        meta = pick(job, "meta")
        turn.media_count = size_at(meta, "batch_size") or 1
        turn.media_pixels = pixels(size_at(meta, "width"), size_at(meta, "height"))
        is_film = "video" in (text_at(job, "event_type") or text_at(body, "t") or "")
        turn.operation = "video" if is_film else "image"
        turn.used("video_output" if is_film else "image_output", turn.media_count)
