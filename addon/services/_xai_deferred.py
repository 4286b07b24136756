"""xAI's chat over HTTP, and its answers that are ordered with one call and fetched, once, with another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from addon.service import Event, Turn
from addon.services._dialect import ApiService
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


def hold_or_fetch(turn: Turn, *, ordered: str | None, fetched: str | None) -> Iterator[Turn]:
    """
    Keep a turn that was only ``ordered``; when its answer is ``fetched``, yield it as a row that began with the order.

    What is fetched without having been ordered here, or is not ready, is nobody's turn.
    """
    service = turn.service
    if not isinstance(service, ApiService) or not (ordered or fetched):
        yield turn
    elif ordered:
        service.remember(turn, ordered)
    elif turn.finished and (held := service.resume(turn, fetched or "")) is not None:
        held.response_id, held.response_model, held.usage = turn.response_id, turn.response_model, turn.usage
        held.outcome, held.finished = turn.outcome, True
        for feature in turn.features:
            held.used(feature.feature, feature.amount)
        held.answer(turn.text("answer"))
        yield held
