"""Of snapshots in which only texts grow the first and the last are read, and the record is that of all of them."""

from __future__ import annotations

import json
import re
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
from addon.framing import read_events
from addon.framing.snapshots import INNER_TEXT, Repeats
from addon.reader import Reader
from addon.reading import Reading
from addon.service import Event, discover
from addon.services.gemini import Gemini
from tests.examples import KEY, Example, load_examples

TEXTS = Repeats(re.compile(rb'"(?:text|said)": ?"'), unless=b'"piece"')
INNER = Repeats(re.compile(rb'\\"(?:text|said)\\": ?\\"'), unless=b'"piece', text=INNER_TEXT)
GROWS = frozenset({"text", "said"})
WORDS = st.sampled_from([
    "a", "Tide ", '"', "\\", "\n", "```", "\u2028", "😀", "\ud83d", "", "/card_content/0 ", "\\n", "h", '\\"', "\x1e",
    "\u00e6", '"text": "', "\t", "}]", "\x7f",
])  # fmt: skip
OTHERS = st.sampled_from([*[""] * 9, "said", "count", "piece", "pause", "shrink", "again", "number", "broken"])
ARTEFACT = "http://googleusercontent.com/image_generation_content/0"


def moments_of(moments: Sequence[tuple[str, str]]) -> list[Any]:
    """Return what is said at each moment: a text that mostly grows, beside another and a counter."""
    told: list[Any] = []
    now: dict[str, Any] = {"n": 0, "text": "", "list": [{"said": ""}]}
    for word, other in moments:
        match other:
            case "said":
                now = now | {"list": [{"said": now["list"][0]["said"] + word}]}
            case "count":
                now = now | {"n": now["n"] + 1, "text": now["text"] + word}
            case "piece":
                now = now | {"text": now["text"] + word}
                told.append(now | {"piece": word})
                continue
            case "shrink":
                now = now | {"text": now["text"][:-1]}
            case "again":
                now = now | {"text": word}
            case "number" | "broken" | "pause":
                told.append({"number": 7, "broken": "{", "pause": []}[other])
                continue
            case _:
                now = now | {"text": now["text"] + word}
        told.append(now)
    return told


def is_like(one: Any, other: Any, key: str | None = None) -> bool:
    """Whether two values differ in nothing but texts that have begun."""
    match one, other:
        case dict(), dict():
            return one.keys() == other.keys() and all(is_like(one[name], other[name], name) for name in one)
        case list(), list():
            return len(one) == len(other) and all(map(is_like, one, other))
        case str(), str() if key in GROWS:
            return bool(one) == bool(other)
    return bool(one == other)


def exchange(pieces: Sequence[bytes], content_type: str) -> Exchange:
    return Exchange(
        method="POST", host="chat.example", path="/", status=200, started_at=datetime(2026, 11, 22, tzinfo=UTC),
        response_headers={"content-type": content_type},
        chunks=tuple(Chunk(10 * n, piece) for n, piece in enumerate(pieces)),
    )  # fmt: skip


def framed(framing: str, value: Any, *, ascii_only: bool) -> bytes:
    inner = value == "{"
    text = value if inner else json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":"))
    if framing == "length_prefixed":
        line = text if inner else json.dumps([["wrb.fr", None, text]], ensure_ascii=ascii_only)
        return f"{len(line)}\n{line}\n".encode("utf-8", "surrogatepass")
    before, after = {"sse": ("event: x\ndata: ", "\n\n"), "ndjson": ("", "\n"), "signalr": ("", "\x1e")}[framing]
    return f"{before}{text}{after}".encode("utf-8", "surrogatepass")


def meant(event: Event) -> Any:
    """Return what an event of any framing says."""
    match event.data:
        case [["wrb.fr", None, str(inner)]]:
            return json.loads(inner)
    return event.data


@given(
    moments=st.lists(st.tuples(WORDS, OTHERS), min_size=1, max_size=25),
    framing=st.sampled_from(["sse", "ndjson", "signalr", "length_prefixed"]),
    ascii_only=st.booleans(), cuts=st.none() | st.lists(st.integers(0, 3000), max_size=8),
)  # fmt: skip
@settings(max_examples=400, deadline=None)
def test_what_is_not_told_is_told_again_by_the_next_event(
    moments: list[tuple[str, str]], framing: str, ascii_only: bool, cuts: list[int] | None
) -> None:
    events = [framed(framing, value, ascii_only=ascii_only) for value in moments_of(moments)]
    if cuts is not None:  # where the network cuts
        body = b"".join(events)
        edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
        events = [body[start:end] for start, end in pairwise(edges)]
    content_type = {"sse": "text/event-stream", "ndjson": "application/x-ndjson"}.get(framing, "application/json")
    name = framing if framing in {"signalr", "length_prefixed"} else "auto"
    repeats = INNER if framing == "length_prefixed" else TEXTS
    all_events = read_events(exchange(events, content_type), name)
    all_told = list(all_events)
    few = read_events(exchange(events, content_type), name, repeats=repeats)
    left = iter([*few, None])
    told, latest = next(left), None
    for n, event in enumerate(all_told):
        if told == event:
            told, latest = next(left), event
        if latest == event:
            continue
        assert 0 < n < len(all_told) - 1
        before, now, after = (meant(one) for one in all_told[n - 1 : n + 2])
        assert "piece" not in now
        assert is_like(before, now)
        assert is_like(now, after)
    assert told is None
    assert few.problems == all_events.problems


@pytest.mark.parametrize("framing", ["sse", "ndjson", "signalr", "length_prefixed"])
@pytest.mark.parametrize("size", [None, 100, 5000])
def test_of_a_text_that_grows_the_first_and_the_last_event_come_when_they_came(framing: str, size: int | None) -> None:
    words = list(accumulate(['tide and \\ "river"\n 😀 ', *(f"word {n} " for n in range(200))]))
    told = [{"id": 1, "text": text, "cards": [{"said": text}], "end": [None, "x"]} for text in words]
    pieces = [framed(framing, value, ascii_only=False) for value in [["begin"], *told, ["end"]]]
    if size:
        body = b"".join(pieces)
        pieces = [body[start : start + size] for start in range(0, len(body), size)]
    name = framing if framing in {"signalr", "length_prefixed"} else "auto"
    content_type = {"sse": "text/event-stream", "ndjson": "application/x-ndjson"}.get(framing, "application/json")
    repeats = INNER if framing == "length_prefixed" else TEXTS
    events = list(read_events(exchange(pieces, content_type), name, repeats=repeats))
    every = list(read_events(exchange(pieces, content_type), name))
    assert events == [every[0], every[1], every[-2], every[-1]]


def test_where_no_event_is_like_the_one_before_fewer_are_compared_and_all_are_told() -> None:
    values = [{"n": n, "text": "x" * 50} for n in range(1000)] + [{"n": 0, "text": "x" * n} for n in range(1, 1000)]
    pieces = [framed("sse", value, ascii_only=False) for value in values]
    told = [event.data for event in read_events(exchange(pieces, "text/event-stream"), repeats=TEXTS)]
    assert told[:1000] == values[:1000]
    assert told[-1] == values[-1]
    assert len(told) < 1100


def test_a_large_event_and_what_follows_it_pass_as_they_are() -> None:
    large = {"text": "x" * 1_100_000}
    values = [{"text": "a"}, large, {"text": "a"}, {"text": "a b"}, {"text": "a b c"}]
    pieces = [framed("sse", value, ascii_only=False) for value in values]
    told = [event.data for event in read_events(exchange(pieces, "text/event-stream"), repeats=TEXTS)]
    assert told == [values[0], large, values[2], values[4]]


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
                if case.service != "poe" or kept is not None:
                    patch.setattr(REPEATING[case.service], "repeats", kept)
                reader = Reader(KEY)
                readings.append(sum((reader.read(one) for one in (*before, made)), Reading()) + reader.overdue())
        assert readings[0] == readings[1], seed


def test_a_length_that_ends_what_is_broken_is_kept() -> None:
    told = [b'["\n', *[json.dumps([{"text": word}]).encode() + b"\n" for word in ("a", "ab")], b"9\n"]
    told.append(json.dumps([{"text": "abc"}]).encode() + b"\n")
    exchange = Exchange(
        method="POST", host="chat.example", path="/", status=200, started_at=datetime(2026, 11, 22, tzinfo=UTC),
        chunks=tuple(Chunk(n, piece) for n, piece in enumerate(told)),
    )  # fmt: skip
    plain, skipped = (list(read_events(exchange, "length_prefixed", None, repeats)) for repeats in (None, TEXTS))
    assert skipped == plain == [Event([{"text": "abc"}], None, 4)]
