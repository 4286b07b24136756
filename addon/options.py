"""What the proxy is started with, checked before anything runs (no mitmproxy in here)."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from addon.holders import name_holder, port_is_taken
from tracker.errors import TellableError

PORT = 47821


class ProxyError(TellableError):
    """The proxy cannot start or go on."""


def tell_on_stderr(line: str) -> None:
    """Tell the person one line."""
    print(f"klimaspor: {line}", file=sys.stderr, flush=True)  # noqa: T201 - this is how a running proxy speaks


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyOptions:
    """Everything the proxy needs to know."""

    db: Path
    folder: Path
    """The data folder: the certificate authority, the state file and the token live here."""
    port: int = PORT
    """On loopback; 0 takes a free one."""
    upstream: str | None = None
    """A company's proxy, ``http://[user:password@]host:port``."""
    upstream_ca: Path | None = None
    """PEM certificates to trust upstream, beside the public ones: a company that breaks TLS, or a test's authority."""
    local: Mapping[str, int] = field(default_factory=dict)
    """Local model servers: service name → its port on loopback."""
    opened: tuple[str, ...] = ()
    """Services that carry more than a chatbot and that the person opened all the same."""
    own_hosts: tuple[str, ...] = ()
    """Hosts of the person's own that match a service's pattern."""
    authority: Path | None = None
    """Folder of the certificate authority; ``folder/authority`` if None."""
    redirect: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    """For tests and ``klimaspor try``: where a host really is; ``*`` stands for every other one."""
    tell: Callable[[str], None] = tell_on_stderr
    """How one line reaches the person."""
    worker: str = "addon.worker"
    """The module that runs as the worker; tests plant others."""
    fail_open: bool = True
    """The PAC lets browsers go on without the proxy."""

    @property
    def authority_folder(self) -> Path:
        return self.authority or self.folder / "authority"

    @property
    def local_ports(self) -> dict[int, str]:
        """The listening port of each local server: those after the proxy's own, in order of their names."""
        first = (self.port or PORT) + 1
        return {first + i: name for i, name in enumerate(sorted(self.local))}


@dataclass(frozen=True, slots=True)
class Upstream:
    """A company's proxy, taken apart."""

    spec: str
    """``http://host:port``."""
    address: tuple[str, int]
    login: str | None
    """``user:password``."""


def read_upstream(url: str) -> Upstream:
    """Take ``http://[user:password@]host:port`` apart; raise ProxyError if it is not that."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or parts.scheme not in {"http", "https"} or parts.path.strip("/"):
        shown = url.rpartition("@")[2][:80]
        raise ProxyError(f"This is not a proxy's address · {shown} · write it as http://host:port")
    login = None if parts.username is None else f"{parts.username}:{parts.password or ''}"
    return Upstream(f"{parts.scheme}://{host}:{port}", (host, port), login)


def bundle_authorities(options: ProxyOptions) -> Path | None:
    """
    Return a file with the public certificate authorities and those of ``upstream_ca``; None if there are no others.

    :raises ProxyError: if the file is missing, unreadable or holds no certificate.
    """
    if options.upstream_ca is None:
        return None
    import certifi

    try:
        theirs = options.upstream_ca.read_text("ascii")
        ssl.create_default_context(cadata=theirs)
    except FileNotFoundError:
        raise ProxyError(
            f"The certificate file is missing · {options.upstream_ca} · ask for your company's root certificate as a "
            "PEM file"
        ) from None
    except (OSError, UnicodeDecodeError, ValueError):
        raise ProxyError(
            f"The certificate file cannot be used · {options.upstream_ca} · it must be readable and hold certificates "
            "in PEM form (-----BEGIN CERTIFICATE-----)"
        ) from None
    public = Path(certifi.where()).read_text("ascii")
    bundle = options.folder / "upstream-authorities.pem"
    bundle.write_text(f"{public}\n{theirs}\n", "ascii")
    return bundle


@contextmanager
def usable(folder: Path) -> Iterator[None]:
    """Turn what the file system refuses into a ProxyError."""
    try:
        yield
    except OSError as error:
        what = error.strerror or type(error).__name__
        raise ProxyError(
            f"The data folder cannot be used ({what}) · {folder} · choose another place with --db"
        ) from None


def refuse_taken_port(port: int) -> None:
    """Raise ProxyError if somebody listens on this port already, and say who."""
    if port_is_taken(port):
        raise ProxyError(
            f"The port is taken · {port} by {name_holder(port)} · stop that program, or choose another port with --port"
        )


def read_local(values: tuple[str, ...]) -> dict[str, int]:
    """Read ``NAME=PORT`` values of ``--local``; raise ProxyError if one is not that."""
    local = {}
    for value in values:
        name, _, port = value.partition("=")
        if not name or not port.isdecimal() or not 0 < int(port) < 65536:
            raise ProxyError(f"This is not a local server · {value[:60]} · write it as ollama=11434")
        local[name.strip().lower()] = int(port)
    return local
