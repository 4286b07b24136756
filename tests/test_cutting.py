"""Pieces are cut anew where events end, and nothing of what was said, nor when it had come, is another thing then."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from addon.framing.cutting import cut_between
from addon.framing.lines import LineSplitter, SignalrSplitter
from addon.framing.splitter import DelimitedSplitter, Piece
from addon.framing.sse import SseSplitter

BITS = (b"data: 1", b"data: 2", b"data", b": ", b"\n", b"\n\n", b"\r", b"\r\n", b"\r\n\r\n", b"3", b"", b"\x1e")
PIECES = st.lists(st.lists(st.sampled_from(BITS), max_size=4).map(b"".join), max_size=16)
BYTE_BY_BYTE = [b"data: 1"[n : n + 1] for n in range(7)] + [b"\n", b"\n", b"data: 2\n\n"]


@pytest.mark.parametrize("most_waiting", [0, 1, 1000])
@pytest.mark.parametrize(
    ("framing", "delimiter"),
    [(one, one.delimiter) for one in (LineSplitter, SseSplitter, SignalrSplitter)] + [(SseSplitter, b"\r\n\r\n")],
)
@settings(max_examples=150, deadline=None)
@example(bits=BYTE_BY_BYTE)
@example(bits=[b"d", b"", *BYTE_BY_BYTE])
@example(bits=[b"data: 1\r\n", b"\r\n", b"\n", b"data: 2\n\n"])
@example(bits=[b"data: 1", b"", b"", b"\n\n\n", b"data: 2\n\n"])
@given(bits=PIECES)
def test_the_bytes_and_when_each_event_was_whole_stay_the_same(
    framing: type[DelimitedSplitter], delimiter: bytes, most_waiting: int, bits: list[bytes]
) -> None:
    pieces: list[Piece] = [(10 * n, data) for n, data in enumerate(bits)]
    cut = list(cut_between(pieces, delimiter, most_waiting))
    anew = [piece for piece, _ in cut]
    assert b"".join(data for _, data in anew) == b"".join(bits)
    assert framing([]).take(anew) == framing([]).take(pieces)
    came = b""
    for (_, data), is_whole in cut:
        if is_whole:
            assert data.endswith(delimiter)
            assert not came or came.endswith(delimiter)
        came += data


def test_an_event_in_two_pieces_is_whole_and_one_in_more_is_not() -> None:
    pieces: list[Piece] = [(1, b"data: 1"), (2, b"\n\n"), (3, b"da"), (4, b"ta"), (5, b": 2\n\n")]
    assert list(cut_between(pieces, b"\n\n", most_waiting=0)) == [
        ((2, b"data: 1\n\n"), True), ((3, b"da"), False), ((4, b"ta"), False), ((5, b": 2\n\n"), False),
    ]  # fmt: skip
