"""Events that differ from the one before in nothing but the text they add become one event before they are read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from addon.framing.splitter import Piece

_TEXT = re.compile(rb'[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+')
"""The inside of a JSON string."""

_SAID_AGAIN = re.compile(
    rb'"text": ?("[^"\\]*+(?:\\.[^"\\]*+)*+"), ?(?=[^{}]{0,99}"delta": ?\{[^{}]{0,99}"content": ?\1)'
)
"""A text beside a ``delta`` that says the same."""

_NOISE = (
    (b',"obfuscation":', re.compile(rb',"obfuscation":"\w*"(?=[,}])')),
    (b',"p":', re.compile(rb',"p":"\w*"(?=[,}])')),
    (b',"sequence_number":', re.compile(rb',"sequence_number":\d+(?=[,}])')),
    (b',"created_at":', re.compile(rb',"created_at":"[\w:.+-]*"(?=[,}])')),
    (b" }\n", re.compile(rb" +(?=\}\n)")),
    (b'"token_id":', _SAID_AGAIN),
    (b'"token_id":', re.compile(rb'"token_id": ?\d+, ?')),
)
"""What differs in each event and says nothing: letters and spaces against eavesdroppers (OpenAI, Mistral, Anthropic),
counters, times, a token's number and the first of its two texts (Together); and a part by which it is found."""

_END = b"\x1e"
"""What is put after a text that has no end of its own: no JSON has it."""

_EARLY, _EARLY_BYTES = 20, 16 * 1024
"""Noise that is in an answer is in one of its first so many pieces, or in one that begins within so many bytes."""

_LARGEST_PIECE = 1024 * 1024
"""Bytes; a larger piece passes as it is, so that cutting it up never takes much memory."""

_MOST_BYTES = 64 * 1024
"""A longer text becomes several events."""

_MOST_MISSES = 9
"""More events in a row that were not worth joining are counted as so many."""


def join_alike(pieces: Iterable[Piece], delimiter: bytes, adds: re.Pattern[bytes]) -> Iterator[Piece]:
    """
    Yield the same bytes, but with each run of like events as one event, which came when the first of them came.

    ``adds`` is what stands in an event up to the first letter of a text that adds to the text before. The insides of
    two JSON strings, one after the other, are the inside of one, so nothing is decoded here. What belongs to no whole
    event passes as it is.
    """
    run: _Run | None = None
    noises: list[re.Pattern[bytes]] = []
    misses, unseen, between, seen = 0, 0, True, 0
    for n, (at_ms, data) in enumerate(_between_events(pieces, delimiter)):
        begins, between = between, data.endswith(delimiter)
        if not (begins and between) or len(data) > _LARGEST_PIECE:
            if run is not None:
                yield run.at_ms, run.joined() + delimiter
            run = None
            yield at_ms, data
            continue
        if unseen:
            unseen -= 1
            yield at_ms, data
            continue
        if n < _EARLY and seen < _EARLY_BYTES:
            seen += len(data)
            noises += [noise for key, noise in _NOISE if key in data and noise not in noises]
        for noise in noises:
            data = noise.sub(b"", data)  # noqa: PLW2901 - the same piece, without what says nothing
        if run is not None and run.take_all(data[: -len(delimiter)], delimiter):
            continue  # as most pieces come
        loose: list[bytes] = []
        for event in data[: -len(delimiter)].split(delimiter):
            if run is not None:
                if run.take(event):
                    continue
                yield run.at_ms, run.joined() + delimiter
                misses = 0 if run.is_worth_it else misses + 1
                unseen = _unseen(misses)
            if unseen:
                unseen, run = unseen - 1, None
            elif (run := _begin(event, at_ms, adds)) is None:
                misses += 1
                unseen = _unseen(misses)
            elif loose:
                yield at_ms, delimiter.join([*loose, b""])
                loose = []
            if run is None:
                loose.append(event)
        if loose:
            yield at_ms, delimiter.join([*loose, b""])
    if run is not None:
        yield run.at_ms, run.joined() + delimiter


def join_texts(texts: Iterable[Piece], adds: re.Pattern[bytes] | None) -> Iterator[Piece]:
    """Yield JSON texts that came one by one, those in a row that are alike as one: ``join_alike`` without a framing."""
    pieces = ((at_ms, text + _END) for at_ms, text in texts)
    for at_ms, joined in join_alike(pieces, _END, adds) if adds else pieces:
        for text in joined.removesuffix(_END).split(_END):
            yield at_ms, text


def _between_events(pieces: Iterable[Piece], delimiter: bytes) -> Iterator[Piece]:
    """
    Yield the same bytes, but cut where events end: the network cuts anywhere.

    The beginning of an event waits for the next piece, which may have its end, and for no other.
    """
    waiting: Piece = (None, b"")
    is_within = False
    for at_ms, data in pieces:
        came, rest = waiting
        waiting = (None, b"")
        if not rest and not is_within and data.endswith(delimiter):
            yield at_ms, data
            continue
        whole = rest + data
        end = whole.rfind(delimiter) + len(delimiter)
        if end < len(delimiter) or len(data) > _LARGEST_PIECE:
            if rest:
                yield came, rest
            yield at_ms, data
            is_within = not data.endswith(delimiter)
            continue
        begin = whole.find(delimiter) + len(delimiter) if is_within else 0
        for part in (whole[:begin], whole[begin:end]):
            if part:
                yield at_ms, part
        waiting, is_within = (at_ms, whole[end:]), False
    if waiting[1]:
        yield waiting


def _unseen(misses: int) -> int:
    """Return how many events or pieces pass without a look: twice as many after each miss, none after the first few."""
    return (1 << min(misses, _MOST_MISSES)) // 8


class _Run:
    """Events that begin and end alike."""

    __slots__ = ("_after", "_before", "_size", "_texts", "at_ms")

    def __init__(self, at_ms: int | None, before: bytes, text: bytes, after: bytes) -> None:
        self.at_ms = at_ms
        self._before, self._texts, self._after = before, [text], after
        self._size = 0

    def take(self, event: bytes) -> bool:
        """Take an event that is like those before; return False for another."""
        if self._size > _MOST_BYTES or not event.startswith(self._before):
            return False
        start, end = len(self._before), len(event) - len(self._after)
        if start >= end or not event.endswith(self._after) or not _TEXT.fullmatch(event, start, end):
            return False
        self._texts.append(event[start:end])
        self._size += end - start
        return True

    def take_all(self, events: bytes, delimiter: bytes) -> bool:
        """Take a piece if all events of it are like those before."""
        before, after = self._before, self._after
        if len(events) < 2 * (len(before) + len(after)):
            return self.take(events)  # one event
        if self._size > _MOST_BYTES or len(events) > _MOST_BYTES:
            return False
        if not events.startswith(before) or not events.endswith(after):
            return False
        texts = events[len(before) : -len(after)].split(after + delimiter + before)
        if b"" in texts or not _TEXT.fullmatch(b" ".join(texts)):  # so that no escape is made of two halves
            return False
        self._texts += texts
        self._size += sum(map(len, texts))
        return True

    @property
    def is_worth_it(self) -> bool:
        """Whether joining cost less than reading them one by one."""
        return len(self._texts) > 2

    def joined(self) -> bytes:
        return self._before + b"".join(self._texts) + self._after


def _begin(event: bytes, at_ms: int | None, adds: re.Pattern[bytes]) -> _Run | None:
    head = adds.search(event)
    text = _TEXT.match(event, head.end()) if head else None
    if text is None or not text[0] or not event.startswith(b'"', text.end()) or adds.search(event, text.end()):
        return None  # a second text that adds would be said once where it was said each time
    return _Run(at_ms, event[: text.start()], text[0], event[text.end() :])
