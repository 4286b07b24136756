"""Not every repetition of a growing answer on a socket is read, and the record is that of all of them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.exchange import Message
from addon.framing.snapshots import Repeats
from addon.reader import Reader
from addon.reading import NOTHING, Reading
from addon.services import poe
from tests.examples import KEY, load_examples

NOWHERE = Repeats(re.compile(rb"(?!)"))
QUESTION, SOCKET = next(
    one.exchanges for one in load_examples() if one.service == "poe" and one.path.stem == "both-halves"
)
CHAT = 101

type Update = tuple[int, str, str, int]
"""The chat, the text, the state and the message of an update."""


def read(updates: Sequence[Update], repeats: Repeats = poe.Poe.repeats) -> Reading:
    messages = []
    for n, (chat, text, state, identity) in enumerate(updates):
        told = {"messageId": identity, "text": text, "author": "Claude", "state": state, "attachments": []}
        payload = {"unique_id": f"messageAdded:{chat}", "data": {"messageAdded": told}}
        data = json.dumps({"messages": [json.dumps({"payload": payload})], "min_seq": n})
        messages.append(Message(10 * n, False, data.encode()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(poe.Poe, "repeats", repeats)
        reader = Reader(KEY, services=[poe.Poe])
        asked = reader.read(QUESTION)
        return asked + reader.read(replace(SOCKET, messages=tuple(messages)))


@given(
    moments=st.lists(
        st.tuples(
            st.sampled_from(["a", "Tide ", '"', "\\", "\n", "\ud83d", "😀", "", "take back", "begin again"]),
            st.sampled_from([CHAT, CHAT, CHAT, CHAT, 7]),
            st.sampled_from(["incomplete"] * 9 + ["complete", "cancelled", "error", "paused"]),
            st.sampled_from([9, 9, 9, 10]),
        ),
        max_size=25,
    )
)
@settings(max_examples=150, deadline=None)
def test_the_record_is_that_of_all_updates(moments: list[tuple[str, int, str, int]]) -> None:
    text, updates = "", []
    for word, chat, state, identity in moments:
        match word:
            case "take back":
                text = text[:-1]
            case "begin again":
                text = ""
            case _:
                text += word
        updates.append((chat, text, state, identity))
    assert read(updates) == read(updates, NOWHERE)


def test_an_end_without_words_leaves_those_that_came_last() -> None:
    text = "The Rhine and the Loire."
    growing: list[Update] = [(CHAT, text[:n], "incomplete", 9) for n in range(3, len(text) + 1)]
    told = read([*growing, (CHAT, "", "cancelled", 9)]).records[-1]
    whole = read([(CHAT, text, "complete", 9)]).records[-1]
    assert (told.output_tokens, told.outcome) == (whole.output_tokens, "aborted")
    assert (told.time_to_first_token_ms, told.duration_ms) == (1000, 1220)


def test_what_is_said_while_nobody_waits_is_nothing() -> None:
    late: Update = (CHAT, "A third one.", "complete", 11)
    whole: Update = (CHAT, "The Rhine and the Loire.", "complete", 9)
    assert read([whole, late]).records == read([whole]).records
    assert Reader(KEY, services=[poe.Poe]).read(SOCKET) == NOTHING
