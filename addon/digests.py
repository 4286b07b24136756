"""Digests of what was heard: what an answer's id is made of where its service gives none."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count

from addon.exchange import Exchange, Message
from addon.framing import read_events
from addon.framing.request import decode_request

_END = 512
"""Bytes; of a message of more than two such ends (sound, a picture) only these and its length are taken."""

_MOST_WAITING = 64 * 1024
"""Bytes of an open socket's messages that wait to be digested."""


def digest(*parts: bytes) -> bytes:
    """Return SHA-256 of the parts, one after the other."""
    sha = hashlib.sha256(parts[0] if parts else b"")
    for part in parts[1:]:
        sha.update(part)
    return sha.digest()


def tell_apart(content: Callable[[], bytes]) -> Callable[[], bytes]:
    """Return what gives the digest of a content, which is taken once, and at each call after the first another one."""
    digested, numbers = cache(content), count()

    def name_next() -> bytes:
        number = next(numbers)
        return digest(digested(), b"%d" % number) if number else digested()

    return name_next


def digest_content(exchange: Exchange) -> bytes:
    """Return the digests of request and response, both without their content coding, so that an archive agrees."""
    return digest(decode_request(exchange)) + digest(*_decode_response(exchange))


def _decode_response(exchange: Exchange) -> Iterator[bytes]:
    for event in read_events(exchange, "raw"):
        if isinstance(event.data, bytes):
            yield event.data


class SocketDigest:
    """
    SHA-256 of the messages of a socket: who spoke, how much, and what.

    Nothing is digested before somebody asks, and most answers have an id of their own: so messages wait, those of an
    archive (``in_memory``: they stay there anyway) all of them, others until they are large.
    """

    __slots__ = ("_most", "_sha", "_size", "_waiting")

    def __init__(self, *, in_memory: bool = False) -> None:
        self._sha = hashlib.sha256()
        self._waiting: list[Message] = []
        self._size, self._most = 0, math.inf if in_memory else _MOST_WAITING

    def take(self, message: Message) -> None:
        """Take the next message."""
        self._waiting.append(message)
        self._size += len(message.data)
        if self._size > self._most:
            self._catch_up()

    def digest(self) -> bytes:
        """Return the digest of all that was taken so far."""
        self._catch_up()
        return self._sha.digest()

    def _catch_up(self) -> None:
        for message in self._waiting:
            data = message.data
            size = len(data)
            told = data if size <= 2 * _END else data[:_END] + data[-_END:]
            self._sha.update((b"\1" if message.from_client else b"\0") + size.to_bytes(8) + told)
        self._waiting.clear()
        self._size = 0
