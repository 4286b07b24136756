"""The digest of a socket's messages is the same whether they wait for it or not, and however large they are."""

from __future__ import annotations

import hashlib
import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from addon.digests import SocketDigest
from addon.exchange import Message

SIZES = st.sampled_from([0, 1, 1023, 1024, 1025, 5000, 40_000, 100_000])


@given(said=st.lists(st.tuples(st.booleans(), SIZES), max_size=12), asked_after=st.integers(0, 12))
@settings(max_examples=200, deadline=None)
def test_what_waits_is_digested_as_what_came(said: list[tuple[bool, int]], asked_after: int) -> None:
    plain, waiting, archived = hashlib.sha256(), SocketDigest(), SocketDigest(in_memory=True)
    for n, (by_client, size) in enumerate(said):
        data = bytes([n]) * (size // 2) + b"x" * (size - size // 2)
        ends = data if size <= 1024 else data[:512] + data[-512:]
        plain.update(bytes([by_client]) + size.to_bytes(8) + ends)
        for one in (waiting, archived):
            one.take(Message(n, by_client, data))
            if n == asked_after:
                assert one.digest() == plain.digest()
    assert waiting.digest() == archived.digest() == plain.digest()


def test_an_open_socket_keeps_no_more_than_a_little_waiting() -> None:
    one = SocketDigest()
    tracemalloc.start()
    for n in range(500):
        one.take(Message(n, False, bytes(10_000)))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 200_000
