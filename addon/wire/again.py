"""A service that could not be reached once: mitmproxy would tell of that for as long as the client stays."""

from __future__ import annotations

from mitmproxy.proxy import events, layer
from mitmproxy.proxy.layers import http


class Attempt(http.HttpClient):
    """Opens one connection to a service. Who asks next is not told what became of it: there is another attempt."""

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        yield from super()._handle_event(event)
        self.context.server.error = None
