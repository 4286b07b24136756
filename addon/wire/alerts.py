"""TLS where mitmproxy waits for ever: a service breaks it off by an alert, as when it asks for a certificate."""

from __future__ import annotations

from mitmproxy.connection import ConnectionState
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers import tls
from OpenSSL import SSL


class ServerTLS(tls.ServerTLSLayer):
    """Speaks TLS with a service. What it breaks off is over, and whoever waits for an answer is told."""

    def receive_data(self, data: bytes) -> layer.CommandGenerator[None]:
        yield from super().receive_data(data)
        if self.tls.get_shutdown() & SSL.RECEIVED_SHUTDOWN and self.conn.state & ConnectionState.CAN_READ:
            yield commands.CloseConnection(self.conn)
            yield from self.event_to_child(events.ConnectionClosed(self.conn))
