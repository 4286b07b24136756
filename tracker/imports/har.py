"""HAR files as Chromium, Firefox, Safari and recording tools write them, read as if the proxy had heard them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from addon.coding import Budget, CodingError, Decoder
from addon.exchange import Chunk, Exchange, Message
from addon.local import resolve_host
from addon.service import clean_headers
from tracker.imports import Context, Part, Progress
from tracker.imports.entries import read_entries
from tracker.imports.sockets import Sockets
from tracker.record import count_or_none

_TOO_LONG_MS = 10**9
_CODED_STARTS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}


def read_har(path: Path, context: Context, progress: Progress) -> Iterator[Part]:
    """Yield what came of each entry that is a turn of a service, and a problem for each that is broken."""
    position, sockets = 0, Sockets(context.reader)
    for entry in read_entries(path, progress):
        position = entry.position
        try:
            exchange = None if entry.content is None else build_exchange(entry.content)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            exchange = None
        if exchange is None:
            yield Part(entry.position, problem="it is damaged")
            continue
        reading = sockets.read(exchange)
        if reading.records or reading.unread or reading.refused:
            yield Part(entry.position, reading)
    rest = sockets.finish() + context.reader.overdue()
    if rest.records or rest.unread:
        yield Part(position, rest)


def build_exchange(entry: Mapping[str, Any]) -> Exchange:
    """
    Return the exchange that an entry tells of. Raise ``ValueError`` or ``KeyError`` if it lacks what every entry has.

    Bodies are decoded in a browser's HAR, not in every recorder's. It has no times within a body: those stay unknown.
    """
    request, response = entry["request"], entry["response"]
    url = urlsplit(request["url"])
    started_at, offset = _read_start(entry["startedDateTime"])
    body, request_type = _read_post(request.get("postData"))
    request_headers = _read_headers(request.get("headers"))
    if request_type:
        request_headers["content-type"] = request_type
    if body.lstrip()[:1] in {b"{", b"["}:
        request_headers.pop("content-encoding", None)
    response_headers = _read_headers(response.get("headers"))
    content = response.get("content") or {}
    coding = _coding_left(content, response_headers.pop("content-encoding", ""))
    if coding:
        response_headers["content-encoding"] = coding
    if isinstance(content.get("mimeType"), str) and content["mimeType"]:
        response_headers.setdefault("content-type", content["mimeType"])
    messages = tuple(_read_messages(entry.get("_webSocketMessages"), started_at))
    duration = entry.get("time")
    failed = bool(response.get("_error"))
    return Exchange(
        method=str(request["method"]).upper(),
        host=resolve_host(url.hostname or "", url.port),
        path=url.path or "/",
        query=url.query,
        request_headers=request_headers,
        request_body=body,
        status=int(response["status"]),
        response_headers=response_headers,
        chunks=() if messages else tuple(_read_chunks(content, entry, started_at)),
        messages=messages,
        started_at=started_at,
        utc_offset_minutes=offset,
        ended_ms=_milliseconds(duration),
        ending="aborted" if failed or int(response["status"]) == 0 else "complete",
        request_bytes=_size(request.get("bodySize")) or len(body),
        response_bytes=_size(response.get("bodySize")) or _size(response.get("_transferSize")) or 0,
        source="har",
    )


def _read_start(text: str) -> tuple[datetime, int]:
    """Return the moment and the local offset in minutes: the file's own, or this computer's for ``Z``."""
    moment = datetime.fromisoformat(text.strip())
    if moment.tzinfo is None or text.strip().upper().endswith("Z"):
        moment = moment.astimezone()
    offset = moment.utcoffset()
    return moment.astimezone(UTC), int(offset.total_seconds() // 60) if offset else 0


def _read_headers(headers: Any) -> dict[str, str]:
    pairs: dict[str, str] = {}
    if isinstance(headers, list):
        for header in headers:
            match header:
                case {"name": str(name), "value": str(value)}:
                    pairs[name] = value
    return clean_headers(pairs)


def _read_post(post: Any) -> tuple[bytes, str]:
    """Return the request's body and its content type."""
    if not isinstance(post, Mapping):
        return b"", ""
    kind = post.get("mimeType") if isinstance(post.get("mimeType"), str) else ""
    text = post.get("text")
    if isinstance(text, str) and text:
        is_base64 = "base64" in (post.get("encoding"), post.get("_encoding"))
        return (_unpack(text) if is_base64 else text.encode("utf-8", "replace")), kind or ""
    params = post.get("params")
    if isinstance(params, list) and params:
        if "multipart" in (kind or ""):
            return _multipart(params), "multipart/form-data; boundary=klimaspor"
        fields = {str(one.get("name")): str(one.get("value", "")) for one in params if isinstance(one, Mapping)}
        return urlencode(fields).encode(), kind or "application/x-www-form-urlencoded"
    return b"", kind or ""


def _multipart(params: list[Any]) -> bytes:
    parts = []
    for one in params:
        if not isinstance(one, Mapping):
            continue
        name, value = str(one.get("name", "")).replace('"', ""), str(one.get("value", ""))
        is_file = bool(one.get("fileName"))
        head = f'--klimaspor\r\ncontent-disposition: form-data; name="{name}"' + ('; filename="f"' if is_file else "")
        kind = f"\r\ncontent-type: {one['contentType']}" if is_file and one.get("contentType") else ""
        parts.append(f"{head}{kind}\r\n\r\n{value}\r\n")
    return ("".join(parts) + "--klimaspor--\r\n").encode("utf-8", "replace")


def _read_chunks(content: Mapping[str, Any], entry: Mapping[str, Any], started_at: datetime) -> Iterator[Chunk]:
    text = content.get("text")
    if isinstance(text, str) and text:
        is_base64 = str(content.get("encoding", "")).lower() == "base64"
        yield Chunk(None, _unpack(text) if is_base64 else text.encode("utf-8", "replace"))
        return
    events = entry.get("_eventSourceMessages")
    for event in events if isinstance(events, list) else ():
        match event:
            case {"data": str(data), **rest}:
                name = f"event: {rest['eventName']}\n" if isinstance(rest.get("eventName"), str) else ""
                lines = "".join(f"data: {line}\n" for line in data.split("\n"))
                yield Chunk(_since(rest.get("time"), started_at), f"{name}{lines}\n".encode("utf-8", "replace"))


def _coding_left(content: Mapping[str, Any], coding: str) -> str:
    """Return the content coding that a body is still in: some recorders keep the bytes as they came."""
    text = content.get("text")
    if not isinstance(text, str) or str(content.get("encoding", "")).lower() != "base64":
        return ""
    head = _unpack(text[:8])
    for start, name in _CODED_STARTS.items():
        if head.startswith(start):
            return coding if name in coding else name
    try:
        decoder = Decoder(coding, Budget())
        decoder.feed(_unpack(text))
        decoder.finish()
    except CodingError:
        return ""
    return coding


def _read_messages(messages: Any, started_at: datetime) -> Iterator[Message]:
    for message in messages if isinstance(messages, list) else ():
        match message:
            case {"type": "send" | "receive" as direction, "data": str(data), **rest}:
                raw = _unpack(data) if rest.get("opcode") == 2 else data.encode("utf-8", "replace")
                yield Message(_since(rest.get("time"), started_at), direction == "send", raw)


def _since(time: Any, started_at: datetime) -> int | None:
    """Return milliseconds since the start for a time in seconds (or milliseconds) since 1970."""
    if isinstance(time, bool) or not isinstance(time, int | float):
        return None
    seconds = time / 1000 if time > 10**11 else time
    return _milliseconds((seconds - started_at.timestamp()) * 1000)


def _milliseconds(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_TOO_LONG_MS < value < _TOO_LONG_MS:
        return None
    return max(0, int(value))


def _unpack(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError):
        return b""


def _size(value: Any) -> int | None:
    return count_or_none(value) or None
