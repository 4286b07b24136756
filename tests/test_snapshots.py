"""Of snapshots in which only texts grow the first and the last come, when they came."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import accumulate, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.exchange import Chunk, Exchange
from addon.framing import read_events
from addon.framing.snapshots import INNER_TEXT, Repeats
from addon.service import Event

TEXTS = Repeats(re.compile(rb'"(?:text|said)": ?"'), unless=b'"piece"')
INNER = Repeats(re.compile(rb'\\"(?:text|said)\\": ?\\"'), unless=b'"piece', text=INNER_TEXT)
COUNTED = replace(TEXTS, counter=re.compile(rb'"n": ?'))
INNER_COUNTED = replace(INNER, counter=re.compile(rb'\\"n\\": ?'))
GROWS = frozenset({"text", "said"})
WORDS = st.sampled_from([
    "a", "Tide ", '"', "\\", "\n", "```", "\u2028", "😀", "\ud83d", "", "/card_content/0 ", "\\n", "h", '\\"', "\x1e",
    "\u00e6", '"text": "', "\t", "}]", "\x7f",
])  # fmt: skip
OTHERS = st.sampled_from([*[""] * 9, "said", "count", "piece", "pause", "shrink", "again", "number", "broken"])


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


def is_like(one: Any, other: Any, key: str | None = None, *, counts: bool = False) -> bool:
    """Whether two values differ in nothing but texts that have begun, and a counter."""
    match one, other:
        case dict(), dict():
            names = one.keys()
            return names == other.keys() and all(is_like(one[key], other[key], key, counts=counts) for key in names)
        case list(), list():
            return len(one) == len(other) and all(map(is_like, one, other))
        case int(), int() if key == "n" and counts:
            return True
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
    ascii_only=st.booleans(), cuts=st.none() | st.lists(st.integers(0, 3000), max_size=8), counts=st.booleans(),
)  # fmt: skip
@settings(max_examples=400, deadline=None)
def test_what_is_not_told_is_told_again_by_the_next_event(
    moments: list[tuple[str, str]], framing: str, ascii_only: bool, cuts: list[int] | None, counts: bool
) -> None:
    events = [framed(framing, value, ascii_only=ascii_only) for value in moments_of(moments)]
    if cuts is not None:  # where the network cuts
        body = b"".join(events)
        edges = [0, *sorted(min(cut, len(body)) for cut in cuts or range(len(body))), len(body)]
        events = [body[start:end] for start, end in pairwise(edges)]
        events = events if cuts else [piece for letter in events for piece in (letter, b"")]
    content_type = {"sse": "text/event-stream", "ndjson": "application/x-ndjson"}.get(framing, "application/json")
    name = framing if framing in {"signalr", "length_prefixed"} else "auto"
    repeats = {(False, False): TEXTS, (False, True): COUNTED, (True, False): INNER, (True, True): INNER_COUNTED}[
        framing == "length_prefixed", counts
    ]
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
        assert is_like(before, now, counts=counts)
        assert is_like(now, after, counts=counts)
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


@pytest.mark.parametrize("n_after", [1, 2])
@pytest.mark.parametrize("at_once", [True, False])
def test_a_length_that_ends_what_is_broken_is_kept(n_after: int, *, at_once: bool) -> None:
    texts = [json.dumps([{"text": "abcd"[:n]}]).encode() + b"\n" for n in range(1, 3 + n_after)]
    told = [b'["\n', *texts[:2], b"9\n", *texts[2:]]
    exchange = Exchange(
        method="POST", host="chat.example", path="/", status=200, started_at=datetime(2026, 11, 22, tzinfo=UTC),
        chunks=tuple(Chunk(n, piece) for n, piece in enumerate([b"".join(told)] if at_once else told)),
    )  # fmt: skip
    plain, skipped = (list(read_events(exchange, "length_prefixed", None, repeats)) for repeats in (None, TEXTS))
    assert skipped == plain[-1:]
    assert skipped[0].data == [{"text": "abcd"[: 2 + n_after]}]
