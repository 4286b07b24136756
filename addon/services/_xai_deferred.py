"""xAI's chat over HTTP, and its answers that are ordered with one call and fetched, once, with another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from addon.service import Event, Turn
from addon.services._fetched import hold_or_fetch
from addon.services._openai_chat import ChatCompletions
from addon.services._usage import read_xai


class Chat(ChatCompletions):
    """Chat completions; of a deferred one the first answer is a ``request_id`` and nothing else."""

    def __init__(self) -> None:
        super().__init__(read_xai)

    def read(self, turn: Turn, body: Any, events: Iterable[Event]) -> Iterator[Turn]:
        fetched = turn.exchange.path.rpartition("/")[2] if turn.exchange.method.upper() == "GET" else None
        for one in super().read(turn, body, events):
            yield from hold_or_fetch(one, ordered=one.state.get("ordered"), fetched=fetched)

    def event(self, turn: Turn, event: Event) -> None:
        match event.data:
            case {"request_id": str(job)} if job and "choices" not in event.data:
                turn.state["ordered"] = job
            case _:
                super().event(turn, event)
