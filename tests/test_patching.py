"""Patches give the document that a plain reading of them gives, and nothing on the wire makes them raise."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from addon.patching import DEEPEST, Document, Rope, text_of
from addon.services._chatgpt_deltas import Deltas

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
QUICK = settings(max_examples=60, deadline=None)


def test_text_that_grows_is_the_text_so_far() -> None:
    document = Document({"parts": ["Se"]})
    for piece in ("ven", " is", " prime"):
        assert document.apply("append", "/parts/0", piece)
    assert text_of(document.get("parts", 0)) == "Seven is prime"
    assert document.apply("truncate", "/parts/0", 5)
    assert text_of(document.get("parts", 0)) == "Seven"


def test_lists_and_objects_grow_in_their_own_way() -> None:
    document = Document({"list": [1], "object": {"a": 1}})
    assert document.apply("append", "/list", [2, 3])
    assert document.apply("append", "/object", {"b": 2})
    assert document.root == {"list": [1, 2, 3], "object": {"a": 1, "b": 2}}


def test_adding_into_a_list_moves_the_rest_along() -> None:
    document = Document({"list": ["a", "c"]})
    assert document.apply("add", "/list/1", "b")
    assert document.apply("add", "/list/-", "d")
    assert document.apply("remove", "/list/0")
    assert document.root == {"list": ["b", "c", "d"]}


def test_escaped_names_in_a_path_are_read() -> None:
    document = Document({})
    assert document.apply("add", "/a~1b~0c", 1)
    assert document.root == {"a/b~c": 1}


def test_a_patch_that_does_not_fit_changes_nothing() -> None:
    document = Document({"list": [1], "text": "a"})
    for operation, path in (
        ("add", "/list/7"),
        ("replace", "/list/x"),
        ("remove", "/none"),
        ("replace", "/text/0"),
        ("jump", "/list/0"),
        ("add", "/" + "/".join("x" * (DEEPEST + 1))),
    ):
        assert not document.apply(operation, path, 2), (operation, path)
    assert document.root == {"list": [1], "text": "a"}


def test_a_delta_inherits_what_it_leaves_out() -> None:
    deltas = Deltas()
    for delta in (
        {"p": "", "o": "add", "v": {"message": {"id": "a", "parts": [""]}}, "c": 0},
        {"v": {"message": {"id": "b", "parts": [""]}}, "c": 1},
        {"p": "/message/parts/0", "o": "append", "v": "one"},
        {"v": " two"},
        {"p": "", "o": "patch", "v": [{"p": "/message/parts/0", "o": "append", "v": " three"}]},
        {"v": [{"p": "/message/parts/0", "o": "append", "v": " four"}]},
        {"o": "add", "v": {"message": {"id": "c", "parts": ["x"]}}, "c": 2},
    ):
        changes = list(deltas.take(delta))
        assert changes, delta
    assert changes[-1].document.get("message", "id") == "c"
    first = next(iter(deltas.take({"p": "/message/parts/0", "o": "append", "v": "!", "c": 1})))
    assert text_of(first.document.get("message", "parts", 0)) == "one two three four!"


@QUICK
@given(pieces=st.lists(st.tuples(st.integers(0, 2), st.text(max_size=5)), max_size=20), data=st.data())
def test_leaving_out_what_is_inherited_changes_nothing(pieces: list[tuple[int, str]], data: st.DataObject) -> None:
    full: list[dict[str, Any]] = [{"p": "", "o": "add", "v": {"text": ""}, "c": channel} for channel in range(3)]
    full += [{"p": "/text", "o": "append", "v": piece, "c": channel} for channel, piece in pieces]
    short, before = [], {}
    for delta in full:
        kept = {key: value for key, value in delta.items() if key == "v" or before.get(key) != value}
        if data.draw(st.booleans()):
            kept |= {key: delta[key] for key in ("p",)}
        short.append(kept)
        before = delta
    assert _texts(short) == _texts(full)


def _texts(deltas: list[dict[str, Any]]) -> dict[int, str]:
    reader, texts = Deltas(), {}
    for delta in json.loads(json.dumps(deltas)):
        for change in reader.take(delta):
            texts[change.channel] = text_of(change.document.get("text"))
    return texts


@QUICK
@given(
    root=JSON,
    patches=st.lists(
        st.tuples(
            st.sampled_from(["add", "append", "replace", "remove", "truncate", "patch", "extend", "", "x"]),
            st.lists(st.sampled_from(["a", "0", "1", "-", "~0", "", "99999999999"]), max_size=4).map("/".join),
            JSON,
        ),
        max_size=8,
    ),
)
def test_no_patch_raises(root: Any, patches: list[tuple[str, str, Any]]) -> None:
    document, deltas = Document(root), Deltas()
    for operation, path, value in patches:
        document.apply(operation, "/" + path, value)
        list(deltas.take({"p": "/" + path, "o": operation, "v": value, "c": value}))
    assert text_of(document) == ""


@given(
    patches=st.lists(
        st.tuples(
            st.sampled_from(["append", "delta", "add", "replace", "remove", "truncate"]),
            st.sampled_from(["/text", "/list/0", "/list/-", "/list/1", "/a~1b", "list/0", "", "/"]),
            st.sampled_from(["a", " b", 1, ["x"], {"text": "c", "list": ["d"]}]),
        ),
        max_size=12,
    )
)
@QUICK
def test_a_text_that_grows_is_found_again_as_by_a_fresh_look(patches: list[tuple[str, str, Any]]) -> None:
    roots: list[Any] = [{"text": "t", "list": ["l"]}, {"text": "t", "list": ["l"]}]
    document = Document(roots[0])
    for operation, path, value in patches:
        fresh = Document(roots[1])
        told = [one.apply(operation, path, json.loads(json.dumps(value))) for one in (document, fresh)]
        assert told[0] == told[1]
        roots[1] = fresh.root
    assert _plain(document.root) == _plain(roots[1])


def test_a_text_does_not_grow_in_a_document_that_was_put_aside() -> None:
    document = Document({"text": "a"})
    assert document.apply("append", "/text", "b")
    document.root = {"text": "c"}
    assert document.apply("append", "/text", "d")
    assert text_of(document.get("text")) == "cd"


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {key: _plain(one) for key, one in value.items()}
        case list():
            return [_plain(one) for one in value]
    return str(value) if isinstance(value, Rope) else value


def test_a_long_answer_in_single_letters_takes_no_time() -> None:
    rope = Rope()
    for _ in range(200_000):
        rope.grow("a")
    assert len(str(rope)) == 200_000
