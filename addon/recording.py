"""From a Turn to a Record: ids, times, outcome, and which of the service's words are kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from addon.client import name_client
from addon.counting import count_tokens
from addon.turn import Turn
from tracker.moments import timestamp
from tracker.record import Outcome, Record, count_or_none, identify, pseudonym

_EFFORT = re.compile(r"[a-z_-]{1,20}")
EFFORTS = frozenset(
    """
    adaptive advanced agent agentic auto balanced basic budget chat concise copilot creative deep
    deep-research deep_research deep_search deepresearch deepsearch deepthink default disabled dynamic enabled
    expanded expert extended extra_high fast heavy high instant kimi-plus light lite long low magic max
    max_thinking medium min minimal normal none off on precise pro quality quick quality_first reason reasoning relax
    relaxed research search short slow smart speed standard steady study thinking think
    thinking_fast turbo ultra ultrathink xhigh
    """.split()  # noqa: SIM905 - one word a line would be a page
)
"""Words that services use for effort or mode; any other word may be a person's, and is not kept."""


def make_record(
    turn: Turn,
    key: bytes,
    *,
    fallback_id: Callable[[], bytes],
    local_offset: int,
    sent: int | None,
    received: int | None,
) -> Record:
    """
    Return the record of this turn; what the wire did not report is counted.

    ``fallback_id`` gives the digests of request and response where the service has no id of its own; ``sent`` and
    ``received`` are the bytes on the wire, used where the turn does not know its own.
    """
    from tracker.naming import keep_model

    if turn.service.grade == "inferred":
        _keep_time_and_bytes(turn)
    exchange, service = turn.exchange, turn.service
    request_model, response_model = keep_model(turn.request_model), keep_model(turn.response_model)
    tokens = count_tokens(turn, response_model or request_model)
    if tokens.reasoning.tokens and not any(f.feature == "reasoning" and f.state == "used" for f in turn.features):
        turn.used("reasoning")

    return Record(
        id=_identify(turn, key, fallback_id),
        started_at=timestamp(exchange.started_at + timedelta(milliseconds=turn.started_ms)),
        utc_offset_minutes=local_offset,
        service=service.name,
        provider=turn.provider,
        operation=turn.operation,
        initiator=turn.initiator,
        request_model=request_model,
        response_model=response_model,
        effort=_keep_effort(turn.effort),
        input_tokens=tokens.input.tokens,
        output_tokens=tokens.output.tokens,
        cached_input_tokens=tokens.cached,
        reasoning_tokens=tokens.reasoning.tokens,
        input_tokens_source=tokens.input.source,
        output_tokens_source=tokens.output.source,
        reasoning_tokens_source=tokens.reasoning.source,
        media_count=count_or_none(turn.media_count),
        media_seconds=_seconds(turn.media_seconds),
        media_pixels=count_or_none(turn.media_pixels),
        attachments=turn.attachments,
        attachment_bytes=turn.attachment_bytes,
        request_bytes=sent if turn.request_bytes is None else turn.request_bytes,
        response_bytes=received if turn.response_bytes is None else turn.response_bytes,
        first_byte_ms=_since(turn, turn.first_byte_ms),
        thinking_ms=count_or_none(turn.thinking_ms),
        time_to_first_token_ms=_since(turn, turn.first_token_ms),
        duration_ms=_since(turn, turn.ended_ms),
        conversation=_disguise(turn, key),
        client=name_client(exchange.request_headers),
        outcome=settle_outcome(turn),
        source=exchange.source,
        reader=f"{service.name}/{service.version}",
        features=turn.features,
    )


def _keep_time_and_bytes(turn: Turn) -> None:
    """Drop all that a reader with only one source behind it believes to have read; nothing of it is verified."""
    turn.forget()
    turn.usage = turn.request_model = turn.response_model = turn.effort = None
    turn.media_count = turn.media_seconds = turn.media_pixels = turn.attachments = turn.attachment_bytes = None
    turn.thinking_ms = turn.first_token_ms = None
    turn.drop_features()


def settle_outcome(turn: Turn) -> Outcome:
    """Return how the answer ended: what the answer itself says first, then whether its end was seen."""
    if turn.outcome is not None:
        return turn.outcome
    if turn.finished:
        return "complete"
    if turn.exchange.ending != "complete":
        return "aborted"
    if turn.service.needs_end and not turn.exchange.truncated:
        return "aborted"
    return "complete"


def _disguise(turn: Turn, key: bytes) -> str | None:
    """Return what stands for the service's id of the conversation."""
    conversation = _id(turn.conversation_id)
    return pseudonym(key, turn.service.name, conversation) if conversation else None


def _identify(turn: Turn, key: bytes, fallback_id: Callable[[], bytes]) -> str:
    name = turn.service.name
    response, conversation, message = (_id(one) for one in (turn.response_id, turn.conversation_id, turn.message_id))
    if response:
        return identify(key, name, response)
    if conversation and message:
        return identify(key, name, conversation, message)
    return identify(key, name, fallback_id())


def _id(value: object) -> str:
    """Return an id as the wire has it, a text or a number; ``""`` for anything else that lies in its place."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _since(turn: Turn, at_ms: int | None) -> int | None:
    return None if at_ms is None else count_or_none(at_ms - turn.started_ms)


def _seconds(value: object) -> float | None:
    whole = count_or_none(value)
    return None if whole is None or not isinstance(value, int | float) else round(float(value), 3)


def _keep_effort(word: object) -> str | None:
    """Return the service's word for effort or mode if it is a known one: people can put their own words there."""
    if not isinstance(word, str):
        return None
    word = word.lower()
    return word if _EFFORT.fullmatch(word) and word in EFFORTS else None
