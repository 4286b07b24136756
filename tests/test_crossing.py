"""What crosses between the proxy and its worker arrives whole, however large and in however many parts."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.crossing import Crossing, open_crossing

PARTS = st.lists(st.binary(max_size=40), max_size=6).map(tuple)
LARGE = tuple(os.urandom(n) for n in (70_000, 1, 0, 300_000, 17))


@contextmanager
def both_ends() -> Iterator[tuple[Crossing, Crossing]]:
    ours, theirs = open_crossing()
    theirs.settimeout(20)
    other = Crossing(theirs)
    try:
        yield ours, other
    finally:
        ours.close()
        other.close()


def cross(ours: Crossing, theirs: Crossing, *messages: tuple[bytes, ...]) -> list[bytes]:
    """Send messages in one thread and take them in another, as no buffer has room for all of them."""
    sending = threading.Thread(target=lambda: [ours.send(*parts) for parts in messages], daemon=True)
    sending.start()
    came = [bytes(theirs.receive()) for _ in messages]
    sending.join(10)
    assert not sending.is_alive()
    return came


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(PARTS, st.just(LARGE)), max_size=4))
def test_messages_arrive_as_they_were_sent(messages: list[tuple[bytes, ...]]) -> None:
    with both_ends() as (ours, theirs):
        assert cross(ours, theirs, *messages) == [b"".join(parts) for parts in messages]
        assert cross(theirs, ours, *messages) == [b"".join(parts) for parts in messages]


def test_more_parts_than_the_system_writes_at_once_arrive() -> None:
    parts = tuple(os.urandom(n % 90) for n in range(5000))
    with both_ends() as (ours, theirs):
        assert cross(ours, theirs, parts) == [b"".join(parts)]


def test_what_the_system_takes_only_in_pieces_arrives() -> None:
    parts = tuple(os.urandom(n * 1000) for n in range(60))
    one, other = socket.socketpair()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    one.settimeout(10)  # such a socket takes what there is room for, and says how much that was
    other.settimeout(20)
    with one, other:
        assert cross(Crossing(one), Crossing(other), parts) == [b"".join(parts)]


@pytest.mark.parametrize("sent", [b"", b"\x05\0\0", b"\x05\0\0\0\0\0\0\0half"])
def test_an_end_that_is_closed_is_told_within_a_message_too(sent: bytes) -> None:
    one, other = socket.socketpair()
    with other:
        with one:
            one.sendall(sent)
        with pytest.raises(EOFError):
            Crossing(other).receive()


@pytest.mark.parametrize("parts", [(b"small",), LARGE], ids=["small", "large"])
def test_to_send_to_nobody_is_told(parts: tuple[bytes, ...]) -> None:
    ours, theirs = open_crossing()
    theirs.close()
    with pytest.raises(OSError, match="pipe"):
        ours.send(*parts)
    ours.close()
