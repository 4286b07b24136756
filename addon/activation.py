"""The listening socket that systemd hands over, so that the proxy's port is always ours, also while it restarts."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Any

FIRST_DESCRIPTOR = 3


def adopt_socket() -> socket.socket | None:
    """
    Return the loopback socket that systemd passed to this very process, or None if there is none.

    The variables are taken out of the environment, so that no child believes it was meant.
    """
    process, count = os.environ.pop("LISTEN_PID", ""), os.environ.pop("LISTEN_FDS", "")
    os.environ.pop("LISTEN_FDNAMES", None)
    if process != str(os.getpid()) or not count.isdecimal() or int(count) < 1:
        return None
    adopted = socket.socket(fileno=FIRST_DESCRIPTOR)
    if adopted.family != socket.AF_INET or not adopted.getsockname()[0].startswith("127."):
        adopted.close()
        return None
    os.set_inheritable(FIRST_DESCRIPTOR, False)
    return adopted


def listen_on(adopted: socket.socket) -> None:
    """Make mitmproxy's server for this port listen on the socket we were given instead of opening one."""
    from mitmproxy.proxy import mode_servers

    opened = mode_servers.AsyncioServerInstance.listen
    port = adopted.getsockname()[1]

    async def listen(self: Any, host: str, wanted: int) -> Any:
        if wanted != port:
            return await opened(self, host, wanted)
        return [await asyncio.start_server(self.handle_stream, sock=adopted.dup())]

    instance: Any = mode_servers.AsyncioServerInstance  # it has no other way in
    instance.listen = listen
