"""A captured exchange is safe to share, and reads as the exchange it came from: in every framing that we read."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result
from hypothesis import example, given, settings
from hypothesis import strategies as st

from addon.capturing import Captures, Wish
from addon.exchange import Chunk, Exchange, Message
from addon.scrubbing import Fillers
from addon.scrubbing.example import COUNTED, LENGTHS, make_example, read_together, tell_record, tell_unread
from addon.scrubbing.kinds import UUID
from addon.scrubbing.proof import unknown_words
from addon.scrubbing.refusals import MOST_BYTES, MOST_MESSAGES, REFUSALS, Refused
from addon.scrubbing.words import FILLER
from tests.examples import Example, build_exchange, load_examples
from tests.planting import WORDS, Replacer, plant, signs_in
from tests.rig import OPENAI, Reply, Rig, sse
from tracker.cli import main

SECRET = "KLIMASPORsecret91"
EXAMPLES = load_examples()
every_example = pytest.mark.parametrize("case", EXAMPLES, ids=lambda case: f"{case.service}-{case.path.stem}")


def read_file(example: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the records of the file that ``capture`` leaves, as a newcomer's run of the examples would read it."""
    told = json.loads(json.dumps(example))
    reading = read_together([build_exchange(one) for one in told.get("exchanges") or [told["exchange"]]])
    assert tell_unread(reading) == told.get("unread", [])
    return [tell_record(record) for record in reading.records]


def is_near(before: int | None, after: int | None) -> bool:
    return before is not None and after is not None and abs(before - after) <= max(1, 0.02 * before)


def differences(had: list[dict[str, Any]], has: list[dict[str, Any]]) -> list[tuple[str, Any, Any]]:
    """
    Return what differs between records, but for counts within 2 % or, of a few words, within one token.

    The size of an upload is that of its text where it came as text; that goes with the text's length.
    """
    if len(had) != len(has):
        return [("records", len(had), len(has))]
    found = []
    for old, new in zip(had, has, strict=True):
        for name in sorted(old.keys() | new.keys()):
            before, after = old.get(name), new.get(name)
            if name in LENGTHS and before is not None and after is not None:
                continue
            if before != after and not (name in COUNTED and is_near(before, after)):
                found.append((name, before, after))
    return found


@every_example
def test_every_example_scrubbed_reads_as_before_but_for_the_words(case: Example) -> None:
    before = read_together(case.exchanges)
    example = make_example(*case.exchanges)
    assert differences([tell_record(record) for record in before.records], read_file(example)) == []
    assert read_file(example) == example["expected"]
    assert example["reads_alike"] is True
    left = json.dumps(example)
    assert [identity for identity in UUID.findall(repr(case.exchanges)) if identity in left] == []


@every_example
def test_no_planted_word_is_left_in_any_string_nor_in_any_disguise(case: Example) -> None:
    planted = [plant(exchange) for exchange in case.exchanges]
    assert signs_in([repr(exchange) for exchange in planted])
    example = make_example(*planted)
    assert signs_in(example) == []
    assert unknown_words(example.get("exchanges") or [example["exchange"]]) == set()
    before = [tell_record(record) for record in read_together(planted).records]
    assert differences(before, read_file(example)) == []


@every_example
def test_no_word_that_stands_alone_is_left(case: Example) -> None:
    example = make_example(*[plant(exchange, Replacer) for exchange in case.exchanges])
    assert signs_in(example) == []


@pytest.mark.parametrize(
    "disguise",
    [
        WORDS,
        {"key": [WORDS]},
        {WORDS: 1},
        json.dumps({"deep": json.dumps({"name": WORDS})}),
        "data:image/png;base64,S0xJTUFTUE9SY2FuYXJ5N2YzYQ==",
        "https://example.org/KLIMASPORcanary7f3a",
        "name%3DKLIMASPORcanary7f3a",
        "\\u004bLIMASPORcanary7f3a",
    ],
)
def test_the_search_for_planted_words_finds_them_in_disguise(disguise: Any) -> None:
    assert signs_in(disguise)


def chat(*pieces: str, question: str = "Name two rivers.") -> Exchange:
    """Return a streamed chat of the OpenAI API with the answer in these pieces."""
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "gpt-4o-2024-08-06"}
    events = [head | {"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
    end = head | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    request = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": question}]}
    return build_exchange({"url": OPENAI, "request": request, "events": [*events, end, "[DONE]"]})


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=12), st.text(min_size=1, max_size=80))
@example(["0"], "00A0A0000A")
@example(["0", "00"], "0")
def test_whatever_was_said_is_gone_and_counts_that_differ_are_said_to(pieces: list[str], question: str) -> None:
    exchange = chat(*pieces, question=question)
    before = [tell_record(record) for record in read_together([exchange]).records]
    made = make_example(exchange)
    alike = made["reads_alike"]
    assert alike is (differences(before, read_file(made)) == [])
    assert unknown_words(made["exchange"]) == set()


SAID = [
    "Oslo", "Amsterdam", "rivers", "the", "of", "flow", "through,", "slowly", "1917", "naïve", "café",
    "blåbærsyltetøy.", "Übung", "東京", "and;", "whether", "(or", "not)",
]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(SAID), unique=True, min_size=1), st.permutations(SAID))
def test_words_that_people_use_keep_their_count(pieces: list[str], question: list[str]) -> None:
    exchange = chat(*(f" {piece}" for piece in pieces), question=" ".join(question))
    before = [tell_record(record) for record in read_together([exchange]).records]
    assert differences(before, read_file(make_example(exchange))) == []


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-3.5"])
def test_every_word_of_the_filler_is_one_token_in_every_vocabulary_that_counts(model: str) -> None:
    count = Fillers(model).count
    assert [word for word in FILLER if count(f" {word}") != 1] == []
    assert count("".join(f" {word}" for word in FILLER)) == len(FILLER)


def test_neither_words_nor_their_lengths_decide_what_is_left() -> None:
    short, long = "I am ill.", "Unfortunately, catastrophic circumstances"
    count = Fillers("gpt-4o").count
    assert count(short) == count(long)
    assert make_example(chat(short, question=short)) == make_example(chat(long, question=long))


def test_a_word_that_readers_know_goes_too_where_people_speak() -> None:
    answer = ["Please", " search", "image", " error", " and", " delete", " message"]
    text = json.dumps(make_example(chat(*answer, question="search")))
    assert not [word for word in ("search", "image", " error", "delete") if f'"{word}' in text or f'{word}\\"' in text]


def test_a_customers_own_host_path_and_deployment_go() -> None:
    told = {
        "url": "https://acme-legal.openai.azure.com/openai/deployments/acme-divorces/chat/completions?api-key=s3cr3tacme",
        "request": {"messages": [{"role": "user", "content": "Hello."}]},
        "response": {"id": "x", "object": "chat.completion", "choices": [], "usage": {"prompt_tokens": 1}},
    }
    text = json.dumps(make_example(build_exchange(told))).lower()
    assert "acme" not in text
    assert "divorces" not in text
    assert "customer.openai.azure.com" in text


def test_a_file_keeps_its_size_and_nothing_else() -> None:
    (case,) = [case for case in EXAMPLES if str(case.path).endswith("automatic1111/from-picture.json")]
    (kept,) = make_example(*case.exchanges)["expected"]
    assert kept["attachments"] == case.expected[0]["attachments"]
    picture = "iVBORw0KGgoAAAANSUhEUgAABUAAAAMACAIAAABhYmNkR3JhbmRtb3RoZXIgYXQgaG9tZSBpbiBNb3NzAAAASUVORK5CYII="
    content = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}}]
    told = {"url": OPENAI, "request": {"model": "gpt-4o", "messages": [{"role": "user", "content": content}]}}
    told["response"] = {"id": "c", "object": "chat.completion", "model": "gpt-4o", "choices": [], "usage": {}}
    exchange = build_exchange(told)
    before, example = read_together([exchange]), make_example(exchange)
    assert example["expected"][0]["attachment_bytes"] == before.records[0].attachment_bytes
    left = example["exchange"]["request"]["messages"][0]["content"][0]["image_url"]["url"]
    assert b"Grandmother" in base64.b64decode(picture)
    assert set(base64.b64decode(left.partition(",")[2])[24:-8]) == {0}


def unpackable() -> Exchange:
    exchange = chat("Hello")
    broken = tuple(Chunk(chunk.at_ms, b"\x1f\x8b" + chunk.data) for chunk in exchange.chunks)
    return replace(exchange, chunks=broken, response_headers={**exchange.response_headers, "content-encoding": "gzip"})


def socket(*messages: bytes) -> Exchange:
    return Exchange(
        method="GET",
        host="gateway.meta.ai",
        path="/ws/clippy",
        status=101,
        messages=tuple(Message(at_ms, False, data) for at_ms, data in enumerate(messages)),
        started_at=datetime(2026, 11, 22, tzinfo=UTC),
    )


def unknown_binary() -> Exchange:
    """Return a socket that our reader finds a turn in, in frames that nobody has described."""
    sections = [{"view_model": {"primitive": {"__typename": "GenAIMarkdownTextUXPrimitive", "text": "Seven"}}}]
    reply = {"response_id": "r1", "sections": sections, "is_complete": True}
    return socket(b"\xff\xfe\xfd" + json.dumps({"seq": 0, "type": "full", "response": reply}).encode() + b"\xff")


REFUSED: dict[str, Callable[[], Exchange]] = {
    "coding": unpackable,
    "large": lambda: socket(*[b"{}"] * (MOST_MESSAGES + 1)),
    "binary": unknown_binary,
    "unknown": lambda: replace(chat("Hello"), host="bot.acme.example"),
}


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(EXAMPLES), st.binary(min_size=1, max_size=20), st.floats(0, 1), st.booleans())
def test_bytes_of_any_kind_are_scrubbed_or_refused(case: Example, noise: bytes, place: float, insert: bool) -> None:
    def spoil(data: bytes) -> bytes:
        at = round(place * len(data))
        return data[:at] + noise + data[at if insert else at + len(noise) :]

    exchange = case.exchanges[0]
    spoiled = replace(
        exchange,
        request_body=spoil(exchange.request_body),
        chunks=tuple(replace(chunk, data=spoil(chunk.data)) for chunk in exchange.chunks),
        messages=tuple(replace(message, data=spoil(message.data)) for message in exchange.messages),
    )
    try:
        example = make_example(spoiled)
    except Refused:
        return
    assert unknown_words(example["exchange"]) == set()
    assert isinstance(read_file(example), list)


def test_a_fault_of_the_scrubber_leaves_a_sentence_and_no_exchange(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("addon.scrubbing.scrub_path", lambda *_: 1 / 0)
    exchange, wish = chat("Hello"), Wish.of(tmp_path, "openai-api")
    wish.make()
    Captures(tmp_path).take("openai-api", exchange, read_together([exchange]))
    assert json.loads(wish.granted.read_text()) == {"refused": "fault"}
    assert not wish.made


@pytest.mark.parametrize("reason", sorted(REFUSALS.keys() - {"words", "fault"}))
def test_what_cannot_be_scrubbed_is_refused(reason: str) -> None:
    with pytest.raises(Refused) as refused:
        make_example(REFUSED[reason]())
    assert refused.value.reason == reason


def test_an_exchange_that_is_too_long_or_was_cut_is_refused() -> None:
    exchange = chat("Hello")
    for large in (replace(exchange, truncated=True), replace(exchange, request_body=b"x" * (MOST_BYTES + 1))):
        with pytest.raises(Refused, match="too long"):
            make_example(large)


def test_a_word_that_slipped_through_stops_the_example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("addon.scrubbing.heads.scrub_host", lambda host: f"Grandmother.{host}")
    monkeypatch.setattr("addon.scrubbing.scrub_host", lambda host: f"Grandmother.{host}")
    with pytest.raises(Refused, match="no public vocabulary"):
        make_example(chat("Hello"))


def wait_for(wish: Wish) -> None:
    for _ in range(1000):
        if wish.made:
            return
        threading.Event().wait(0.05)
    pytest.fail("nobody made the wish")


def test_a_refusal_reaches_the_person_as_a_sentence(tmp_path: Path) -> None:
    db = tmp_path / "k.db"
    results: list[Result] = []

    def wait() -> None:
        words = ["capture", "meta-ai", "-o", str(tmp_path / "meta.json"), "--wait", "60", "--db", str(db)]
        results.append(CliRunner().invoke(main, words))

    thread = threading.Thread(target=wait)
    thread.start()
    exchange = unknown_binary()
    wait_for(Wish.of(tmp_path, "meta-ai"))
    Captures(tmp_path).take("meta-ai", exchange, read_together([exchange]))
    thread.join(70)
    assert results[0].exit_code == 1
    what, do = REFUSALS["binary"]
    assert f"{what} · meta-ai · {do}" in results[0].output
    assert list(tmp_path.glob("*")) == []


def test_a_wish_that_cost_the_worker_its_life_is_not_made_again_and_said(tmp_path: Path) -> None:
    results: list[Result] = []
    words = ["capture", "claude", "-o", str(tmp_path / "claude.json"), "--wait", "3", "--db", str(tmp_path / "k.db")]
    thread = threading.Thread(target=lambda: results.append(CliRunner().invoke(main, words)))
    thread.start()
    wish = Wish.of(tmp_path, "claude")
    wait_for(wish)
    wish.path.unlink()  # as the worker does before it begins
    thread.join(30)
    assert results[0].exit_code == 1
    assert REFUSALS["fault"][0] in results[0].output


def ask(way: Rig, path: Path) -> Result:
    """Run the command in a thread, ask a question through the proxy meanwhile, and return how the command ended."""
    results: list[Result] = []

    def wait() -> None:
        words = ["capture", "openai-api", "-o", str(path), "--wait", "60", "--db", str(way.db)]
        results.append(CliRunner().invoke(main, words))

    thread = threading.Thread(target=wait)
    thread.start()
    wait_for(Wish.of(way.db.parent, "openai-api"))
    head = {"id": "chatcmpl-capture", "object": "chat.completion.chunk", "model": "gpt-4o-2024-08-06"}
    words = f"My name is {SECRET} and I live in Moss. " * 20
    events = [head | {"choices": [{"index": 0, "delta": {"content": word + " "}}]} for word in words.split()]
    end = head | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    way.origin.replies["/v1/chat/completions"] = Reply(sse(*events, end, "[DONE]"))
    with httpx.Client(proxy=way.proxy_url, verify=way.trust, trust_env=False) as session:
        body = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": f"I am {SECRET}"}]}
        session.post(OPENAI, json=body, headers={"authorization": f"Bearer {SECRET}"}, params={"q": SECRET})
    thread.join(70)
    return results[0]


def test_the_next_exchange_is_left_scrubbed_and_nothing_else_of_it_stays(way: Rig, tmp_path: Path) -> None:
    path = tmp_path / "example.json"
    result = ask(way, path)
    assert result.exit_code == 0, result.output
    assert SECRET not in path.read_text()
    assert "Moss" not in path.read_text()
    example = json.loads(path.read_text())
    (expected,) = example["expected"]
    assert expected["response_model"] == "gpt-4o-2024-08-06"
    assert "Replaced or dropped" in result.output
    assert list(way.db.parent.glob("capture-*")) == []


def test_an_unknown_service_is_a_sentence(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["capture", "nobody", "--db", str(tmp_path / "k.db")])
    assert result.exit_code == 1
    assert "There is no such service · nobody · `klimaspor services` lists them" in result.output
