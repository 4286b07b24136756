"""How an answer ended that carries an error instead of, or after, its text."""

from __future__ import annotations

from tracker.record import Outcome


def name_ending(error: object, code: object = None) -> Outcome:
    """Return how an answer ended that carries an error: ``limited``, ``refused`` or ``error``."""
    words = [code, error]
    if isinstance(error, dict):
        words += [error.get("code"), error.get("type")]
    told = " ".join(word for word in words if isinstance(word, str)).lower()
    if any(word in told for word in ("limit", "quota", "too_many", "too many", "exceeded", "capacity")):
        return "limited"
    if any(word in told for word in ("moderation", "content_policy", "content_filter", "refus", "flagged")):
        return "refused"
    return "error"
