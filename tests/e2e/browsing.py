"""Debian's real Chromium and Firefox, driven without a window."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import time
import urllib.request
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect


def wrap_browsers(folder: Path, debug_port: int, site_port: int, direct_hosts: Iterable[str]) -> None:
    """
    Put ``chromium`` and ``firefox`` into ``folder`` that start the real ones without a window.

    Names of ``direct_hosts`` are found on loopback where the browser itself connects; the proxy is not told.
    """
    rules = ",".join(f"MAP {host}:443 127.0.0.1:{site_port}" for host in direct_hosts)
    scripts = {
        "chromium": f"exec {shutil.which('chromium')} --no-sandbox --headless=new --disable-gpu "
        f"--remote-debugging-port={debug_port} '--host-resolver-rules={rules}' \"$@\"",
        "firefox": f'exec {shutil.which("firefox-esr")} --headless --remote-debugging-port {debug_port} "$@"',
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, script in scripts.items():
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)


def steer_firefox(profile: Path, site_port: int) -> None:
    """Make this Firefox profile find every host on loopback where it connects itself."""
    profile.mkdir(parents=True, exist_ok=True)
    preferences = {
        "network.dns.forceResolve": "127.0.0.1",
        "network.socket.forcePort": f"443={site_port}",
        "network.trr.mode": 5,
        "app.update.enabled": False,
    }
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items()]
    (profile / "prefs.js").write_text("".join(lines))


class Chromium:
    """A tab of a running Chromium, over its DevTools port."""

    def __init__(self, debug_port: int) -> None:
        targets = _wait_for(f"http://127.0.0.1:{debug_port}/json/list")
        page = next(target for target in targets if target["type"] == "page")
        self._open = ExitStack()
        self._socket = self._open.enter_context(connect(page["webSocketDebuggerUrl"], max_size=None))
        self._numbers = itertools.count(1)
        self.issuers: dict[str, str] = {}
        for domain in ("Page", "Network", "Runtime"):
            self._call(f"{domain}.enable")

    def visit(self, url: str) -> str | None:
        """Go to a page; return the network error's name, or None when it loaded."""
        answer = self._call("Page.navigate", url=url)
        if error := answer.get("errorText"):
            return str(error)
        for _ in range(100):
            if self.evaluate("document.readyState") == "complete":
                return None
            time.sleep(0.05)
        return "not loaded"

    def evaluate(self, script: str, seconds: float = 30) -> Any:
        """Run a script in the page; a page that goes away meanwhile may never answer, which is a TimeoutError."""
        answer = self._call("Runtime.evaluate", seconds, expression=script, awaitPromise=True, returnByValue=True)
        return answer["result"].get("value", answer)

    def _call(self, method: str, seconds: float = 30, /, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=seconds))
            if message.get("method") == "Network.responseReceived":
                response = message["params"]["response"]
                if details := response.get("securityDetails"):
                    self.issuers[response["url"].split("/")[2]] = details["issuer"]
            if message.get("id") == number:
                return message.get("result", message)

    def close(self) -> None:
        try:
            self._call("Browser.close")
        finally:
            self._open.close()


class Firefox:
    """A tab of a running Firefox, over WebDriver BiDi."""

    def __init__(self, debug_port: int) -> None:
        self._open = ExitStack()
        self._socket = _connect_until(self._open, f"ws://127.0.0.1:{debug_port}/session")
        self._numbers = itertools.count(1)
        self._call("session.new", capabilities={"alwaysMatch": {"acceptInsecureCerts": False}})
        self._tab = self._call("browsingContext.getTree")["result"]["contexts"][0]["context"]

    def visit(self, url: str) -> str | None:
        answer = self._call("browsingContext.navigate", context=self._tab, url=url, wait="complete")
        return str(answer.get("message")) if answer["type"] == "error" else None

    def evaluate(self, script: str, seconds: float = 30) -> Any:
        target = {"context": self._tab}
        answer = self._call("script.evaluate", seconds, expression=script, target=target, awaitPromise=True)
        return answer["result"].get("result", answer).get("value", answer)

    def _call(self, method: str, seconds: float = 30, /, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message: dict[str, Any] = json.loads(self._socket.recv(timeout=seconds))
            if message.get("id") == number:
                return message

    def close(self) -> None:
        try:
            self._call("browser.close")
        finally:
            self._open.close()


def _wait_for(url: str, seconds: float = 30) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return json.load(answer)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _connect_until(stack: ExitStack, url: str, seconds: float = 40) -> ClientConnection:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return stack.enter_context(connect(url, max_size=None, open_timeout=5))
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def missing_tools() -> list[str]:
    return [tool for tool in ("chromium", "firefox-esr", "certutil") if shutil.which(tool, path=os.defpath) is None]
