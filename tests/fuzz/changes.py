"""What is done to an answer besides changing single bytes: events lost, doubled, moved; values of other kinds."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

ENDS = (b'"', b'\\u00e9"', b'\\n"', b' x"', b'\\\\"', b'\\""', b'\\/"')
"""What a text may end with; the quotation mark is that of the text."""
JUNK = (b"", b"\r", b" ", b": c\n", b"\xef\xbb\xbf", b"}", b'"', b"\n")
VALUES = (
    b"null", b"true", b"-1", b"0", b"1e999", b"NaN", b"99999999999999999999", b"0.5", b'""', b'"-1"', b"[]", b"{}",
    b"[[]]", b'{"a": 1}', b'"a\\ud800"',
    b'"@deep"', b'"@nest"', b'"@long"', b'"@wide"',  # see ``intakes.EXPANSIONS``
    b"2026-11-16", b"2026-11-16T09:00:00Z", b"inf", b'["a", 1]', b"{a = 1}", b'"\\u001b[31m"',
)  # fmt: skip
_TEXT = re.compile(rb'": ?"[^"\\]{1,40}"')
_VALUE = re.compile(rb'(?:(?<=":)|(?<= =))( ?)(?:"[^"\\]*"|-?\d[\d.e]*|true|false|null)')
_EVENT = re.compile(rb".*?(?:\x00\xff[\xfd-\xff]\x00|\n\n?|\x1e|\Z)", re.DOTALL)


def mutate(data: bytes, most: int, seed: int) -> bytes:
    """Return bytes for the fuzzer: one of its own changes, or some of ours."""
    import atheris  # type: ignore[import-not-found, unused-ignore]  # by hand, where it was installed

    chance = random.Random(seed)
    if chance.random() < 0.5:
        changed: bytes = atheris.Mutate(data, most)
        return changed
    events = _EVENT.findall(data)[:-1]
    for _ in range(chance.choice((1, 1, 2, 4))):
        if events:
            change(events, chance, events)
    return b"".join(events)[:most]


def change(events: list[bytes], chance: random.Random, pool: Sequence[bytes]) -> None:
    """Change one event, or where it stands; ``pool`` has others that may come in."""
    at, other = chance.randrange(len(events)), chance.randrange(len(events))
    event = events[at]
    match chance.randrange(9):
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
        case 7:
            values = len(_VALUE.findall(event))
            place = iter(range(values))
            chosen = chance.randrange(values) if values else 0
            new = chance.choice(VALUES)
            events[at] = _VALUE.sub(lambda value: value[1] + new if next(place) == chosen else value[0], event)
        case _:
            place_of = chance.randrange(len(event) + 1)
            events[at] = event[:place_of] + chance.choice(JUNK) + event[place_of:]
