"""mitmproxy put together for our proxy: its options, the few of its parts that are needed, and our own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from mitmproxy.addons import block, core, disable_h2c, next_layer, proxyserver, tlsconfig, upstream_auth
from mitmproxy.master import Master
from mitmproxy.options import Options

from addon.arrival import Arrival
from addon.pages import Pages
from addon.passage import Passage
from addon.tap import Tap
from addon.wire.addresses import try_all_addresses

if TYPE_CHECKING:
    from addon.run import Proxy


def assemble(proxy: Proxy) -> Any:
    """Return the master that runs ``proxy``, whose hooks it calls; to be made inside the loop that it will run in."""
    try_all_addresses(asyncio.get_running_loop())
    master: Any = Master(_options(proxy))
    master.addons.add(*_needed(), *_own(proxy))
    master.options.update(keep_host_header=True)  # how local servers are called is checked in addon.pages
    if proxy.upstream is not None and proxy.upstream.login:
        master.options.update(upstream_auth=proxy.upstream.login)
    return master


def _options(proxy: Proxy) -> Options:
    regular = "regular" if proxy.upstream is None else f"upstream:{proxy.upstream.spec}"
    reverse = (
        f"reverse:http://127.0.0.1:{proxy.options.local[name]}@127.0.0.1:{port}"
        for port, name in proxy.options.local_ports.items()
    )
    return Options(
        listen_host="127.0.0.1",
        listen_port=proxy.options.port,
        confdir=str(proxy.authority.folder),
        mode=[regular, *reverse],
        ssl_verify_upstream_trusted_ca=None if proxy.bundle is None else str(proxy.bundle),
    )


def _needed() -> list[Any]:
    """Return only the parts of mitmproxy that a proxy needs: each hook asks every one, and none may keep a flow."""
    server: Any = proxyserver.Proxyserver
    return [
        core.Core(),
        block.Block(),
        disable_h2c.DisableH2C(),
        server(),
        next_layer.NextLayer(),
        tlsconfig.TlsConfig(),
        upstream_auth.UpstreamAuth(),
    ]


def _own(proxy: Proxy) -> list[Any]:
    """Return our own parts, in the order in which each may answer before the next."""
    options = proxy.options
    tap = Tap(proxy.services, proxy.ear, proxy.ear.gate, hosts=proxy.hosts, local=options.local_ports)
    passage = Passage(
        proxy.hosts,
        proxy.asides,
        targets=[f"127.0.0.1:{port}" for port in options.local.values()],
        redirect=options.redirect,
        busy_clients=tap.busy_clients,
    )
    return [passage, Arrival(options.folder), Pages(proxy), tap, proxy]
