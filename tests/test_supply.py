"""Known faults in what we are built of: SECURITY.md says why none of them reaches anybody, and this shows it."""

from __future__ import annotations

import re
import ssl
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import certifi
import httpx
import pytest
from hypercorn.config import Config
from packaging.requirements import Requirement

from tests.rig import OPENAI, QUESTION, Reply, completion, rig

ROOT = Path(__file__).parent.parent
NOT_LOADED = {"msgpack", "tornado", "cryptography.hazmat.primitives.serialization.pkcs7"}
A_PROXY_AT_WORK = f"""
import sys, tempfile, pathlib, httpx
from tests.rig import OPENAI, QUESTION, Reply, completion, rig
import addon.worker, mitmproxy.io
import cryptography.x509.verification
cryptography.x509.verification.PolicyBuilder = None  # whoever verified certificates with it would break
with tempfile.TemporaryDirectory() as folder, rig(pathlib.Path(folder)) as way:
    way.origin.replies["/v1/chat/completions"] = Reply(completion(3))
    with httpx.Client(proxy=way.proxy_url, verify=way.trust, http2=True, trust_env=False, timeout=20) as session:
        assert session.post("{OPENAI}", json={QUESTION}).status_code == 200
    assert len(way.records()) == 1
print(*sorted(sys.modules), sep="\\n")
"""


def test_bounds_that_the_security_page_names_are_the_ones_we_ask_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    lists = [
        project["build-system"]["requires"],
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
        *project["dependency-groups"].values(),
    ]
    asked = {
        (one.name, f"{bound.operator}{bound.version}")
        for one in map(Requirement, chain(*lists))
        for bound in one.specifier
    }
    page = (ROOT / "SECURITY.md").read_text("utf-8")
    named = set(re.findall(r"`([a-z0-9-]+)(>=[\d.]+)`", page))
    assert len(named) > 4
    assert named - asked == set()


def test_a_proxy_at_work_uses_nothing_of_what_has_known_faults() -> None:
    done = subprocess.run(
        [sys.executable, "-c", A_PROXY_AT_WORK], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert {"mitmproxy.proxy.server", "h2.connection", "cryptography.x509"} <= loaded
    assert loaded & NOT_LOADED == set()


@pytest.mark.parametrize(("spoken", "offered"), [(["http/1.1"], "HTTP/1.1"), (["h2", "http/1.1"], "HTTP/2")])
def test_a_client_is_offered_http2_only_where_the_service_speaks_it(
    spoken: list[str], offered: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Config, "alpn_protocols", spoken)
    with rig(tmp_path) as way:
        way.origin.replies["/v1/chat/completions"] = Reply(completion(3))
        with httpx.Client(proxy=way.proxy_url, verify=way.trust, http2=True, trust_env=False, timeout=20) as session:
            assert session.post(OPENAI, json=QUESTION).http_version == offered
        assert [f"HTTP/{seen.http_version}" for seen in way.origin.seen] == [offered]


def test_no_authority_whose_key_is_public_is_trusted_upstream() -> None:
    trusted = [str(one["subject"]) for one in ssl.create_default_context(cafile=certifi.where()).get_ca_certs()]
    assert len(trusted) > 50
    assert [name for name in trusted if "emSign" in name or "eMudhra" in name] == []


REPLACED = """
from mitmproxy.addons import next_layer
from mitmproxy.proxy import mode_servers
from mitmproxy.proxy.layers import http, tls, websocket
from mitmproxy.proxy.layers.http import _http1, _http2
rooms = [next_layer, mode_servers, http, tls, websocket, _http1, _http2]
before = [dict(vars(room)) for room in rooms]
from addon.wire import bear_more
bear_more()
for room, names in zip(rooms, before):
    for name, part in vars(room).items():
        if part is not names.get(name):
            print(name, issubclass(part, names.get(name, ())))
"""


def test_each_part_of_mitmproxy_that_we_replace_is_there_and_ours_is_one_of_its_kind() -> None:
    """One that a newer mitmproxy calls otherwise would stay its own, and nobody would be told."""
    told = subprocess.check_output([sys.executable, "-c", REPLACED], text=True, cwd=ROOT)
    names = (
        "ServerTLSLayer", "ProxyConnectionHandler", "HttpClient", "Http1Client", "Http2Client", "Http2Server",
        "ServerTLSLayer", "WebsocketConnection", "ChunkedReader", "BufferedH2Connection",
    )  # fmt: skip
    assert sorted(told.splitlines()) == sorted(f"{name} True" for name in names)
