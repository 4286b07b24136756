"""What could be changed: up to five comparisons of a person's own answers with the same answers done otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from tracker.footprint import Assessment, Settings, assess
from tracker.record import Record
from tracker.report import rows
from tracker.report.drivers import CLEAN_ZONE
from tracker.report.figures import significant
from tracker.report.single import as_activity

Json = dict[str, Any]
type Earlier = dict[str, int]
"""Record id → tokens said before in its conversation."""

MOST = 5
FEWEST_ANSWERS = 5
"""Fewer answers are no habit that could be changed."""
LEAST_SAVING = 0.01
"""Savings below this share of the total are not worth saying."""
SHORT_ANSWER_TOKENS = 300
LONG_HISTORY_TOKENS = 5000

SMALLER = {
    "openai": "gpt-5.4-mini",
    "azure.ai.openai": "gpt-5.4-mini",
    "anthropic": "claude-haiku-4-5",
    "gcp.gemini": "gemini-3.1-flash-lite",
    "mistral_ai": "mistral-small-latest",
}
"""Provider → a small model of the same maker that people can choose."""


DEMANDING = frozenset({"reasoning", "deep_research", "code", "agent", "file_input"})
"""Answers with one of these are not plain: a small model might not do."""


def levers(records: Sequence[Record], assessed: Assessment, whole: Json) -> list[Json]:
    """
    Return what could be changed, the largest saving first; empty where nothing is worth saying.

    Each compares the period as it was with the period changed in one thing, by paired draws.
    """
    activities, settings = assessed.activities, assessed.settings
    if settings.method == "ecologits":
        return []  # as published it knows neither prompts nor history: it cannot compare these
    total = whole["energy_wh"]["mid"]
    if total <= 0 or rows.requests(activities) < FEWEST_ANSWERS:
        return []
    now_wh, draws = assessed.central_wh(), assessed.energy_draws()
    singles = [record for record in records if record.operation == "chat"]
    earlier = earlier_tokens(records)
    candidates = (
        *_thinking_off(singles, earlier, settings),
        *_smaller_model(singles, earlier, settings),
        *_new_conversation(singles, earlier, settings),
        *_less_research(singles, earlier, settings),
        *_fewer_videos(records, settings),
    )
    found = [lever for one in candidates if (lever := _compare(one, now_wh, draws)) is not None]
    found += _other_place(assessed, whole)
    worthwhile = [lever for lever in found if lever["saves"]["mid"] >= LEAST_SAVING]
    worthwhile.sort(key=lambda lever: (lever["impact"] != "energy_wh", -lever["saves"]["mid"]))
    return worthwhile[:MOST]


type Candidate = tuple[str, Assessment, Assessment, Json]
"""Its key, the answers that would change, the same changed, and what to say of them."""


def _thinking_off(records: Sequence[Record], earlier: Earlier, settings: Settings) -> Iterator[Candidate]:
    chosen = [
        record for record in records
        if record.initiator == "person" and _has(record, "reasoning") and not _has(record, "deep_research")
        and 0 < (record.output_tokens or 0) - (record.reasoning_tokens or 0) < SHORT_ANSWER_TOKENS
    ]  # fmt: skip
    before = [as_activity(record, earlier.get(record.id, 0)) for record in chosen]
    after = [
        replace(
            activity,
            output_tokens=activity.output_tokens - activity.reasoning_tokens,
            output_squared=float(activity.output_tokens - activity.reasoning_tokens) ** 2,
            reasoning_tokens=0, reasoning_known=1, reasoning_tokens_source="reported", effort=None,
            duration_ms=max(activity.duration_ms - activity.thinking_ms, 0),
            thinking_ms=0, thinking_known=0,
            features=tuple(pair for pair in activity.features if pair[0] != "reasoning"),
        )
        for activity in before
    ]  # fmt: skip
    yield "thinking_off", assess(before, settings), assess(after, settings), {"below_tokens": SHORT_ANSWER_TOKENS}


def _smaller_model(records: Sequence[Record], earlier: Earlier, settings: Settings) -> Iterator[Candidate]:
    """The model whose short, plain answers cost most, and a small one of its maker."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        model = record.response_model or record.request_model
        short = 0 < (record.output_tokens or 0) < SHORT_ANSWER_TOKENS * 2
        plain = not any(feature.feature in DEMANDING for feature in record.features)
        if model and plain and short and record.initiator == "person" and record.provider in SMALLER:
            groups.setdefault((record.provider, model), []).append(record)
    for (provider, model), chosen in sorted(groups.items(), key=lambda pair: -len(pair[1]))[:2]:
        if len(chosen) < 3:
            continue
        before = assess([as_activity(record, earlier.get(record.id, 0)) for record in chosen], settings)
        yield "smaller_model", before, before.answered_by(SMALLER), {"model": model, "smaller": SMALLER[provider]}


def _new_conversation(records: Sequence[Record], earlier: Earlier, settings: Settings) -> Iterator[Candidate]:
    chosen = [record for record in records if earlier.get(record.id, 0) >= LONG_HISTORY_TOKENS]
    if not chosen:
        return
    before = [as_activity(record, earlier[record.id]) for record in chosen]
    after = [replace(activity, earlier_tokens=0) for activity in before]
    mean = sum(earlier[record.id] for record in chosen) / len(chosen)
    yield "new_conversation", assess(before, settings), assess(after, settings), {"mean_tokens": mean}


def _less_research(records: Sequence[Record], earlier: Earlier, settings: Settings) -> Iterator[Candidate]:
    runs = [record for record in records if _has(record, "deep_research")]
    chosen = runs[: max(1, len(runs) // 2)] if runs else []
    if not chosen:
        return
    before = [as_activity(record, earlier.get(record.id, 0)) for record in chosen]
    after = [
        replace(
            activity,
            output_tokens=500, output_squared=250_000.0, reasoning_tokens=0, reasoning_known=1,
            reasoning_tokens_source="reported", thinking_ms=0, thinking_known=0, duration_ms=0, duration_known=0,
            features=(("web_search", "used"),), feature_amounts=(("web_search", "used", 3),),
        )
        for activity in before
    ]  # fmt: skip
    facts = {"runs": len(runs), "replaced": len(chosen)}
    yield "less_research", assess(before, settings), assess(after, settings), facts


def _fewer_videos(records: Sequence[Record], settings: Settings) -> Iterator[Candidate]:
    videos = [record for record in records if record.operation == "video"]
    if videos:
        yield "video", assess([as_activity(videos[0])], settings), assess([], settings), {"videos": len(videos)}


def _compare(candidate: Candidate, whole_wh: float, whole: Sequence[float]) -> Json | None:
    """Return what the change saves as a share of the whole period, with the unknowns of both sides paired."""
    key, removed, added, facts = candidate
    answers = len(removed.activities)
    if not answers:
        return None
    draws = zip(removed.energy_draws(), added.energy_draws(), whole, strict=True)
    ordered = sorted((gone - new) / was for gone, new, was in draws)
    gone_wh, new_wh = removed.central_wh(), added.central_wh()
    low, high = ordered[len(ordered) // 20], ordered[-len(ordered) // 20]
    if low < 0.005:
        return None  # it might not save anything that is worth saying
    mid = (gone_wh - new_wh) / whole_wh
    return {
        "key": key,
        "impact": "energy_wh",
        "answers": facts.get("runs") or facts.get("videos") or answers,
        "saves": {"low": min(low, mid), "mid": mid, "high": max(high, mid)},
        "energy_wh": gone_wh - new_wh,
        "facts": facts | {"energy_wh_each": significant(gone_wh / answers, 2)},
    }


def _other_place(assessed: Assessment, whole: Json) -> list[Json]:
    """The same period in a place with clean power: carbon and water side by side."""
    if assessed.settings.zone is not None:
        return []
    activities, there = assessed.activities, assessed.elsewhere(CLEAN_ZONE).impacts()
    here_gas, here_water = whole["ghg_g"], whole["water_ml"]
    if here_gas["mid"] <= 0 or here_water["mid"] <= 0:
        return []
    mid = 1 - there.ghg_g.mid / here_gas["mid"]
    ends = sorted(1 - getattr(there.ghg_g, end) / here_gas[end] for end in ("low", "high"))
    services = sorted({activity.service: 0 for activity in activities})
    return [
        {
            "key": "other_place",
            "impact": "ghg_g",
            "answers": rows.requests(activities),
            "saves": {"low": max(0.0, min(ends[0], mid)), "mid": mid, "high": max(ends[1], mid)},
            "energy_wh": 0.0,
            "facts": {
                "zone": CLEAN_ZONE,
                "water_ratio": there.water_ml.mid / here_water["mid"],
                "service": max(
                    services, key=lambda name: sum(a.requests for a in activities if a.service == name)
                ),
            },
        }
    ]  # fmt: skip


def earlier_tokens(records: Sequence[Record]) -> Earlier:
    """
    Return by record id what the site sent again: everything said before in the conversation.

    Where the wire reports the input, the history is in that number already (see ``tracker.sums``).
    """
    said: dict[str, int] = {}
    earlier: Earlier = {}
    for record in sorted(records, key=lambda record: (record.started_at, record.id)):
        if record.conversation is None or record.operation != "chat":
            continue
        if record.input_tokens_source != "reported":
            earlier[record.id] = said.get(record.conversation, 0)
        answer = max((record.output_tokens or 0) - (record.reasoning_tokens or 0), 0)
        said[record.conversation] = said.get(record.conversation, 0) + (record.input_tokens or 0) + answer
    return earlier


def _has(record: Record, feature: str) -> bool:
    return any(found.feature == feature for found in record.features)
