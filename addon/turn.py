"""What is read from one answer: events, token counts, and the Turn that a chatbot's file fills."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from addon.exchange import Exchange
from tracker.record import FEATURES, Feature, FeatureState, Initiator, Operation, Outcome, count_or_none

if TYPE_CHECKING:
    from addon.service import Service

Role = Literal["prompt", "answer", "reasoning", "tool_call"]

SEAM = "\x1f"
"""What stands between the texts of events that were read as one, where a reader must see each (``Service.adds``)."""


def each_of(text: object) -> list[str]:
    """Return the texts that one event brings, or several that were read as one; an empty list for what is no text."""
    return text.split(SEAM) if isinstance(text, str) else []


class Event(NamedTuple):
    """One decoded unit of a response: an SSE event, a JSON line, a frame, or the whole JSON body."""

    data: Any
    """Decoded JSON; a ``str`` where the text was not JSON (such as ``[DONE]``)."""
    name: str | None = None
    """The SSE ``event:`` name or the frame's type, where there is one."""
    at_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """
    Token counts as the wire reports them, already in the OpenTelemetry meaning (input includes cached,
    output includes reasoning); None where the wire says nothing.
    """

    input: int | None = None
    output: int | None = None
    cached: int | None = None
    reasoning: int | None = None


class Turn:
    """
    One answer while it is being read. Text goes in through four verbs, is kept only until it is counted, and
    never comes out: a service file cannot store words by accident.
    """

    def __init__(self, service: Service, exchange: Exchange) -> None:
        self.service = service
        self.exchange = exchange
        self.operation: Operation = service.operation
        self.initiator: Initiator = service.initiator
        self.provider: str | None = service.provider
        self.request_model: str | None = None
        self.response_model: str | None = None
        self.effort: str | None = None
        self.response_id: str | None = None
        self.conversation_id: str | None = None
        self.message_id: str | None = None
        self.usage: Usage | None = None
        self.counted: Usage | None = None
        """Tokens the service counted in the wire's own units (one event a token), or in an exchange before this one."""
        self.thinking_ms: int | None = None
        self.first_byte_ms: int | None = None
        self.first_token_ms: int | None = None
        self.started_ms: int = 0
        """Where in the exchange this turn began: not 0 for the later turns of a socket."""
        self.ended_ms: int | None = exchange.ended_ms
        self.media_count: int | None = None
        self.media_seconds: float | None = None
        self.media_pixels: int | None = None
        self.attachments: int | None = None
        self.attachment_bytes: int | None = None
        self.finished = False
        """A terminal event was seen. A stream that ends without one is an aborted answer."""
        self.outcome: Outcome | None = None
        self.dropped = False
        """The service found that this is nobody's turn (a side call on a turn's path, a fetch of an old answer)."""
        self.request_bytes: int | None = None
        self.response_bytes: int | None = None
        self.reasoning_is_whole = False
        """The reasoning text shown is all of it, so its count is a count and not a lower bound."""
        self.prompt_overhead = 0
        """Tokens that the prompt's framing adds (for example 4 a message in OpenAI's chat format)."""
        self.unknown: set[str] = set()
        """Event kinds that this reader does not know; key names only."""
        self.state: dict[str, Any] = {}
        """The service's own scratch space while it reads; gone with the turn."""
        self._features: dict[tuple[str, FeatureState], int | None] = {}
        self._texts: dict[Role, dict[str, list[str]]] = {"prompt": {}, "answer": {}, "reasoning": {}, "tool_call": {}}

    def prompt(self, text: object) -> None:
        """Add text of the person's message (or, in an API, of the whole request)."""
        self._add("prompt", text)

    def answer(self, text: object, at_ms: int | None = None, *, part: str = "", replace: bool = False) -> None:
        """
        Add visible text of the answer; ``replace`` where the wire repeats the whole text so far.

        ``part`` names the message or block the text belongs to, so that a replacement replaces the right one.
        """
        if self._add("answer", text, part, replace) and self.first_token_ms is None:
            self.first_token_ms = at_ms

    def note_first_token(self, at_ms: int | None) -> None:
        """Note when the answer began: only the first time counts."""
        if self.first_token_ms is None:
            self.first_token_ms = at_ms

    def note_first_byte(self, at_ms: int | None) -> None:
        """Note when the service began to speak: only the first time counts."""
        if self.first_byte_ms is None:
            self.first_byte_ms = at_ms

    def reason(self, text: object, at_ms: int | None = None, *, part: str = "", replace: bool = False) -> None:
        """Add reasoning text that the service shows (whole or a summary: see ``reasoning_is_whole``)."""
        self._add("reasoning", text, part, replace)

    def call_tool(self, text: object, at_ms: int | None = None, *, part: str = "", replace: bool = False) -> None:
        """Add the arguments the model wrote for a tool: output, though not shown as the answer."""
        self._add("tool_call", text, part, replace)

    def asked(self, feature: str, amount: int | None = None) -> None:
        """Note a feature switched on in the request."""
        self._note(feature, "asked", amount)

    def used(self, feature: str, amount: int | None = 1) -> None:
        """Note a feature seen to happen; call once for each time, amounts add up. None: it cannot be counted."""
        self._note(feature, "used", amount)

    def attach(self, size_bytes: object = None, kind: str | None = None) -> None:
        """
        Note one upload that came with the turn, and its size where the wire tells.

        ``kind`` is a MIME type or a word such as ``image``; it decides which input feature is meant.
        """
        self.attachments = (self.attachments or 0) + 1
        size = count_or_none(size_bytes)
        if size is not None:
            self.attachment_bytes = (self.attachment_bytes or 0) + size
        match (kind or "").split("/")[0]:
            case "image":
                self.used("image_input")
            case "audio":
                self.used("audio_input")
            case _:
                self.used("file_input")

    def wonder(self, shape: str) -> None:
        """Note an event kind this reader does not know, by its key name."""
        if len(self.unknown) < 40:
            self.unknown.add(shape)

    @property
    def features(self) -> tuple[Feature, ...]:
        """The features noted so far, sorted."""
        return tuple(Feature(name, state, amount) for (name, state), amount in sorted(self._features.items()))

    def drop_features(self) -> None:
        """Take back all features noted so far."""
        self._features.clear()

    def has_text(self, role: Role) -> bool:
        """Whether any text of this role has been seen."""
        return any(any(parts) for parts in self._texts[role].values())

    def text(self, role: Role) -> str:
        """Return the text of one role, to be counted and let go at once."""
        return "\n".join("".join(parts) for parts in self._texts[role].values() if parts)

    def twin(self, exchange: Exchange) -> Turn:
        """Return a copy that goes on where this one ends, for an answer that continues in another exchange."""
        twin = Turn(self.service, exchange)
        vars(twin).update(vars(self))
        vars(twin).update(
            exchange=exchange,
            unknown=set(self.unknown),
            state=dict(self.state),
            _features=dict(self._features),
            _texts={role: {part: list(text) for part, text in parts.items()} for role, parts in self._texts.items()},
        )
        return twin

    def forget(self) -> None:
        """Let go of all text and scratch state."""
        for parts in self._texts.values():
            parts.clear()
        self.state.clear()

    def _add(self, role: Role, text: object, part: str = "", replace: bool = False) -> bool:
        if not isinstance(text, str) or not text:
            return False
        parts = self._texts[role]
        if replace or part not in parts:
            parts[part] = [text]
        else:
            parts[part].append(text)
        return True

    def _note(self, feature: str, state: FeatureState, amount: int | None) -> None:
        if feature not in FEATURES:
            message = f"{feature!r} is not one of the features in tracker.record.FEATURES"
            raise ValueError(message)
        before = self._features.get((feature, state), 0)
        self._features[feature, state] = None if amount is None or before is None else before + amount
