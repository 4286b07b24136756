"""Of snapshots in which only a text grows the last one is read, and the record is that of all of them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.exchange import Chunk, Exchange
from addon.reader import Reader
from addon.reading import Reading
from addon.services import gemini
from addon.services._snapshots import Snapshots
from tests.examples import KEY

PLACE = re.compile(r'"text": "')
NOWHERE = re.compile(r"(?!)")
WORDS = st.sampled_from(["a", "Tide ", '"', "\\", "\n", "```", "\u2028", "😀", "\ud83d", "", "/card_content/0 ", "\\n"])
ARTEFACT = "http://googleusercontent.com/image_generation_content/0"


def snapshot(text: str, thoughts: str | None = None, *, drafts: tuple[str, ...] = (), **told: Any) -> str:
    """Return what Gemini's page says at one moment of its answer."""
    rest = [None] * 35
    candidates = [[f"rc_{n}", [said], *rest, [[thoughts]]] for n, said in enumerate((text, *drafts))]
    candidates[0][12] = told.get("media")
    inner = [None, [told.get("conversation", "c_1"), "r_1"], None, None, candidates, *[None] * 37, told.get("model")]
    return json.dumps(inner, ensure_ascii=told.get("ascii_only", False), separators=(",", ":"))


def read(snapshots: list[str], place: re.Pattern[str], *, code: int | None = None) -> Reading:
    rows: list[Any] = [["wrb.fr", None, one] for one in snapshots]
    if code is not None:
        rows.append(["wrb.fr", None, None, None, None, [None, None, [[None, [code]]]]])
    lines = [json.dumps([row]) for row in [*rows, ["e", 5, None, None, 900]]]
    exchange = Exchange(
        method="POST", host="gemini.google.com",
        path="/_/BardChatUi/data/assistant.lamda.BardFrontendService/StreamGenerate", status=200,
        started_at=datetime(2026, 11, 22, tzinfo=UTC), response_headers={"content-type": "application/json"},
        chunks=tuple(Chunk(10 * n, f"{len(line)}\n{line}\n".encode()) for n, line in enumerate(lines)),
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gemini, "TEXT", place)
        return Reader(KEY, services=[gemini.Gemini]).read(exchange)


@given(
    moments=st.lists(
        st.tuples(WORDS, st.booleans(), st.sampled_from(["", "", "", "think", "other", "model", "draft", "media"])),
        max_size=25,
    ),
    ascii_only=st.booleans(), begins=st.sampled_from(["", "T", ARTEFACT]),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_the_record_is_that_of_all_snapshots(
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
        snapshots.append(snapshot(text, thoughts or None, drafts=drafts, ascii_only=ascii_only, **told))
    assert read(snapshots, gemini.TEXT) == read(snapshots, NOWHERE)


def test_what_only_an_earlier_snapshot_tells_is_kept() -> None:
    texts = ["A", "A b", "A b c"]
    picture = [None] * 7 + [[[1, 2]]]
    told = [snapshot(texts[0]), snapshot(texts[1], media=picture, model="3.6 Flash"), snapshot(texts[2])]
    (record,) = read(told, gemini.TEXT).records
    assert (record.media_count, record.response_model) == (2, "gemini-3.6-flash")
    assert record.time_to_first_token_ms == 0


def test_the_first_word_is_heard_when_it_comes() -> None:
    (record,) = read([snapshot(ARTEFACT), snapshot(ARTEFACT + " A"), snapshot(ARTEFACT + " A b")], gemini.TEXT).records
    assert record.time_to_first_token_ms == 10


def test_of_a_text_that_grows_the_last_snapshot_is_kept() -> None:
    snapshots = Snapshots(PLACE)
    texts = ['tide and \\ "river"\n 😀 '[:n] for n in range(1, 20)]
    told = [json.dumps({"id": 1, "text": text, "end": [None, "x"]}) for text in texts]
    snapshots.begin(told[0])
    assert [snapshots.hold(one, at_ms) for at_ms, one in enumerate(told[1:])] == [True] * 18
    assert [snapshots.release(), snapshots.release()] == [(told[-1], 17), None]


@pytest.mark.parametrize("other", [
    '{"text": "a"}', '{"text": "b", "n": 1}', '{"text": "a", "n": 2}', '{"text": "a", "text": "b", "n": 1}',
    '{"text": "a\\", "n": 1}', '{"text": "', "", None, 1,
])  # fmt: skip
def test_whatever_differs_in_anything_else_is_told(other: object) -> None:
    snapshots = Snapshots(PLACE)
    snapshots.begin('{"text": "a", "n": 1}')
    assert not snapshots.hold(other, 1)
    assert snapshots.release() is None
    assert snapshots.hold('{"text": "a b", "n": 1}', 2)
    snapshots.begin(other)
    assert not snapshots.hold('{"n": 1, "text": "a b c"}', 3)
