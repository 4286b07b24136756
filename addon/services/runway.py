"""Runway."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from addon.service import Turn
from addon.services._job import JobService
from addon.services._page import identity_at, pick, size_at, text_at


class Runway(JobService):
    """
    Films (and pictures) are ordered as tasks; their making is polled elsewhere.

    Shows: the kind of task, seconds, the model. Hides: pixels (a class of size), how long the making took, whether it
    was made in the end.
    """

    name = "runway"
    title = "Runway"
    provider = "runway"
    hosts = ("api.runwayml.com",)
    path = re.compile(r"/v1/tasks")
    kind = "video"
    features = ("image_input", "image_output")
    grade = "documented"
    verified = date(2026, 11, 21)

    def request(self, turn: Turn, body: Any) -> None:
        options = pick(body, "options")
        turn.request_model = text_at(options, "model")
        if turn.request_model is None and (text_at(body, "taskType") or "").startswith("gen"):
            turn.request_model = text_at(body, "taskType")
        turn.prompt(text_at(options, "text_prompt") or text_at(options, "prompt"))
        turn.media_seconds = size_at(options, "seconds")
        turn.effort = "relaxed" if pick(options, "exploreMode") is True else None
        if text_at(options, "init_image") or text_at(options, "image_prompt"):
            turn.used("image_input")
        if turn.media_seconds is None and "image" in (text_at(body, "taskType") or "").lower():
            turn.operation = "image"

    def accept(self, turn: Turn, reply: dict[str, Any]) -> bool:
        turn.response_id = identity_at(reply, "task", "id") or identity_at(reply, "id")
        return turn.response_id is not None
