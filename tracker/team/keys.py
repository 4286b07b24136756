"""The organisation's own keys: for the NATS server, for the loader, and in a join code for each device."""

from __future__ import annotations

import base64
import json
import os
import zlib
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from tracker.issuer import Issuer
from tracker.team import TeamError
from tracker.team.configuration import nats_configurations

YEARS = 3
LOADER = "loader"
STREAM = "KLIMASPOR"
SUBJECTS = "klimaspor.week"


@dataclass(frozen=True, slots=True)
class JoinCode:
    """Everything a device needs to send its sums, and nothing that says whose device it is."""

    url: str
    unit: str
    name: str
    """The name in the device's certificate: it may publish to ``klimaspor.week.<name>`` and nothing else."""
    authority: str
    certificate: str
    key: str
    """PEM texts."""

    @property
    def subject(self) -> str:
        return f"{SUBJECTS}.{self.name}"

    def write(self) -> str:
        """Return the code as one line of text that can be sent to a member of staff."""
        packed = zlib.compress(json.dumps(asdict(self), separators=(",", ":")).encode(), 9)
        return base64.urlsafe_b64encode(packed).decode()

    @classmethod
    def read(cls, text: str) -> JoinCode:
        """
        Return the code that ``team init`` wrote.

        Raises ``TeamError`` if it was cut or is something else.
        """
        try:
            unpacked = zlib.decompressobj().decompress(base64.urlsafe_b64decode(text.strip().encode()), 100_000)
            told = json.loads(unpacked)
            return cls(**{name: str(told[name]) for name in cls.__dataclass_fields__})
        except (ValueError, KeyError, TypeError, RecursionError, zlib.error):
            raise TeamError("This is not a whole join code · the text given · copy it again, from end to end") from None


def make_transport(folder: Path, *, url: str, units: dict[str, int], replicas: int = 1) -> int:
    """
    Write NATS's configuration, the certificates and one join code a device into ``folder``; return how many codes.

    ``url`` is ``tls://host:port``, or three of them with commas between: then there is one ``nats-N.conf`` a node.
    ``units`` says how many devices each unit may have. Nobody needs to note who gets which code, and nobody should.
    Raises ``TeamError`` if the folder holds something already or the address is none, ``OSError`` if it cannot be
    written.
    """
    if folder.exists() and any(folder.iterdir()):
        raise TeamError(f"The folder is not empty · {folder} · name a new one: keys are never overwritten")
    nodes = addresses(url)
    authority = Issuer("klimaspor team", timedelta(days=365 * YEARS))
    codes = folder / "codes"
    codes.mkdir(parents=True, mode=0o700)
    folder.chmod(0o700)
    _write(folder / "ca.pem", authority.pem)
    for name, names in (("server", tuple(dict.fromkeys(host for host, _ in nodes))), (LOADER, ())):
        certificate, key = authority.issue(name, names)
        _write(folder / f"{name}.pem", certificate)
        _write(folder / f"{name}.key", key)
    users = [_user(LOADER, publish=["$JS.API.>", "$JS.ACK.>"], subscribe=["_INBOX.>"])]
    number = 0
    for unit, devices in units.items():
        for _ in range(devices):
            number += 1
            name = f"device-{number:06d}"
            certificate, key = authority.issue(name)
            code = JoinCode(url, unit, name, authority.pem, certificate, key)
            users.append(_user(name, publish=[code.subject], subscribe=[f"_INBOX_{name}.>"]))
            _write(codes / f"{name}.code", code.write() + "\n")
    for name, text in nats_configurations(folder, nodes, users).items():
        _write(folder / name, text)
    _write(folder / "transport.json", json.dumps({"url": url, "replicas": replicas}))
    return number


def addresses(urls: str) -> list[tuple[str, int]]:
    """Return (host, port) of each server; raise ``TeamError`` if one is not written as ``tls://host:port``."""
    found = []
    for url in urls.split(","):
        try:
            parts = urlsplit(url.strip())
            found.append((parts.hostname, parts.port))
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in {"tls", "nats"} or not parts.hostname or not parts.port:
            raise TeamError(
                "The server's address is another · --url · write tls://host:port, three of them with commas between"
            )
    return [(host, port) for host, port in found if host and port]


def _user(name: str, *, publish: list[str], subscribe: list[str]) -> str:
    allowed = f"publish: {json.dumps(publish)}, subscribe: {json.dumps(subscribe)}"
    return f'{{ user: "CN={name}", permissions: {{ {allowed} }} }}'


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
