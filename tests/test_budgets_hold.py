"""A budget that is reached while answers run: none of them is cut, and the next turn is held within a second."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from addon.state import State, have_it_look, write_state
from tests.examples import FOLDER, load_examples
from tests.rig import OPENAI, QUESTION, Reply, Rig, completion, free_port, rig
from tracker.budget import Budget
from tracker.cli import main
from tracker.limits import standings
from tracker.settings import Settings
from tracker.settings_file import save
from tracker.store import Store

AT_ONCE = 8
WITHIN_S = 1.0
WITHIN_TURNS = 30
"""On a busy machine: as long as so many turns take there."""
LAST = "https://api.openai.com/v1/completions"
"""Where the answer that uses the budget up comes from, while those of ``OPENAI`` still run."""


def used(way: Rig, budget: Budget) -> float:
    with Store.open(way.db, readonly=True) as store:
        (standing,) = standings(store, datetime.now(UTC), [budget])
        return standing.share


def at_most(turn_s: float) -> float:
    """Return how long a turn may still be let through once a budget is used up, where one takes so long."""
    return max(WITHIN_S, WITHIN_TURNS * turn_s)


async def use_up(way: Rig, gate: threading.Event) -> tuple[list[bytes], httpx.Response]:
    """Return what arrived of the running answers, and what the next turn was told."""

    def client(*, http2: bool) -> httpx.AsyncClient:
        return httpx.AsyncClient(proxy=way.proxy_url, verify=way.trust, http2=http2, trust_env=False, timeout=30)

    async with AsyncExitStack() as stack:
        one, two = [await stack.enter_async_context(client(http2=http2)) for http2 in (False, True)]
        running = [
            await stack.enter_async_context((two if n % 2 else one).stream("POST", OPENAI, json=QUESTION))
            for n in range(AT_ONCE)
        ]
        arriving = [response.aiter_raw() for response in running]
        heard = [await anext(pieces) for pieces in arriving]
        begun = time.monotonic()
        assert (await two.post(LAST, json=QUESTION)).status_code == 200
        reached = time.monotonic()
        while (held := await two.post(LAST, json=QUESTION)).status_code == 200:
            assert time.monotonic() < reached + 20
            await asyncio.sleep(0.02)
        assert time.monotonic() - reached < at_most(reached - begun)
        assert (await one.post(OPENAI, json=QUESTION)).status_code == 429
        gate.set()
        for n, pieces in enumerate(arriving):
            heard[n] += b"".join([piece async for piece in pieces])
        return heard, held


@pytest.mark.parametrize("unit", ["questions", "minutes", "tokens", "wh"])
def test_a_budget_reached_during_parallel_answers_cuts_none_and_holds_the_next(tmp_path: Path, unit: str) -> None:
    gate = threading.Event()
    pieces = completion(200, name="chatcmpl-running-@")
    budget = Budget(1 if unit == "questions" else 1e-6, unit, "day", hold=True)
    save(tmp_path / "data" / "klimaspor.db", Settings(budgets=(budget,)))
    with rig(tmp_path) as way:
        way.origin.replies["/v1/chat/completions"] = Reply(pieces, gate=gate, numbered=True)
        way.origin.replies["/v1/completions"] = Reply(completion(5, name="cmpl-@"), numbered=True)
        heard, held = asyncio.run(use_up(way, gate))
        records = way.records()
        assert used(way, budget) >= 1
    assert [re.sub(rb"running-\d+", b"running-@", answer) for answer in heard] == [b"".join(pieces)] * AT_ONCE
    assert held.status_code == 429
    assert "your own budget is used up" in held.text
    assert [record.outcome for record in records if record.output_tokens == 200] == ["complete"] * AT_ONCE


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig(tmp_path_factory.mktemp("rig")) as made:
        made.origin.replies["/v1/completions"] = Reply(completion(5, name="cmpl-@"), numbered=True)
        yield made


def next_turn(way: Rig) -> int:
    with httpx.Client(proxy=way.proxy_url, verify=way.trust, trust_env=False, timeout=20) as session:
        return session.post(LAST, json=QUESTION).status_code


def command(way: Rig, *arguments: str) -> None:
    name, *rest = arguments
    done = CliRunner().invoke(main, [name, "--db", str(way.db), *rest])
    assert done.exit_code == 0, done.output


def test_a_command_is_acted_on_by_the_very_next_turn(way: Rig) -> None:
    before = len(way.records())
    assert next_turn(way) == 200
    assert len(way.records()) == before + 1
    command(way, "budget", "add", "1", "questions", "--per", "day", "--hold")
    assert next_turn(way) == 429
    command(way, "pause", "1h")
    assert next_turn(way) == 200
    command(way, "pause", "off")
    assert next_turn(way) == 429
    command(way, "budget", "remove", "1")
    assert next_turn(way) == 200
    assert len(way.records()) == before + 2, "what was paused is not recorded, what came after it is"
    command(way, "budget", "add", "2", "questions", "--per", "day", "--hold")
    assert next_turn(way) == 429
    command(way, "forget", "--everything", "--yes")
    assert next_turn(way) == 200
    command(way, "budget", "remove", "1")


def test_what_is_forgotten_while_the_proxy_runs_is_nowhere_beside_it(way: Rig) -> None:
    assert next_turn(way) == 200
    gone = [record.id.encode() for record in way.records()]
    kept = b"".join(path.read_bytes() for path in way.db.parent.glob("klimaspor.db*"))
    assert all(name in kept for name in gone)
    command(way, "forget", "--everything", "--yes")
    kept = b"".join(path.read_bytes() for path in way.db.parent.glob("klimaspor.db*"))
    assert gone
    assert not [name for name in gone if name in kept]


def test_commands_do_without_a_proxy_and_with_one_that_is_gone(tmp_path: Path) -> None:
    db = tmp_path / "klimaspor.db"
    write_state(tmp_path, State(pid=1, port=free_port(), token="0" * 32, started_at=""))
    done = CliRunner().invoke(main, ["budget", "--db", str(db), "add", "1", "questions"])
    assert done.exit_code == 0, done.output
    assert not have_it_look(tmp_path)
    assert not have_it_look(tmp_path / "nowhere")


def test_an_answer_over_a_socket_uses_a_budget_up_too_and_the_socket_stays(way: Rig) -> None:
    talk = next(case for case in load_examples(FOLDER) if case.path.match("xai-api/realtime.json")).exchanges[0]
    words, service = [message.data.decode() for message in talk.messages], "xai-api"

    async def speak(receive: Any, send: Any) -> None:
        while (await receive())["type"] != "websocket.disconnect":
            for word in words:
                await send({"type": "websocket.send", "text": word})

    async def listen() -> None:
        def open_one() -> connect:
            url = f"wss://{talk.host}{talk.path}"
            return connect(url, proxy=way.proxy_url, ssl=way.trust, max_size=None, compression=None)

        begun = time.monotonic()
        async with open_one() as socket:
            await socket.send("{}")
            assert [await socket.recv() for _ in words] == words
            reached = time.monotonic()
            while way.proxy.ear.gate.verdict(service) != "hold":
                assert time.monotonic() < reached + 20
                await asyncio.sleep(0.01)
            assert time.monotonic() - reached < at_most(reached - begun)
            with pytest.raises(InvalidStatus, match="429"):
                await open_one()
            await socket.send("{}")
            assert [await socket.recv() for _ in words] == words, "what is open goes on"

    way.origin.sockets[talk.path] = speak
    command(way, "budget", "add", "100", "tokens", "--per", "day", "--service", service, "--hold")
    asyncio.run(listen())
    command(way, "budget", "remove", "1")
