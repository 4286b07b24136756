"""A network that goes silent while a connection is kept: ``unshare -rn python -m tests.silent_network FOLDER``."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import trustme

from addon.run import ProxyOptions, running
from addon.wire import addresses
from tests.raw_origin import client, rest
from tests.rogue import HOST, PATH

ADDRESS = "192.0.2.1"
ASK = f"POST {PATH} HTTP/1.1\r\nhost: {HOST}\r\ncontent-length: 2\r\n\r\n{{}}".encode()
KEPT = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def main(folder: Path) -> None:
    """Ask once, lose the network, ask again; print how many seconds that took to end, and what came."""
    for words in ("link set lo up", f"addr add {ADDRESS}/32 dev lo"):
        subprocess.run(["ip", *words.split()], check=True)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    addresses.SILENT_SECONDS = 3
    with socket.create_server((ADDRESS, 0)) as listening:
        options = ProxyOptions(
            db=folder / "k.db", folder=folder, port=0, upstream_ca=folder / "ca.pem",
            redirect={"*": listening.getsockname()},
        )  # fmt: skip
        threading.Thread(target=_answer, args=[listening, context], daemon=True).start()
        with running(options) as proxy, client(proxy.state.port, proxy.certificate) as peer:
            peer.sendall(ASK)
            while not peer.recv(65536).endswith(b"ok"):
                pass
            subprocess.run(["ip", "addr", "del", f"{ADDRESS}/32", "dev", "lo"], check=True)
            began = time.monotonic()
            peer.sendall(ASK)
            came = rest(peer)
            print(json.dumps({"seconds": round(time.monotonic() - began, 1), "bytes": len(came)}))


def _answer(listening: socket.socket, context: ssl.SSLContext) -> None:
    with context.wrap_socket(listening.accept()[0], server_side=True) as peer:
        while peer.recv(65536):
            peer.sendall(KEPT)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
