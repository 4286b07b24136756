"""mitmproxy's flow files, read as if our own proxy had heard them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from addon.exchange import Chunk, Ending, Exchange, Message
from addon.local import resolve_host
from addon.service import clean_headers
from tracker.imports import Context, NotReadableError, Part, Progress
from tracker.imports.sockets import Sockets

DAMAGE = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, AssertionError, OverflowError, RecursionError,
    MemoryError,
)  # fmt: skip
"""What comes of a file that lies about its lengths, its types or its depth."""


def read_flow(path: Path, context: Context, progress: Progress) -> Iterator[Part]:
    """
    Yield what came of each flow that is a turn of a service. What was read stays, wherever the file breaks off.

    Raise ``NotReadableError`` if not even its first flow can be read.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mitmproxy's own, when it is imported
        from mitmproxy.exceptions import FlowReadException
        from mitmproxy.http import HTTPFlow
        from mitmproxy.io import FlowReader

    size = path.stat().st_size
    with path.open("rb") as file:
        flows = iter(FlowReader(file).stream())
        position, sockets = 0, Sockets(context.reader)
        while True:
            position += 1
            try:
                flow = next(flows, None)
            except (FlowReadException, *DAMAGE):
                if position == 1:
                    raise NotReadableError(
                        "it is not a flow file, or of a version of mitmproxy that is not known; save it again as HAR"
                    ) from None
                yield Part(position, problem="the file breaks off there")
                flow = None
            progress(file.tell(), size)
            if flow is None:
                break
            if not isinstance(flow, HTTPFlow) or flow.response is None:
                continue
            try:
                exchange = build_exchange(flow)
            except DAMAGE:
                yield Part(position, problem="it is damaged")
                continue
            reading = sockets.read(exchange)
            if reading.records or reading.unread or reading.refused:
                yield Part(position, reading)
    rest = sockets.finish() + context.reader.overdue()
    if rest.records or rest.unread:
        yield Part(position, rest)


def build_exchange(flow: Any) -> Exchange:
    """Return the exchange of an ``HTTPFlow`` that has a response. A flow file has no times within a body."""
    request, response = flow.request, flow.response
    if response is None:
        raise ValueError("the flow has no response")
    started = request.timestamp_start

    def since(timestamp: float | None) -> int | None:
        return None if timestamp is None else max(0, int((timestamp - started) * 1000))

    started_at = datetime.fromtimestamp(started, UTC)
    offset = started_at.astimezone().utcoffset()
    messages: tuple[Message, ...] = ()
    if flow.websocket is not None:
        messages = tuple(
            Message(since(message.timestamp), message.from_client, message.content)
            for message in flow.websocket.messages
        )
    ending: Ending = "complete" if flow.error is None else "aborted"
    body = response.raw_content or b""
    return Exchange(
        method=request.method,
        host=resolve_host(request.pretty_host, request.port),
        path=request.path.partition("?")[0],
        query=request.path.partition("?")[2],
        request_headers=_headers(request.headers),
        request_body=request.raw_content or b"",
        status=response.status_code,
        response_headers=_headers(response.headers),
        chunks=(Chunk(None, body),) if body and not messages else (),
        messages=messages,
        started_at=started_at,
        utc_offset_minutes=int(offset.total_seconds() // 60) if offset else 0,
        ended_ms=since(response.timestamp_end),
        ending=ending,
        request_bytes=len(request.raw_content or b""),
        response_bytes=len(body),
        source="flow",
    )


def _headers(headers: Any) -> dict[str, str]:
    return clean_headers({str(name): str(headers[name]) for name in headers})
