"""A real proxy in a process of its own that tests may stop or kill, led to an origin of theirs."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from addon.run import ProxyOptions, serve

ROOT = Path(__file__).parents[1]


@contextmanager
def proxy_process(
    folder: Path, origin_port: int, authority: Path, *more: str
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run one below the folder; give the process and the port it listens on. It is killed if it still runs."""
    command = [sys.executable, "-m", "tests.proxy_process", str(folder), str(origin_port), str(authority), *more]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def certificate_of(folder: Path) -> Path:
    """What its clients trust."""
    return folder / "authority" / "klimaspor-ca.crt"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("origin_port", type=int)
    parser.add_argument("authority", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--worker", default="addon.worker")
    chosen = parser.parse_args()
    options = ProxyOptions(
        db=chosen.folder / "klimaspor.db",
        folder=chosen.folder,
        port=chosen.port,
        upstream_ca=chosen.authority,
        redirect={"*": ("127.0.0.1", chosen.origin_port)},
        worker=chosen.worker,
    )
    serve(options, ready=lambda state: print(state.port, flush=True))
