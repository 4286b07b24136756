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


def is_text(case: Example) -> bool:
    """Whether all of it is text; a binary socket message cannot be scrubbed, and is left out of what is shared."""
    try:
        for message in case.exchanges[0].messages:
            message.data.decode()
    except UnicodeDecodeError:
        return False
    return True


PLAIN = [case for case in load_examples() if len(case.exchanges) == 1 and case.expected and is_text(case)]


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig(tmp_path_factory.mktemp("rig")) as made:
        yield made


CHECKED_SHARE = 0.8
LARGE = {"chatgpt", "claude", "openai-api", "anthropic-api"}


def test_nearly_every_scrubbed_example_reads_as_the_exchange_it_came_from() -> None:
    otherwise = [case for case in PLAIN if not make_example(case.exchanges[0], Reader(KEY))["reads_alike"]]
    assert len(otherwise) <= (1 - CHECKED_SHARE) * len(PLAIN), [str(case.path) for case in otherwise]
    assert [str(case.path) for case in otherwise if case.service in LARGE] == []


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
    assert "There is no such service · nobody · `klimaspor services` lists them" in result.output
