"""Events that go on with patches to the same lists are read as one, and the record is that of each of them."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.exchange import Chunk, Exchange
from addon.framing.patches import join_patches
from addon.services._perplexity_blocks import PATCHES
from addon.services.perplexity import Perplexity
from tests.examples import load_examples
from tests.fuzz.truths import differ, read, read_plainly

SHOWN = next(
    one.exchanges[-1] for one in load_examples() if one.service == "perplexity" and one.path.stem == "markdown"
)
WHOLE, PART, OTHER = "ask_text", "ask_text_0_markdown", "plan"
FIELDS = {"backend_uuid": "b1", "status": "PENDING"}


def patch_of(place: object, text: object, *, operation: str = "add", path: str = "/chunks/") -> dict[str, Any]:
    return {"op": operation, "path": f"{path}{place}", "value": text}


def block_of(name: str, *patches: dict[str, Any]) -> dict[str, Any]:
    return {"intended_usage": name, "diff_block": {"field": "markdown_block", "patches": list(patches)}}


def begun(*names: str) -> list[dict[str, Any]]:
    value = {"progress": "IN_PROGRESS", "chunks": []}
    return [block_of(name, {"op": "replace", "path": "", "value": value}) for name in names]


def event_of(blocks: Sequence[object], end: str = "\r\n", cursor: str = "c-1", **fields: object) -> bytes:
    told = {**FIELDS, "blocks": blocks, "cursor": cursor, "message_mode": "STREAMING", **fields}
    return f"event: message{end}data: {json.dumps(told)}{end}{end}".encode()


def joined(events: Sequence[bytes], *, returns: bool = True) -> list[tuple[int | None, bytes]]:
    return list(join_patches([(10 * n, event) for n, event in enumerate(events)], PATCHES, returns=returns))


def agree(pieces: Sequence[bytes]) -> None:
    """Read both ways: the records must be the same, times included."""
    cut = replace(SHOWN, chunks=tuple(Chunk(10 * n, piece) for n, piece in enumerate(pieces)))
    one, other = read([cut], [Perplexity]), read_plainly([cut], [Perplexity])
    assert one.records == other.records
    assert not differ(one, other)


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_patches_to_the_same_blocks_come_in_one_event_when_the_first_came(end: str) -> None:
    events = [
        event_of([block_of(PART, patch_of(n, f"w{n}")), block_of(WHOLE, patch_of(n + 5, f"w{n}"))], end, f"c-{n}")
        for n in range(50)
    ]
    before, after = event_of(begun(PART, WHOLE), end), event_of([], end, status="COMPLETED")
    (first, (at_ms, one), last) = joined([before, *events, after], returns=end == "\r\n")
    assert (first, last) == ((0, before), (510, after))
    patched = json.loads(one.partition(b"data: ")[2])
    assert at_ms == 10
    assert patched["blocks"] == [
        block_of(PART, *(patch_of(n, f"w{n}") for n in range(50))),
        block_of(WHOLE, *(patch_of(n + 5, f"w{n}") for n in range(50))),
    ]
    agree([before, *events, after])
    agree([before, *events[:20], events[20][:300]])


@pytest.mark.parametrize(
    "blocks",
    [
        [block_of(WHOLE, patch_of(1, "b")), block_of(WHOLE, patch_of(1, "c"))],
        [block_of(WHOLE, patch_of(0, "b")), {"intended_usage": WHOLE, "markdown_block": {"chunks": ["d"]}}],
        [block_of(WHOLE, patch_of(0, "b"), patch_of(0, "c"))],
        [block_of(WHOLE, patch_of(0, "b", operation="replace"))],
        [block_of(WHOLE, patch_of(0, ""))],
        [block_of(WHOLE, patch_of(0, "b", path="/chunks/0/"))],
        [],
    ],
    ids=["twice", "whole", "two", "replaced", "empty", "deeper", "nothing"],
)
def test_what_does_more_than_add_a_text_to_each_comes_by_itself(blocks: list[Any]) -> None:
    events = [event_of(blocks)] * 3
    assert joined(events) == [(0, events[0]), (10, events[1]), (20, events[2])]
    agree([event_of(begun(WHOLE)), *events])


def test_events_with_names_that_say_it_twice_come_by_themselves() -> None:
    plain = event_of([block_of(WHOLE, patch_of(0, "b"))])
    again = json.dumps([block_of(WHOLE, patch_of(0, "c"))]).encode()
    for name in (b'"blocks"', b'"\\u0062locks"'):
        events = [plain.replace(b'"message_mode"', name + b": " + again + b', "message_mode"')] * 3
        assert len(joined(events)) == 3
        agree([event_of(begun(WHOLE)), *events])


def test_a_place_before_the_last_and_another_field_end_a_run() -> None:
    events = [event_of([block_of(WHOLE, patch_of(place, "w"))]) for place in (3, 3, 4, 2, 3)]
    assert [at_ms for at_ms, _ in joined(events)] == [0, 30]
    other = event_of([block_of(WHOLE, patch_of(4, "w"))], status="COMPLETED")
    assert [at_ms for at_ms, _ in joined([events[0], events[2], other])] == [0, 20]


def test_a_long_answer_stays_below_the_bound_of_one_event() -> None:
    events = [event_of([block_of(WHOLE, patch_of(n, "x" * 10_000))]) for n in range(100)]
    told = joined(events)
    assert 1 < len(told) < 20
    assert sum(one.count(b"xx" * 5000) for _, one in told) == 100


places = st.integers(0, 6)
texts = st.sampled_from([" tide", "a", "é", '"', "\\", "\n", "", "]}}, {", "\ud83d"])
patches = st.builds(
    patch_of, places, texts, operation=st.sampled_from(["add"] * 6 + ["replace", "append", "remove"]),
    path=st.sampled_from(["/chunks/"] * 8 + ["/", "/steps/0/items/0/payload/text_payload/chunks/", "/chunks/0/"]),
)  # fmt: skip
names = st.sampled_from([WHOLE, PART, "ask_text_1_markdown", OTHER, "workflow_root"])
blocks = st.lists(st.builds(block_of, names, patches), max_size=3)
statuses = st.sampled_from(["PENDING"] * 6 + ["COMPLETED"])


@given(
    moments=st.lists(st.tuples(blocks, st.integers(1, 5), statuses), max_size=8),
    starts=st.booleans(), end=st.sampled_from(["\r\n", "\n"]), edges=st.lists(st.integers(0, 6000), max_size=4),
    chance=st.randoms(use_true_random=False),
)  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_whatever_is_patched_the_record_is_that_of_each_event(
    moments: list[tuple[list[Any], int, str]], starts: bool, end: str, edges: list[int], chance: random.Random
) -> None:
    events = [event_of(begun(WHOLE, PART), end)] if starts else []
    for patched, times, status in moments:
        events += [event_of(patched, end, f"c-{chance.random():x<4}", status=status) for _ in range(times)]
    agree(events)
    body = b"".join(events)
    cuts = [0, *sorted(min(edge, len(body)) for edge in edges), len(body)]
    agree([body[start:stop] for start, stop in pairwise(cuts)])


def test_examples_with_events_lost_doubled_and_moved_are_read_as_each_event_says() -> None:
    answers: list[Exchange] = [one.exchanges[-1] for one in load_examples() if one.service == "perplexity"]
    pool = [
        event + b"\r\n\r\n"
        for one in answers
        for event in b"".join(chunk.data for chunk in one.chunks).split(b"\r\n\r\n")
    ]
    chance = random.Random(6)
    for _ in range(200):
        events = [event for _ in range(6) for event in [chance.choice(pool)] * chance.choice((1, 1, 2, 3))]
        agree(events)
