"""Our end of NATS: takes nothing of a device for the server's own word, and no more at once than there is room for."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from nats.aio.client import Client
from nats.errors import NoRespondersError, ProtocolError
from nats.protocol.parser import Parser

from tracker.team.keys import SUBJECTS

if TYPE_CHECKING:
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription

MOST_MESSAGES = 200
MOST_BYTES = 16 << 20
"""Fetched at once. Of what a connection does not take in time the server keeps 64 MB, and then ends it."""
LARGEST_WAITING = 8 << 20
"""Bytes of a message that is not whole; the largest one has a million."""
CLOSE_SECONDS = 2.0
_FROM_DEVICES = f"{SUBJECTS}.".encode()


class _BoundedParser(Parser):
    """Ends the connection of a server that says that a message is larger than any may be; lets others have a turn."""

    async def parse(self, data: bytes = b"") -> None:
        if len(self.buf) + len(data) > LARGEST_WAITING:
            raise ProtocolError
        await super().parse(data)
        await asyncio.sleep(0)  # of a server that never stops nothing is waited for: no limit of time would be kept


class DeafClient(Client):
    """
    Leaves out the headers of what devices sent: nobody reads them, and anybody can write into them.

    A status among them would be taken for the server's, which ends a fetch; one that is no text ends the connection.
    """

    def __init__(self) -> None:
        super().__init__()
        self._ps = _BoundedParser(self)

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes) -> None:
        await super()._process_msg(sid, subject, reply, data, b"" if subject.startswith(_FROM_DEVICES) else headers)

    async def connect(self, *servers: Any, **options: Any) -> None:
        await super().connect(*servers, **options)
        # Over TLS nats-py's reader knows no transport that it could hold back: it would take all that comes.
        reader, writer = (getattr(self._transport, name, None) for name in ("_io_reader", "_io_writer"))
        if reader is not None and writer is not None:
            reader._transport = writer.transport  # noqa: SLF001 - it has a setter, which refuses once nats-py uses it

    async def end(self) -> None:
        """Close the connection; of a server that does not take its leave it is let go all the same."""
        with suppress(TimeoutError, OSError):
            await asyncio.wait_for(self.close(), CLOSE_SECONDS)
        for writer in (getattr(self._transport, name, None) for name in ("_io_writer", "_bare_io_writer")):
            if writer is not None:
                writer.transport.abort()


class Pull:
    """What a consumer of the stream has for us, asked for in NATS's own words: nats-py knows no bound of bytes."""

    def __init__(self, client: Client, stream: str, consumer: str, answer_seconds: float) -> None:
        self._client = client
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._answer_seconds = answer_seconds
        self._inbox = client.new_inbox()
        self._subscription: Subscription | None = None
        self._asked = 0

    async def fetch(self, idle_seconds: float) -> list[Msg]:
        """
        Return what waits; if nothing does, what comes within this time, if anything.

        Raises ``TimeoutError`` if the server says nothing, and what nats-py raises.
        """
        found = await self._ask({"batch": MOST_MESSAGES, "max_bytes": MOST_BYTES, "no_wait": True}, 0)
        return found or await self._ask({"batch": 1, "expires": round(idle_seconds * 1e9)}, idle_seconds)

    async def _ask(self, request: dict[str, int], seconds: float) -> list[Msg]:
        if self._subscription is None:
            self._subscription = await self._client.subscribe(f"{self._inbox}.*")
        self._asked += 1
        answer_to = f"{self._inbox}.{self._asked}"
        await self._client.publish(self._subject, json.dumps(request).encode(), reply=answer_to)
        found: list[Msg] = []
        while len(found) < request["batch"]:
            try:
                message = await self._subscription.next_msg(timeout=seconds + self._answer_seconds)
            except TimeoutError:
                if found:
                    break  # it fell silent in the middle: the rest comes again
                raise
            if message.reply.startswith("$JS.ACK."):
                found.append(message)
            elif message.subject == answer_to:  # there is no more, or no more than may come at once
                if (message.headers or {}).get("Status") == "503":
                    raise NoRespondersError
                break
        return found
