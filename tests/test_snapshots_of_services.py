"""The record of an answer that is said again and again is that of all its events, though few of them are read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import accumulate, pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.exchange import Chunk, Exchange
from addon.framing.snapshots import INNER_TEXT, Repeats
from addon.reader import Reader
from addon.reading import Reading
from addon.service import discover
from addon.services.gemini import Gemini
from tests.examples import KEY, Example, load_examples
from tests.test_snapshots import WORDS

ARTEFACT = "http://googleusercontent.com/image_generation_content/0"


def gemini(text: str, thoughts: str | None = None, *, drafts: Sequence[str] = (), **told: Any) -> bytes:
    """Return what Gemini's page says at one moment of its answer."""
    rest = [None] * 35
    candidates = [[f"rc_{n}", [said], *rest, [[thoughts]]] for n, said in enumerate((text, *drafts))]
    candidates[0][12] = told.get("media")
    inner = [None, [told.get("conversation", "c_1"), "r_1"], None, None, candidates, *[None] * 37, told.get("model")]
    said = json.dumps(inner, ensure_ascii=told.get("ascii_only", False), separators=(",", ":"))
    line = json.dumps([["wrb.fr", None, said]])
    return f"{len(line)}\n{line}\n".encode()


def read_gemini(snapshots: Sequence[bytes], repeats: Repeats | None = Gemini.repeats) -> Reading:
    pieces = [b")]}'\n\n", *snapshots, b'25\n[["e",5,null,null,900]]\n']
    exchange = Exchange(
        method="POST", host="gemini.google.com",
        path="/_/BardChatUi/data/assistant.lamda.BardFrontendService/StreamGenerate", status=200,
        started_at=datetime(2026, 11, 22, tzinfo=UTC), response_headers={"content-type": "application/json"},
        chunks=tuple(Chunk(10 * n, piece) for n, piece in enumerate(pieces)),
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Gemini, "repeats", repeats)
        return Reader(KEY, services=[Gemini]).read(exchange)


@given(
    moments=st.lists(
        st.tuples(WORDS, st.booleans(), st.sampled_from(["", "", "", "think", "other", "model", "draft", "media"])),
        max_size=25,
    ),
    ascii_only=st.booleans(), begins=st.sampled_from(["", "T", ARTEFACT]),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_the_record_of_gemini_is_that_of_all_snapshots(
    moments: list[tuple[str, bool, str]], ascii_only: bool, begins: str
) -> None:
    text, thoughts, snapshots = begins, "", []
    drafts: tuple[str, ...] = ()
    told: dict[str, Any] = {}
    for word, shrinks, other in moments:
        text = text[:-1] if shrinks else text + word
        thoughts += word if other == "think" else ""
        drafts = (*drafts, word)[-2:] if other == "draft" else drafts
        match other:
            case "other":
                told = {"conversation": "c_2"}
            case "model":
                told = {"model": "3.6 Flash"}
            case "media":
                told = {"media": [None] * 7 + [[[1, 2]]]}
        snapshots.append(gemini(text, thoughts or None, drafts=drafts, ascii_only=ascii_only, **told))
    assert read_gemini(snapshots) == read_gemini(snapshots, None)


def test_what_only_an_earlier_snapshot_tells_is_kept() -> None:
    picture = [None] * 7 + [[[1, 2]]]
    told = [gemini("A"), gemini("A b", media=picture, model="3.6 Flash"), gemini("A b c")]
    (record,) = read_gemini(told).records
    assert (record.media_count, record.response_model) == (2, "gemini-3.6-flash")
    assert record.time_to_first_token_ms == 10


def test_the_first_word_is_heard_when_it_comes() -> None:
    (record,) = read_gemini([*map(gemini, (ARTEFACT, ARTEFACT + " A", ARTEFACT + " A b"))]).records
    assert record.time_to_first_token_ms == 20
    cut = [*map(gemini, (ARTEFACT[:9], ARTEFACT[:-1], ARTEFACT))]
    assert read_gemini(cut) == read_gemini(cut, None)


REPEATING = {service.name: service for service in discover() if service.repeats}
CASES = [case for case in load_examples() if case.service in REPEATING]


def test_services_that_repeat_what_was_said_say_so() -> None:
    assert {"bing-chat", "character-ai", "gemini", "hailuo", "meta-ai", "poe"} <= REPEATING.keys()
    assert REPEATING.keys() <= {case.service for case in CASES}


def grown(unit: bytes, repeats: Repeats, chance: Random) -> list[bytes]:
    """Return a unit again and again with more in one or all of its texts."""
    quote = b'\\"' if repeats.text is INNER_TEXT else b'"'
    ends = [end for place in repeats.before.finditer(unit) if (end := unit.find(quote, place.end())) > 0]
    if not ends:
        return [unit]
    ends = ends if chance.random() < 0.5 else [chance.choice(ends)]
    words = [b"a", b" tide", b"\\\\n", b"", "\u00e6".encode(), b"9"]
    texts = accumulate(chance.choices(words, k=chance.randint(2, 12)))
    units = []
    for text in texts:
        parts = [unit[start:end] for start, end in pairwise([0, *ends, len(unit)])]
        units.append(text.join(parts))
    return units


def changed(units: list[bytes], repeats: Repeats, chance: Random) -> list[bytes]:
    """Return units of which some have grown, and some were lost, said twice or moved."""
    units = [more for unit in units for more in (grown(unit, repeats, chance) if chance.random() < 0.5 else [unit])]
    for _ in range(chance.randrange(4)):
        at, other = chance.randrange(len(units)), chance.randrange(len(units))
        match chance.randrange(3):
            case 0:
                units[at], units[other] = units[other], units[at]
            case 1:
                units.insert(at, units[other])
            case _ if len(units) > 1:
                del units[at]
    return units


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.service}-{case.path.stem}")
def test_the_record_is_that_of_all_events(case: Example) -> None:
    *before, exchange = case.exchanges
    repeats = REPEATING[case.service].repeats
    assert repeats
    for seed in range(30):
        chance = Random(seed)
        if exchange.messages:
            messages = []
            for message in exchange.messages:
                units = [message.data] if message.from_client else changed([message.data], repeats, chance)
                messages += [replace(message, data=unit, at_ms=None) for unit in units]
            made = replace(exchange, messages=tuple(replace(one, at_ms=10 * n) for n, one in enumerate(messages)))
        else:
            body = b"".join(chunk.data for chunk in exchange.chunks)
            end = b"\n\n" if b"\n\n" in body else b"\n"
            units = changed([unit + end for unit in body.split(end) if unit], repeats, chance)
            if chance.random() < 0.3:
                whole, size = b"".join(units), chance.randint(5, 500)
                units = [whole[start : start + size] for start in range(0, len(whole), size)]
            made = replace(exchange, chunks=tuple(Chunk(10 * n, unit) for n, unit in enumerate(units)))
        readings = []
        for kept in (repeats, None):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(REPEATING[case.service], "repeats", kept)
                reader = Reader(KEY)
                readings.append(sum((reader.read(one) for one in (*before, made)), Reading()) + reader.overdue())
        assert readings[0] == readings[1], seed
