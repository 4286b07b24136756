"""A process that has imported everything and forks a real proxy whenever it is told to, so that each costs little."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.aftermath import children_of
from tests.bench.processes import compiled
from tests.rogue import Rogue

ROOT = Path(__file__).parent.parent.parent
NURSERY = """
import os, sys
from pathlib import Path
import mitmproxy.addons
import addon.arrival, addon.authority, addon.pages, addon.passage, addon.tap
from addon.company import all_services
from addon.run import ProxyOptions, serve
folder, port, ca = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
def say(state):
    os.write(1, b"%d %d\\n" % (os.getpid(), state.port))
all_services(folder)
for _ in sys.stdin:
    child = os.fork()
    if not child:
        serve(ProxyOptions(db=folder / "klimaspor.db", folder=folder, port=0, upstream_ca=ca,
                           redirect={"*": ("127.0.0.1", port)}), ready=say)
        os._exit(0)
    os.waitpid(child, 0)
    os.write(1, b"dead\\n")
"""
"""A line in, and a proxy begins; its number and port out, and when it has ended ``dead``."""


@contextmanager
def nursery_of(data: Path, origin: Rogue) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", NURSERY, str(data), str(origin.port), str(origin.authority)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=compiled(data),
    )  # fmt: skip
    try:
        yield process
    finally:
        for child in children_of(process.pid):  # a proxy that a failed round left; its worker ends with it
            os.kill(child, signal.SIGKILL)
        process.kill()
        process.communicate()
