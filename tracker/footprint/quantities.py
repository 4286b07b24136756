"""The sums of an activity in the form that every method is linear in."""

from __future__ import annotations

from tracker.record import Activity

QUANTITIES = (
    "requests", "unknown_output", "visible_output", "reasoning", "thinking_seconds", "untimed_thinking", "new_input",
    "cached_input", "long_input_squared", "unknown_input", "earlier_tokens", "attachments", "searches", "media_count",
    "media_seconds", "media_pixels", "bytes", "seconds", "untimed", "output", "output_squared", "output_known",
)  # fmt: skip
INDEX = {name: position for position, name in enumerate(QUANTITIES)}

MEDIA = frozenset({"image", "video", "music", "speech", "transcription"})
PLAIN = frozenset({"chat", "text_completion", "embeddings"})
SEARCH_FEATURE = "web_search"
IMAGE_FEATURE = "image_output"

REFERENCE_IMAGE_PIXELS = 1_050_000
USUAL_SECONDS = {"video": 5, "music": 120, "speech": 30, "transcription": 30}
"""Of one clip, song or utterance whose length nobody said; the same values stand in data/media.toml."""

type Sums = tuple[float, ...]
"""One number for each of ``QUANTITIES``."""


def measure(activity: Activity) -> Sums:
    """Return the quantities of one activity. Counts that contradict each other (more cached than input) are bounded."""
    requests = activity.requests
    output = activity.output_tokens
    reasoning = min(activity.reasoning_tokens, output)
    cached = min(activity.cached_input_tokens, activity.input_tokens)
    if activity.features or activity.media_count or activity.operation not in PLAIN:
        searches, media_count = _amounts(activity)
    else:
        searches = media_count = 0
    seconds = activity.media_seconds or media_count * USUAL_SECONDS.get(activity.operation, 0)
    return (
        requests,
        max(0, requests - activity.output_known),
        output - reasoning,
        reasoning,
        activity.thinking_ms / 1000,
        max(0, requests - activity.thinking_known),
        activity.input_tokens - cached,
        cached,
        activity.long_input_squared,
        max(0, requests - activity.input_known),
        activity.earlier_tokens,
        activity.attachments,
        searches,
        media_count,
        seconds,
        activity.media_pixels or media_count * REFERENCE_IMAGE_PIXELS,
        activity.request_bytes + activity.response_bytes,
        activity.duration_ms / 1000,
        max(0, requests - activity.duration_known),
        output,
        activity.output_squared,
        activity.output_known,
    )


def _amounts(activity: Activity) -> tuple[float, float]:
    """Searches and media: the known amounts, else one a request where it was used."""
    used = {feature for feature, state in activity.features if state == "used"}
    known = {feature: amount for feature, state, amount in activity.feature_amounts if state == "used"}
    searches = (known.get(SEARCH_FEATURE) or activity.requests) if SEARCH_FEATURE in used else 0
    if activity.operation == "search":
        searches = searches or activity.requests
    media = activity.media_count
    if not media and activity.operation in MEDIA and activity.outcome == "complete":
        media = activity.requests
    if not media and IMAGE_FEATURE in used:
        media = known.get(IMAGE_FEATURE) or activity.requests
    return searches, media
