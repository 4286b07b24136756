"""The person's own judgement beside the footprint: what was rated, and what a useful answer took."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from tracker.footprint import Settings, assess
from tracker.record import Record
from tracker.report.names import IMPACTS
from tracker.report.rows import impacts_json
from tracker.report.single import as_activity

if TYPE_CHECKING:
    from tracker.store import Rating

Json = dict[str, Any]

USEFUL = 4
"""Ratings from here on (of 1 to 5) count as "worth it"."""


def worth(records: Iterable[Record], ratings: Sequence[Rating], settings: Settings) -> Json:
    """
    Return the ratings of the period's conversations with their footprint.

    Alternatives and rebound are not computed: nobody knows what would have been done instead.
    """
    by_subject = {rating.subject: rating for rating in ratings}
    rated: dict[str, list[Record]] = {}
    conversations = set()
    for record in records:
        if record.initiator == "unasked":
            continue
        conversations.add(record.conversation or record.id)
        for subject in (record.id, record.conversation):
            if subject in by_subject:
                rated.setdefault(subject, []).append(record)
                break
    chosen = [by_subject[subject] for subject in rated]
    minutes = [rating.minutes_saved for rating in chosen if rating.minutes_saved is not None]
    useful = [subject for subject in rated if (by_subject[subject].worth or 0) >= USEFUL]
    answers = [record for found in rated.values() for record in found]
    useful_answers = sum(len(rated[subject]) for subject in useful)
    result: Json = {
        "conversations": len(conversations),
        "rated": len(rated),
        "useful": len(useful),
        "useful_answers": useful_answers,
        "by_worth": {str(n): sum(1 for rating in chosen if rating.worth == n) for n in range(1, 6)},
        "minutes_saved": sum(minutes) if minutes else None,
        "minutes_told": len(minutes),
        "impacts": None,
        "per_useful_answer": None,
    }
    if answers:
        impacts = impacts_json(assess([as_activity(record) for record in answers], settings).impacts())
        result["impacts"] = impacts
        if useful_answers:
            result["per_useful_answer"] = {
                name: {end: impacts[name][end] / useful_answers for end in ("low", "mid", "high")} for name in IMPACTS
            }
    return result
