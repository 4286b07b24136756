"""A thing is ordered and made elsewhere: the order is the row, its reply says what was accepted."""

from __future__ import annotations

from typing import Any, ClassVar

from addon.service import Event, Service, Turn
from addon.services._page import pick
from tracker.record import Operation

_MADE: dict[Operation, str] = {
    "image": "image_output", "video": "video_output", "music": "audio_output", "speech": "audio_output",
}  # fmt: skip


class JobService(Service):
    """Fill in ``request`` (what is ordered) and ``accept`` (True once the reply took the order)."""

    transports = ("json",)
    methods: ClassVar[tuple[str, ...]] = ("POST",)
    kind: ClassVar[Operation] = "image"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "kind" in vars(cls):
            cls.operation = cls.kind
            cls.features = (*cls.features, _MADE[cls.kind])

    def event(self, turn: Turn, event: Event) -> None:
        if isinstance(event.data, dict) and self.accept(turn, event.data):
            turn.finished = True
        elif pick(event.data, "error") is not None or pick(event.data, "errors") is not None:
            turn.outcome = "error"

    def accept(self, turn: Turn, reply: dict[str, Any]) -> bool:
        """Read the reply; return whether it took the order."""
        raise NotImplementedError

    def finish(self, turn: Turn) -> None:
        """What was ordered counts only if it was taken."""
        if turn.finished:
            turn.outcome = turn.outcome or "complete"
            turn.media_count = 1 if turn.media_count is None else turn.media_count
            turn.used(_MADE[turn.operation], turn.media_count)
        else:
            turn.media_count = turn.media_seconds = turn.media_pixels = None
