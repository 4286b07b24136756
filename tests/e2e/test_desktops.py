"""The proxy settings of GNOME (its real settings daemon) and KDE (its real tools): set, wrapped, read back, undone."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from addon.pac import Previous, load_previous
from tests.e2e.browsing import Chromium, missing_tools, wrap_browsers
from tests.e2e.company import CompanyProxy, company_proxy
from tests.e2e.sites import Sites
from tests.e2e.test_browser_window import BANK, KLIMASPOR, example
from tests.rig import free_port
from tracker.setup import nss

pytestmark = pytest.mark.browser

GNOME = "org.gnome.system.proxy"
DEFAULTS = {"mode": "'none'", "autoconfig-url": "''"}


@pytest.fixture
def gnome(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A session bus with the real dconf behind gsettings, as a GNOME desktop has; no desktop is drawn."""
    if not all(shutil.which(name) for name in ("gsettings", "dbus-daemon")):
        pytest.skip("needs gsettings and dbus-daemon (Debian: libglib2.0-bin, gsettings-desktop-schemas, dbus)")
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "GNOME")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    command = ["dbus-daemon", "--session", "--nofork", "--print-address=1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as bus:
        assert bus.stdout is not None
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.stdout.readline().strip())
        yield
        bus.terminate()


def gsettings(*arguments: str) -> str:
    return subprocess.run(["gsettings", *arguments], capture_output=True, text=True, check=True).stdout.strip()


def read_gnome() -> dict[str, str]:
    return {key: gsettings("get", GNOME, key) for key in DEFAULTS}


def run(*arguments: str, code: int = 0) -> str:
    done = subprocess.run([*KLIMASPOR, *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout + done.stderr


@contextmanager
def proxy(*arguments: str) -> Iterator[int]:
    port = free_port()
    run("start", "--detach", f"--port={port}", *arguments)
    try:
        yield port
    finally:
        run("stop")


@contextmanager
def pac_server(text: str) -> Iterator[str]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_arguments: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/company.pac"
        server.shutdown()
        thread.join(5)


@pytest.mark.usefixtures("gnome")
def test_gnome_is_set_and_reset(home: Path) -> None:
    assert read_gnome() == DEFAULTS
    with proxy() as port:
        run("setup", "--yes", "--no-autostart", f"--port={port}")
        assert read_gnome() == {"mode": "'auto'", "autoconfig-url": f"'http://127.0.0.1:{port}/proxy.pac'"}
        run("undo")
    assert read_gnome() == DEFAULTS


@pytest.mark.usefixtures("gnome")
def test_what_the_person_changed_since_is_left_alone(home: Path) -> None:
    with proxy() as port:
        run("setup", "--yes", "--no-autostart", f"--port={port}")
        gsettings("set", GNOME, "autoconfig-url", "http://intranet.example/new.pac")
        said = run("undo")
        assert "changed since" in said
    assert read_gnome() == {"mode": "'auto'", "autoconfig-url": "'http://intranet.example/new.pac'"}


@pytest.mark.usefixtures("gnome")
def test_another_port_replaces_the_first_and_undo_finds_the_beginning(home: Path) -> None:
    gsettings("set", GNOME, "autoconfig-url", "http://intranet.example/dormant.pac")
    before = read_gnome()
    with proxy() as port:
        run("setup", "--yes", "--no-autostart", f"--port={port}")
    with proxy() as other:
        run("setup", "--yes", "--no-autostart", f"--port={other}")
        assert str(other) in read_gnome()["autoconfig-url"]
        run("undo")
    assert read_gnome() == before


@pytest.mark.usefixtures("gnome")
@pytest.mark.parametrize("present", ["pac", "manual"])
def test_a_company_s_answers_survive_and_chromium_follows_them(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, present: str
) -> None:
    """Its proxy is set already: listed hosts come to us and then to it, all others go to it as before."""
    assert missing_tools() == []
    talk = example()
    sites = Sites([talk.host, BANK], tmp_path, [talk])
    debug_port = free_port()
    with sites.serve() as site_port, company_proxy(site_port) as theirs, company_proxy(site_port) as behind_us:
        pac = f"function FindProxyForURL(url, host) {{ return 'PROXY 127.0.0.1:{theirs.port}'; }}"
        with pac_server(pac) as url, proxy(f"--upstream=http://127.0.0.1:{behind_us.port}",
                                           f"--upstream-ca={sites.authority_path}") as port:  # fmt: skip
            if present == "pac":
                gsettings("set", GNOME, "autoconfig-url", url)
                gsettings("set", GNOME, "mode", "auto")
            else:
                gsettings("set", f"{GNOME}.https", "host", "127.0.0.1")
                gsettings("set", f"{GNOME}.https", "port", str(theirs.port))
                gsettings("set", GNOME, "mode", "manual")
            before = read_gnome()
            wrap_browsers(tmp_path / "bin", debug_port, site_port, [])
            monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
            nss.make_store(home / ".pki/nssdb")
            nss.trust(home / ".pki/nssdb", "the sites' own authority", sites.authority_path)
            said = run("setup", "--yes", "--no-autostart", f"--port={port}")
            assert "stays in force for all other hosts" in said
            visit_both(home, debug_port, talk.host)
            assert BANK in theirs.asked, "other hosts get the company's own answer"
            assert talk.host not in theirs.asked
            assert set(behind_us.asked) == {talk.host}
            check_previous(load_previous(home / ".local/share/klimaspor"), present, url, theirs)
            run("setup", "--yes", "--no-autostart", f"--port={port}")
            check_previous(load_previous(home / ".local/share/klimaspor"), present, url, theirs)
            run("undo")
            assert read_gnome() == before
            assert not (home / ".local/share/klimaspor/previous-proxy.json").exists()


def check_previous(kept: Previous, present: str, url: str, theirs: CompanyProxy) -> None:
    assert kept.kind == present, "never ourselves"
    assert kept.pac_url == (url if present == "pac" else None)
    assert kept.https == (None if present == "pac" else f"127.0.0.1:{theirs.port}")


def visit_both(home: Path, debug_port: int, listed: str) -> None:
    command = ["chromium", f"--user-data-dir={home / 'chromium'}", "--no-first-run", "about:blank"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        tab = Chromium(debug_port)
        try:
            assert tab.visit(f"https://{listed}/") is None
            assert tab.visit(f"https://{BANK}/") is None
            assert tab.evaluate("document.title") == "ready"
            assert tab.issuers[listed].startswith("klimaspor on ")
            assert not tab.issuers[BANK].startswith("klimaspor on ")
        finally:
            tab.close()
            process.wait(30)


@pytest.mark.usefixtures("gnome")
def test_a_company_s_pac_that_cannot_be_read_changes_nothing(home: Path) -> None:
    gsettings("set", GNOME, "autoconfig-url", f"http://127.0.0.1:{free_port()}/gone.pac")
    gsettings("set", GNOME, "mode", "auto")
    before = read_gnome()
    said = run("setup", "--yes", "--no-autostart", code=1)
    assert "nothing was changed" in said
    assert read_gnome() == before
    assert not (home / ".pki").exists()


@pytest.mark.skipif(shutil.which("kwriteconfig5") is None, reason="needs kwriteconfig5 (Debian: libkf5config-bin)")
def test_kde_is_set_wrapped_and_undone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "KDE")
    write = ["kwriteconfig5", "--file", "kioslaverc", "--group", "Proxy Settings"]
    for key, value in (
        ("ProxyType", "1"),
        ("httpsProxy", "http://proxy.example 3128"),
        ("NoProxyFor", "intern.example"),
    ):
        subprocess.run([*write, "--key", key, value], check=True)
    settings = home / ".config/kioslaverc"
    before = sorted(settings.read_text().splitlines())
    with proxy("--upstream=http://proxy.example:3128") as port:
        run("setup", "--yes", "--no-autostart", f"--port={port}")
        text = settings.read_text()
        assert "ProxyType=2" in text
        assert f"Proxy Config Script=http://127.0.0.1:{port}/proxy.pac" in text
        kept = load_previous(home / ".local/share/klimaspor")
        assert kept == Previous(kind="manual", https="proxy.example:3128", ignore=("intern.example",))
        run("undo")
    assert sorted(settings.read_text().splitlines()) == before
