"""The authority signs for the listed hosts only: for OpenSSL, whatever somebody does with its key."""

from __future__ import annotations

import ssl
import stat
import subprocess
import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from addon.authority import KEY_FILE, LIFETIME, WINDOW_LIFETIME, Authority
from addon.certificate import AuthorityError, exact_hosts
from tests.theft import FORBIDDEN, forge_leaf, forge_twin

HOSTS = ("chatgpt.com", "claude.ai", "api.openai.com", "www.google.com")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.load_or_make(tmp_path_factory.mktemp("authority") / "ca", HOSTS)


def shake_hands(authority: Authority, chain: Path, host: str, *, strict: bool = True) -> None:
    """Do a whole TLS handshake in memory: a server with ``chain``, a client that trusts the authority alone."""
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(chain)
    client_side = ssl.create_default_context(cafile=authority.certificate_path)
    if strict:
        client_side.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_side.wrap_bio(to_server, to_client, server_side=True)
    client = client_side.wrap_bio(to_client, to_server, server_hostname=host)
    done: set[ssl.SSLObject] = set()
    while len(done) < 2:
        for side in (client, server):
            try:
                side.do_handshake()
                done.add(side)
            except ssl.SSLWantReadError:
                continue


@pytest.mark.parametrize("host", HOSTS)
def test_listed_hosts_are_accepted(authority: Authority, host: str, tmp_path: Path) -> None:
    shake_hands(authority, forge_leaf(authority.folder, host, tmp_path), host)


def test_the_leaves_that_mitmproxy_makes_are_accepted(authority: Authority, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mitmproxy.certs import CertStore

        store = CertStore.from_store(authority.folder, "mitmproxy", 2048)
        entry = store.get_cert("claude.ai", [x509.DNSName("claude.ai")], "Anyone")
    key = (authority.folder / KEY_FILE).read_bytes().split(b"-----BEGIN CERTIFICATE")[0]
    chain = tmp_path / "leaf.pem"
    chain.write_bytes(key + entry.cert.to_pem())
    shake_hands(authority, chain, "claude.ai")
    assert store.default_ca.fingerprint().hex() == authority.fingerprint


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("host", FORBIDDEN)
def test_openssl_refuses_a_leaf_signed_by_the_stolen_key(
    authority: Authority, host: str, strict: bool, tmp_path: Path
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        shake_hands(authority, forge_leaf(authority.folder, host, tmp_path), host, strict=strict)


@pytest.mark.parametrize("host", ["login.chatgpt.com", "a.b.claude.ai", "accounts.www.google.com"])
def test_openssl_refuses_subdomains_of_listed_hosts(authority: Authority, host: str, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="excluded subtree violation"):
        shake_hands(authority, forge_leaf(authority.folder, host, tmp_path), host)


def test_openssl_refuses_a_wildcard_leaf_under_a_listed_host(authority: Authority, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="subtree violation"):
        shake_hands(authority, forge_leaf(authority.folder, "*.chatgpt.com", tmp_path), "files.chatgpt.com")


def test_openssl_refuses_an_address_instead_of_a_name(authority: Authority, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="excluded subtree violation"):
        shake_hands(authority, forge_leaf(authority.folder, "192.168.1.1", tmp_path), "192.168.1.1")


@pytest.mark.parametrize("host", FORBIDDEN)
def test_openssl_refuses_a_forged_twin_without_constraints(authority: Authority, host: str, tmp_path: Path) -> None:
    """The thief makes a second authority with the same name and key but no constraints and sends it along."""
    chain = forge_leaf(authority.folder, host, tmp_path, between=forge_twin(authority.folder))
    with pytest.raises(ssl.SSLCertVerificationError, match="subtree violation"):
        shake_hands(authority, chain, host)


def test_openssl_refuses_an_authority_below_ours(authority: Authority, tmp_path: Path) -> None:
    chain = forge_leaf(authority.folder, "claude.ai", tmp_path, between=forge_twin(authority.folder, name="Below"))
    with pytest.raises(ssl.SSLCertVerificationError, match=r"path length constraint|invalid CA|subtree violation"):
        shake_hands(authority, chain, "claude.ai")


def test_a_leaf_is_no_authority_for_mail_or_programs(authority: Authority, tmp_path: Path) -> None:
    chain = forge_leaf(authority.folder, "claude.ai", tmp_path, purpose=ExtendedKeyUsageOID.EMAIL_PROTECTION)
    for purpose in ("smimesign", "smimeencrypt", "sslclient"):
        done = subprocess.run(
            ["openssl", "verify", "-purpose", purpose, "-CAfile", authority.certificate_path, chain],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode != 0, done.stdout
        assert "unsuitable certificate purpose" in done.stderr


def test_the_certificate_says_what_it_is(authority: Authority) -> None:
    extensions = authority.certificate.extensions
    constraints = extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    assert authority.hosts == set(HOSTS)
    basic = extensions.get_extension_for_class(x509.BasicConstraints)
    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 0)
    usage = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert abs(authority.expires - datetime.now(UTC) - LIFETIME) < timedelta(minutes=5)


def test_the_name_is_this_computers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.node", lambda: "Kåres-PC\n" + "x" * 80)
    made = Authority.load_or_make(tmp_path / "ca", HOSTS)
    assert made.name.startswith("klimaspor on K-res-PC-")
    assert len(made.name) <= 64
    other = Authority.load_or_make(tmp_path / "other", HOSTS)
    assert other.name != made.name, "two keys never share a name, or trust stores would mix them up"


def test_key_and_folder_are_for_the_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "ca"
    folder.mkdir(mode=0o755)
    made = Authority.load_or_make(folder, HOSTS)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / KEY_FILE).stat().st_mode) == 0o600
    assert b"PRIVATE" not in made.certificate_path.read_bytes()
    (folder / KEY_FILE).chmod(0o644)
    Authority.load_or_make(folder, HOSTS)
    assert stat.S_IMODE((folder / KEY_FILE).stat().st_mode) == 0o600


def test_the_data_folder_is_private_also_when_the_authority_comes_first(tmp_path: Path) -> None:
    Authority.load_or_make(tmp_path / "deep" / "data" / "authority", HOSTS)
    assert stat.S_IMODE((tmp_path / "deep" / "data").stat().st_mode) == 0o700


def test_it_is_made_once(tmp_path: Path) -> None:
    made = Authority.load_or_make(tmp_path / "ca", HOSTS)
    assert Authority.load_or_make(tmp_path / "ca", HOSTS[:2]).fingerprint == made.fingerprint
    assert Authority.load(tmp_path / "ca") == made
    assert Authority.load(tmp_path / "none") is None


def test_programs_that_start_at_once_get_the_same_authority(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: Authority.load_or_make(tmp_path / "ca", HOSTS).fingerprint, range(8)))
    assert len(set(made)) == 1
    assert not list((tmp_path / "ca").glob(".*"))


def test_who_opens_an_authority_made_for_a_day_leaves_it_at_a_day(tmp_path: Path) -> None:
    made = Authority.load_or_make(tmp_path / "ca", HOSTS, WINDOW_LIFETIME)
    opened = Authority.load_or_make(tmp_path / "ca", HOSTS)
    assert opened.fingerprint == made.fingerprint
    wider = Authority.load_or_make(tmp_path / "ca", [*HOSTS, "chat.deepseek.com"])
    assert wider.lifetime == made.lifetime == WINDOW_LIFETIME


def test_a_new_service_reissues_it_and_old_trust_keeps_working(tmp_path: Path) -> None:
    old = Authority.load_or_make(tmp_path / "ca", HOSTS)
    kept = tmp_path / "trusted-before.crt"
    kept.write_bytes(old.certificate_path.read_bytes())
    new_host = "chat.mistral.ai"
    assert old.covers(HOSTS)
    assert not old.covers([*HOSTS, new_host])
    new = Authority.load_or_make(tmp_path / "ca", [*HOSTS, new_host, "*.openai.azure.com"])
    assert new.covers([*HOSTS, new_host, "*.openai.azure.com"])
    assert (new.name, new.public_key_pin) == (old.name, old.public_key_pin)
    assert new.fingerprint != old.fingerprint
    shake_hands(new, forge_leaf(new.folder, new_host, tmp_path), new_host)
    leaf = forge_leaf(new.folder, "claude.ai", tmp_path, between=new.certificate)
    for host, accepted in (("claude.ai", True), (new_host, False)):
        leaf = forge_leaf(new.folder, host, tmp_path, between=new.certificate)
        done = subprocess.run(
            ["openssl", "verify", "-CAfile", kept, "-untrusted", leaf, leaf],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode == 0) == accepted, done.stderr


def test_an_expired_authority_gets_a_new_key(tmp_path: Path) -> None:
    expired = Authority.load_or_make(tmp_path / "ca", HOSTS, timedelta(seconds=-60))
    renewed = Authority.load_or_make(tmp_path / "ca", HOSTS)
    assert not expired.is_valid
    assert renewed.is_valid
    assert renewed.public_key_pin != expired.public_key_pin


def test_a_window_of_its_own_lives_a_day(tmp_path: Path) -> None:
    made = Authority.load_or_make(tmp_path / "ca", HOSTS, WINDOW_LIFETIME)
    assert timedelta(hours=23) < made.expires - datetime.now(UTC) <= timedelta(hours=24)


@pytest.mark.parametrize(
    "content", [b"", b"not a key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_damaged_key_file_is_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ca").mkdir()
    (tmp_path / "ca" / KEY_FILE).write_bytes(content)
    assert Authority.load_or_make(tmp_path / "ca", HOSTS).covers(HOSTS)


def test_an_authority_without_constraints_is_never_used(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mitmproxy.certs import CertStore

        CertStore.create_store(tmp_path / "ca", "mitmproxy", 2048)
    assert Authority.load(tmp_path / "ca") is None
    assert Authority.load_or_make(tmp_path / "ca", HOSTS).hosts == set(HOSTS)


@pytest.mark.parametrize(
    "name", ["com", "", ".", "claude.ai/x", "*claude.ai", "a b.com", "1.2.3.4", "-a.com", "a..com", "münchen.de"]
)
def test_what_is_no_full_host_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(AuthorityError, match="not a full host name"):
        Authority.load_or_make(tmp_path / "ca", [name])


def test_no_host_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AuthorityError, match="no host is listed"):
        Authority.load_or_make(tmp_path / "ca", ["*.example.com"])


def test_names_are_compared_in_lower_case() -> None:
    assert exact_hosts(["Claude.AI", "claude.ai."]) == {"claude.ai"}


def test_a_folder_that_cannot_be_written_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AuthorityError, match="make this folder writable"):
        Authority.load_or_make(tmp_path / "file" / "ca", HOSTS)


def test_the_common_name_is_the_only_name(authority: Authority) -> None:
    assert [attribute.oid for attribute in authority.certificate.subject] == [NameOID.COMMON_NAME]
    assert authority.certificate.subject == authority.certificate.issuer
