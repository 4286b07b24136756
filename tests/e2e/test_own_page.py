"""The proxy's own page in Chromium and Firefox: its forms do what they say, and no other page can send them."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.browsing import Chromium, Firefox, missing_tools, steer_firefox, wrap_browsers
from tests.e2e.sites import PAGE
from tests.rig import OPENAI, QUESTION, Reply, Rig, completion, free_port, rig
from tracker import limits
from tracker.budget import Budget
from tracker.settings import load
from tracker.store import Store

pytestmark = pytest.mark.browser
PRESS = """(() => {
  const form = [...document.forms].find(form => form.elements.do.value === %s && form.querySelector(%s));
  for (const [name, value] of Object.entries(%s)) {
    const field = form.elements[name];
    if (field.type === 'checkbox') field.checked = value; else field.value = value;
  }
  document.body.id = 'pressed';
  setTimeout(() => form.querySelector(%s).click(), 50);
})()"""
FOLLOWED = """document.body && document.body.id !== 'pressed' && document.readyState === 'complete'
  ? document.body.innerText : ''"""
FORGE = """(() => {
  const form = Object.assign(document.createElement('form'), {method: 'post', action: %s});
  for (const [name, value] of Object.entries(%s))
    form.append(Object.assign(document.createElement('input'), {name, value}));
  document.body.append(form);
  document.body.id = 'pressed';
  setTimeout(() => HTMLFormElement.prototype.submit.call(form), 50);
})()"""


@contextmanager
def browser(kind: str, folder: Path) -> Iterator[Chromium | Firefox]:
    """Open a browser with a fresh profile."""
    debug_port = free_port()
    wrap_browsers(folder / "bin", debug_port, 1, [])
    profile = folder / "profile"
    command = [str(folder / "bin" / kind)]
    if kind == "firefox":
        steer_firefox(profile, 1)
        command += ["-no-remote", "-profile", str(profile), "about:blank"]
    else:
        command += [f"--user-data-dir={profile}", "--no-first-run", "about:blank"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as opened:
        try:
            tab = Firefox(debug_port) if kind == "firefox" else Chromium(debug_port)
            yield tab
            tab.close()
            opened.wait(30)
        finally:
            opened.kill()  # nothing if it closed by itself


@contextmanager
def another_site() -> Iterator[int]:
    """Serve a page of somebody else on a port of this computer."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(PAGE)

        def log_message(self, *_arguments: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        server.daemon_threads = True  # a browser opens spare connections and says nothing on them
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join(5)


def settled(tab: Chromium | Firefox) -> str:
    """Wait for the page that follows a form; return its text."""
    for _ in range(200):
        with suppress(TimeoutError):  # the page that was asked is gone
            if isinstance(text := tab.evaluate(FOLLOWED, 5), str) and text:
                return text
        time.sleep(0.05)
    raise AssertionError("no page followed")


def press(tab: Chromium | Firefox, do: str, button: str = "button", **fields: object) -> str:
    """Fill in a form of the page and press its button; return the text of the page that follows."""
    chosen = json.dumps(button)
    tab.evaluate(PRESS % (json.dumps(do), chosen, json.dumps(fields), chosen))
    return settled(tab)


def ask(way: Rig) -> int:
    with httpx.Client(proxy=way.proxy_url, verify=way.trust, trust_env=False, timeout=20) as session:
        return session.post(OPENAI, json=QUESTION).status_code


@pytest.fixture
def way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    assert missing_tools() == [], "apt-get install chromium firefox-esr libnss3-tools"
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    with rig(tmp_path / "rig") as made:
        made.origin.replies["/v1/chat/completions"] = Reply(completion(5, name="chatcmpl-@"), numbered=True)
        yield made


@pytest.mark.parametrize("kind", ["chromium", "firefox"])
def test_every_form_does_what_it_says(way: Rig, kind: str, tmp_path: Path) -> None:
    assert ask(way) == 200
    (record,) = way.records()
    with browser(kind, tmp_path) as tab:
        assert tab.visit(way.proxy.state.page) is None
        assert "klimaspor listens" in settled(tab)

        press(tab, "rate", "button[value='4']")
        with Store.open(way.db, readonly=True) as store:
            assert [(one.subject, one.worth) for one in store.ratings()] == [(record.conversation or record.id, 4)]

        said = press(tab, "budget", amount="2", unit="questions", per="week", feature="deep_research")
        assert load(way.db).budgets == (Budget(2, "questions", "week", None, "deep_research"),)
        assert "2 questions a week, Deep research" in said
        assert "2 questions a week" not in press(tab, "drop")
        assert load(way.db).budgets == ()

        assert "klimaspor holds new turns back" in press(
            tab, "budget", amount="1", unit="questions", per="day", service="openai-api", hold=True
        )
        assert ask(way) == 429
        assert "klimaspor listens" in press(tab, "continue")
        assert ask(way) == 200

        assert "klimaspor is paused" in press(tab, "pause", "button[value='2h']")
        assert ask(way) == 200
        assert len(way.records()) == 2, "what was asked during the pause is not recorded"
        assert "klimaspor listens" in press(tab, "pause", "button[value='off']")

        tab.evaluate("document.querySelector('input[name=amount]').removeAttribute('pattern')")
        assert "The amount is not a number." in press(tab, "budget", amount="many")
        assert "klimaspor is paused" in press(tab, "pause", "button[value='30m']"), "the page can be used at once"


@pytest.mark.parametrize("kind", ["chromium", "firefox"])
def test_no_other_page_can_send_a_form_even_with_every_secret(way: Rig, kind: str, tmp_path: Path) -> None:
    with browser(kind, tmp_path) as tab, another_site() as port:
        assert tab.visit(way.proxy.state.page) is None
        token = tab.evaluate("document.querySelector('[name=token]').value")
        fields = json.dumps({"token": token, "do": "pause", "service": "", "length": "2h"})
        for host in ("127.0.0.1", "localhost"):
            assert tab.visit(f"http://{host}:{port}/") is None
            tab.evaluate(FORGE % (json.dumps(way.proxy.state.page), fields))
            assert "Only klimaspor's own page can change something here." in settled(tab)
            with Store.open(way.db, readonly=True) as store:
                assert limits.pauses(store, datetime.now(UTC)) == {}
            assert tab.visit(f"http://{host}:{port}/") is None
            seen = f"fetch({json.dumps(way.proxy.state.page)}).then(a => a.text()).catch(e => 'refused')"
            assert tab.evaluate(seen) == "refused", "another page cannot read it"
