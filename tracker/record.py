"""The record of one answer, its deterministic id, and the sums that reports are made of."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

Operation = Literal[
    "chat", "text_completion", "embeddings", "image", "video", "music", "speech", "transcription", "search"
]
Initiator = Literal["person", "agent", "unasked"]
TokenSource = Literal["reported", "counted", "unknown"]
Outcome = Literal["complete", "aborted", "refused", "limited", "error"]
FeatureState = Literal["asked", "used"]

FEATURES = (
    "reasoning", "deep_research", "web_search", "agent", "tool", "code", "file_input", "image_input", "audio_input",
    "image_output", "video_output", "audio_output", "voice", "canvas", "connector", "memory", "subagent",
)  # fmt: skip

LARGEST_COUNT = 10**12
"""Above this a number on the wire is a lie or an attack: it is treated as unknown."""

_MODEL = re.compile(r"[A-Za-z0-9._:/@-]{1,80}")


@dataclass(frozen=True, slots=True)
class Feature:
    """Something beyond plain text: switched on in the request (asked) or seen to happen (used)."""

    feature: str
    state: FeatureState
    amount: int | None = None
    """How many times; None if it cannot be counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """
    One answer by one model run: table ``requests``, column by column (see docs/record.md).

    Token counts have the OpenTelemetry GenAI meaning: input includes cached, output includes reasoning where
    it is reported or shown whole. None is unknown, 0 is known to be none.
    """

    id: str
    revision: int = 1
    started_at: str
    utc_offset_minutes: int = 0
    service: str
    provider: str | None = None
    operation: Operation = "chat"
    initiator: Initiator = "person"
    request_model: str | None = None
    response_model: str | None = None
    effort: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_input_tokens: int | None = None
    reasoning_tokens: int | None = None
    input_tokens_source: TokenSource = "unknown"
    output_tokens_source: TokenSource = "unknown"
    reasoning_tokens_source: TokenSource = "unknown"
    media_count: int | None = None
    media_seconds: float | None = None
    media_pixels: int | None = None
    attachments: int | None = None
    attachment_bytes: int | None = None
    request_bytes: int | None = None
    response_bytes: int | None = None
    first_byte_ms: int | None = None
    thinking_ms: int | None = None
    time_to_first_token_ms: int | None = None
    duration_ms: int | None = None
    conversation: str | None = None
    client: str | None = None
    outcome: Outcome = "complete"
    source: str = "proxy"
    reader: str
    features: tuple[Feature, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """Traffic on a turn's path that could not be read: key names and a reason, never content."""

    day: str
    service: str
    shape: str
    reason: str
    n: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """
    The sums over all records of one local day that share everything a footprint depends on.

    A token sum covers the records where the number is known; the matching ``*_known`` count says how many.
    """

    day: str
    service: str
    provider: str | None
    operation: str
    initiator: str
    model: str | None
    """response_model, else request_model."""
    effort: str | None
    outcome: str
    input_tokens_source: str
    output_tokens_source: str
    reasoning_tokens_source: str
    features: tuple[tuple[str, str], ...]
    """Sorted (feature, state) pairs."""
    requests: int
    input_tokens: int = 0
    input_known: int = 0
    output_tokens: int = 0
    output_known: int = 0
    cached_input_tokens: int = 0
    cached_known: int = 0
    reasoning_tokens: int = 0
    reasoning_known: int = 0
    long_input_squared: float = 0.0
    """Sum of max(0, input_tokens - 8000)² over the records."""
    output_squared: float = 0.0
    """Sum of output_tokens² over the records: how uneven the turns are."""
    feature_amounts: tuple[tuple[str, str, int], ...] = ()
    """Sums of the known amounts by (feature, state)."""
    media_count: int = 0
    media_seconds: float = 0.0
    media_pixels: int = 0
    """Sum of media_pixels x media_count, so that pixels ÷ count is the mean size."""
    attachments: int = 0
    attachment_bytes: int = 0
    request_bytes: int = 0
    response_bytes: int = 0
    thinking_ms: int = 0
    thinking_known: int = 0
    time_to_first_token_ms: int = 0
    time_to_first_token_known: int = 0
    duration_ms: int = 0
    duration_known: int = 0
    earlier_tokens: int = 0
    """Tokens of the same conversations before each of these turns: the history a site re-sends."""


def identify(key: bytes, service: str, *parts: bytes | str) -> str:
    """
    Return the record's id: HMAC-SHA-256(key, service ‖ parts) cut to 16 bytes, as 32 hex digits.

    The same answer seen by the proxy, in a HAR and in a resumed stream has the same parts, hence the same id.
    """
    mac = _keyed(key).copy()
    mac.update(service.encode())
    for part in parts:
        mac.update(part if isinstance(part, bytes) else part.encode("utf-8", "replace"))
    return mac.digest()[:16].hex()


@lru_cache(maxsize=4)
def _keyed(key: bytes) -> hmac.HMAC:
    return hmac.new(key, digestmod="sha256")


def pseudonym(key: bytes, service: str, conversation_id: str) -> str:
    """Return the conversation's HMAC under the installation key, 32 hex digits; it cannot be turned back."""
    return identify(key, "conversation:" + service, conversation_id)


def model_name(name: str) -> str | None:
    """Return a name that is written as models' names are, or None. Whose words it may hold: ``tracker.naming``."""
    return name if _MODEL.fullmatch(name) else None


def count_or_none(value: object) -> int | None:
    """Return a whole number between 0 and ``LARGEST_COUNT``, or None for anything else the wire may hold."""
    if type(value) is not int and (isinstance(value, bool) or not isinstance(value, int | float)):
        return None  # the first question alone answers for nearly all that is asked
    if not 0 <= value <= LARGEST_COUNT:  # also refuses NaN
        return None
    return int(value)
