"""The certificate authority of this computer, which can sign nothing but the listed hosts."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from addon.certificate import CLOCK_SLACK, AuthorityError, exact_hosts, issue, make_key
from tracker.private import make_private_folder, make_whole, write_whole

LIFETIME = timedelta(days=730)
RENEW_BEFORE = timedelta(days=30)
WINDOW_LIFETIME = timedelta(hours=24)
"""For an authority that lives as long as one browser window."""

CERTIFICATE_FILE = "klimaspor-ca.crt"
KEY_FILE = "mitmproxy-ca.pem"
"""Key and certificate in one file, under the name that mitmproxy looks for in its ``confdir``."""


@dataclass(frozen=True, slots=True)
class Authority:
    """
    A certificate authority in a folder: key (0600, folder 0700) and a certificate with critical name constraints.

    A stolen key opens no bank: names outside ``hosts`` (and their subdomains where no verifier minds), every IP
    address and every other use than a TLS server are refused by whoever trusts this certificate.
    """

    folder: Path
    certificate: x509.Certificate

    @classmethod
    def load_or_make(cls, folder: Path, hosts: Iterable[str], lifetime: timedelta = LIFETIME) -> Authority:
        """
        Return the authority in ``folder``; make it if there is none, reissue it when ``hosts`` has new names or it
        ends within ``RENEW_BEFORE``.

        A reissued certificate keeps its key, its name and how long it was made for, so that whoever trusts the older
        one still accepts the hosts that were in it. An expired one gets a new key. Raises ``AuthorityError``.
        """
        wanted = exact_hosts(hosts)
        if not wanted:
            message = "No certificate was made · no host is listed · reinstall klimaspor"
            raise AuthorityError(message)
        try:
            _protect(folder)
            damaged = (folder / KEY_FILE).exists()  # asked before reading: files appear whole, so unreadable is damaged
            found = cls._read(folder)
            if found is None:
                _publish(folder, *issue(make_key(), wanted, lifetime), replace=damaged)
                found = cls._read(folder)
            if found is None:
                message = f"The certificate cannot be read · {folder / KEY_FILE} · delete this file and try again"
                raise AuthorityError(message)
            if not found.is_valid:
                _publish(folder, *issue(make_key(), wanted, lifetime), replace=True)
            elif not found.covers(wanted) or found.ends_soon:
                name = found.certificate.subject
                key, _ = _read_pair(folder)
                _publish(folder, *issue(key, wanted, found.lifetime, name), replace=True)
            else:
                return found
            return cls._read(folder) or found
        except OSError as error:
            message = f"The certificate could not be kept · {folder} ({error.strerror}) · make this folder writable"
            raise AuthorityError(message) from None

    @classmethod
    def load(cls, folder: Path) -> Authority | None:
        """Return the authority in ``folder`` as it is, or None if there is none or it cannot be read."""
        try:
            return cls._read(folder)
        except OSError:
            return None

    @classmethod
    def _read(cls, folder: Path) -> Authority | None:
        try:
            _, certificate = _read_pair(folder)
        except (FileNotFoundError, ValueError, TypeError, x509.ExtensionNotFound):
            return None
        public = certificate.public_bytes(serialization.Encoding.PEM)
        shown = folder / CERTIFICATE_FILE
        if not shown.exists() or shown.read_bytes() != public:
            write_whole(shown, public, 0o644)
        return cls(folder, certificate)

    @property
    def certificate_path(self) -> Path:
        """The certificate alone (PEM), which may be shown to everyone."""
        return self.folder / CERTIFICATE_FILE

    @property
    def name(self) -> str:
        """The common name, also the nickname in trust stores: which computer, and which key."""
        return str(self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, lower-case hex."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    @property
    def public_key_pin(self) -> str:
        """Base64 of the SHA-256 of the public key (SPKI), as browsers spell pins."""
        spki = self.certificate.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(hashlib.sha256(spki).digest()).decode()

    @property
    def hosts(self) -> frozenset[str]:
        """The host names that this certificate permits."""
        constraints = self.certificate.extensions.get_extension_for_class(x509.NameConstraints).value
        names = constraints.permitted_subtrees or []
        return frozenset(name.value for name in names if isinstance(name, x509.DNSName))

    @property
    def expires(self) -> datetime:
        return self.certificate.not_valid_after_utc

    @property
    def is_valid(self) -> bool:
        """Whether now lies within its dates."""
        return self.certificate.not_valid_before_utc <= datetime.now(UTC) < self.expires

    @property
    def lifetime(self) -> timedelta:
        """How long it was made for."""
        return self.expires - self.certificate.not_valid_before_utc - CLOCK_SLACK

    @property
    def ends_soon(self) -> bool:
        """Whether it is time for a new one; of a shorter life, in its last tenth."""
        return self.expires - datetime.now(UTC) < min(RENEW_BEFORE, self.lifetime / 10)

    def covers(self, hosts: Iterable[str]) -> bool:
        """Whether every one of these hosts is permitted by name; patterns (``*.``) are left out."""
        return exact_hosts(hosts) <= self.hosts


def _read_pair(folder: Path) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """Read key and certificate; raise ValueError or ExtensionNotFound unless they are a pair made by this module."""
    pem = (folder / KEY_FILE).read_bytes()
    key = serialization.load_pem_private_key(pem, None)
    certificate = x509.load_pem_x509_certificate(pem)
    constraints = certificate.extensions.get_extension_for_class(x509.NameConstraints)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not constraints.critical:
        raise ValueError
    if key.public_key() != certificate.public_key():
        raise ValueError
    return key, certificate


def _protect(folder: Path) -> None:
    """Make the folder and shut others out; refuse one that belongs to somebody else."""
    make_private_folder(folder.parent)  # the data folder, if we are the first to need it
    make_private_folder(folder)
    status = folder.stat()
    if hasattr(os, "getuid") and status.st_uid != os.getuid():
        message = f"The certificate's key would not be yours alone · {folder} belongs to another user · choose another"
        raise AuthorityError(message)
    if stat.S_IMODE(status.st_mode) & 0o077:
        folder.chmod(0o700)
    key = folder / KEY_FILE
    if key.exists() and stat.S_IMODE(key.stat().st_mode) & 0o077:
        key.chmod(0o600)


def _publish(folder: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate, *, replace: bool) -> None:
    """Write key and certificate; where two programs start at once, the first stays unless ``replace``."""
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    if replace:
        write_whole(folder / KEY_FILE, private + public, to_disk=True)
    else:
        make_whole(folder / KEY_FILE, private + public)
