"""An exchange crosses to the worker as bytes and comes out as it went in, whatever was in it."""

from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from addon.gate import Gate
from addon.parcel import Copy, Pool, Tee, pack, pack_message, split, unpack, unpack_message

texts = st.text(max_size=40)
names = st.dictionaries(st.text(min_size=1, max_size=12), texts, max_size=4)


def make(pieces: list[bytes], body: bytes = b"", **more: object) -> Copy:
    copy = Copy("openai-api", "client", "POST", "api.openai.com", "/v1/x", "", {}, Tee(Pool()), request_body=body)
    copy.request_bytes = len(body)
    for name, value in more.items():
        setattr(copy, name, value)
    for piece in pieces:
        copy.response(piece)
    copy.ended_ns = time.monotonic_ns()
    return copy


@settings(deadline=None, max_examples=60)
@given(st.lists(st.binary(max_size=300), max_size=12), st.binary(max_size=300), names, names, texts, texts)
def test_every_exchange_comes_out_as_it_went_in(
    pieces: list[bytes], body: bytes, asked: dict[str, str], answered: dict[str, str], path: str, query: str
) -> None:
    copy = make(pieces, body, request_headers=asked, response_headers=answered, path=path, query=query, status=200)
    exchange = unpack(*split(b"".join(pack("exchange", copy))))
    assert [chunk.data for chunk in exchange.chunks] == [piece for piece in pieces if piece]
    assert exchange.request_body == body
    assert (exchange.request_headers, exchange.response_headers) == (asked, answered)
    assert (exchange.path, exchange.query, exchange.status) == (path, query, 200)
    assert exchange.response_bytes == sum(map(len, pieces))
    assert abs(exchange.started_at.timestamp() - copy.started_at) < 0.01
    times = [chunk.at_ms for chunk in exchange.chunks]
    assert times == sorted(times, key=lambda at: at or 0)
    assert all(at is not None and 0 <= at <= (exchange.ended_ms or 0) for at in times)
    assert not exchange.truncated


@settings(deadline=None, max_examples=40)
@given(st.binary(max_size=500), st.booleans())
def test_every_message_comes_out_as_it_went_in(data: bytes, from_client: bool) -> None:
    copy = make([])
    parcel = pack_message("socket", copy, copy.started_ns + 5_000_000, from_client=from_client, data=data, number=7)
    message = unpack_message(*split(b"".join(parcel)))
    assert (message.data, message.from_client, message.at_ms) == (data, from_client, 5)


def test_a_streamed_request_is_put_together_again() -> None:
    copy = make([b"answer"])
    copy.request = Tee(copy.response.pool)
    for piece in (b"ques", b"tion", b""):
        assert copy.request(piece) == piece
    assert unpack(*split(b"".join(pack("exchange", copy)))).request_body == b"question"


def test_an_answer_beyond_the_bound_passes_whole_and_says_that_it_was_cut() -> None:
    piece = bytes(1024 * 1024)
    copy = make([])
    for _ in range(40):
        assert copy.response(piece) is piece
    exchange = unpack(*split(b"".join(pack("exchange", copy))))
    assert exchange.truncated
    assert exchange.response_bytes == 40 * len(piece)
    assert sum(len(chunk.data) for chunk in exchange.chunks) <= 16 * len(piece)


def test_what_stands_before_the_bodies_weighs_too() -> None:
    long = "x" * 60_000
    plain = make([b"answer"]).weight
    for more in ({"path": long}, {"query": long}, {"request_headers": {"a": long}}, {"response_headers": {"a": long}}):
        assert make([b"answer"], **more).weight > plain + 59_000


def test_the_repr_of_a_copy_tells_nothing_of_what_passed() -> None:
    copy = make(
        [b"kanarifugl"], b"kanarifugl", path="/kanarifugl", query="kanarifugl", request_headers={"x": "kanarifugl"}
    )
    assert "kanarifugl" not in repr(copy)


def test_verdicts_hold_for_their_service_or_for_all_and_end_by_themselves() -> None:
    gate = Gate()
    assert gate.verdict("chatgpt") == "record"
    gate.refresh({"chatgpt": "hold", "*": "pass", "claude": "nonsense"})
    assert [gate.verdict(name) for name in ("chatgpt", "claude")] == ["hold", "pass"]
    gate.refresh({"*": "pass"}, until=time.time() - 1)
    assert gate.verdict("chatgpt") == "record"
