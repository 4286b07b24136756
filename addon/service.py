"""What a chatbot's file says about it, the Turn it fills, and how the files are found."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar, Literal, Protocol

from addon.exchange import Ending, Exchange, Message
from tracker.record import FEATURES, Feature, FeatureState, Initiator, Operation, Outcome, count_or_none

Grade = Literal["captured", "documented", "inferred"]
Role = Literal["prompt", "answer", "reasoning", "tool_call"]


@dataclass(frozen=True, slots=True)
class Event:
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
        self.prompt_is_whole = False
        """The request carries everything the model was given (an API call), not only the newest message."""
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
        self._add("prompt", text, "", replace=False)

    def answer(self, text: object, at_ms: int | None = None, *, part: str = "", replace: bool = False) -> None:
        """
        Add visible text of the answer; ``replace`` where the wire repeats the whole text so far.

        ``part`` names the message or block the text belongs to, so that a replacement replaces the right one.
        """
        if self._add("answer", text, part, replace=replace) and self.first_token_ms is None:
            self.first_token_ms = at_ms

    def reason(self, text: object, at_ms: int | None = None, *, part: str = "", replace: bool = False) -> None:
        """Add reasoning text that the service shows (whole or a summary: see ``reasoning_is_whole``)."""
        self._add("reasoning", text, part, replace=replace)

    def call_tool(self, text: object, at_ms: int | None = None, *, part: str = "", replace: bool = False) -> None:
        """Add the arguments the model wrote for a tool: output, though not shown as the answer."""
        self._add("tool_call", text, part, replace=replace)

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
        """Return the text of one role to count it. Only ``addon.reader`` calls this, and lets it go at once."""
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

    def _add(self, role: Role, text: object, part: str, *, replace: bool) -> bool:
        if not isinstance(text, str) or not text:
            return False
        parts = self._texts[role]
        if replace:
            parts[part] = [text]
        else:
            parts.setdefault(part, []).append(text)
        return True

    def _note(self, feature: str, state: FeatureState, amount: int | None) -> None:
        if feature not in FEATURES:
            message = f"{feature!r} is not one of the features in tracker.record.FEATURES"
            raise ValueError(message)
        before = self._features.get((feature, state), 0)
        self._features[feature, state] = None if amount is None or before is None else before + amount


class Listener(Protocol):
    """The reader of one open socket, which may carry many turns."""

    def hear(self, message: Message) -> Iterable[Turn]:
        """Take one message; return the turns that it ended."""
        ...

    def close(self, ending: Ending, at_ms: int | None) -> Iterable[Turn]:
        """The socket is gone; return the turns that were still open."""
        ...


class Service:
    """
    One chatbot or one API family. Subclass it in a file of ``addon/services`` and it is found.

    The instance lives as long as its reader, so it may keep a bounded memory between exchanges (a background job to
    be polled), never text. The one exception is an answer that is not over: a stream that broke off or was handed
    over to a socket waits at most 30 minutes for its rest (``addon.waiting``).
    """

    name: ClassVar[str]
    """Stable key, stored in every record: ``chatgpt``, ``openai-api``."""
    title: ClassVar[str]
    """What people call it."""
    provider: ClassVar[str | None] = None
    """``gen_ai.provider.name``."""
    hosts: ClassVar[tuple[str, ...]]
    """Exact host names. ``*.example.com`` stands for exactly one label in front and is used where each customer
    has a host; such hosts are opened only when the person adds theirs."""
    path: ClassVar[re.Pattern[str]]
    """Matched whole (``fullmatch``) against the path without its query."""
    methods: ClassVar[tuple[str, ...]] = ("POST",)
    transports: ClassVar[tuple[str, ...]] = ("sse",)
    """What its answers travel in: ``sse``, ``json``, ``ndjson``, ``websocket`` …; for the table."""
    framing: ClassVar[str] = "auto"
    """How bytes become events: a name from ``addon.framing``; ``auto`` goes by the content type."""
    operation: ClassVar[Operation] = "chat"
    initiator: ClassVar[Initiator] = "person"
    tokens: ClassVar[Literal["reported", "counted", "none"]] = "counted"
    """Where token counts come from, at best."""
    features: ClassVar[tuple[str, ...]] = ()
    """Features that this reader can tell."""
    grade: ClassVar[Grade]
    verified: ClassVar[date]
    """When its wire format was last checked against a source."""
    version: ClassVar[int] = 1
    """Raised when the reading changes; stored with each record as ``name/version``."""
    closed: ClassVar[str | None] = None
    """Why its hosts are not opened unless the person asks (``klimaspor services --open``): what else passes there."""
    needs_end: ClassVar[bool] = True
    """A stream without its terminal event counts as aborted."""

    def matches(self, method: str, host: str, path: str) -> bool:
        """Whether this exchange is a turn of this service, by method, exact host and whole path."""
        return method in self.methods and host_matches(self.hosts, host) and self.path.fullmatch(path) is not None

    def turns(self, exchange: Exchange, body: Any, events: Iterable[Event]) -> Iterator[Turn]:
        """Read one HTTP exchange. Most services leave this alone and fill in ``request``, ``event`` and ``finish``."""
        turn = Turn(self, exchange)
        self.request(turn, body)
        for event in events:
            self.event(turn, event)
        self.finish(turn)
        yield turn

    def request(self, turn: Turn, body: Any) -> None:
        """Read the decoded request: JSON, form fields as a dict, or None where it could not be decoded."""

    def event(self, turn: Turn, event: Event) -> None:
        """Read one decoded event of the response."""

    def finish(self, turn: Turn) -> None:
        """All events were read: settle what only the whole can tell."""

    def listen(self, opening: Exchange) -> Listener | None:
        """Return the listener for a WebSocket that matched, or None if this service has none."""
        return None

    def overdue(self, now: datetime | None) -> Iterable[Turn]:
        """Return the turns whose rest did not come in time; all that wait, if ``now`` is None (at the very end)."""
        return ()


@dataclass(slots=True)
class Recall[V]:
    """A bounded memory between exchanges: the oldest entry goes when it is full. Keys are ids, never text."""

    limit: int = 1000
    _entries: dict[str, V] = field(default_factory=dict)

    def put(self, key: str, value: V) -> None:
        self._entries.pop(key, None)
        self._entries[key] = value
        while len(self._entries) > self.limit:
            del self._entries[next(iter(self._entries))]

    def get(self, key: str | None) -> V | None:
        return None if key is None else self._entries.get(key)

    def pop(self, key: str | None) -> V | None:
        return None if key is None else self._entries.pop(key, None)

    def values(self) -> list[V]:
        """Return what is remembered, oldest first."""
        return list(self._entries.values())


def host_matches(patterns: Iterable[str], host: str) -> bool:
    """Whether ``host`` (lower case, no port) is one of the names; ``*.`` stands for exactly one label."""
    return any(
        host == pattern or (pattern.startswith("*.") and host.partition(".")[2] == pattern[2:] != host)
        for pattern in patterns
    )


def discover() -> tuple[type[Service], ...]:
    """Return every service found in the folder ``addon/services``, sorted by name."""
    import addon.services

    found: dict[str, type[Service]] = {}
    for module in pkgutil.iter_modules(addon.services.__path__):
        if module.name.startswith("_"):
            continue
        for thing in vars(importlib.import_module(f"addon.services.{module.name}")).values():
            if isinstance(thing, type) and issubclass(thing, Service) and "name" in vars(thing):
                found[thing.name] = thing
    return tuple(found[name] for name in sorted(found))


def clean_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the few headers that readers need, lower-cased; all others (cookies, keys, accounts) are dropped."""
    return {name: value for key, value in headers.items() if (name := key.lower()) in READ_HEADERS}


READ_HEADERS = frozenset({
    "content-type", "content-encoding", "content-length", "user-agent", "transfer-encoding", "accept",
    "openai-model", "x-initiator", "x-stainless-lang", "originator", "x-goog-ext-525001261-jspb", "x-vqd-4",
    "x-amzn-bedrock-input-token-count", "x-amzn-bedrock-output-token-count", "x-amzn-bedrock-invocation-latency",
    "x-amzn-bedrock-cache-read-input-token-count", "x-amzn-bedrock-cache-write-input-token-count",
})  # fmt: skip
