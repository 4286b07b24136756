"""What may become of an answer over HTTP/1.1 on its way from the service: right, or broken in one of many ways."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable

SSE = b"content-type: text/event-stream\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\n" + SSE + b"transfer-encoding: chunked\r\n\r\n"


async def _right(writer: asyncio.StreamWriter, body: bytes) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\n" + SSE + b"content-length: %d\r\n\r\n" % len(body) + body)
    return True


async def _claims_more(writer: asyncio.StreamWriter, body: bytes) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\n" + SSE + b"content-length: %d\r\n\r\n" % (len(body) + 1000) + body)
    return False


async def _claims_less(writer: asyncio.StreamWriter, body: bytes) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\n" + SSE + b"content-length: %d\r\n\r\n" % (len(body) - 30) + body)
    return False


async def _negative(writer: asyncio.StreamWriter, body: bytes) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\n" + SSE + b"content-length: -5\r\n\r\n" + body)
    return False


async def _twice(writer: asyncio.StreamWriter, body: bytes) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\n" + SSE + b"content-length: 5\r\ncontent-length: 900\r\n\r\n" + body)
    return False


async def _same_twice(writer: asyncio.StreamWriter, body: bytes) -> bool:
    told = b"content-length: %d\r\n" % len(body)
    writer.write(b"HTTP/1.1 200 OK\r\n" + told + SSE + told + b"\r\n" + body)
    return True


async def _same_in_a_row(writer: asyncio.StreamWriter, body: bytes) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\n" + SSE + b"content-length: %d, %d\r\n\r\n" % (len(body), len(body)) + body)
    return True


async def _length_of_chunks(writer: asyncio.StreamWriter, body: bytes) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\n" + SSE + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n")
    writer.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
    return True


async def _tiny_chunks(writer: asyncio.StreamWriter, body: bytes) -> bool:
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body)
    writer.write(CHUNKED + chunks + b"0\r\n\r\n")
    return True


async def _tiny_chunks_and_a_bad_one(writer: asyncio.StreamWriter, body: bytes) -> bool:
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body[: len(body) // 2])
    writer.write(CHUNKED + chunks + b"zz\r\n\r\n")
    return False


async def _bad_chunk(writer: asyncio.StreamWriter, body: bytes) -> bool:
    half = body[: len(body) // 2]
    writer.write(CHUNKED)
    writer.write(b"%x\r\n%b\r\nzz\r\nnonsense" % (len(half), half))
    return False


async def _huge_chunk(writer: asyncio.StreamWriter, body: bytes) -> bool:
    writer.write(CHUNKED)
    writer.write(b"ffffffffffff\r\n" + body)
    return False


async def _trailers(writer: asyncio.StreamWriter, body: bytes) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\n" + SSE + b"transfer-encoding: chunked\r\ntrailer: server-timing\r\n\r\n")
    writer.write(b"%x\r\n%b\r\n0\r\nserver-timing: model;dur=1\r\n\r\n" % (len(body), body))
    return True


async def _interim(writer: asyncio.StreamWriter, body: bytes) -> bool:
    writer.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hi")
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.write(b"nts\r\nlink: </style.css>; rel=preload\r\n\r\n")
    return await _right(writer, body)


async def _closes(_writer: asyncio.StreamWriter, _body: bytes) -> bool:
    return False


async def _closes_after(writer: asyncio.StreamWriter, body: bytes) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\n" + SSE + b"connection: close\r\n\r\n" + body)
    return False


async def _not_http(writer: asyncio.StreamWriter, _body: bytes) -> bool:
    writer.write(b"\x00\x01\x02 who goes there\r\n\r\n")
    return False


async def _endless_head(writer: asyncio.StreamWriter, _body: bytes) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\n" + b"x-more: and more\r\n" * 60_000)
    return False


async def _resets(writer: asyncio.StreamWriter, body: bytes) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\n" + SSE + b"content-length: %d\r\n\r\n" % len(body) + body[: len(body) // 2])
    await writer.drain()
    await asyncio.sleep(0.2)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    return False


WAYS: dict[str, Callable[[asyncio.StreamWriter, bytes], Awaitable[bool]]] = {
    "right": _right,
    "claims-more": _claims_more,
    "claims-less": _claims_less,
    "negative-length": _negative,
    "two-lengths": _twice,
    "same-length-twice": _same_twice,
    "same-length-in-a-row": _same_in_a_row,
    "length-of-chunks": _length_of_chunks,
    "tiny-chunks": _tiny_chunks,
    "tiny-chunks-and-a-bad-one": _tiny_chunks_and_a_bad_one,
    "bad-chunk": _bad_chunk,
    "huge-chunk": _huge_chunk,
    "trailers": _trailers,
    "interim": _interim,
    "closes": _closes,
    "closes-after": _closes_after,
    "not-http": _not_http,
    "endless-head": _endless_head,
    "resets": _resets,
}
"""What may become of an answer over HTTP/1.1; each tells whether the connection may go on."""
