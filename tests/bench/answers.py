"""An answer of many tokens as each service sends it: in each event other words, as many as an event carries there."""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate, cycle, islice, pairwise, product
from random import Random
from typing import Any
from unittest.mock import patch

from addon.exchange import Chunk, Exchange, Message
from addon.framing.aws import is_aws_prelude
from addon.reader import Reader
from addon.turn import Turn
from tests.bench.units import payload_of, runs_of, units_of
from tests.examples import KEY, Example

TOKENS_AN_EVENT = {"perplexity": 3, "gemini-api": 6, "anthropic-api": 1.7, "copilot-ide": 1.1}
"""
Tokens of text that came, divided by the events that brought them: of each service the recording beside the repository
where this was least (``SOURCES.md`` there; Perplexity by all its events, also those without text). Where
nothing was counted an event brings one token, the least there can be. In public repositories we found, in November
2026, no recording of Gemini's page, Bing, Meta AI, Hailuo or Character.ai with more than one snapshot of an answer.
"""
WORDS = ("tide", "river", "stone", "light", "house", "north", "water", "garden", "music", "window", "paper", "letter")
_TRIED = 12
_JSON = re.compile(rb"[\[{].*[\]}]")
_NUMBER = re.compile(rb'(?<=/chunks/)\d+(?=")')
"""What Perplexity calls the pieces of a text."""

_WAYS: tuple[Callable[[list[str]], Iterable[str]], ...] = (list, accumulate)
"""A text adds to those before, or repeats them."""

type Place = tuple[str | int | None, ...]
"""Where a text stands in a value: keys and indices, and None for JSON in a text."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The last exchange of an example with a long answer in it, and those that it needs to have been read before."""

    exchange: Exchange
    before: tuple[Exchange, ...]
    events: int
    """How many bring text."""

    @property
    def kilobytes(self) -> float:
        return sum(len(one.data) for one in (*self.exchange.chunks, *self.exchange.messages)) / 1000


def as_sent(examples: Sequence[Example], tokens: int, an_event: float = 1) -> Answer | None:
    """
    Return an answer of so many tokens as the service of these examples sends it; None if no text is found in any.

    An event brings as many as recordings tell, or ``an_event`` if that is more.

    Services that have texts which add and texts which repeat all before (some do after a pause, or did in other years)
    are taken at those that add, in the longest run of like events that has any; or in one event of it, for the first
    may begin a text to which the others add.
    """
    found = [(size, start, example) for example in examples for start, size in runs_of(units_of(example.exchanges[-1]))]
    found.sort(key=lambda run: -run[0])
    found += [(1, start + n, example) for size, start, example in found if size > 1 for n in reversed(range(size))]
    found.sort(key=lambda run: run[2].exchanges[-1].ending != "complete")  # which may be cut within an event
    trial = [f" w{n}w" for n in range(_TRIED)]
    for way, (size, start, example) in product(_WAYS, found):
        if way is accumulate and size > 2:  # an answer says again what it said, not what others did
            start, size = start + size - 2, 2  # noqa: PLW2901 - the end of the run
        *before, exchange = example.exchanges
        units = units_of(exchange)
        for places in places_in(units[start]):
            told = answer_in([*before, _filled(exchange, units, start, size, places, way(trial))])
            if "".join(trial).strip() in told and told.count(trial[0].strip()) == 1:
                words = words_of(tokens, max(an_event, TOKENS_AN_EVENT.get(example.service, 1)))
                made = _filled(exchange, units, start, size, places, way(words))
                return Answer(made, tuple(before), len(words))
    return None


def _filled(
    exchange: Exchange, units: list[bytes], start: int, size: int, places: list[Place], texts: Iterable[str]
) -> Exchange:
    """
    Return the exchange with a run of its units repeated, each time with another text.

    The last unit comes once, as the last: some services say in it that the text is at its end.
    """
    *first, last = units[start : start + size]
    told = list(texts)
    chosen = [*islice(cycle(first or [last]), len(told) - 1), last]
    run = [_numbered(with_text(unit, places, text), n) for n, (unit, text) in enumerate(zip(chosen, told, strict=True))]
    return made_of(exchange, [*units[:start], *run, *units[start + size :]])


def _numbered(unit: bytes, n: int) -> bytes:
    """Return a unit with the numbers of its pieces so many higher."""
    return _NUMBER.sub(lambda number: b"%d" % (int(number[0]) + n), unit)


def words_of(tokens: int, an_event: float) -> list[str]:
    """Return random words of a token each, as many together as an event carries."""
    words = [" " + word for word in Random(1).choices(WORDS, k=tokens)]
    edges = [round(n * an_event) for n in range(int(tokens / an_event) + 1)] + [tokens]
    return ["".join(words[start:end]) for start, end in pairwise(edges) if start < end]


def made_of(exchange: Exchange, units: Sequence[bytes]) -> Exchange:
    """Return an exchange whose answer is these units, one a chunk."""
    if not exchange.messages:
        return replace(exchange, chunks=tuple(Chunk(n, unit) for n, unit in enumerate(units)))
    clients = (message for message in exchange.messages if message.from_client)
    return replace(exchange, messages=(*clients, *(Message(n, False, unit) for n, unit in enumerate(units))))


def answer_in(exchanges: Sequence[Exchange]) -> str:
    """Return the text that would be counted as the answer of the last exchange."""
    texts: list[str] = []
    forget = Turn.forget

    def tell(turn: Turn) -> None:
        texts.append(turn.text("answer"))
        forget(turn)

    reader = Reader(KEY)
    with patch.object(Turn, "forget", tell):
        for exchange in exchanges:
            texts.clear()
            reader.read(exchange)
    return "\n".join(texts)


def places_in(unit: bytes) -> list[list[Place]]:
    """Return where the texts of a unit stand; those that are the same text are one entry."""
    found: dict[str, list[Place]] = defaultdict(list)
    text = _JSON.search(payload_of(unit))
    for place, leaf in _leaves(json.loads(text[0]), ()) if text else ():
        found[leaf].append(place)
    return list(found.values())


def _leaves(value: Any, place: Place) -> Iterator[tuple[Place, str]]:
    match value:
        case dict():
            for key, one in value.items():
                yield from _leaves(one, (*place, key))
        case list():
            for n, one in enumerate(value):
                yield from _leaves(one, (*place, n))
        case str():
            yield place, value
            inner, _ = _unwrapped(value)
            if inner is not None:
                yield from _leaves(inner, (*place, None))


def _unwrapped(text: str) -> tuple[Any, bool]:
    """Return the object or list that a text holds as JSON, and whether in Base64."""
    for is_coded in (False, True):
        try:
            inner = json.loads(base64.b64decode(text, validate=True) if is_coded else text)
        except (ValueError, binascii.Error):
            continue
        if isinstance(inner, dict | list):
            return inner, is_coded
    return None, False


def wrapped_in(text: bytes) -> Iterator[Callable[[], Any]]:
    """Yield what decodes each JSON text that is a string, or Base64 in a string, of this one."""
    for _, leaf in _leaves(json.loads(text), ()):
        inner, is_coded = _unwrapped(leaf)
        if inner is not None:
            yield (lambda leaf=leaf: json.loads(base64.b64decode(leaf))) if is_coded else partial(json.loads, leaf)


def with_text(unit: bytes, places: list[Place], text: str) -> bytes:
    """Return the unit with another text in these places, and lengths and checksums to match."""
    payload = payload_of(unit)
    found = _JSON.search(payload)
    if found is None:
        return unit
    value = json.loads(found[0])
    for place in places:
        value = _put(value, place, text)
    separators = (", ", ": ") if b'": ' in found[0] else (",", ":")
    told = json.dumps(value, ensure_ascii=False, separators=separators).encode("utf-8", "replace")
    payload = payload[: found.start()] + told + payload[found.end() :]
    if is_aws_prelude(unit):
        headers = unit[12 : 12 + int.from_bytes(unit[4:8])]
        head = (len(headers) + len(payload) + 16).to_bytes(4) + len(headers).to_bytes(4)
        frame = head + zlib.crc32(head).to_bytes(4) + headers + payload
        return frame + zlib.crc32(frame).to_bytes(4)
    return unit[:1] + len(payload).to_bytes(4) + payload if unit[:1] == b"\0" else payload


def _put(value: Any, place: Place, text: str) -> Any:
    """Return the value with a text in this place; as it is where there is no such place."""
    if not place:
        return text
    step, *rest = place
    if step is None:
        inner, is_coded = _unwrapped(value) if isinstance(value, str) else (None, False)
        if inner is None:
            return value
        told = json.dumps(_put(inner, tuple(rest), text), separators=(",", ":"))
        return base64.b64encode(told.encode()).decode() if is_coded else told
    if isinstance(value, dict) and step in value:
        return value | {step: _put(value[step], tuple(rest), text)}
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return [*value[:step], _put(value[step], tuple(rest), text), *value[step + 1 :]]
    return value
