"""Digests of what was heard: what an answer's id is made of where its service gives none."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count

from addon.exchange import Exchange, Message
from addon.framing import read_events
from addon.framing.request import decode_request

_END = 512
"""Bytes; of a message of more than two such ends (sound, a picture) only these and its length are taken."""


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
    """SHA-256 of the messages of a socket: who spoke, how much, and what."""

    __slots__ = ("_sha",)

    def __init__(self) -> None:
        self._sha = hashlib.sha256()

    def take(self, message: Message) -> None:
        """Take the next message."""
        data = message.data
        size = len(data)
        told = data if size <= 2 * _END else data[:_END] + data[-_END:]
        self._sha.update((b"\1" if message.from_client else b"\0") + size.to_bytes(8) + told)

    def digest(self) -> bytes:
        """Return the digest of all that was taken so far."""
        return self._sha.digest()
