"""
Of a site's addresses the first that answers, as in browsers: many an IPv6 address leads nowhere, for two minutes.

And what is connected is over when nobody is there any more, not a quarter of an hour later.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from functools import partial
from itertools import chain, zip_longest
from typing import Any

NEXT_ADDRESS_SECONDS = 0.25
"""After so long the next address is tried beside the one that has not answered (RFC 8305)."""

KEEP_ALIVE_SECONDS = 45
"""After so long without a word the other side is asked whether it is there; Chromium does the same."""
SILENT_SECONDS = 60
"""What was sent and not taken for so long never arrives; Linux alone would try for a quarter of an hour."""


def try_all_addresses(loop: asyncio.AbstractEventLoop) -> None:
    """
    Have this loop open connections so.

    Its own way to do that fails with tasks that begin at once, which mitmproxy makes (CPython issue 124309).
    """
    vars(loop)["create_connection"] = partial(_create_connection, loop, loop.create_connection)


async def _create_connection(
    loop: asyncio.AbstractEventLoop, create: Any, factory: Any, host: str | None = None, port: Any = None, **more: Any
) -> Any:
    if host is None or more.get("local_addr") is not None or _is_address(host):
        made = await create(factory, host, port, **more)
    else:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        more.pop("local_addr", None)
        made = await create(factory, sock=await _connect_first(loop, _alternate(found)), **more)
    _mind_silence(made[0].get_extra_info("socket"))
    return made


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _alternate(found: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return the addresses, of the families in turn, beginning with that of the first."""
    families: dict[Any, list[tuple[Any, ...]]] = {}
    for one in found:
        families.setdefault(one[0], []).append(one)
    return [one for one in chain.from_iterable(zip_longest(*families.values())) if one is not None]


async def _connect_first(loop: asyncio.AbstractEventLoop, waiting: list[tuple[Any, ...]]) -> socket.socket:
    """Return a socket that is connected to one of these; raises what the last one raised if none answers."""
    trying: set[asyncio.Task[socket.socket]] = set()
    error: BaseException = OSError("the name has no address")
    try:
        while waiting or trying:
            if waiting:
                trying.add(loop.create_task(_connect(loop, waiting.pop(0))))
            patience = NEXT_ADDRESS_SECONDS if waiting else None
            done, _ = await asyncio.wait(trying, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                trying.remove(task)
                if (failure := task.exception()) is None:
                    return task.result()
                error = failure
        raise error
    finally:
        for task in trying:
            task.cancel()
            task.add_done_callback(_close_late)


async def _connect(loop: asyncio.AbstractEventLoop, one: tuple[Any, ...]) -> socket.socket:
    family, kind, protocol, _, address = one
    link = socket.socket(family, kind, protocol)
    link.setblocking(False)
    try:
        await loop.sock_connect(link, address)
    except BaseException:
        link.close()
        raise
    return link


def _mind_silence(link: Any) -> None:
    """Have the system notice that nobody is there any more, as after a sleep, or in another network: browsers do."""
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", KEEP_ALIVE_SECONDS),
        ("TCP_KEEPINTVL", KEEP_ALIVE_SECONDS),
        ("TCP_USER_TIMEOUT", SILENT_SECONDS * 1000),
    ):
        if option := getattr(socket, name, None):  # not every system has each
            link.setsockopt(socket.IPPROTO_TCP, option, value)


def _close_late(task: asyncio.Task[socket.socket]) -> None:
    """Close what was connected when another one was already."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()
