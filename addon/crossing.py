"""The way between the proxy and its worker: a length, then so many bytes, written from wherever they lie."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Sequence

ROOMY = 4 * 1024 * 1024
"""Bytes that are asked of the system for the way to the worker; it may grant less."""

_LENGTH = struct.Struct("<Q")
_MOST_PARTS = os.sysconf("SC_IOV_MAX") if hasattr(os, "sysconf") else 0
"""How many parts the system writes at once; 0 where it writes one."""
_SMALL = 64 * 1024
"""So few bytes are put together first: that costs less than to tell the system of each part."""


class Crossing:
    """One end of it. Used from one thread; ``close`` from any."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def send(self, *parts: bytes) -> None:
        """
        Send these parts as one message; raises OSError if nobody is at the other end.

        They are not put together before: several large answers at once would be memory that is new each time, and to
        get that from the system and give it back took a tenth of all that a large answer costs the proxy.
        """
        size = sum(map(len, parts))
        waiting: Sequence[bytes] = (_LENGTH.pack(size), *parts)
        if size < _SMALL or not _MOST_PARTS:
            self._end.sendall(b"".join(waiting))
            return
        while waiting:
            sent = self._end.sendmsg(waiting[:_MOST_PARTS])
            waiting = _rest(waiting, sent)

    def receive(self) -> memoryview:
        """Return the next message; raises EOFError if the other end is closed, within one too."""
        (size,) = _LENGTH.unpack(self._take(_LENGTH.size))
        return self._take(size)

    def _take(self, size: int) -> memoryview:
        taken = memoryview(bytearray(size))
        came = 0
        while came < size:
            more = self._end.recv_into(taken[came:])
            if not more:
                raise EOFError
            came += more
        return taken

    def close(self) -> None:
        """Hang up."""
        self._end.close()


def open_crossing() -> tuple[Crossing, socket.socket]:
    """Return our end, which takes a whole answer at once so that sending one waits for nobody, and theirs."""
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOMY)
    return Crossing(ours), theirs


def _rest(parts: Sequence[bytes], sent: int) -> Sequence[bytes]:
    """Return what is left of the parts when so many bytes of them are sent."""
    for number, part in enumerate(parts):
        if sent < len(part):
            return (part[sent:], *parts[number + 1 :])
        sent -= len(part)
    return ()
