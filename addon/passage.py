"""Which connections are opened and which pass untouched; nobody is led to a private address; stepping aside."""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mitmproxy import connection, ctx, http
from mitmproxy.addonmanager import Loader
from mitmproxy.proxy.mode_servers import ProxyConnectionHandler
from mitmproxy.proxy.mode_specs import ReverseMode, UpstreamMode
from mitmproxy.proxy.server_hooks import ServerConnectionHookData
from mitmproxy.tls import ClientHelloData, TlsData

from addon.aside import Asides
from addon.hosts import allow_pattern, is_private, leads_home
from addon.wire import bear_more
from addon.wire.alerts import BROKEN_OFF

RELOAD_SECONDS = 1.5
"""How long a challenge page may be on its way before the connection it came over is closed."""
IsMeant = Callable[[connection.Client], bool]
NOBODY = "0000000000000000"
MISSES_CERTIFICATE = frozenset({400, 403, 495, 496})
"""How a site that asked for a certificate may say that it got none (nginx, IIS, Cloudflare)."""


class Passage:
    """
    A mitmproxy addon: the gate before the tap.

    Only connections to ``hosts`` are opened. ``redirect`` (tests and ``klimaspor try``) says where a host really is;
    ``*`` stands for every other host. ``targets`` are the ``host:port`` of local model servers.
    """

    def __init__(
        self,
        hosts: Iterable[str],
        asides: Asides,
        *,
        targets: Iterable[str] = (),
        redirect: Mapping[str, tuple[str, int]] | None = None,
        busy_clients: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        self.hosts = frozenset(hosts)
        self.asides = asides
        self._targets = tuple(targets)
        self._redirect = dict(redirect or {})
        self._busy_clients = busy_clients
        self._programs: dict[str, str] = {}
        self._asked: dict[str, tuple[str, int]] = {}
        self._wanting: set[str] = set()
        self._closing: set[asyncio.Task[None]] = set()

    def load(self, loader: Loader) -> None:
        """Shut the gate in mitmproxy's own options too, and have it bear what comes over the wire."""
        bear_more()
        values = {
            "allow_hosts": [allow_pattern((*self.hosts, *self._targets))],
            "upstream_cert": False,  # a leaf copies no foreign name into a certificate that may not hold it
            "onboarding": False,
            "show_ignored_hosts": False,
            "store_streamed_bodies": False,
            "tcp_timeout": 86_400,  # a long research may be silent for longer than the default ten minutes
        }
        # Options of mitmproxy's addons that are not loaded do not exist.
        options: Any = ctx.options
        options.update(**{name: value for name, value in values.items() if name in options})

    # Where connections lead

    def http_connect(self, flow: http.HTTPFlow) -> None:
        """Refuse a tunnel to this computer or a private network, also where a company proxy would do the leading."""
        if leads_home(flow.request.host):
            flow.response = _refused()

    def server_connect(self, data: ServerConnectionHookData) -> None:
        """Refuse names and literal addresses of this computer and of private networks."""
        if data.server.address is None or not self._is_chosen_by_client(data):
            return
        host = data.server.address[0].lower().rstrip(".")
        if leads_home(host):
            data.server.error = "klimaspor leads to no private address"
        elif target := self._redirect.get(host) or self._redirect.get("*"):
            self._asked[data.server.id] = data.server.address
            data.server.address = target

    def server_connected(self, data: ServerConnectionHookData) -> None:
        """Close, before a byte passes, what turned out to lead to a private address: a name may resolve to one."""
        if (
            not self._call_as_asked(data.server)
            and self._is_chosen_by_client(data)
            and data.server.peername is not None
            and is_private(ipaddress.ip_address(data.server.peername[0].partition("%")[0]))
        ):
            self._cut(data)

    def server_connect_error(self, data: ServerConnectionHookData) -> None:
        self._call_as_asked(data.server)

    def _call_as_asked(self, server: connection.Server) -> bool:
        """Call a server again as it was asked for, wherever a test put it; return whether one did."""
        asked = self._asked.pop(server.id, None)
        if asked is not None:
            vars(server)["address"] = asked  # what is shown to the client, and what is open already, goes by that
        return asked is not None

    # What is opened

    def tls_clienthello(self, data: ClientHelloData) -> None:
        """Open only what is listed by the name the client asks for, and no host that we step aside for."""
        host = (data.client_hello.sni or "").lower()
        program = _tell_program(data)
        if host not in self.hosts or self.asides.let_pass(host, program):
            data.ignore_connection = True
        else:
            self._programs[data.context.client.id] = program

    def tls_established_client(self, data: TlsData) -> None:
        self.asides.succeed((data.conn.sni or "").lower(), self._programs.get(data.conn.id, NOBODY))

    def tls_failed_client(self, data: TlsData) -> None:
        """A program does not trust our certificate: its next try passes untouched."""
        host, program = (data.conn.sni or "").lower(), self._programs.get(data.conn.id, NOBODY)
        if host not in self.hosts:
            return
        if "not trust the proxy's certificate" not in (data.conn.error or ""):
            return
        if "disconnected during the handshake" in (data.conn.error or ""):
            self.asides.hang_up(host, program)
        else:
            self.asides.refuse(host, program)

    def client_disconnected(self, client: connection.Client) -> None:
        self._programs.pop(client.id, None)

    # Sites that refuse us

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """Notice a challenge; after the second within a minute the host passes untouched for a day."""
        host = flow.request.pretty_host.lower()
        if flow.response is None or host not in self.hosts:
            return
        if flow.response.status_code in MISSES_CERTIFICATE and flow.server_conn.id in self._wanting:
            self.asides.refused(host)
            self._close_soon(_leads_to(host))
        elif _is_challenge(flow.response) and self.asides.challenge(host):
            self._close_soon(_leads_to(host))

    def tls_established_server(self, data: TlsData) -> None:
        """Notice a site that would have a certificate of the person's, whether or not it insists on it."""
        if data.ssl_conn is not None and data.ssl_conn.get_client_ca_list():
            self._wanting.add(data.conn.id)

    def server_disconnected(self, data: ServerConnectionHookData) -> None:
        self._wanting.discard(data.server.id)

    def tls_failed_server(self, data: TlsData) -> None:
        """A site refuses us, or shows a certificate that we cannot check: the reload goes to it as without us."""
        host = (data.conn.sni or "").lower()  # not that of a company's proxy
        if host not in self.hosts:
            return
        if "Certificate verify failed" in (data.conn.error or ""):
            self.asides.mistrust(host)
        elif BROKEN_OFF in (data.conn.error or ""):
            self.asides.refused(host)
        else:  # over this connection the client would be told of that for ever
            self._close_soon(lambda one: one is data.context.client)
            return
        self._close_soon(_leads_to(host))

    def _close_soon(self, is_meant: IsMeant) -> None:
        task = asyncio.get_running_loop().create_task(self._close_opened(is_meant))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _close_opened(self, is_meant: IsMeant) -> None:
        """Close these opened connections, so that a reload comes over another one; cut no running answer."""
        while True:
            await asyncio.sleep(RELOAD_SECONDS)
            busy = self._busy_clients()
            handlers = [handler for handler in _handlers().values() if is_meant(handler.client)]
            for handler in handlers:
                if handler.client.id not in busy and handler.client.tls_established:
                    await handler.on_timeout()
            if all(handler.client.id not in busy for handler in handlers):
                return

    def _is_chosen_by_client(self, data: ServerConnectionHookData) -> bool:
        """Whether the client named this address; a local server and a company's proxy are named by the person."""
        mode = data.client.proxy_mode
        if isinstance(mode, UpstreamMode):
            return data.server.address != mode.address
        return not isinstance(mode, ReverseMode)

    @staticmethod
    def _cut(data: ServerConnectionHookData) -> None:
        handler = _handlers().get(data.client.id)
        if handler is None:
            return
        for end in (data.server, data.client):  # the client too, or it would wait for an answer
            link = handler.transports.get(end)
            if link is not None and isinstance(link.writer, asyncio.StreamWriter):
                link.writer.transport.abort()


def _leads_to(host: str) -> IsMeant:
    return lambda client: (client.sni or "").lower() == host


def _handlers() -> Mapping[Any, ProxyConnectionHandler]:
    addons: Any = ctx.master.addons
    handlers: Mapping[Any, ProxyConnectionHandler] = addons.get("proxyserver").connections
    return handlers


def _tell_program(data: ClientHelloData) -> str:
    """Return a digest that tells kinds of TLS clients apart (never people), the same for each of their hellos."""
    ciphers = [suite for suite in data.client_hello.cipher_suites if suite & 0x0F0F != 0x0A0A]  # GREASE is random
    kinds = sorted(kind for kind, _ in data.client_hello.extensions if kind & 0x0F0F != 0x0A0A and kind not in _VARYING)
    return hashlib.sha256(repr((ciphers, kinds)).encode()).hexdigest()[:16]


_VARYING = frozenset({21, 41, 42})
"""Padding, a session to resume, early data: the same program sends them or not."""


def _is_challenge(response: http.Response) -> bool:
    """Whether this answer asks a person to prove that they are one, as Cloudflare and AWS do."""
    match response.status_code:
        case 403 | 503:
            return str(response.headers.get("cf-mitigated", "")).lower() == "challenge"
        case 202 | 405:
            return str(response.headers.get("x-amzn-waf-action", "")).lower() in {"challenge", "captcha"}
    return False


def _refused() -> http.Response:
    text = "klimaspor leads to no private address; connect to it directly.\n"
    return http.Response.make(403, text, {"content-type": "text/plain; charset=utf-8"})
