"""One record as an activity of its own: for comparisons that change single answers."""

from __future__ import annotations

from tracker.moments import local_day
from tracker.record import Activity, Record
from tracker.sum_queries import LONG_INPUT_TOKENS


def as_activity(record: Record, earlier_tokens: int = 0) -> Activity:
    """Return the activity that holds only this record; ``earlier_tokens`` is the history sent with it."""
    long_input = max(0, (record.input_tokens or 0) - LONG_INPUT_TOKENS)
    return Activity(
        day=local_day(record.started_at, record.utc_offset_minutes).isoformat(),
        service=record.service,
        provider=record.provider,
        operation=record.operation,
        initiator=record.initiator,
        model=record.response_model or record.request_model,
        effort=record.effort,
        outcome=record.outcome,
        input_tokens_source=record.input_tokens_source,
        output_tokens_source=record.output_tokens_source,
        reasoning_tokens_source=record.reasoning_tokens_source,
        features=tuple(sorted({(feature.feature, feature.state) for feature in record.features})),
        requests=1,
        input_tokens=record.input_tokens or 0,
        input_known=int(record.input_tokens is not None),
        output_tokens=record.output_tokens or 0,
        output_known=int(record.output_tokens is not None),
        cached_input_tokens=record.cached_input_tokens or 0,
        cached_known=int(record.cached_input_tokens is not None),
        reasoning_tokens=record.reasoning_tokens or 0,
        reasoning_known=int(record.reasoning_tokens is not None),
        long_input_squared=float(long_input) ** 2,
        output_squared=float(record.output_tokens or 0) ** 2,
        feature_amounts=tuple(
            (feature.feature, feature.state, feature.amount)
            for feature in record.features
            if feature.amount is not None
        ),
        media_count=record.media_count or 0,
        media_seconds=record.media_seconds or 0.0,
        media_pixels=(record.media_pixels or 0) * (record.media_count or 0),
        attachments=record.attachments or 0,
        attachment_bytes=record.attachment_bytes or 0,
        request_bytes=record.request_bytes or 0,
        response_bytes=record.response_bytes or 0,
        thinking_ms=record.thinking_ms or 0,
        thinking_known=int(record.thinking_ms is not None),
        time_to_first_token_ms=record.time_to_first_token_ms or 0,
        time_to_first_token_known=int(record.time_to_first_token_ms is not None),
        duration_ms=record.duration_ms or 0,
        duration_known=int(record.duration_ms is not None),
        earlier_tokens=earlier_tokens,
    )
