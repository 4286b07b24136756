"""A worker, or worker and proxy, killed between two steps of writing: each answer is written or counted, never both."""

from __future__ import annotations

import ssl
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import httpx
import pytest

from tests.bench.aftermath import count, told, under_way
from tests.dying_worker import MOMENTS
from tests.proxy_process import certificate_of, proxy_process
from tests.rogue import URL, Rogue, Way, answer, proxied, question
from tracker.store import Store


def ask(port: int, certificate: Path, name: str, **doom: str) -> None:
    asked = question("right", name)
    asked["metadata"] |= doom
    trust = ssl.create_default_context(cafile=str(certificate))
    with httpx.Client(proxy=f"http://127.0.0.1:{port}", verify=trust, trust_env=False, timeout=20) as session:
        assert session.post(URL, json=asked).content == answer(name)


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory, origin: Rogue) -> Iterator[Way]:
    with proxied(tmp_path_factory.mktemp("data"), origin, worker="tests.dying_worker") as made:
        yield made


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_worker_killed_while_it_writes_costs_at_most_that_answer_and_none_is_counted_twice(
    way: Way, moment: str
) -> None:
    is_written, lost, restarts = MOMENTS[moment], told(way.db.parent)["crash"], way.proxy.ear.counters.restarts
    dooms: list[dict[str, str]] = [{}, {"moment": moment}, {}]  # they go to the worker as one

    def ask_all() -> None:
        with ThreadPoolExecutor(3) as pool:
            names = [f"chatcmpl-{moment}-{n}".replace(" ", "-") for n in range(3)]
            port, certificate = way.proxy.state.port, way.proxy.certificate
            asked = [pool.submit(ask, port, certificate, name, **doom) for name, doom in zip(names, dooms, strict=True)]
        for one in asked:
            one.result()
        way.ask("right", f"chatcmpl-after-{moment}".replace(" ", "-"))

    before = count(way.db.parent)
    ask_all()
    deadline = time.monotonic() + 20
    while count(way.db.parent) + told(way.db.parent)["crash"] < before + lost + 4 and time.monotonic() < deadline:
        time.sleep(0.05)
    way.proxy.settle()
    # The one that kills its reader is given to one more, and then given up.
    assert count(way.db.parent) == before + (4 if is_written else 3)
    assert told(way.db.parent) == Counter({"crash": lost + (not is_written)}) - Counter()
    assert way.proxy.ear.counters.restarts > restarts


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_proxy_killed_while_its_worker_writes_leaves_each_answer_written_or_counted(
    tmp_path: Path, origin: Rogue, moment: str
) -> None:
    with proxy_process(tmp_path, origin.port, origin.authority, "--worker", "tests.dying_worker") as (process, port):
        ask(port, certificate_of(tmp_path), "chatcmpl-before")
        deadline = time.monotonic() + 20
        while count(tmp_path) < 1 and time.monotonic() < deadline:
            time.sleep(0.05)
        ask(port, certificate_of(tmp_path), "chatcmpl-doomed", moment=moment, proxy="too")
        process.wait(20)
    written = 2 if MOMENTS[moment] else 1
    assert count(tmp_path) == written
    assert under_way(tmp_path, process.pid) == 2 - written
    with proxied(tmp_path, origin) as way:  # the next start says so
        for _ in range(2):
            way.proxy.ear.beat({"at": time.time(), "clean_stop": False, "counters": {}, "passed": []})
        way.proxy.settle()
        assert told(tmp_path) == Counter({"killed": 1} if written == 1 else {})
        assert count(tmp_path) == written
    assert [path for path in tmp_path.iterdir() if "under-way" in path.name] == []
    with Store.open(tmp_path / "klimaspor.db", readonly=True) as store:
        marks = store.db.execute("SELECT count(DISTINCT tally) FROM under_way").fetchone()
        assert marks[0] <= 1  # those of the proxy that is gone are swept away
        assert len(store.unread(date(2000, 1, 1), date(9000, 1, 1))) == 2 - written
