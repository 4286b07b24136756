"""A command run by klimaspor trusts what it trusted before, plus our certificate, and nothing else changes."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
import trustme

from addon.authority import Authority
from tracker.setup.environment import BUNDLES, build_environment, company_proxy, local_domains


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.load_or_make(tmp_path / "ca", ["claude.ai"])


def build(present: dict[str, str], authority: Authority, folder: Path, **more: tuple[str, ...]) -> dict[str, str]:
    folder.mkdir(exist_ok=True)
    return build_environment(present, 47821, authority.certificate_path, folder, **more)


def subjects(bundle: str) -> list[object]:
    return [one["subject"] for one in ssl.create_default_context(cafile=bundle).get_ca_certs()]


def test_bundles_hold_the_present_roots_and_ours(authority: Authority, tmp_path: Path) -> None:
    company = trustme.CA(organization_name="company")
    company.cert_pem.write_to_path(tmp_path / "company.pem")
    environment = build({"SSL_CERT_FILE": str(tmp_path / "company.pem")}, authority, tmp_path / "out")
    ours = authority.certificate_path.read_bytes()
    assert Path(environment["SSL_CERT_FILE"]).read_bytes() == (tmp_path / "company.pem").read_bytes() + ours
    assert len(subjects(environment["SSL_CERT_FILE"])) == 2, "a root the person left out does not come back"
    assert Path(environment["NODE_EXTRA_CA_CERTS"]).read_bytes() == ours
    for bundle in BUNDLES:
        if bundle.default != "leave":
            assert Path(environment[bundle.variable]).read_bytes().endswith(ours)


def test_what_is_not_set_takes_the_default_roots(authority: Authority, tmp_path: Path) -> None:
    import certifi

    environment = build({}, authority, tmp_path / "out")
    assert Path(environment["REQUESTS_CA_BUNDLE"]).read_bytes().startswith(Path(certifi.where()).read_bytes().rstrip())
    assert len(subjects(environment["SSL_CERT_FILE"])) > 50


def test_what_a_settings_file_may_decide_is_left_alone_unless_set(authority: Authority, tmp_path: Path) -> None:
    assert not {"AWS_CA_BUNDLE", "PIP_CERT", "GIT_SSL_CAINFO"} & build({}, authority, tmp_path / "out").keys()
    (tmp_path / "git.pem").write_text("# roots\n")
    environment = build({"GIT_SSL_CAINFO": str(tmp_path / "git.pem")}, authority, tmp_path / "out")
    assert Path(environment["GIT_SSL_CAINFO"]).read_text().startswith("# roots\n-----BEGIN")


def test_requests_follows_the_variable_of_curl_as_it_does_by_itself(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "curl.pem").write_text("# curl\n")
    environment = build({"CURL_CA_BUNDLE": str(tmp_path / "curl.pem")}, authority, tmp_path / "out")
    assert Path(environment["REQUESTS_CA_BUNDLE"]).read_text().startswith("# curl\n")


def test_a_folder_of_roots_is_joined(authority: Authority, tmp_path: Path) -> None:
    roots = tmp_path / "roots"
    roots.mkdir()
    for name in ("a", "b"):
        trustme.CA(organization_name=name).cert_pem.write_to_path(roots / f"{name}.pem")
    (roots / "README").write_text("not a certificate")
    environment = build({"REQUESTS_CA_BUNDLE": str(roots)}, authority, tmp_path / "out")
    assert len(subjects(environment["REQUESTS_CA_BUNDLE"])) == 3


def test_only_https_goes_to_the_proxy_and_loopback_never(authority: Authority, tmp_path: Path) -> None:
    present = {"no_proxy": "corp.example, .intern", "http_proxy": "http://corp:3128", "LANG": "nb_NO.UTF-8"}
    environment = build(present, authority, tmp_path / "out", direct=("git.corp.example",))
    assert environment["HTTPS_PROXY"] == environment["https_proxy"] == "http://127.0.0.1:47821"
    assert environment["http_proxy"] == "http://corp:3128"
    assert environment["NO_PROXY"] == "corp.example,.intern,localhost,127.0.0.1,::1,git.corp.example"
    assert environment["LANG"] == "nb_NO.UTF-8"
    assert present == {"no_proxy": "corp.example, .intern", "http_proxy": "http://corp:3128", "LANG": "nb_NO.UTF-8"}


def test_a_company_proxy_is_found() -> None:
    assert company_proxy({"HTTPS_PROXY": "http://corp:3128"}) == "http://corp:3128"
    assert company_proxy({"http_proxy": "http://corp:3128"}) is None


def test_python_itself_accepts_the_bundle(authority: Authority, tmp_path: Path) -> None:
    environment = build(dict(os.environ), authority, tmp_path / "out")
    script = (
        "import ssl; print(any('klimaspor' in str(c['subject']) for c in ssl.create_default_context().get_ca_certs()))"
    )
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_the_network_s_own_domains_are_known(tmp_path: Path) -> None:
    resolver = tmp_path / "resolv.conf"
    resolver.write_text("# a comment\nnameserver 10.0.0.1\nsearch corp.example Lan.\ndomain corp.example\nsearch .\n")
    assert local_domains(resolver) == (".corp.example", ".lan")
    assert local_domains(tmp_path / "none") == ()
