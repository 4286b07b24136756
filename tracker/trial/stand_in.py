"""A local TLS server that stands in for the chatbots: it answers each known request with its script."""

from __future__ import annotations

import hashlib
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tracker.issuer import Issuer
from tracker.private import write_whole
from tracker.trial.script import Script

LIFETIME = timedelta(days=1)
"""Of its certificate."""
PAUSE_SECONDS = 0.004
"""Between two chunks of an answer: quick, but still a stream."""


@dataclass(frozen=True, slots=True)
class StandIn:
    """Where the server listens on loopback, and the certificate of the authority that vouches for it."""

    port: int
    authority: Path


@contextmanager
def serve(scripts: Iterable[Script], folder: Path) -> Iterator[StandIn]:
    """Run the server in a thread until the block ends; its throwaway keys stay in ``folder``."""
    answers = {_key(script.host, script.path, script.request): script for script in scripts}
    authority, leaf = _certificates(folder, sorted({script.host for script in answers.values()}))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf)

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            script = answers.get(_key(self.headers.get("host", "").split(":")[0], self.path, body))
            if script is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("content-type", script.content_type)
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            try:
                for chunk in script.chunks:
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                    self.wfile.flush()
                    time.sleep(PAUSE_SECONDS)
                self.wfile.write(b"0\r\n\r\n")
            except OSError:  # the client hung up, as one of the conversations does
                self.close_connection = True

        def log_message(self, *_arguments: Any) -> None:
            """Say nothing: a log line would hold a path."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_arguments: Any) -> None:
            """Say nothing: a peer that hangs up in the handshake is no error here."""

    server = Server(("127.0.0.1", 0), Answer)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, name="stand-in", daemon=True)
    thread.start()
    try:
        yield StandIn(port=server.server_address[1], authority=authority)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


def _key(host: str, path: str, body: bytes) -> tuple[str, str, bytes]:
    return host, path, hashlib.sha256(body).digest()


def _certificates(folder: Path, hosts: list[str]) -> tuple[Path, Path]:
    """Write a throwaway authority's certificate and a leaf with its key; return both paths."""
    issuer = Issuer("klimaspor stand-in", LIFETIME)
    certificate, key = issuer.issue(hosts[0], hosts)
    authority, leaf = folder / "stand-in-authority.pem", folder / "stand-in.pem"
    authority.write_text(issuer.pem, "ascii")
    write_whole(leaf, key + certificate)
    return authority, leaf
