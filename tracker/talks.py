"""Conversations as a person recognises them: by time, service, model and length, for there are no titles."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracker.moments import from_timestamp
from tracker.store import Store


@dataclass(frozen=True, slots=True)
class Talk:
    """One conversation, or one request that belongs to none."""

    subject: str
    kind: str
    """``conversation`` or ``request``."""
    began_at: datetime
    """By the person's own clock."""
    service: str
    model: str | None
    turns: int
    output_tokens: int | None
    worth: int | None = None

    def __str__(self) -> str:
        words = [
            f"{self.began_at:%Y-%m-%d %H:%M}",
            self.service,
            self.model or "unknown model",
            "1 question" if self.turns == 1 else f"{self.turns} questions",
        ]
        if self.output_tokens is not None:
            words.append(f"{self.output_tokens:,} tokens written")
        if self.worth is not None:
            words.append(f"rated {self.worth}")
        return f"{self.subject[:8]}  " + ", ".join(words)


_TALKS = """
    SELECT coalesce(conversation, id) AS subject, CASE WHEN conversation IS NULL THEN 'request' ELSE 'conversation' END,
        min(started_at), utc_offset_minutes, service, max(coalesce(response_model, request_model)),
        count(*), sum(output_tokens), worth
    FROM requests LEFT JOIN ratings ON ratings.subject = coalesce(conversation, id)
    WHERE {where}
    GROUP BY 1 ORDER BY max(started_at) DESC LIMIT :limit
"""


def recent_talks(store: Store, limit: int) -> list[Talk]:
    """Return conversations among the last 5000 answers, newest first, those not rated before the rated ones."""
    recent = (
        "started_at >= coalesce((SELECT started_at FROM requests ORDER BY started_at DESC LIMIT 1 OFFSET 5000), '')"
    )
    talks = _query(store, f"initiator = 'person' AND {recent}", {"limit": limit * 2})
    return sorted(talks, key=lambda talk: talk.worth is not None)[:limit]


def find_talk(store: Store, prefix: str) -> Talk | None:
    """Return the one conversation (or request) whose mark begins so; None if there is none, or more than one."""
    prefix = prefix.lower()
    if not re.fullmatch(r"[0-9a-f]{1,32}", prefix):
        return None
    ends = {"prefix": prefix, "end": prefix + "g", "limit": 2}
    found = _query(store, "conversation >= :prefix AND conversation < :end", ends)
    found += [
        talk
        for talk in _query(store, "id >= :prefix AND id < :end", ends)
        if talk.subject not in {other.subject for other in found}
    ]
    return found[0] if len(found) == 1 else None


def _query(store: Store, where: str, values: dict[str, object]) -> list[Talk]:
    with store.reading() as connection:
        rows = connection.execute(_TALKS.format(where=where), values)
        return [
            Talk(
                subject, kind, from_timestamp(started) + timedelta(minutes=offset), service, model, turns, tokens, worth
            )
            for subject, kind, started, offset, service, model, turns, tokens, worth in rows
        ]
