"""TLS where mitmproxy waits for ever: a service breaks it off by an alert, as when it asks for a certificate."""

from __future__ import annotations

from typing import Any

from mitmproxy.connection import ConnectionState
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers import tls
from OpenSSL import SSL

BROKEN_OFF = "alert"
"""In the error of a connection that a service broke off: OpenSSL's own word in the handshake, ours just after it."""


class ServerTLS(tls.ServerTLSLayer):
    """Speaks TLS with a service. What it breaks off is over, and whoever waits for an answer is told."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._is_new = True
        """Whether nothing came since the handshake: with TLS 1.3 it is only then that a certificate is missed."""

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        """What a service ends before the client has said hello, which mitmproxy would wait for, is opened anew."""
        if self.wait_for_clienthello and isinstance(event, events.ConnectionClosed) and event.connection is self.conn:
            self.wait_for_clienthello = False
            if self.conn.state is not ConnectionState.CLOSED:
                yield commands.CloseConnection(self.conn)
            self.conn.sockname = self.conn.timestamp_start = None
        else:
            yield from super()._handle_event(event)

    def receive_data(self, data: bytes) -> layer.CommandGenerator[None]:
        yield from super().receive_data(data)
        if self.tls.get_shutdown() & SSL.RECEIVED_SHUTDOWN and self.conn.state & ConnectionState.CAN_READ:
            if self._is_new:
                yield from self.on_handshake_error(f"The service broke it off by an {BROKEN_OFF}")
            yield commands.CloseConnection(self.conn)
            yield from self.event_to_child(events.ConnectionClosed(self.conn))
        self._is_new = self._is_new and not data
