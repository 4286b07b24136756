"""What the authority's certificate says: its name, its dates, and the only hosts it may sign for (pure)."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tracker.errors import TellableError

CLOCK_SLACK = timedelta(hours=1)

_HOST = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")


class AuthorityError(TellableError):
    """A sentence for the person: the certificate authority could not be made or read."""


def exact_hosts(hosts: Iterable[str]) -> frozenset[str]:
    """
    Return the exact host names among ``hosts``, lower-case; patterns (``*.``) are left out.

    A name without a dot or with anything but letters, digits and hyphens raises ``AuthorityError``: a constraint
    ``com`` would permit the whole of .com.
    """
    names = frozenset(host.lower().rstrip(".") for host in hosts if not host.startswith("*."))
    for name in names:
        if not _HOST.fullmatch(name):
            message = f"No certificate was made · {name[:60]!r} is not a full host name · correct the list of hosts"
            raise AuthorityError(message)
    return names


def issue(
    key: ec.EllipticCurvePrivateKey, hosts: frozenset[str], lifetime: timedelta, name: x509.Name | None = None
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    public = key.public_key()
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)
    name = name or _name_this_computer(identifier)
    now = datetime.now(UTC)
    usage = dict.fromkeys(
        ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
         "encipher_only", "decipher_only"), False
    )  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SLACK)
        .not_valid_after(now + lifetime)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(**usage, key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(identifier, critical=False)
        .add_extension(_constrain(hosts), critical=True)
    )
    return key, builder.sign(key, hashes.SHA256())


def _constrain(hosts: frozenset[str]) -> x509.NameConstraints:
    """
    Permit the hosts and exclude their subdomains, which a permitted name would admit, and every IP address.

    Subdomains of a host stay admitted where one of them is listed too: X.509 has no words for "these and no others".

    The exclusion starts with a dot, which RFC 5280 does not define for host names; OpenSSL, Chromium and Firefox
    read it as "subdomains only" (tested). Whoever does not still has the permitted list.
    """
    alone = sorted(host for host in hosts if not any(other.endswith("." + host) for other in hosts))
    return x509.NameConstraints(
        permitted_subtrees=[x509.DNSName(host) for host in sorted(hosts)],
        excluded_subtrees=[
            *(x509.DNSName("." + host) for host in alone),
            x509.IPAddress(ip_network("0.0.0.0/0")),
            x509.IPAddress(ip_network("::/0")),
        ],
    )


def _name_this_computer(identifier: x509.SubjectKeyIdentifier) -> x509.Name:
    computer = re.sub(r"[^A-Za-z0-9.-]", "-", platform.node())[:32] or "this computer"
    common_name = f"klimaspor on {computer} ({identifier.digest[:4].hex()})"
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def make_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())
