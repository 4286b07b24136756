"""Sora, OpenAI's films."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from addon.service import Turn
from addon.services._job import JobService
from addon.services._page import identity_at, list_at, size_at, text_at

FRAMES_A_SECOND = 30


class Sora(JobService):
    """
    A film is ordered; its making is polled elsewhere.

    Shows: prompt, length (in frames, 30 a second), the model. Hides: pixels (only a class of size), how long it took,
    whether it was made in the end.
    """

    name = "sora"
    title = "Sora"
    provider = "openai"
    hosts = ("sora.chatgpt.com",)
    path = re.compile(r"/backend/nf/(?:bulk_)?create")
    kind = "video"
    features = ("image_input",)
    grade = "documented"
    verified = date(2026, 11, 21)

    def request(self, turn: Turn, body: Any) -> None:
        turn.request_model = text_at(body, "model")
        turn.prompt(text_at(body, "prompt"))
        orders = [body, *list_at(body, "items"), *list_at(body, "requests"), *list_at(body)]
        frames = [length for order in orders if (length := size_at(order, "n_frames"))]
        turn.media_seconds = sum(frames) / FRAMES_A_SECOND if frames else None
        turn.media_count = len(frames) or None
        for _ in list_at(body, "inpaint_items"):
            turn.attach(kind="image")

    def accept(self, turn: Turn, reply: dict[str, Any]) -> bool:
        turn.response_id = identity_at(reply, "id") or identity_at(reply, "tasks", 0, "id")
        return turn.response_id is not None
