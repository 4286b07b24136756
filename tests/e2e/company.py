"""A company's proxy on loopback: it takes CONNECT for any host, leads to one port, and says what it was asked for."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class CompanyProxy:
    port: int = 0
    asked: list[str] = field(default_factory=list)


@contextmanager
def company_proxy(site_port: int) -> Iterator[CompanyProxy]:
    proxy = CompanyProxy()
    listener = socket.create_server(("127.0.0.1", 0))
    proxy.port = listener.getsockname()[1]

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(client,), daemon=True).start()

    def serve(client: socket.socket) -> None:
        with client, suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                if not (data := client.recv(4096)):
                    return
                head += data
            proxy.asked.append(head.split()[1].decode().partition(":")[0])
            with socket.create_connection(("127.0.0.1", site_port)) as site:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=pump, args=(site, client), daemon=True)
                back.start()
                pump(client, site)
                back.join()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield proxy
    finally:
        listener.close()


def pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
