"""The request's body, decoded: JSON, a form, or the small fields and file sizes of a multipart upload."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from addon.coding import Budget, CodingError, Decoder
from addon.exchange import Exchange
from addon.framing.binary import ConnectSplitter
from addon.framing.json_values import JsonSplitter
from addon.framing.values import LARGEST_EVENT, NotJson, parse

LARGEST_FIELD = 256 * 1024
"""Bytes; longer text fields of a form are left out."""

_BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,200})"|([^;\s]{1,200}))', re.IGNORECASE)
_FIELD_NAME = re.compile(rb'[;\s]name=(?:"([^"]{0,200})"|([^;\s]{1,200}))', re.IGNORECASE)
_FILE_NAME = re.compile(rb"[;\s]filename\*?=", re.IGNORECASE)
_PART_TYPE = re.compile(rb"^content-type:[ \t]*([A-Za-z0-9.+/-]{1,100})", re.IGNORECASE | re.MULTILINE)


def read_request(exchange: Exchange) -> Any:
    """
    Return the request as JSON values; a form as ``dict[str, str]``; an upload as ``{"fields": {…}, "files":
    [{"size", "type", "field"}, …]}`` without file names; None if it is empty or cannot be read. Never raises.
    """
    data = decode_request(exchange)
    content_type = exchange.request_header("content-type")
    kind = content_type.partition(";")[0].strip().lower()
    if not data:
        return None
    if kind == "multipart/form-data":
        return _multipart(data, content_type)
    if kind.startswith(("application/connect+", "application/grpc")):
        return _envelope(data, as_json="json" in kind)
    if kind == "application/x-www-form-urlencoded":
        return _form(data)
    start = data.lstrip()[:1]
    if start in {b"{", b"[", b'"'} or "json" in kind:
        return _json(data)
    return _form(data) if not kind and b"=" in data[:200] else None


def decode_request(exchange: Exchange) -> bytes:
    """Return the body of the request without its content coding; as it is where it cannot be decoded."""
    data = exchange.request_body
    try:
        decoder = Decoder(exchange.request_header("content-encoding"), Budget())
    except CodingError:
        return data
    decoded = decoder.feed(data)
    # Nothing decoded: archives keep the header but store the text already decoded.
    return decoded or data


def _json(data: bytes) -> Any:
    try:
        return parse(data.decode("utf-8-sig", "replace"))
    except NotJson:
        splitter = JsonSplitter([])
        values = [value for value, _ in (*splitter.feed(data), *splitter.finish())]
        return values or None


def _envelope(data: bytes, *, as_json: bool) -> Any:
    splitter = ConnectSplitter([], as_json=as_json)
    values = [value for value, name in splitter.feed(data) if name is None]
    return values[0] if len(values) == 1 else values or None


def _form(data: bytes) -> dict[str, str] | None:
    try:
        pairs = parse_qsl(data.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=10_000)
    except ValueError:
        return None
    return dict(pairs) or None


def _multipart(data: bytes, content_type: str) -> dict[str, Any] | None:
    found = _BOUNDARY.search(content_type)
    if not found or len(data) > 4 * LARGEST_EVENT:
        return None
    fields: dict[str, str] = {}
    files: list[dict[str, Any]] = []
    for part in data.split(b"--" + (found[1] or found[2]).encode())[1:10_001]:
        head, separator, body = part.partition(b"\r\n\r\n")
        name = _FIELD_NAME.search(head)
        if not separator or not name:
            continue
        body = body.removesuffix(b"\r\n")
        field = (name[1] or name[2] or b"").decode("utf-8", "replace")
        if _FILE_NAME.search(head):
            kind = _PART_TYPE.search(head)
            files.append({"size": len(body), "type": kind[1].decode().lower() if kind else None, "field": field})
        elif len(body) <= LARGEST_FIELD:
            fields[field] = body.decode("utf-8", "replace")
    return {"fields": fields, "files": files}
