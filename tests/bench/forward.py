"""
The limit: the least that any proxy does which opens TLS. ``python -m tests.bench.forward PORT CERTIFICATE TRUST``.

Both sides of the tunnel are opened with asyncio's streams, and bytes are passed on as they come; nothing is looked at.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from contextlib import suppress

from tests.bench.peers import HOST


async def serve(origin: int, certificate: str, trust: str) -> None:
    """Take tunnels for ever, each to the one origin on this computer."""
    inside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    inside.load_cert_chain(certificate)
    outside = ssl.create_default_context(cafile=trust)

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            await writer.start_tls(inside)
            far_reader, far_writer = await asyncio.open_connection(
                "127.0.0.1", origin, ssl=outside, server_hostname=HOST
            )
            await asyncio.gather(pass_on(reader, far_writer), pass_on(far_reader, writer))

    server = await asyncio.start_server(tunnel, "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes until it ends."""
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), *sys.argv[2:4]))
