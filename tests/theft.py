"""What a thief of the authority's key would try: leaves for other sites, a twin without constraints."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

FORBIDDEN = (
    "accounts.google.com", "login.microsoftonline.com", "mail.google.com", "s3.amazonaws.com",
    "nettbank.example.no", "google.com",
)  # fmt: skip
SERVER = ExtendedKeyUsageOID.SERVER_AUTH


def steal(folder: Path) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    pem = (folder / "mitmproxy-ca.pem").read_bytes()
    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key, x509.load_pem_x509_certificate(pem)


def forge_leaf(
    folder: Path,
    host: str,
    out: Path,
    *,
    between: x509.Certificate | None = None,
    purpose: x509.ObjectIdentifier = SERVER,
) -> Path:
    """Sign a well-formed leaf for ``host`` with the stolen key; return a PEM file with key and chain."""
    key, ca = steal(folder)
    try:
        name: x509.GeneralName = x509.IPAddress(ip_address(host))
    except ValueError:
        name = x509.DNSName(host)
    now = datetime.now(UTC)
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "leaf")]))
        .issuer_name(between.subject if between else ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([name]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    chain = [leaf, between] if between else [leaf]
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = out / f"stolen-{host.replace('*', 'any')}.pem"
    path.write_bytes(b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain) + private)
    return path


def forge_twin(folder: Path, name: str | None = None) -> x509.Certificate:
    """Make an authority with the stolen key and no constraints: with the same name, or signed by ours."""
    key, ca = steal(folder)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) if name else ca.subject
    now = datetime.now(UTC)
    usage = dict.fromkeys(
        ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
         "encipher_only", "decipher_only"), False
    )  # fmt: skip
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage, key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
