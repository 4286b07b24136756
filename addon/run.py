"""mitmproxy in our own process: its options, the signals, the heartbeat, and the worker beside it."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from addon.activation import adopt_socket, listen_on
from addon.aside import Asides
from addon.company import all_services
from addon.ear import WorkerEar
from addon.errand import Errand
from addon.hardening import forbid_core_dumps, hush, open_many, return_memory, shorten_pauses
from addon.hosts import open_hosts
from addon.options import PORT, ProxyError, ProxyOptions, bundle_authorities, read_upstream, refuse_taken_port, usable
from addon.service import Service
from addon.state import State, forget_state, load_token, write_state
from tracker.coverage import BEAT_S

__all__ = ["PORT", "ProxyError", "ProxyOptions", "Running", "running", "serve"]

READY_SECONDS = 30.0
FEW = 10
"""Answers that pass at once, beside which a garbage collection is short."""


def serve(options: ProxyOptions, *, ready: Callable[[State], None] | None = None) -> None:
    """
    Run the proxy until SIGTERM or SIGINT; ``ready`` is told where it listens.

    :raises ProxyError: if it cannot start: port taken, certificate file missing, database unusable.
    """
    Proxy(options, ready).run()


@dataclass(frozen=True, slots=True)
class Running:
    """A proxy that runs in a thread of this process."""

    state: State
    certificate: Path
    ear: WorkerEar
    settle: Callable[[], None]
    """Wait until everything heard so far is written."""


@contextmanager
def running(options: ProxyOptions) -> Iterator[Running]:
    """Run the proxy in a thread for as long as the block lasts; one at a time in a process."""
    started = threading.Event()
    states: list[State] = []
    errors: list[BaseException] = []

    def ready(state: State) -> None:
        states.append(state)
        started.set()

    def run() -> None:
        try:
            proxy.run()
        except BaseException as error:  # noqa: BLE001 - it is raised again where the block begins
            errors.append(error)
        finally:
            started.set()

    proxy = Proxy(options, ready)
    thread = threading.Thread(target=run, name="proxy", daemon=True)
    thread.start()
    started.wait()
    if errors:
        raise errors[0]
    try:
        yield Running(states[0], proxy.authority.certificate_path, proxy.ear, proxy.ear.settle)
    finally:
        proxy.stop()
        thread.join(30)


class Proxy:
    """One proxy: checked when made, run once."""

    def __init__(self, options: ProxyOptions, ready: Callable[[State], None] | None = None) -> None:
        from addon.authority import Authority

        self.options = options
        self._ready = ready
        self._master: Any = None
        self._beating: asyncio.Task[None] | None = None
        self._failure: str | None = None
        self._adopted = adopt_socket()
        if self._adopted is not None:
            options = self.options = replace(options, port=self._adopted.getsockname()[1])
        else:
            refuse_taken_port(options.port)
        self.services: tuple[Service, ...] = all_services(options.db.parent)
        self.hosts = open_hosts(self.services, opened=options.opened, own=options.own_hosts)
        unknown = sorted(set(options.local) - {service.name for service in self.services})
        if unknown:
            raise ProxyError(f"No such local server is known · {', '.join(unknown)} · see `klimaspor services`")
        with usable(options.folder):
            options.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.authority = Authority.load_or_make(options.authority_folder, self.hosts)
        self.upstream = None if options.upstream is None else read_upstream(options.upstream)
        with usable(options.folder):
            self.bundle = bundle_authorities(options)
            self._token = load_token(options.folder)
        self.asides = Asides(options.folder / "aside.json", tell=options.tell)
        self.ear = WorkerEar(options.db, module=options.worker, tell=options.tell)

    def run(self) -> None:
        """Run until stopped."""
        forbid_core_dumps()
        self.ear.start()
        try:
            import mitmproxy.addons  # noqa: F401 - takes its time; meanwhile the worker takes its own

            if trouble := self.ear.wait_until_ready(READY_SECONDS):
                raise ProxyError(trouble)
            asyncio.run(self._run())
        finally:
            if self._beating is not None:
                self.ear.beat(self._pulse(clean_stop=self._failure is None))
            self.ear.close()
            forget_state(self.options.folder, os.getpid())
        if self._failure is not None:
            raise ProxyError(self._failure)

    def stop(self) -> None:
        """Stop from another thread."""
        if self._master is not None:
            self._master.shutdown()

    @property
    def certificate_path(self) -> Path:
        """Where the certificate lies that clients are to trust."""
        return self.authority.certificate_path

    async def _run(self) -> None:
        from addon.assembly import assemble

        hush()
        self._master = master = assemble(self)
        if threading.current_thread() is threading.main_thread():
            for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(name, master.shutdown)
            open_many()
            shorten_pauses()  # in a process of its own only: what is there stays
        if self._adopted is not None:
            listen_on(self._adopted)
        await master.run()

    # mitmproxy's hooks

    def running(self) -> None:
        """The servers are up, or one of them is not."""
        servers = list(self._master.addons.get("proxyserver").servers)
        if broken := [str(server.last_exception) for server in servers if not server.is_running]:
            self._failure = f"A port could not be opened · {broken[0].splitlines()[0]} · choose another with --port"
            self._master.shutdown()
            return
        self.port: int = servers[0].listen_addrs[0][1]
        state = self.state = State(
            pid=os.getpid(),
            port=self.port,
            token=self._token,
            started_at=datetime.now(UTC).isoformat(timespec="seconds"),
            local={name: port for port, name in self.options.local_ports.items()},
        )
        write_state(self.options.folder, state)
        self._beating = asyncio.get_running_loop().create_task(self._beat())
        if self._ready is not None:
            self._ready(state)

    async def _beat(self) -> None:
        errand = Errand(self.options.db)
        tap = self._master.addons.get("tap")
        while True:
            self.ear.beat(self._pulse())
            errand.beat()
            return_memory(is_quiet=len(tap.busy_clients()) <= FEW)
            await asyncio.sleep(BEAT_S)

    async def done(self) -> None:
        """The proxy stops: whoever comes now is to go on without us."""
        if self._beating is not None:
            self._beating.cancel()
        for server in self._master.addons.get("proxyserver").servers:
            if server.is_running:
                await server.stop()

    def _pulse(self, *, clean_stop: bool = False) -> dict[str, Any]:
        counters = self.ear.counters
        return {
            "at": time.time(),
            "clean_stop": clean_stop,
            "counters": {"handed": counters.handed, "read": counters.read, "restarts": counters.restarts}
            | {f"lost-{reason}": n for reason, n in counters.lost.items()},
            "passed": [
                {"host": aside.host, "service": self._service_at(aside.host), "reason": aside.reason,
                 "since": aside.since, "until": until}
                for aside, until in self.asides.gaps()
            ],
        }  # fmt: skip

    def _service_at(self, host: str) -> str:
        return next((service.name for service in self.services if host in service.hosts), "")
