"""A captured exchange is safe to share, and reads as the exchange it came from."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from addon.capturing import Wish, make_example
from addon.reader import Reader
from tests.examples import KEY, Example, build_exchange, load_examples
from tests.rig import OPENAI, Reply, Rig, rig, sse
from tracker.cli import main

SECRET = "KLIMASPORsecret91"
PLAIN = [case for case in load_examples() if len(case.exchanges) == 1 and case.expected]


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig(tmp_path_factory.mktemp("rig")) as made:
        yield made


@pytest.mark.parametrize("case", PLAIN, ids=lambda case: f"{case.service}-{case.path.stem}")
def test_a_scrubbed_example_reads_as_the_exchange_it_came_from(case: Example) -> None:
    reader = Reader(KEY)
    (exchange,) = case.exchanges
    example = make_example(exchange, reader)
    before, after = example["output_tokens_before_and_after"]
    assert len(after) == len(before)
    told = json.loads(json.dumps(example))
    for old, new in zip(case.expected, told["expected"], strict=True):
        for column in ("response_model", "operation", "initiator", "outcome", "output_tokens_source", "media_count"):
            assert new.get(column) == old.get(column), column
        if old.get("output_tokens_source") == "counted":
            assert abs(new["output_tokens"] - old["output_tokens"]) <= max(3, 0.02 * old["output_tokens"])
        else:
            assert new.get("output_tokens") == old.get("output_tokens")


@pytest.mark.parametrize("case", PLAIN, ids=lambda case: f"{case.service}-{case.path.stem}")
def test_the_file_left_behind_is_itself_a_working_example(case: Example) -> None:
    (exchange,) = case.exchanges
    example = json.loads(json.dumps(make_example(exchange, Reader(KEY))))
    again = build_exchange(example["exchange"] | {"started_at": exchange.started_at.isoformat()})
    records = Reader(KEY).read(again).records
    assert [record.output_tokens for record in records] == [one.get("output_tokens") for one in example["expected"]]


def ask(way: Rig, path: Path) -> Result:
    """Run the command in a thread, ask a question through the proxy meanwhile, and return how the command ended."""
    results: list[Result] = []

    def wait() -> None:
        words = ["capture", "openai-api", "-o", str(path), "--wait", "20", "--db", str(way.db)]
        results.append(CliRunner().invoke(main, words))

    thread = threading.Thread(target=wait)
    thread.start()
    wish = Wish.of(way.db.parent, "openai-api")
    for _ in range(100):
        if wish.made:
            break
        threading.Event().wait(0.05)
    head = {"id": "chatcmpl-capture", "object": "chat.completion.chunk", "model": "gpt-4o-2024-08-06"}
    words = f"My name is {SECRET} and I live in Moss. " * 20
    events = [head | {"choices": [{"index": 0, "delta": {"content": word + " "}}]} for word in words.split()]
    end = head | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    way.origin.replies["/v1/chat/completions"] = Reply(sse(*events, end, "[DONE]"))
    with httpx.Client(proxy=way.proxy_url, verify=way.trust, trust_env=False) as session:
        body = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": f"I am {SECRET}"}]}
        session.post(OPENAI, json=body, headers={"authorization": f"Bearer {SECRET}"}, params={"q": SECRET})
    thread.join(30)
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
    assert "No such service is known · nobody · see `klimaspor services`" in result.output
