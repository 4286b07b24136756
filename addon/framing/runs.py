"""One run of events that are alike but for the text they add, and what differs in each of them and says nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from addon.framing.splitter import Piece
from addon.framing.values import TEXT
from addon.turn import SEAM

_SAID_AGAIN = re.compile(
    rb'"text": ?("[^"\\]*+(?:\\.[^"\\]*+)*+"), ?(?=[^{}]{0,99}"delta": ?\{[^{}]{0,99}"content": ?\1)'
)
"""A text beside a ``delta`` that says the same."""

_NOISE = (
    (b',"obfuscation":', re.compile(rb',"obfuscation":"\w*"(?=[,}])')),
    (b',"p":', re.compile(rb',"p":"\w*"(?=[,}])')),
    (b',"sequence_number":', re.compile(rb',"sequence_number":(?:0|[1-9]\d*+)(?=[,}])')),
    (b',"created_at":', re.compile(rb',"created_at":"[\w:.+-]*"(?=[,}])')),
    (b" }\n", re.compile(rb" +(?=\}\n)")),
    (b'"token_id":', _SAID_AGAIN),
    (b'"token_id":', re.compile(rb'"token_id": ?(?:0|[1-9]\d*+), ?')),
    (b'"event_id":', re.compile(rb'"event_id": ?"\w*", ?')),
    (b'"eventOffset":', re.compile(rb'"eventOffset": ?(?:0|[1-9]\d*+), ?')),
    (b'"partId":', re.compile(rb', ?"id": ?"\d+"(?=\}\Z)')),
)
"""What differs in each event and says nothing: letters and spaces against eavesdroppers (OpenAI, Mistral, Anthropic),
counters (also Kimi's and Copilot's), times, names of events (OpenAI), a token's number and the first of its two texts
(Together); and a part by which it is found."""

_SEAM_TOLD = b"\\u001"
"""What an event has that itself tells of a ``SEAM``."""

_NUMBER = rb"(?:0|[1-9]\d{0,11})"  # with other digits an event is no JSON, and must stay so
_DETAIL = rb'"\w{1,40}_tokens": ?%b' % _NUMBER
_TOLD = rb'"\w{1,40}_(?:tokens": ?%b|details": ?\{(?:%b(?:, ?%b)*+)?\})' % (_NUMBER, _DETAIL, _DETAIL)
_SUM = re.compile(rb'(, ?"usage": ?\{%b(?:, ?%b)*+\})(?=\}(?:\n|\x1e|\Z))' % (_TOLD, _TOLD))
"""The tokens so far, at the end of an event: where each event tells them, the last is enough."""

_MOST_BYTES = 64 * 1024
"""A longer text becomes several events."""

_SHORT = 20
"""So many bytes of what stands between two texts are enough to find it."""


def noise_in(data: bytes) -> list[re.Pattern[bytes]]:
    """Return what may differ in events such as these and says nothing."""
    return [noise for key, noise in _NOISE if key in data]


class Run:
    """Events that begin and end alike."""

    __slots__ = ("_after", "_before", "_last_ms", "_seam", "_size", "_sum", "_texts", "at_ms")

    def __init__(self, at_ms: int | None, before: bytes, text: bytes, after: bytes, seam: bytes = b"") -> None:
        self.at_ms = at_ms
        self._after, self._sum = _without_sums(after)
        self._before, self._texts, self._seam = before, [text], seam
        self._size = 0
        self._last_ms = at_ms

    def take(self, event: bytes, at_ms: int | None) -> bool:
        """Take an event that is like those before; return False for another."""
        told = b""
        if self._sum:
            event, told = _without_sums(event)
        if self._size > _MOST_BYTES or not event.startswith(self._before):
            return False
        start, end = len(self._before), len(event) - len(self._after)
        if start >= end or not event.endswith(self._after) or not TEXT.fullmatch(event, start, end):
            return False
        if self._seam and _SEAM_TOLD in event:
            return False
        self._texts.append(event[start:end])
        self._size += end - start
        self._last_ms = at_ms
        self._sum = told or self._sum
        return True

    def take_all(self, events: bytes, delimiter: bytes, at_ms: int | None) -> bool:
        """Take a piece if all events of it are like those before."""
        if delimiter not in events:
            return self.take(events, at_ms)  # one event
        before, after = self._before, self._after
        events, told = _without_sums(events) if self._sum else (events, b"")
        if self._size > _MOST_BYTES or len(events) > _MOST_BYTES:
            return False
        if not events.startswith(before) or not events.endswith(after) or (self._seam and _SEAM_TOLD in events):
            return False
        between = after + delimiter + before
        short, rest = between[:_SHORT], between[_SHORT:]
        first, *others = events[len(before) : -len(after)].split(short)  # the whole takes thrice as long to find
        length = len(rest)
        texts = [first, *[other[length:] for other in others if other.startswith(rest)]]
        joined = b" ".join(texts)  # so that no escape is made of two halves
        if len(texts) <= len(others) or b"" in texts or not TEXT.fullmatch(joined):
            return False
        self._texts += texts
        self._size += len(joined)
        self._last_ms = at_ms
        self._sum = told or self._sum
        return True

    @property
    def is_worth_it(self) -> bool:
        """Whether joining cost less than reading them one by one."""
        return len(self._texts) > 2

    def pieces(self, end: bytes) -> Iterator[Piece]:
        """Yield all of them as one, and ``end``; where each is to be seen, the last by itself, at its own time."""
        *texts, last = self._texts
        if not self._seam or not texts:
            yield self.at_ms, self.joined() + end
            return
        yield self.at_ms, self._event(self._seam.join(texts)) + end
        yield self._last_ms, self._event(last) + end

    def joined(self) -> bytes:
        """Return all of them as one."""
        return self._event(self._seam.join(self._texts))

    def _event(self, text: bytes) -> bytes:
        after = self._after[:-1] + self._sum + b"}" if self._sum else self._after
        return self._before + text + after

    def clear(self) -> None:
        """Let go of the texts so far: those that follow are to be joined without them."""
        self._texts, self._size = [], 0


def _without_sums(data: bytes) -> tuple[bytes, bytes]:
    """Return events without the tokens so far, and the last of these."""
    parts = _SUM.split(data)
    return (b"".join(parts[::2]), parts[-2]) if len(parts) > 1 else (data, b"")


def begin(event: bytes, at_ms: int | None, adds: re.Pattern[bytes]) -> Run | None:
    """Return the run that an event may begin; None if it adds no text, or two (``Service.adds``), or has more lines."""
    head = adds.search(event)
    text = TEXT.match(event, head.end()) if head else None
    if text is None or not text[0] or not event.startswith(b'"', text.end()) or adds.search(event, text.end()):
        return None  # a second text that adds would be said once where it was said each time
    if event.find(b"\n", text.end()) >= 0:
        return None  # so would what another line says
    if head and "only" in adds.groupindex and event.count(head["only"]) > 1:
        return None
    seam = SEAM.encode() if "each" in adds.groupindex else b""
    if seam and _SEAM_TOLD in event:
        return None
    return Run(at_ms, event[: text.start()], text[0], event[text.end() :], seam)
