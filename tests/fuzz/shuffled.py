"""
Real answers with events lost, doubled, moved, taken from other answers or broken, read in two ways that must agree:
cut anywhere with like events joined, and whole with each event as it came. ``python -m tests.fuzz.shuffled SECONDS``.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from addon.exchange import Chunk, Exchange, Message
from addon.reading import Reading
from addon.service import Service
from tests.examples import load_examples
from tests.fuzz.changes import change
from tests.fuzz.truths import check, differ, is_text, read, read_plainly, service_of

CLIENT = b"\x00"
SIZES = ((1, 9), (10, 200), (50, 3000), (5000, 9000))


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of an example, by its events; on a socket by its messages, with who said it before each."""

    exchange: Exchange
    service: type[Service]
    delimiter: bytes
    events: tuple[bytes, ...]
    before: tuple[Exchange, ...]
    """What was asked and answered before."""


@cache
def answers() -> tuple[Answer, ...]:
    """Every answer of the examples that is text and has events."""
    return tuple(_answers())


def _answers() -> Iterator[Answer]:
    for case in load_examples():
        exchanges = case.exchanges
        for n, exchange in enumerate(exchanges):
            body = b"".join(piece.data for piece in (*exchange.chunks, *exchange.messages))
            if body and is_text(body) and not exchange.response_header("content-encoding"):
                delimiter = b"\n\n" if b"\n\n" in body else b"\n"
                told = body.split(delimiter)
                if exchange.messages:
                    told = [(CLIENT if one.from_client else b"") + one.data for one in exchange.messages]
                yield Answer(exchange, service_of(exchange), delimiter, tuple(told), tuple(exchanges[:n]))


def shuffle(chance: random.Random) -> tuple[type[Service], list[Exchange], list[Exchange]]:
    """Return a changed answer, cut into chunks and whole, with what was before it, and whose it is."""
    answer = chance.choice(answers())
    pool = [event for other in answers() if other.service is answer.service for event in other.events]
    events = list(answer.events)
    for _ in range(chance.choice((1, 2, 4, 8))):
        if events:
            change(events, chance, pool)
    if answer.exchange.messages:
        told = [(event.startswith(CLIENT), event.removeprefix(CLIENT)) for event in events]
        messages = tuple(Message(n, by_client, data) for n, (by_client, data) in enumerate(told))
        cut = whole = replace(answer.exchange, messages=messages or answer.exchange.messages)
    else:
        pieces = list(_cut(answer, events, chance))
        body = b"".join(pieces)
        whole = replace(answer.exchange, chunks=(Chunk(0, body),), response_bytes=len(body))
        cut = replace(whole, chunks=tuple(Chunk(n, piece) for n, piece in enumerate(pieces)))
    return answer.service, [*answer.before, cut], [*answer.before, whole]


def _cut(answer: Answer, events: list[bytes], chance: random.Random) -> Iterator[bytes]:
    if chance.random() < 0.3:  # each event by itself, as they mostly come
        yield from (event + answer.delimiter for event in events)
        return
    body, (least, most), at = answer.delimiter.join(events), chance.choice(SIZES), 0
    while at < len(body):
        yield body[at : (at := at + chance.randint(least, most))]


def read_both_ways(service: type[Service], cut: list[Exchange], whole: list[Exchange]) -> tuple[Reading, Reading]:
    """
    Read the chunks with like events joined, and the whole with each event as it came.

    The times are those of the chunks: the chunks read with each event as it came must tell them too.
    """
    joined = read(cut, [service])
    assert joined.records == read_plainly(cut, [service]).records, f"{service.name} has other times or records"
    return joined, read_plainly(whole, [service])


def main() -> None:
    """Shuffle for so many seconds; stop at the first answer that is read in two ways, and say how to see it again."""
    end, n = time.monotonic() + float(sys.argv[1]), 0
    first = time.time_ns()
    while time.monotonic() < end:
        service, cut, whole = shuffle(random.Random(first + n))
        try:
            one, other = read_both_ways(service, cut, whole)
            check(one)
            assert not differ(one, other), f"{service.name} · {one} · {other}"
        except AssertionError as error:
            sys.exit(f"seed {first + n} · {error}")
        n += 1
    print(f"{n} answers, each read alike in two ways")


if __name__ == "__main__":
    main()
