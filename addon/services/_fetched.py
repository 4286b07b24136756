"""Answers that are ordered with one call and fetched with another."""

from __future__ import annotations

from collections.abc import Iterator

from addon.service import Turn
from addon.services._dialect import ApiService


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
        take_answer(held, turn)
        yield held


def take_answer(held: Turn, fetched: Turn) -> None:
    """Give a turn that was held the answer that was fetched for it."""
    held.response_id, held.usage = fetched.response_id, fetched.usage
    held.response_model = fetched.response_model or held.response_model
    held.outcome, held.finished, held.operation = fetched.outcome, True, fetched.operation
    held.media_count, held.media_pixels = fetched.media_count, fetched.media_pixels or held.media_pixels
    for feature in fetched.features:
        held.used(feature.feature, feature.amount)
    held.answer(fetched.text("answer"))
