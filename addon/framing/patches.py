"""Events in a row that bring one more patch each to the same lists become one event that brings all of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from addon.framing.cutting import cut_between
from addon.framing.snapshots import is_passed_over
from addon.framing.splitter import Piece

_HEAD = re.compile(rb"(?:id: ?\S*\r?\n)?(?:event: ?[^\r\n]*\r?\n)?data: ?")
_LETTER = re.compile(rb"\\u00[4-7]")
"""A letter that hides in a name."""

_MOST_BYTES = 64 * 1024
"""A larger event is not looked into, and one that brings more patches becomes several."""


@dataclass(frozen=True, slots=True)
class Patches:
    """How a service sends patches, each of which adds a text to a list. Those after the first need no time."""

    before: re.Pattern[bytes]
    """What stands before the list of all that an event patches."""
    block: re.Pattern[bytes]
    """One thing in it, with one patch: its groups are the name, and the patch up to the place that it adds at."""
    rest: re.Pattern[bytes]
    """The rest of the patch, from that place on, which is its group."""
    noise: re.Pattern[bytes]
    """What is another one in each event and says nothing."""


@dataclass(slots=True)
class _List:
    """The patches to one list, without what all of them begin with."""

    begin: bytes
    rests: list[bytes]
    place: int
    """Of the last of them. None after it is before it, so that where the first cannot be made none can."""


class _Run:
    """Events that differ in nothing but the next patch to each list, and in noise."""

    __slots__ = ("_cuts", "_last", "_size", "at_ms")

    def __init__(self, how: Patches, at_ms: int | None, event: bytes, blocks: list[re.Match[bytes]]) -> None:
        self.at_ms = at_ms
        self._size = 0
        self._cuts: list[tuple[bytes, Callable[[bytes, int], re.Match[bytes] | None], _List | bytes]] = []
        """What is the same until a place where something else may stand, what may, and what stood there so far."""
        first, end, at = blocks[0].start(), blocks[-1].end(), 0
        noises = [one for one in how.noise.finditer(event) if not first < one.start() < end]
        for one in sorted([*blocks, *noises], key=re.Match.start):
            told: _List | bytes = one[0]
            start, pattern = one.start(), how.noise
            if one.re is how.block:
                start, pattern = one.end(2), how.rest
                told = _List(one[2], [], 0)
            self._cuts.append((event[at:start], pattern.match, told))
            found = pattern.match(event, start)
            at = found.end() if found else start
        self._last = event[at:]
        self.take(event)

    def take(self, event: bytes) -> bool:
        """Take the patches of an event that goes on where those before ended; return False for another."""
        at, found = 0, []
        for part, match, told in self._cuts:
            rest = match(event, at + len(part)) if event.startswith(part, at) else None
            if rest is None:
                return False
            at = rest.end()
            if isinstance(told, _List):
                place = int(rest[1])
                if place < told.place:
                    return False
                found.append((told, place, rest[0]))
        if self._size > _MOST_BYTES or at + len(self._last) != len(event) or not event.endswith(self._last):
            return False
        for told, place, text in found:
            told.rests.append(text)
            told.place = place
            self._size += len(text)
        return True

    def joined(self) -> bytes:
        """Return all of them as one."""
        texts = []
        for part, _, told in self._cuts:
            texts += [part, (b", " + told.begin).join(told.rests) if isinstance(told, _List) else told]
        return b"".join(texts) + self._last


def join_patches(pieces: Iterable[Piece], patches: Patches, *, returns: bool) -> Iterator[Piece]:
    """
    Yield the same server-sent events, but those in a row that go on with the same lists as one, which came when the
    first of them came. ``returns``: lines end in a return and a line feed.

    Nothing is decoded for that. What belongs to no whole event passes as it is.
    """
    delimiter = b"\r\n\r\n" if returns else b"\n\n"
    run: _Run | None = None
    vain = 0
    for piece, is_whole in cut_between(pieces, delimiter, most_waiting=0):
        at_ms, data = piece
        if is_whole and run is not None and run.take(data):
            vain = 0
            continue  # as most come
        vain += is_whole
        if not is_whole or is_passed_over(vain):
            if run is not None:
                yield run.at_ms, run.joined()
                run = None
            yield piece
            continue
        for event in data.split(delimiter)[:-1]:
            told = event + delimiter
            if run is not None:
                if run.take(told):
                    vain = 0
                    continue
                yield run.at_ms, run.joined()
            run = _begin(patches, at_ms, told)
            if run is None:
                yield at_ms, told
    if run is not None:
        yield run.at_ms, run.joined()


def _begin(how: Patches, at_ms: int | None, event: bytes) -> _Run | None:
    """Return the run that an event may begin; None if it does anything but to patch different things once each."""
    head, list_begin = _HEAD.match(event), how.before.search(event)
    if head is None or list_begin is None or len(event) > _MOST_BYTES:
        return None
    blocks, at = [], list_begin.end()
    while block := how.block.match(event, at):
        blocks.append(block)
        at = block.end()
    names = {block[1] for block in blocks}  # of two patches to one thing it would matter which came first
    if not blocks or len(names) < len(blocks) or not event.startswith(b"]", at):
        return None
    value = event[head.end() :].rstrip(b"\r\n")
    if b"\n" in value or b"\r" in value or how.before.search(event, at) or _LETTER.search(event):
        return None
    return _Run(how, at_ms, event, blocks)
