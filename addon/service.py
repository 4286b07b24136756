"""What a chatbot's file says about it, and how the files are found; with ``addon.turn``, all that such a file needs."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from addon.exchange import Ending, Exchange, Message
from addon.turn import SEAM, Event, Turn, Usage, each_of
from tracker.record import Initiator, Operation

if TYPE_CHECKING:
    from addon.framing.patches import Patches
    from addon.framing.snapshots import Repeats

__all__ = [
    "KEPT_BACK", "SEAM", "Event", "Grade", "Listener", "Recall", "Service", "Turn", "Usage", "clean_headers",
    "discover", "each_of", "host_matches",
]  # fmt: skip

Grade = Literal["captured", "documented", "inferred"]


KEPT_BACK: Iterator[Turn] = iter(())
"""What a listener returns of a message that it reads later: nothing has begun or ended by it yet."""


class Listener(Protocol):
    """The reader of one open socket, which may carry many turns."""

    def hear(self, message: Message) -> Iterable[Turn]:
        """Take one message; return the turns that it ended, or ``KEPT_BACK``."""
        ...

    def close(self, ending: Ending, at_ms: int | None) -> Iterable[Turn]:
        """The socket is gone; return the turns that were still open."""
        ...

    def open_turns(self) -> int:
        """How many turns have begun and are not over, as far as they would be recorded."""
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
    adds: ClassVar[re.Pattern[bytes] | None] = None
    """What stands in an event up to the first letter of a text that adds to the text before it. Events in a row that
    are alike but for this text are read as one, at the time of the first. Where events are counted, or some repeat
    what was said, a group named ``each`` puts ``SEAM`` between their texts: ``each_of`` gives them back. A group named
    ``only`` holds what an event with other texts besides, which must be read by itself, has more than once. None where
    all texts repeat what was said."""
    repeats: ClassVar[Repeats | None] = None
    """How events say again all that was said so far: of several in a row that differ in nothing else the first and the
    last are read. None where events are counted."""
    patches: ClassVar[Patches | None] = None
    """How server-sent events patch the same things again and again: several in a row are read as one."""
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

    def owed(self) -> int | None:
        """How many answers wait for their rest without a record; None if this service keeps none between exchanges."""
        return None


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
