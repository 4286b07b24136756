"""The environment of one command whose AI calls are recorded: proxy variables, and its present roots plus ours."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Default = Literal["system", "certifi", "nothing", "leave"]

SYSTEM_ROOTS = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # macOS, BSD
)
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Bundle:
    """One variable that names a file of trusted roots."""

    variable: str
    default: Default
    """Whose roots its readers take when it is not set; ``nothing``: it only adds; ``leave``: then not ours to set."""
    instead: str | None = None
    """Another variable that its readers look at when it is not set."""


BUNDLES = (
    Bundle("SSL_CERT_FILE", "system"),  # OpenSSL, Python, Go, Rust
    Bundle("CURL_CA_BUNDLE", "system"),
    Bundle("REQUESTS_CA_BUNDLE", "certifi", instead="CURL_CA_BUNDLE"),
    Bundle("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "certifi"),
    Bundle("NODE_EXTRA_CA_CERTS", "nothing"),
    Bundle("DENO_CERT", "nothing"),
    Bundle("AWS_CA_BUNDLE", "leave"),  # set by us it would hide ca_bundle of ~/.aws/config
    Bundle("PIP_CERT", "leave"),
    Bundle("GIT_SSL_CAINFO", "leave"),  # set by us it would hide http.sslCAInfo of git's settings
)


def build_environment(
    present: Mapping[str, str], port: int, certificate: Path, folder: Path, *, direct: tuple[str, ...] = ()
) -> dict[str, str]:
    """
    Return the environment for a command; bundles are written into ``folder``, new at each run.

    Every bundle is what the command would have trusted without us, plus our certificate, so that no other host
    breaks. ``direct`` are further hosts that shall not go through the proxy. Plain http stays as it was.
    """
    environment = dict(present)
    ours = certificate.read_bytes()
    for bundle in BUNDLES:
        roots = read_roots(bundle, present)
        if roots is None:
            continue
        path = folder / f"{bundle.variable.lower()}.pem"
        path.write_bytes(roots.rstrip(b"\n") + b"\n" + ours if roots else ours)
        environment[bundle.variable] = str(path)
    proxy = f"http://127.0.0.1:{port}"
    environment |= {"HTTPS_PROXY": proxy, "https_proxy": proxy, "NODE_USE_ENV_PROXY": "1"}
    spared = [name.strip() for key in ("NO_PROXY", "no_proxy") for name in present.get(key, "").split(",")]
    no_proxy = ",".join(dict.fromkeys(name for name in (*spared, *LOOPBACK, *direct) if name))
    return environment | {"NO_PROXY": no_proxy, "no_proxy": no_proxy}


def read_roots(bundle: Bundle, present: Mapping[str, str]) -> bytes | None:
    """Return the roots a command trusts now through this variable (PEM); None where we must not set it."""
    for variable in (bundle.variable, bundle.instead):
        if variable and (value := present.get(variable)) and (found := _read(Path(value))) is not None:
            return found
    match bundle.default:
        case "system":
            return _read_system_roots()
        case "certifi":
            import certifi

            return Path(certifi.where()).read_bytes()
        case "nothing":
            return b""
        case "leave":
            return None


def local_domains(resolver: Path = Path("/etc/resolv.conf")) -> tuple[str, ...]:
    """
    Return the domains that this network calls its own, as ``.corp.example``, from the resolver's search list.

    Their hosts are on the inside, where our proxy leads nobody.
    """
    try:
        lines = resolver.read_text("ascii", "replace").splitlines()
    except OSError:
        return ()
    words = [line.split() for line in lines]
    names = [name for word in words if word[:1] in (["search"], ["domain"]) for name in word[1:]]
    return tuple(dict.fromkeys("." + name.strip(".").lower() for name in names if name.strip(".")))


def company_proxy(present: Mapping[str, str]) -> str | None:
    """Return the proxy that https goes through now by environment, such as ``http://corp:3128``."""
    return next(
        (value for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY") if (value := present.get(name))),
        None,
    )


def _read_system_roots() -> bytes:
    import certifi

    for name in SYSTEM_ROOTS:
        if found := _read(Path(name)):
            return found
    return Path(certifi.where()).read_bytes()


def _read(path: Path) -> bytes | None:
    """Return a bundle's bytes; a folder's certificates joined; None if there is nothing to read."""
    try:
        if path.is_dir():
            parts = [
                part.read_bytes() for part in sorted(path.iterdir()) if part.is_file() and os.access(part, os.R_OK)
            ]
            return b"\n".join(dict.fromkeys(part for part in parts if b"-----BEGIN CERTIFICATE" in part))
        return path.read_bytes()
    except OSError:
        return None
