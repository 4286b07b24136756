"""The queries that sum records, and the columns of the sums."""

from __future__ import annotations

LONG_INPUT_TOKENS = 8000
"""Above this many input tokens the cost of attention is no longer small beside the rest."""
WHOLE_DAY = -1
"""Stands for the hour where a row of ``sums`` holds a whole day."""

KEYS = (
    "service", "provider", "operation", "initiator", "coalesce(response_model, request_model)", "effort", "outcome",
    "input_tokens_source", "output_tokens_source", "reasoning_tokens_source", "feature_set",
)  # fmt: skip

SUMS = {
    "requests": "count(*)",
    "input_tokens": "sum(coalesce(input_tokens, 0))",
    "input_known": "count(input_tokens)",
    "output_tokens": "sum(coalesce(output_tokens, 0))",
    "output_known": "count(output_tokens)",
    "cached_input_tokens": "sum(coalesce(cached_input_tokens, 0))",
    "cached_known": "count(cached_input_tokens)",
    "reasoning_tokens": "sum(coalesce(reasoning_tokens, 0))",
    "reasoning_known": "count(reasoning_tokens)",
    "long_input_squared": f"total(CASE WHEN input_tokens > {LONG_INPUT_TOKENS} "
    f"THEN 1.0 * (input_tokens - {LONG_INPUT_TOKENS}) * (input_tokens - {LONG_INPUT_TOKENS}) END)",
    "output_squared": "total(1.0 * output_tokens * output_tokens)",
    "media_count": "sum(coalesce(media_count, 0))",
    "media_seconds": "total(media_seconds)",
    "media_pixels": "sum(coalesce(media_pixels * media_count, 0))",
    "attachments": "sum(coalesce(attachments, 0))",
    "attachment_bytes": "sum(coalesce(attachment_bytes, 0))",
    "request_bytes": "sum(coalesce(request_bytes, 0))",
    "response_bytes": "sum(coalesce(response_bytes, 0))",
    "thinking_ms": "sum(coalesce(thinking_ms, 0))",
    "thinking_known": "count(thinking_ms)",
    "time_to_first_token_ms": "sum(coalesce(time_to_first_token_ms, 0))",
    "time_to_first_token_known": "count(time_to_first_token_ms)",
    "duration_ms": "sum(coalesce(duration_ms, 0))",
    "duration_known": "count(duration_ms)",
}
SUMMED = (*SUMS, "earlier_tokens")
"""The columns of the table ``sums`` behind day, hour and key."""

TOTALS = """
    SELECT local_day, {hour}, {keys}, {sums}, 0 FROM requests WHERE {where} GROUP BY {positions}
"""

AMOUNTS = """
    SELECT local_day, {hour}, {keys}, feature, state, sum(amount)
    FROM requests JOIN features ON features.request_id = requests.id
    WHERE {where} AND feature_set <> '' AND amount IS NOT NULL
    GROUP BY {positions}, feature, state
"""

# What a site sends again: everything said in the conversation before this turn. Where the wire reports the input,
# the history is in that number already. Reasoning is not sent again.
EARLIER = """
    WITH talked AS (
        SELECT DISTINCT conversation FROM requests
        WHERE {where} AND conversation IS NOT NULL AND input_tokens_source <> 'reported' AND operation = 'chat'
    ), turns AS (
        SELECT rowid AS turn, sum(
            coalesce(input_tokens, 0) + max(coalesce(output_tokens, 0) - coalesce(reasoning_tokens, 0), 0)
        ) OVER (
            PARTITION BY conversation ORDER BY started_at, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS earlier
        FROM requests WHERE conversation IN (SELECT conversation FROM talked)
    )
    SELECT local_day, {hour}, {keys}, sum(earlier) FROM turns CROSS JOIN requests ON requests.rowid = turn
    WHERE {where} AND earlier > 0 AND input_tokens_source <> 'reported' AND operation = 'chat'
    GROUP BY {positions}
"""

DAYS = "local_day IN (SELECT value FROM json_each(:days))"

# One look into the index a day: DISTINCT would walk over every record of the period.
MISSING_DAYS = """
    WITH RECURSIVE days (day) AS (
        SELECT min(local_day) FROM requests WHERE local_day >= ?1
        UNION ALL
        SELECT (SELECT min(local_day) FROM requests WHERE local_day > day) FROM days WHERE day < ?2
    )
    SELECT day FROM days WHERE day < ?2 EXCEPT SELECT day FROM summed_days
"""
