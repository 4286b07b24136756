"""The sites that browsers under test visit: any number of host names on one port of loopback."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme

from tracker.trial.script import Script

PAGE = b"<!doctype html><title>ready</title><p>a page of its own</p>"


class Sites:
    """TLS servers for any number of host names on one port; says which names it was asked for."""

    def __init__(self, hosts: Iterable[str], folder: Path, scripts: Iterable[Script] = ()) -> None:
        self.authority = trustme.CA(organization_name="the sites' own authority")
        self.authority_path = folder / "sites.pem"
        self.authority.cert_pem.write_to_path(self.authority_path)
        self.stolen: dict[str, Path] = {}
        """Host → a chain that somebody forged for it."""
        self.asked: list[str] = []
        """SNI of every handshake that began."""
        self.served: list[str] = []
        """Host header of every request that was answered."""
        self.hang_ups = 0
        """How many questions more, over connections that were kept, end those without a word."""
        self.scripts = {(script.host, script.path): script for script in scripts}
        self._folder = folder
        self._contexts = {host: self._context(host) for host in hosts}

    def _context(self, host: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(host).configure_cert(context)
        return context

    def _choose(self, connection: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> int | None:
        self.asked.append(name or "")
        if name in self.stolen:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.stolen[name])
        elif name in self._contexts:
            context = self._contexts[name]
        else:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        connection.context = context
        return None

    @contextmanager
    def serve(self) -> Iterator[int]:
        sites = self

        class Answer(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            is_kept = False

            def host(self) -> str:
                host = self.headers.get("host", "").partition(":")[0]
                sites.served.append(host)
                return host

            def do_GET(self) -> None:
                self.host()
                self.send_response(200)
                self.send_header("content-type", "text/html")
                self.send_header("content-length", str(len(PAGE)))
                self.end_headers()
                self.wfile.write(PAGE)
                self.is_kept = True

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                script = sites.scripts.get((self.host(), self.path))
                if sites.hang_ups and self.is_kept:
                    sites.hang_ups -= 1
                    self.close_connection = True
                    return
                if script is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("content-type", script.content_type)
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                for chunk in script.chunks:
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                    self.wfile.flush()
                    time.sleep(0.01)
                self.wfile.write(b"0\r\n\r\n")
                self.is_kept = True

            def log_message(self, *_arguments: Any) -> None: ...

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_arguments: Any) -> None: ...

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.sni_callback = self._choose
        server = Server(("127.0.0.1", 0), Answer)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            server.server_close()
            thread.join(5)
