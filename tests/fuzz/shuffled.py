"""
Real answers with events lost, doubled, moved, taken from other answers or broken, read in two ways that must agree:
cut anywhere with like events joined, and whole with each event as it came. ``python -m tests.fuzz.shuffled SECONDS``.
"""

from __future__ import annotations

import random
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from addon.exchange import Chunk, Exchange
from addon.reader import Reader
from addon.reading import Reading
from addon.service import Service
from tests.examples import KEY, load_examples
from tests.fuzz.target import is_text, service_of, untimed

ENDS = (b'"', b'\\u00e9"', b'\\n"', b' x"', b'\\\\"', b'\\""', b'\\/"')
"""What a text may end with; the quotation mark is that of the text."""
JUNK = (b"", b"\r", b" ", b": c\n", b"\xef\xbb\xbf", b"}", b'"', b"\n")
SIZES = ((1, 9), (10, 200), (50, 3000), (5000, 9000))
_TEXT = re.compile(rb'": ?"[^"\\]{1,40}"')


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of an example, by its events."""

    exchange: Exchange
    service: type[Service]
    delimiter: bytes
    events: tuple[bytes, ...]


@cache
def answers() -> tuple[Answer, ...]:
    """Every answer of the examples that is text and has events."""
    return tuple(_answers())


def _answers() -> Iterator[Answer]:
    for case in load_examples():
        for exchange in case.exchanges:
            body = b"".join(chunk.data for chunk in exchange.chunks)
            if body and is_text(body) and not exchange.response_header("content-encoding"):
                delimiter = b"\n\n" if b"\n\n" in body else b"\n"
                yield Answer(exchange, service_of(exchange), delimiter, tuple(body.split(delimiter)))


def shuffle(chance: random.Random) -> tuple[type[Service], Exchange, Exchange]:
    """Return a changed answer, cut into chunks and whole, and whose it is."""
    answer = chance.choice(answers())
    pool = [event for other in answers() if other.service is answer.service for event in other.events]
    events = list(answer.events)
    for _ in range(chance.choice((1, 2, 4, 8))):
        if events:
            _change(events, chance, pool)
    body, pieces = answer.delimiter.join(events), []
    if chance.random() < 0.3:  # each event by itself, as they mostly come
        pieces = [event + answer.delimiter for event in events]
    else:
        least, most = chance.choice(SIZES)
        at = 0
        while at < len(body):
            pieces.append(body[at : (at := at + chance.randint(least, most))])
    whole = replace(answer.exchange, chunks=(Chunk(0, b"".join(pieces)),), response_bytes=len(body))
    cut = replace(whole, chunks=tuple(Chunk(n, piece) for n, piece in enumerate(pieces)))
    return answer.service, cut, whole


def _change(events: list[bytes], chance: random.Random, pool: list[bytes]) -> None:
    at, other = chance.randrange(len(events)), chance.randrange(len(events))
    event = events[at]
    match chance.randrange(8):
        case 0:
            del events[at]
        case 1:
            events[at], events[other] = events[other], event
        case 2:
            events[at:at] = [events[other]] * chance.choice((1, 3, 30, 80))
        case 3:
            events.insert(at, chance.choice(pool))
        case 4:
            events[at] = re.sub(rb"\d", lambda _: b"%d" % chance.randrange(10), event)
        case 5:
            events[at] = _TEXT.sub(lambda text: text[0][:-1] + chance.choice(ENDS), event, chance.choice((0, 1, 2)))
        case 6:
            events[at] = _TEXT.sub(b'": ""', event, chance.choice((1, 2)))
        case _:
            place = chance.randrange(len(event) + 1)
            events[at] = event[:place] + chance.choice(JUNK) + event[place:]


def read_both_ways(service: type[Service], cut: Exchange, whole: Exchange) -> tuple[Reading, Reading]:
    """Read the chunks with like events joined, and the whole with each event as it came."""
    plain = service()
    vars(plain)["adds"] = None
    return Reader(KEY, services=[service]).read(cut), Reader(KEY, services=[plain]).read(whole)


def differ(one: Reading, other: Reading) -> bool:
    """Whether two readings tell different things, apart from times."""
    return untimed(one.records) != untimed(other.records) or set(one.unread) != set(other.unread)


def main() -> None:
    """Shuffle for so many seconds; stop at the first answer that is read in two ways, and say how to see it again."""
    end, n = time.monotonic() + float(sys.argv[1]), 0
    first = time.time_ns()
    while time.monotonic() < end:
        service, cut, whole = shuffle(random.Random(first + n))
        one, other = read_both_ways(service, cut, whole)
        if differ(one, other):
            sys.exit(f"{service.name} · seed {first + n} · {one} · {other}")
        n += 1
    print(f"{n} answers, each read alike in two ways")


if __name__ == "__main__":
    main()
