"""What the proxy's own port answers: the PAC file for all, everything else under a secret path."""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any, Protocol

from mitmproxy import connection, http
from mitmproxy.proxy.mode_specs import ReverseMode

from addon.aside import Asides
from addon.ear import WorkerEar
from addon.hosts import leads_home
from addon.options import ProxyOptions
from addon.pac import load_previous, write_pac
from addon.state import State, owner_of
from addon.status_page import STYLE_HASH, write_page

PAGE_SECONDS = 60.0
ROOT = Path(__file__).parent.parent
SAFE = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class Running(Protocol):
    """What the pages need to know of the proxy they belong to."""

    options: ProxyOptions
    state: State
    hosts: frozenset[str]
    asides: Asides
    ear: WorkerEar

    @property
    def certificate_path(self) -> Path: ...


class Pages:
    """A mitmproxy addon that answers requests addressed to the proxy itself, and refuses those that must not pass."""

    def __init__(self, proxy: Running) -> None:
        self._proxy = proxy

    def client_connected(self, client: connection.Client) -> None:
        """Refuse other people of this computer: what they do is not ours to see, and our pages are not theirs."""
        if hasattr(os, "getuid") and client.peername and client.sockname:
            owner = owner_of(client.peername[:2], client.sockname[:2])
            if owner is not None and owner != os.getuid():
                client.error = "another user of this computer"

    async def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Answer what is addressed to us; let other plain requests pass unseen, but to no private address."""
        if flow.client_conn.tls_established or flow.request.method == "CONNECT":
            return
        if isinstance(flow.client_conn.proxy_mode, ReverseMode):
            self._check_local(flow)
        elif self._is_ours(flow.request.host, flow.request.port):
            flow.response = await self.answer(flow.request)
            if flow.request.headers.get("content-length", "0") != "0" or "transfer-encoding" in flow.request.headers:
                kill: Any = flow.kill  # mitmproxy would keep the whole of a body that nobody wants
                kill()
        elif leads_home(flow.request.host):
            flow.response = _plain(403, "klimaspor leads to no private address; connect to it directly.")
        else:
            flow.request.stream = True

    async def answer(self, request: http.Request) -> http.Response:
        """Return what our own port has to say to a request."""
        if request.host_header not in {f"127.0.0.1:{self._proxy.state.port}", f"localhost:{self._proxy.state.port}"}:
            return _plain(421, "This is klimaspor's own address; call it by its name.")
        if request.method not in {"GET", "HEAD"}:
            return _plain(405, "Only GET.")
        path = request.path.partition("?")[0]
        if path == "/proxy.pac":
            return self._pac()
        _, token, rest = (path + "//").split("/", 2)
        if not hmac.compare_digest(token.encode("utf-8", "replace"), self._proxy.state.token.encode()):
            return _plain(404, "Not found. Open klimaspor's page with `klimaspor open`.")
        match rest.rstrip("/"):
            case "":
                return await self._show_status()
            case "status.json":
                return _respond(200, json.dumps(self.status()), "application/json")
            case "report":
                return await self._show_report()
            case "certificate":
                return self._certificate()
        return _plain(404, "Not found.")

    def status(self) -> dict[str, Any]:
        """Return what ``klimaspor status`` shows: figures of the machinery, nothing of what passed."""
        proxy, counters = self._proxy, self._proxy.ear.counters
        return {
            "pid": proxy.state.pid,
            "port": proxy.state.port,
            "started_at": proxy.state.started_at,
            "hosts": len(proxy.hosts),
            "upstream": proxy.options.upstream is not None,
            "local": proxy.state.local,
            "turns": {"heard": counters.handed, "read": counters.read, "lost": dict(counters.lost)},
            "worker_restarts": counters.restarts,
            "trouble": proxy.ear.trouble,
            "passing": [
                {"host": aside.host, "reason": aside.reason, "until": aside.until} for aside in proxy.asides.current()
            ],
        }

    def _is_ours(self, host: str, port: int) -> bool:
        return port == self._proxy.state.port and host.lower() in {"127.0.0.1", "localhost"}

    def _check_local(self, flow: http.HTTPFlow) -> None:
        """Refuse a web page that reached a local model server's port by a name of its own (DNS rebinding)."""
        port = flow.client_conn.sockname[1] if flow.client_conn.sockname else 0
        if flow.request.host_header not in {f"127.0.0.1:{port}", f"localhost:{port}"}:
            flow.response = _plain(421, "This is klimaspor's own address; call it by its name.")
            return
        host, target = flow.request.host, flow.request.port
        flow.request.host_header = f"{host}:{target}"  # as the server expects it

    def _pac(self) -> http.Response:
        options = self._proxy.options
        text = write_pac(
            self._proxy.hosts, self._proxy.state.port, load_previous(options.folder), fail_open=options.fail_open
        )
        return _respond(200, text, "application/x-ns-proxy-autoconfig")

    def _certificate(self) -> http.Response:
        try:
            data = self._proxy.certificate_path.read_bytes()
        except OSError:
            return _plain(500, "The certificate cannot be read. Ask `klimaspor doctor`.")
        response = _respond(200, "", "application/x-x509-ca-cert")
        response.content = data
        response.headers["content-disposition"] = 'attachment; filename="klimaspor-ca.crt"'
        return response

    async def _show_status(self) -> http.Response:
        today = await self._ask("today", "--format", "text")
        text = "Not to be had at present." if today is None else today.decode("utf-8", "replace")
        return _show(write_page(self.status(), text, now=time.time()), STYLE_HASH)

    async def _show_report(self) -> http.Response:
        page = await self._ask("report", "--format", "html", "-o", "-")
        if page is None:
            return _plain(500, "The report could not be made. `klimaspor report` says why.")
        text = page.decode("utf-8", "replace")
        style = re.search(r"style-src '(sha256-[A-Za-z0-9+/=]+)'", text)
        return _show(text, style[1] if style else STYLE_HASH)

    async def _ask(self, *arguments: str) -> bytes | None:
        """Have a command answer in a process of its own: reports take computing, and this one carries the chats."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "from tracker.cli import main; main()", *arguments, f"--db={self._proxy.options.db}",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
        )  # fmt: skip
        try:
            answer, _ = await asyncio.wait_for(process.communicate(), PAGE_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
            return None
        return answer if process.returncode == 0 else None


def _show(text: str, style_hash: str) -> http.Response:
    response = _respond(200, text, "text/html")
    policy = (
        f"default-src 'none'; style-src '{style_hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    response.headers["content-security-policy"] = policy
    return response


def _plain(status: int, text: str) -> http.Response:
    return _respond(status, text + "\n", "text/plain")


def _respond(status: int, text: str, kind: str) -> http.Response:
    return http.Response.make(status, text, {"content-type": f"{kind}; charset=utf-8", **SAFE})
