"""Reading from both sides so that each connection has its turn: mitmproxy takes all that came from one at once."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from mitmproxy.connection import Connection
from mitmproxy.proxy import events, mode_servers

LONG_SECONDS = 0.02
"""Who keeps the proxy busy for longer with what was read at once waits as long, and is read in smaller pieces."""
LONGEST_PAUSE_SECONDS = 1.0
SMALL_READ = 4096


class Handler(mode_servers.ProxyConnectionHandler):
    """Reads from both sides. mitmproxy forgets to close a connection that still speaks when it is given up."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)  # type: ignore[no-untyped-call]  # mitmproxy says nothing of it
        self.owed: dict[Connection, float] = {}
        """Seconds that a connection has to wait before it is read again."""

    async def server_event(self, event: events.Event) -> None:
        started = time.perf_counter()
        await super().server_event(event)
        if (spent := time.perf_counter() - started) > LONG_SECONDS and isinstance(event, events.DataReceived):
            self.owed[event.connection] = min(spent, LONGEST_PAUSE_SECONDS)

    async def handle_connection(self, connection: Connection) -> None:
        io = self.transports[connection]
        io.reader = _Reader(io.reader, self, connection)  # type: ignore[assignment]  # of a reader only this is used
        try:
            await super().handle_connection(connection)
        finally:
            self.owed.pop(connection, None)
            left = self.transports.pop(connection, None)
            if left is not None and left.writer is not None:
                left.writer.close()


class _Reader:
    """Reads from one connection, once it has waited for what it owes the others."""

    def __init__(self, reader: Any, handler: Handler, connection: Connection) -> None:
        self._read, self._handler, self._connection = reader.read, handler, connection

    async def read(self, n: int) -> bytes:
        if self._handler.owed and (owed := self._handler.owed.pop(self._connection, 0.0)):
            await asyncio.sleep(owed)
            n = SMALL_READ
        data: bytes = await self._read(n)
        return data
