"""Nothing of ours listens beyond this computer."""

from __future__ import annotations

import ipaddress
import socket
import sys
from pathlib import Path

import pytest

from tests.rig import rig

LISTENING = "0A"


def listening() -> set[tuple[str, int]]:
    """Every address and port on which this process listens, by what the kernel says."""
    mine = set()
    for link in Path("/proc/self/fd").iterdir():
        try:
            target = str(link.readlink())
        except FileNotFoundError:  # the one that listed the folder
            continue
        if target.startswith("socket:["):
            mine.add(target[8:-1])
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/self/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENING and fields[9] in mine:
                address, port = fields[1].split(":")
                words = [bytes.fromhex(address[n : n + 8])[::-1] for n in range(0, len(address), 8)]
                found.add((str(ipaddress.ip_address(b"".join(words))), int(port, 16)))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells in /proc")
def test_the_proxy_and_its_local_ports_listen_on_loopback_only(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    before = listening()
    with rig(tmp_path, port=port, local={"ollama": 11434}) as made:
        ours = listening() - before
        assert {number for _, number in ours} >= {made.port, made.port + 1}
        assert all(ipaddress.ip_address(address).is_loopback for address, _ in ours), ours
