"""What the proxy's own port answers: the PAC file for all, everything else under a secret path."""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import secrets
import sys
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from mitmproxy import connection, http
from mitmproxy.proxy.mode_specs import ReverseMode

from addon.answers import TRY_AGAIN, excuse, nothing, plain, respond, show
from addon.aside import Asides
from addon.ear import WorkerEar
from addon.forms import comes_from, is_small, read_form
from addon.holders import owner_of
from addon.hosts import leads_home
from addon.options import ProxyOptions
from addon.pac import load_previous, write_pac
from addon.state import State

PAGE_SECONDS = 60.0
LOOK_SECONDS = 5.0
FORM = "klimaspor-form"
ROOT = Path(__file__).parent.parent


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
        self._secret = secrets.token_hex(16)
        """Stands in every form of our page; who has not read the page cannot send one."""
        self._changing = asyncio.Lock()

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
            if flow.request.method == "POST" and is_small(flow.request):
                flow.metadata[FORM] = True
                flow.response = plain(500, TRY_AGAIN)  # until the form has been read: it must lead nowhere else
                return
            flow.response = await self.answer(flow.request)
            if flow.request.headers.get("content-length", "0") != "0" or "transfer-encoding" in flow.request.headers:
                kill: Any = flow.kill  # mitmproxy would keep the whole of a body that nobody wants
                kill()
        elif leads_home(flow.request.host):
            flow.response = plain(403, "klimaspor leads to no private address; connect to it directly.")
        else:
            flow.request.stream = True

    async def request(self, flow: http.HTTPFlow) -> None:
        """Answer a form, now that all of it is there."""
        if flow.metadata.get(FORM):
            flow.response = await self.answer(flow.request)

    async def answer(self, request: http.Request) -> http.Response:
        """Return what our own port has to say to a request."""
        if request.host_header not in {f"127.0.0.1:{self._proxy.state.port}", f"localhost:{self._proxy.state.port}"}:
            return plain(421, "This is klimaspor's own address; call it by its name.")
        path, reads = request.path.partition("?")[0], request.method in {"GET", "HEAD"}
        if path == "/proxy.pac" and reads:
            return self._pac()
        if not self._is_secret(path):
            return nothing()
        match path[1 + len(self._proxy.state.token) :]:
            case "/" if request.method == "POST":
                return await self._change(request)
            case "/look" if request.method == "POST":  # a command changed something; looking itself changes nothing
                await self._look()
                return plain(200, "Looked.")
            case _ if not reads:
                return plain(405, "Only GET.")
            case "":
                return self._lead_home()
            case "/":
                return await self._show_status()
            case "/status.json":
                return respond(200, json.dumps(self.status()), "application/json")
            case "/report":
                return await self._show_report()
            case "/report/now":
                year, week, _ = date.today().isocalendar()  # noqa: DTZ011 - the person's own week
                return await self._show_report(f"--week={year}-W{week:02}")
            case "/certificate":
                return self._certificate()
        return plain(404, "Not found.")

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
            flow.response = plain(421, "This is klimaspor's own address; call it by its name.")
            return
        host, target = flow.request.host, flow.request.port
        flow.request.host_header = f"{host}:{target}"  # as the server expects it

    def _pac(self) -> http.Response:
        options = self._proxy.options
        text = write_pac(
            self._proxy.hosts, self._proxy.state.port, load_previous(options.folder), fail_open=options.fail_open
        )
        return respond(200, text, "application/x-ns-proxy-autoconfig")

    def _certificate(self) -> http.Response:
        try:
            data = self._proxy.certificate_path.read_bytes()
        except OSError:
            return plain(500, "The certificate cannot be read. Ask `klimaspor doctor`.")
        response = respond(200, "", "application/x-x509-ca-cert")
        response.content = data
        response.headers["content-disposition"] = 'attachment; filename="klimaspor-ca.crt"'
        return response

    def _is_secret(self, path: str) -> bool:
        token = path[1:].partition("/")[0]
        return hmac.compare_digest(token.encode("utf-8", "replace"), self._proxy.state.token.encode())

    def _lead_home(self) -> http.Response:
        response = plain(303, "Here.")
        response.headers["location"] = f"/{self._proxy.state.token}/"
        return response

    async def _show_status(self) -> http.Response:
        return self._show_own(await self._ask_own_page({}), 200)

    def _show_own(self, answer: dict[str, Any], status: int) -> http.Response:
        return show(answer["page"], forms="'self'", status=status) if "page" in answer else excuse(answer)

    async def _show_report(self, *options: str) -> http.Response:
        page = await _ask(
            "-m", "tracker", "report", "--format=html", "-o", "-", f"--db={self._proxy.options.db}", *options
        )
        return excuse({}) if page is None else show(page.decode("utf-8", "replace"))

    async def _change(self, request: http.Request) -> http.Response:
        """Do what a form asks for, if it is our own page's; the proxy acts on it before the answer goes out."""
        if not comes_from(request, f"http://{request.host_header}"):
            return plain(403, "Only klimaspor's own page can change something here.")
        form = read_form(request, self._secret)
        if form is None:
            return self._show_own(await self._ask_own_page({"stale": True}), 403)
        async with self._changing:
            answer = await self._ask_own_page({"form": form})
        if "changed" not in answer:
            return self._show_own(answer, 400)
        await self._look()
        return self._lead_home()

    async def _look(self) -> None:
        """Have the worker look at pauses and budgets now; should it not come to it in time, it does so later."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def tell() -> None:
            with suppress(RuntimeError):  # the proxy ended meanwhile
                loop.call_soon_threadsafe(done.set)

        self._proxy.ear.look(tell)
        with suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), LOOK_SECONDS)

    async def _ask_own_page(self, question: dict[str, Any]) -> dict[str, Any]:
        """Ask ``tracker.own_page``; it is asked through a pipe, for others can read the arguments of a process."""
        told = {"db": str(self._proxy.options.db), "status": self.status(), "form_token": self._secret, **question}
        asked = json.dumps(told).encode()
        answer = await _ask("-m", "tracker.own_page", asked=asked)
        try:
            read = json.loads(answer or b"")
        except ValueError:
            return {"trouble": TRY_AGAIN}
        return read if isinstance(read, dict) else {"trouble": TRY_AGAIN}


async def _ask(*arguments: str, asked: bytes = b"") -> bytes | None:
    """Have a process of its own answer: reports take computing, and this one carries the chats. None if it fails."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
    )  # fmt: skip
    try:
        answer, _ = await asyncio.wait_for(process.communicate(asked), PAGE_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
        return None
    return answer if process.returncode == 0 else None
