"""The proxies under measurement, each in a process of its own: ours, and mitmproxy that only streams through."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent.parent
OURS = """
import sys
from pathlib import Path
from addon.run import ProxyOptions, serve
folder, port, ca = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
serve(ProxyOptions(db=folder / "klimaspor.db", folder=folder, port=0, upstream_ca=ca,
                   redirect={"*": ("127.0.0.1", port)}), ready=lambda state: print(state.port, flush=True))
"""
YARDSTICK = """
import asyncio, sys
from mitmproxy import ctx
from mitmproxy.options import Options
from mitmproxy.tools.dump import DumpMaster

class StreamThrough:
    def server_connect(self, data):
        data.server.address = ("127.0.0.1", int(sys.argv[2]))
    def requestheaders(self, flow):
        flow.request.stream = bool(int(sys.argv[4]))
    def responseheaders(self, flow):
        flow.response.stream = True
    def running(self):
        server = list(ctx.master.addons.get("proxyserver").servers)[0]
        print(server.listen_addrs[0][1], flush=True)

async def main():
    options = Options(listen_host="127.0.0.1", listen_port=0, confdir=sys.argv[1], mode=["regular"],
                      ssl_verify_upstream_trusted_ca=sys.argv[3])
    master = DumpMaster(options, with_termlog=False, with_dumper=False)
    master.options.update(onboarding=False, upstream_cert=False)
    master.addons.add(StreamThrough())
    await master.run()

asyncio.run(main())
"""


@dataclass(slots=True)
class Proxy:
    """One running proxy and how much it has used."""

    port: int
    process: psutil.Process
    authority: Path

    def cpu_seconds(self) -> float:
        """Seconds of processor time of the process that carries the chats."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def worker_seconds(self) -> float:
        """The same of its children, which carry nothing."""
        total = 0.0
        for child in self.process.children():
            times = child.cpu_times()
            total += times.user + times.system
        return total

    def megabytes(self) -> float:
        return float(self.process.memory_info().rss / 1e6)


@contextmanager
def run(code: str, folder: Path, origin: int, authority: Path, certificate: str, *more: str) -> Iterator[Proxy]:
    folder.mkdir(parents=True)
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(folder), str(origin), str(authority), *more],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    try:
        yield Proxy(int(process.stdout.readline()), psutil.Process(process.pid), folder / certificate)
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


@contextmanager
def ours(folder: Path, origin: int, authority: Path) -> Iterator[Proxy]:
    """klimaspor's proxy, its worker beside it."""
    with run(OURS, folder, origin, authority, "authority/klimaspor-ca.crt") as proxy:
        yield proxy


@contextmanager
def yardstick(folder: Path, origin: int, authority: Path) -> Iterator[Proxy]:
    """mitmproxy's own master with all its addons, which only streams through."""
    with run(YARDSTICK, folder, origin, authority, "mitmproxy-ca-cert.pem", "0") as proxy:
        yield proxy
