"""The files for an administrator, deployed: Chromium and Firefox take them, and hold our certificate to its hosts."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from addon.authority import Authority
from tests.e2e.browsing import Chromium, Firefox, missing_tools, steer_firefox, wrap_browsers
from tests.e2e.company import company_proxy
from tests.e2e.sites import Sites
from tests.e2e.test_browser_window import BANK, KLIMASPOR, ask, example
from tests.rig import free_port
from tests.theft import forge_leaf
from tracker.setup import nss

pytestmark = pytest.mark.browser

DEPLOY = """
mount -t overlay overlay -o lowerdir=/etc,upperdir={work}/upper,workdir={work}/work /etc || exit 77
mkdir -p /etc/chromium/policies/managed /etc/firefox/policies
cp {files}/chrome-edge-policy.json /etc/chromium/policies/managed/klimaspor.json
cp {files}/firefox-policies.json /etc/firefox/policies/policies.json
cp {files}/klimaspor-ca.crt /etc/firefox/policies/klimaspor-ca.crt
exec "$@"
"""
"""An /etc of its own, so that this computer's stays as it is."""


@pytest.mark.parametrize("kind", ["chromium", "firefox"])
def test_browsers_take_the_policies(kind: str, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root and unshare, to give the browser an /etc of its own")
    assert missing_tools() == []
    talk, stolen = example(), "accounts.google.com"
    sites = Sites([talk.host, BANK], tmp_path, [talk])
    port, debug_port = free_port(), free_port()
    with sites.serve() as site_port, company_proxy(site_port) as company:
        subprocess.run(
            [*KLIMASPOR, "start", "--detach", f"--port={port}", f"--upstream=http://127.0.0.1:{company.port}",
             f"--upstream-ca={sites.authority_path}"],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip
        try:
            files = tmp_path / "files"
            subprocess.run([*KLIMASPOR, "setup", f"--policy={files}", f"--port={port}"], check=True, timeout=60)
            authority = Authority.load(home / ".local/share/klimaspor/authority")
            assert authority is not None
            sites.stolen[stolen] = forge_leaf(authority.folder, stolen, tmp_path)
            wrap_browsers(tmp_path / "bin", debug_port, site_port, [BANK, stolen])
            profile = home / "profile"
            store = profile if kind == "firefox" else home / ".pki/nssdb"
            if kind == "firefox":
                steer_firefox(profile, site_port)
            nss.make_store(store)
            nss.trust(store, "the sites' own authority", sites.authority_path)
            option = ["-profile", profile] if kind == "firefox" else [f"--user-data-dir={profile}"]
            for name in ("upper", "work"):
                (tmp_path / name).mkdir()
            deploy = DEPLOY.format(work=tmp_path, files=files)
            command = ["unshare", "-m", "sh", "-c", deploy, "sh", tmp_path / "bin" / kind, *option, "about:blank"]
            with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
                try:
                    tab = Firefox(debug_port) if kind == "firefox" else Chromium(debug_port)
                except OSError:
                    if process.poll() == 77:
                        pytest.skip("overlay mounts are forbidden here")
                    raise
                assert tab.visit(f"https://{talk.host}/") is None
                assert tab.evaluate(ask(talk)).startswith("200 true ")
                assert tab.visit(f"https://{BANK}/") is None
                assert tab.evaluate("document.title") == "ready"
                error = tab.visit(f"https://{stolen}/")
                assert error
                assert "ERR_CERT" in error or "SEC_ERROR_CERT_NOT_IN_NAME_SPACE" in error
                assert set(company.asked) == {talk.host}
                tab.close()
                process.wait(30)
        finally:
            subprocess.run([*KLIMASPOR, "stop"], check=True, capture_output=True, timeout=60)
