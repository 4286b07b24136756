"""Canaries: strings planted wherever a person's words could stand, and the places to look for them afterwards."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from addon.exchange import Chunk, Exchange, Message
from addon.framing.aws import is_aws_prelude
from addon.scrubbing import vocabulary
from addon.service import READ_HEADERS
from tests.test_framing import aws_frame

CANARY = "KLIMASPORcanary7f3a"
"""One word, so that no cut hides it."""

SMALL = "kanarifuglen"
"""Another, in the small letters that names of models, of features and of kinds of events are made of."""

_UUID = re.compile(r"[0-9a-f-]{36}")
_UPLOAD = re.compile(rb'(?i)(content-disposition: form-data; (?:file)?name=")([^"]*)')
_WORD = re.compile(rb'(": ?)"[A-Za-z_.:/-]{2,40}"')
_RENAMED = rf'\1"{SMALL}"'.encode()
_FRAME = aws_frame(f'{{"{SMALL}": "{SMALL}"}}'.encode(), event_type=SMALL, **{SMALL: SMALL})
_MODELS = frozenset({"model", "modelVersion", "model_slug", "resolved_model_slug", "default_model_slug", "deployment"})


def poison(exchange: Exchange) -> Exchange:
    """Return the exchange with a canary in query, headers, cookies and every string that no reader looks for."""
    return replace(
        exchange,
        query=f"q={CANARY}&{exchange.query}",
        request_headers={
            **exchange.request_headers,
            "cookie": f"session={CANARY}",
            "authorization": f"Bearer {CANARY}",
            "user-agent": f"Mozilla/5.0 {CANARY}",
            "x-account": CANARY,
        },
        response_headers={**exchange.response_headers, "set-cookie": f"id={CANARY}", "x-request-id": CANARY},
        request_body=_poison_bytes(exchange.request_body),
        chunks=tuple(Chunk(chunk.at_ms, _poison_bytes(chunk.data)) for chunk in exchange.chunks),
        messages=tuple(replace(message, data=_poison_message(message)) for message in exchange.messages),
    )


def _poison_message(message: Message) -> bytes:
    return b"\x1e".join(_poison_bytes(part) for part in message.data.split(b"\x1e"))


def _poison_bytes(data: bytes) -> bytes:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return data
    return re.sub(r"^((?:data:)?\s*)([\[{].*[\]}])(\s*)$", _poison_line, text, flags=re.MULTILINE).encode()


def _poison_line(match: re.Match[str]) -> str:
    try:
        value = json.loads(match[2])
    except ValueError:
        return match[0]
    return match[1] + json.dumps(_poison_value(value, "")) + match[3]


def _poison_value(value: Any, key: str) -> Any:
    match value:
        case dict():
            poisoned = {name: _poison_value(inner, name) for name, inner in value.items()}
            return {**poisoned, CANARY: CANARY, "title": value.get("title", CANARY)}
        case list():
            return [_poison_value(inner, key) for inner in value]
        case str() if key in _MODELS:
            return f"{value}-{CANARY}"
        case str() if value in vocabulary() or _UUID.fullmatch(value) or not value:
            return value
        case str():
            return f"{value} {CANARY}"
    return value


def hide(exchange: Exchange) -> Exchange:
    """Return the exchange with small words where only machines look: headers, comments, names of fields, frames."""
    return replace(
        exchange,
        query=f"{SMALL}={SMALL}&model={SMALL}&{exchange.query}",
        request_headers=_hide_in_headers(exchange.request_headers),
        response_headers=_hide_in_headers(exchange.response_headers),
        request_body=_UPLOAD.sub(rf'\1\2-{SMALL}"; {SMALL}="{SMALL}'.encode(), exchange.request_body),
        chunks=tuple(Chunk(chunk.at_ms, _hide_in_stream(chunk.data)) for chunk in exchange.chunks),
    )


def rename(exchange: Exchange) -> Exchange:
    """Return the exchange with a small word in place of every single word: of a role, a kind, a reason, a model."""
    return replace(
        exchange,
        request_body=_WORD.sub(_RENAMED, exchange.request_body),
        chunks=tuple(Chunk(chunk.at_ms, _WORD.sub(_RENAMED, chunk.data)) for chunk in exchange.chunks),
        messages=tuple(replace(message, data=_WORD.sub(_RENAMED, message.data)) for message in exchange.messages),
    )


def _hide_in_headers(headers: Mapping[str, str]) -> dict[str, str]:
    hidden = {name: SMALL for name in READ_HEADERS if not name.startswith(("content-", "transfer-"))}
    told = {name: f"{value}; {SMALL}={SMALL}" if name == "content-type" else value for name, value in headers.items()}
    return {**hidden, "grpc-message": SMALL, SMALL: SMALL, **told}


def _hide_in_stream(data: bytes) -> bytes:
    data = re.sub(rb"(?m)^data:", f": {SMALL}\nid: {SMALL}\nretry: 1{SMALL}\n{SMALL}: {SMALL}\ndata:".encode(), data)
    return data + _FRAME if is_aws_prelude(data) else data


def write_har(exchanges: Iterable[Exchange], path: Path) -> None:
    """Write the exchanges as Chromium's developer tools would save them, one second apart."""
    entries = [_entry(exchange, number) for number, exchange in enumerate(exchanges)]
    path.write_text(json.dumps({"log": {"version": "1.2", "creator": {"name": "WebInspector"}, "entries": entries}}))


def _entry(exchange: Exchange, number: int) -> dict[str, Any]:
    body = b"".join(chunk.data for chunk in exchange.chunks)
    entry: dict[str, Any] = {
        "startedDateTime": (exchange.started_at + timedelta(seconds=number)).isoformat(),
        "time": exchange.ended_ms or 0,
        "request": {
            "method": exchange.method,
            "url": f"https://{exchange.host}{exchange.path}?{exchange.query}",
            "headers": [{"name": name, "value": value} for name, value in exchange.request_headers.items()],
            "cookies": [{"name": "session", "value": CANARY}],
            "postData": {
                "mimeType": exchange.request_headers.get("content-type", ""),
                "text": exchange.request_body.decode("utf-8", "replace"),
            },
        },
        "response": {
            "status": exchange.status,
            "headers": [{"name": name, "value": value} for name, value in exchange.response_headers.items()],
            "content": {
                "mimeType": exchange.response_headers.get("content-type", ""),
                "encoding": "base64",
                "text": base64.b64encode(body).decode(),
            },
        },
        "timings": {"send": 0, "wait": 1, "receive": 1},
    }
    if exchange.messages:
        entry["_webSocketMessages"] = [
            {
                "type": "send" if message.from_client else "receive",
                "time": exchange.started_at.timestamp() + (message.at_ms or 0) / 1000,
                "opcode": 1,
                "data": message.data.decode("utf-8", "replace"),
            }
            for message in exchange.messages
        ]
    return entry


def find(*folders: Path) -> Iterator[Path]:
    """Yield every file below the folders that holds the canary, in any case of letters."""
    needle = CANARY.lower().encode()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and needle in path.read_bytes().lower():
                yield path
