"""The proxies under measurement, each in a process of its own: ours, mitmproxy that only streams, and the limit."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import trustme

from tests.bench import peers

IDLE_SECONDS = 0.01
"""A worker that uses less of the processor in half a second has nothing left to read."""
ROOT = Path(__file__).parent.parent.parent
OURS = """
import sys
from pathlib import Path
from addon.run import ProxyOptions, serve
folder, port, ca = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
elsewhere = {host: ("127.0.0.1", int(other)) for host, other in (more.split("=") for more in sys.argv[4:])}
serve(ProxyOptions(db=folder / "klimaspor.db", folder=folder, port=0, upstream_ca=ca,
                   redirect={"*": ("127.0.0.1", port), **elsewhere}), ready=lambda state: print(state.port, flush=True))
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
        return processor_seconds(self.process)

    def worker_seconds(self) -> float:
        """The same of its children, which carry nothing: those there are and those there were."""
        gone = self.process.cpu_times()
        return float(gone.children_user + gone.children_system) + sum(map(processor_seconds, self.process.children()))

    def idle_worker_seconds(self) -> float:
        """The same once the worker has read what it was given, or after a minute."""
        used = self.worker_seconds()
        for _ in range(120):
            time.sleep(0.5)
            before, used = used, self.worker_seconds()
            if used - before < IDLE_SECONDS:
                break
        return used

    def worker_megabytes(self) -> float:
        """Resident memory of its children."""
        total = 0.0
        for child in self.process.children():
            with suppress(psutil.NoSuchProcess):
                total += child.memory_info().rss / 1e6
        return total

    def megabytes(self) -> float:
        return float(self.process.memory_info().rss / 1e6)


def processor_seconds(process: psutil.Process) -> float:
    """Return what a process has used of the processors: to the nanosecond on Linux, elsewhere to some 10 ms."""
    threads = Path(f"/proc/{process.pid}/task")
    try:
        return sum(int((one / "schedstat").read_text().split()[0]) for one in threads.iterdir()) / 1e9
    except OSError:
        times = process.cpu_times()
        return float(times.user + times.system)


@contextmanager
def origin(folder: Path, authority: trustme.CA) -> Iterator[tuple[int, Path]]:
    """The service's end, in a process of its own: its port, and the certificate to trust."""
    authority.cert_pem.write_to_path(folder / "origin-ca.pem")
    authority.issue_cert(peers.HOST).private_key_and_cert_chain_pem.write_to_path(folder / "origin.pem")
    command = [sys.executable, "-m", "tests.bench.peers", "0", str(folder / "origin.pem")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline()), folder / "origin-ca.pem"
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@contextmanager
def run(certificate: Path, *arguments: object) -> Iterator[Proxy]:
    """Have Python run a proxy that says its port first; ``certificate`` is whom its clients have to trust."""
    command = [sys.executable, *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    try:
        yield Proxy(int(process.stdout.readline()), psutil.Process(process.pid), certificate)
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


@contextmanager
def ours(folder: Path, origin: int, authority: Path, *elsewhere: str) -> Iterator[Proxy]:
    """klimaspor's proxy, its worker beside it; ``elsewhere`` are hosts of another port, as ``host=port``."""
    folder.mkdir(parents=True)
    with run(folder / "authority/klimaspor-ca.crt", "-c", OURS, folder, origin, authority, *elsewhere) as proxy:
        yield proxy


@contextmanager
def yardstick(folder: Path, origin: int, authority: Path) -> Iterator[Proxy]:
    """mitmproxy's own master with all its addons, which only streams through."""
    folder.mkdir(parents=True)
    with run(folder / "mitmproxy-ca-cert.pem", "-c", YARDSTICK, folder, origin, authority, "0") as proxy:
        yield proxy


@contextmanager
def limit(folder: Path, origin: int, authority: Path) -> Iterator[Proxy]:
    """Bare TLS on both sides and nothing else."""
    with run(authority, "-m", "tests.bench.forward", origin, folder / "origin.pem", authority) as proxy:
        yield proxy
