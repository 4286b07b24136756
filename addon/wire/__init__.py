"""What mitmproxy breaks at, waits for, or keeps without end, mended by parts of our own in place of its parts."""

from __future__ import annotations

from mitmproxy.addons import next_layer
from mitmproxy.proxy import mode_servers
from mitmproxy.proxy.layers import http, tls, websocket
from mitmproxy.proxy.layers.http import _http1, _http2

from addon.wire import http1, http2
from addon.wire.again import Attempt
from addon.wire.alerts import ServerTLS
from addon.wire.fairness import Handler
from addon.wire.sockets import Socket

__all__ = ["bear_more"]


def bear_more() -> None:
    """Have mitmproxy use these in place of its own; it has no other way in."""
    vars(http)["HttpClient"] = Attempt
    vars(http)["Http1Client"] = http1.Client
    vars(http)["Http2Client"] = http2.Client
    vars(http)["Http2Server"] = http2.Server
    vars(_http1)["ChunkedReader"] = http1.Chunks
    vars(_http2)["BufferedH2Connection"] = http2.Link
    vars(websocket)["WebsocketConnection"] = Socket
    vars(next_layer)["ServerTLSLayer"] = vars(tls)["ServerTLSLayer"] = ServerTLS
    vars(mode_servers)["ProxyConnectionHandler"] = Handler
