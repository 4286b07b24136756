"""The network cuts anywhere: pieces of a stream are cut anew where its events end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from addon.framing.splitter import Piece

_BLANK_LINE = re.compile(rb"\n[\r\n]|\r\r")
"""It may have ended a server-sent event, however lines end here: its time is to stay."""

_LARGEST_PIECE = 1024 * 1024
"""Bytes; a larger piece is not looked into, so that cutting it up never takes much memory."""


def cut_between(pieces: Iterable[Piece], delimiter: bytes, most_waiting: int) -> Iterator[tuple[Piece, bool]]:
    """
    Yield the same bytes, but cut where events end, and whether it is whole events.

    The beginning of one waits for the rest, in so many pieces besides the first at most, and unless that is large: it
    and what is left of it are no whole event.
    """
    waiting: list[Piece] = []
    size, between = 0, True
    edge, width = b"", len(delimiter) - 1
    """What may be the beginning of a delimiter, at the end of what came."""
    for piece in pieces:
        at_ms, data = piece
        if between and not waiting and data.endswith(delimiter):
            yield piece, len(data) <= _LARGEST_PIECE
            continue
        near = edge + data
        size += len(data)
        if delimiter in near:
            behind = len(delimiter) - len(edge)
            end = near.rfind(delimiter) + behind
            begun = b"".join([begin for _, begin in waiting])
            if not between or _BLANK_LINE.search(begun):
                yield from ((part, False) for part in waiting)
                begun, between = b"", False
            begin = 0 if between else len(begun) + near.find(delimiter) + behind
            whole = begun + data[:end]
            if begin:
                yield (at_ms, whole[:begin]), False
            if begin < len(whole):
                # Of three line feeds the last is no event, though two of them end one.
                yield (at_ms, whole[begin:]), len(whole) <= _LARGEST_PIECE and whole.endswith(delimiter, begin)
            near = data = data[end:]
            waiting, size, between = [(at_ms, data)] if data else [], len(data), True
        elif size > _LARGEST_PIECE or len(waiting) > most_waiting:
            yield from ((part, False) for part in (*waiting, piece))
            waiting, size, between = [], 0, False
        else:
            waiting.append(piece)
        edge = near[-width:] if width else b""
    yield from ((part, False) for part in waiting)
