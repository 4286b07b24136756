"""The addons for plain ``mitmdump -s …/addon/__init__.py``: the same gate, the same tap, the same worker."""

from __future__ import annotations

from typing import Any

from addon.aside import Asides
from addon.company import all_services
from addon.ear import WorkerEar
from addon.hardening import forbid_core_dumps
from addon.hosts import open_hosts
from addon.options import tell_on_stderr
from tracker.store import default_path


class Closer:
    """Starts the worker with mitmproxy and lets it finish at the end; comes after the tap."""

    def __init__(self, ear: WorkerEar) -> None:
        self._ear = ear

    def running(self) -> None:
        forbid_core_dumps()
        self._ear.start()

    def done(self) -> None:
        self._ear.close()


def make_addons() -> list[Any]:
    """Return the addons for a mitmdump of somebody's own; records go to the default database."""
    from addon.passage import Passage
    from addon.tap import Tap

    services = all_services(default_path().parent)
    hosts = open_hosts(services)
    ear = WorkerEar(default_path(), tell=tell_on_stderr)
    tap = Tap(services, ear, ear.gate, hosts=hosts)
    passage = Passage(hosts, Asides(None, tell=tell_on_stderr), busy_clients=tap.busy_clients)
    return [passage, tap, Closer(ear)]
