"""Ideogram."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from addon.service import Turn
from addon.services._job import JobService
from addon.services._page import identity_at, pick, pixels, size_at, text_at


class Ideogram(JobService):
    """
    Pictures are ordered; their making is polled elsewhere.

    Shows: prompt, number and size of the pictures, the model's version, upscales (one picture). Hides: how long the
    making took, and the size of upscaled pictures.
    """

    name = "ideogram"
    title = "Ideogram"
    provider = "ideogram"
    hosts = ("ideogram.ai",)
    path = re.compile(r"/api/images/sample")
    kind = "image"
    features = ("image_input",)
    grade = "documented"
    verified = date(2026, 11, 21)

    def request(self, turn: Turn, body: Any) -> None:
        turn.request_model = text_at(body, "model_version")
        turn.prompt(text_at(body, "prompt"))
        turn.media_count = size_at(body, "num_images")
        turn.media_pixels = pixels(size_at(body, "resolution", "width"), size_at(body, "resolution", "height"))
        if isinstance(pick(body, "parent"), dict):
            turn.used("image_input")

    def accept(self, turn: Turn, reply: dict[str, Any]) -> bool:
        turn.response_id = identity_at(reply, "request_id")
        return turn.response_id is not None
