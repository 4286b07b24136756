"""A local TLS server that stands in for the chatbots: it answers each known request with its script."""

from __future__ import annotations

import hashlib
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tracker.trial.script import Script

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
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    now = datetime.now(UTC)

    def build(subject: str, key: ec.EllipticCurvePrivateKey, issuer: x509.Name | None) -> x509.CertificateBuilder:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer or name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )

    authority_key, leaf_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    signing = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    authority = (
        build("klimaspor stand-in", authority_key, None)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(signing, critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    leaf = (
        build(hosts[0], leaf_key, authority.subject)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    authority_path, leaf_path = folder / "stand-in-authority.pem", folder / "stand-in.pem"
    authority_path.write_bytes(authority.public_bytes(pem))
    leaf_path.touch(mode=0o600)
    leaf_path.write_bytes(
        leaf_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + leaf.public_bytes(pem)
    )
    return authority_path, leaf_path
