"""Every service: questions, answers and sockets, whole examples at a time, each read in three ways that must agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.fuzz.cases import build, cases, pack, unpack
from tests.fuzz.truths import check, differ, is_text, read, read_plainly

LARGEST_SEED = 6000


def seeds() -> Iterator[bytes]:
    """Yield every example that is not too long."""
    yield from (seed for case in cases().values() if len(seed := pack(case)) <= LARGEST_SEED)


def throw(data: bytes) -> None:
    """Read bytes in the places of an example's; raise if anything comes out that must not."""
    thrown = unpack(data)
    services = [thrown.case.service]
    cut, whole = list(build(thrown)), list(build(thrown, whole=True))
    reading, plain = read(cut, services), read_plainly(whole, services)
    check(reading)
    check(plain)
    if thrown.coding:
        cut = list(build(replace(thrown, coding="")))
        assert not differ(reading, read(cut, services)) or not is_text(data), "coded and not"
    assert not differ(read_plainly(cut, services), plain), "cut and whole"
    if is_text(b"".join(piece for _, said in thrown.told for _, piece in said)):
        assert not differ(reading, plain), "joined and apart"
