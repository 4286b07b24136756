"""Records summed into activities: one GROUP BY over everything that a footprint depends on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import date

from tracker.record import Activity

LONG_INPUT_TOKENS = 8000
"""Above this many input tokens the cost of attention is no longer small beside the rest."""

_KEYS = (
    "local_day", "service", "provider", "operation", "initiator", "coalesce(response_model, request_model)", "effort",
    "outcome", "input_tokens_source", "output_tokens_source", "reasoning_tokens_source", "feature_set",
)  # fmt: skip

_SUMS = f"""
    count(*),
    sum(coalesce(input_tokens, 0)), count(input_tokens),
    sum(coalesce(output_tokens, 0)), count(output_tokens),
    sum(coalesce(cached_input_tokens, 0)), count(cached_input_tokens),
    sum(coalesce(reasoning_tokens, 0)), count(reasoning_tokens),
    total(CASE WHEN input_tokens > {LONG_INPUT_TOKENS}
          THEN 1.0 * (input_tokens - {LONG_INPUT_TOKENS}) * (input_tokens - {LONG_INPUT_TOKENS}) END),
    total(1.0 * output_tokens * output_tokens),
    sum(coalesce(media_count, 0)), total(media_seconds), sum(coalesce(media_pixels * media_count, 0)),
    sum(coalesce(attachments, 0)), sum(coalesce(attachment_bytes, 0)),
    sum(coalesce(request_bytes, 0)), sum(coalesce(response_bytes, 0)),
    sum(coalesce(thinking_ms, 0)), count(thinking_ms),
    sum(coalesce(time_to_first_token_ms, 0)), count(time_to_first_token_ms),
    sum(coalesce(duration_ms, 0)), count(duration_ms)
"""

_SUMMED = (
    "requests", "input_tokens", "input_known", "output_tokens", "output_known", "cached_input_tokens", "cached_known",
    "reasoning_tokens", "reasoning_known", "long_input_squared", "output_squared", "media_count", "media_seconds",
    "media_pixels", "attachments", "attachment_bytes", "request_bytes", "response_bytes", "thinking_ms",
    "thinking_known", "time_to_first_token_ms", "time_to_first_token_known", "duration_ms", "duration_known",
)  # fmt: skip

_AMOUNTS = """
    SELECT {keys}, feature, state, sum(amount)
    FROM requests JOIN features ON features.request_id = requests.id
    WHERE {where} AND feature_set <> '' AND amount IS NOT NULL
    GROUP BY {positions}, feature, state
"""

# What a site sends again: everything said in the conversation before this turn. Where the wire reports the input,
# the history is in that number already. Reasoning is not sent again.
_EARLIER = """
    WITH talked AS (
        SELECT DISTINCT conversation FROM requests
        WHERE {where} AND conversation IS NOT NULL
            AND input_tokens_source <> 'reported' AND operation = 'chat'
    ), turns AS (
        SELECT rowid AS turn, sum(
            coalesce(input_tokens, 0) + max(coalesce(output_tokens, 0) - coalesce(reasoning_tokens, 0), 0)
        ) OVER (
            PARTITION BY conversation ORDER BY started_at, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS earlier
        FROM requests WHERE conversation IN (SELECT conversation FROM talked)
    )
    SELECT {keys}, sum(earlier) FROM turns CROSS JOIN requests ON requests.rowid = turn
    WHERE {where} AND earlier > 0
        AND input_tokens_source <> 'reported' AND operation = 'chat'
    GROUP BY {positions}
"""


def activities(
    connection: sqlite3.Connection, since: date, until: date, *, by_hour: bool, only: str | None = None
) -> Iterator[tuple[int, Activity]]:
    """
    Yield (local hour, 0 unless ``by_hour``; activity) for the local days ``since`` to ``until`` (exclusive).

    ``only`` is the id of the one record that is wanted.
    """
    span = {"since": since.isoformat(), "until": until.isoformat(), "only": only}
    keys = (*_KEYS, "local_hour" if by_hour else "0")
    width = len(keys)
    slots = {
        "keys": ", ".join(keys),
        "positions": ", ".join(str(position + 1) for position in range(width)),
        "where": "local_day >= :since AND local_day < :until" + (" AND requests.id = :only" if only else ""),
    }
    amounts: dict[tuple[object, ...], list[tuple[str, str, int]]] = {}
    for row in connection.execute(_AMOUNTS.format(**slots), span):
        amounts.setdefault(row[:width], []).append(row[width:])
    earlier = {row[:width]: row[width] for row in connection.execute(_EARLIER.format(**slots), span)}
    sql = (
        f"SELECT {slots['keys']}, {_SUMS} FROM requests "  # noqa: S608 - names, no values
        f"WHERE {slots['where']} GROUP BY {slots['positions']}"
    )
    for row in connection.execute(sql, span):
        key, summed = row[:width], row[width:]
        day, service, provider, operation, initiator, model, effort, outcome, *sources, feature_set, hour = key
        yield (
            hour,
            Activity(
                day=day,
                service=service,
                provider=provider,
                operation=operation,
                initiator=initiator,
                model=model,
                effort=effort,
                outcome=outcome,
                input_tokens_source=sources[0],
                output_tokens_source=sources[1],
                reasoning_tokens_source=sources[2],
                features=_split_features(feature_set),
                **dict(zip(_SUMMED, summed, strict=True)),
                feature_amounts=tuple(amounts.get(key, ())),
                earlier_tokens=earlier.get(key, 0),
            ),
        )


def _split_features(feature_set: str) -> tuple[tuple[str, str], ...]:
    pairs = (entry.rpartition(".") for entry in feature_set.split())
    return tuple((feature, state) for feature, _, state in pairs)
