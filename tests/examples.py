"""
The examples in ``tests/examples/<service>/<case>.json``: load them, read them, and rewrite what they expect.

``python -m tests.examples --accept`` rewrites the expectations of every example (or of the services named after
it), for you to look through as a diff; without ``--accept`` it names the examples that do not hold.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from addon.exchange import Chunk, Exchange, Message
from addon.reader import Reader
from addon.reading import Reading
from addon.scrubbing.example import tell_record as tell
from addon.scrubbing.example import tell_unread

FOLDER = Path(__file__).parent / "examples"
KEY = bytes(range(32))
STARTED_AT = "2026-11-16T09:30:00.000Z"
STEP_MS = 100
KEYS = {"note", "exchange", "exchanges", "expected", "unread", "not_turns"}
EXCHANGE_KEYS = {
    "url", "method", "request_headers",
    "request", "request_text", "request_form", "request_multipart", "request_base64",
    "status", "response_headers",
    "response", "response_text", "response_base64", "events", "lines", "chunks", "messages",
    "at_ms", "started_at", "ended_ms", "ending",
}  # fmt: skip


@dataclass(frozen=True)
class Example:
    path: Path
    content: dict[str, Any]

    @property
    def service(self) -> str:
        return self.path.parent.name

    @property
    def exchanges(self) -> list[Exchange]:
        return [build_exchange(one) for one in _exchanges(self.content)]

    @property
    def expected(self) -> list[dict[str, Any]]:
        expected: list[dict[str, Any]] = self.content.get("expected", [])
        return expected

    @property
    def not_turns(self) -> list[tuple[str, str, str]]:
        """Method, host and path of calls that pass on the same hosts and are nobody's turn."""
        told = []
        for line in self.content.get("not_turns", []):
            method, _, url = line.partition(" ")
            told.append((method, urlsplit(url).hostname or "", urlsplit(url).path))
        return told


def load_examples(folder: Path = FOLDER) -> list[Example]:
    """Return every example, sorted by its path; a ValueError names the first with a key that nothing reads."""
    return [_load(path) for path in sorted(folder.glob("*/*.json"))]


def _load(path: Path) -> Example:
    content = json.loads(path.read_text("utf-8"))
    for told, known in [(content, KEYS), *((one, EXCHANGE_KEYS) for one in _exchanges(content))]:
        if unknown := sorted(told.keys() - known):
            raise ValueError(
                f"{path.parent.name}/{path.name} has {unknown[0]!r}, which nothing reads: see README.md there"
            )
    return Example(path, content)


def _exchanges(content: dict[str, Any]) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = content.get("exchanges") or [content["exchange"]]
    return told


def read_example(example: Example, reader: Reader | None = None) -> Reading:
    """Read all exchanges of an example, one after the other, as one reader would hear them."""
    return read_all(example.exchanges, reader)


def read_all(exchanges: Iterable[Exchange], reader: Reader | None = None) -> Reading:
    reader = reader or Reader(KEY)
    reading = Reading()
    for exchange in exchanges:
        reading += reader.read(exchange)
    return reading


def build_exchange(told: dict[str, Any]) -> Exchange:
    """
    Build the exchange that an example describes; see README.md beside the examples.

    The response is one of ``response`` (JSON), ``response_text``, ``response_base64``, ``events`` (server-sent),
    ``lines`` (JSON lines), ``chunks`` (bytes as they came) or ``messages`` (a socket). These come 100 ms apart unless
    they say ``at_ms``.
    """
    url = urlsplit(told["url"])
    request_body, request_type = _build_request(told)
    chunks = tuple(_build_chunks(told))
    messages = tuple(_build_messages(told.get("messages", [])))
    times = [*(chunk.at_ms for chunk in chunks), *(message.at_ms for message in messages)]
    last_ms = [at_ms for at_ms in times if at_ms is not None]
    headers = {"content-type": request_type} if request_type else {}
    return Exchange(
        method=told.get("method", "GET" if messages else "POST"),
        host=url.hostname or "",
        path=url.path,
        query=url.query,
        request_headers=headers | told.get("request_headers", {}),
        request_body=request_body,
        status=told.get("status", 101 if messages else 200),
        response_headers={"content-type": _content_type(told)} | told.get("response_headers", {}),
        chunks=chunks,
        messages=messages,
        started_at=datetime.fromisoformat(told.get("started_at", STARTED_AT)),
        ended_ms=told.get("ended_ms", (max(last_ms) if last_ms else 0) + 10),
        ending=told.get("ending", "complete"),
        request_bytes=len(request_body),
        response_bytes=sum(len(chunk.data) for chunk in chunks),
    )


def _build_request(told: dict[str, Any]) -> tuple[bytes, str]:
    match told:
        case {"request": body}:
            return json.dumps(body, ensure_ascii=False).encode(), "application/json"
        case {"request_form": dict(form)}:
            return urlencode(form).encode(), "application/x-www-form-urlencoded"
        case {"request_multipart": dict(parts)}:
            return _multipart(parts), "multipart/form-data; boundary=example"
        case {"request_text": str(text)}:
            return text.encode(), "application/json"
        case {"request_base64": str(text)}:
            return base64.b64decode(text), "application/octet-stream"
    return b"", ""


def _multipart(parts: dict[str, Any]) -> bytes:
    """Small text fields by name; a file is told as ``{"size": bytes, "type": mime}``."""
    lines = []
    for name, value in parts.items():
        if isinstance(value, dict):
            lines.append(f'--example\r\ncontent-disposition: form-data; name="{name}"; filename="f"\r\n')
            lines.append(f"content-type: {value['type']}\r\n\r\n{'x' * value['size']}\r\n")
        else:
            lines.append(f'--example\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n')
    return ("".join(lines) + "--example--\r\n").encode()


def _build_chunks(told: dict[str, Any]) -> Iterator[Chunk]:
    match told:
        case {"response": body}:
            yield Chunk(told.get("at_ms", 10 * STEP_MS), json.dumps(body, ensure_ascii=False).encode())
        case {"response_text": str(text)}:
            yield Chunk(told.get("at_ms", 10 * STEP_MS), text.encode())
        case {"response_base64": str(text)}:
            yield Chunk(told.get("at_ms", 10 * STEP_MS), base64.b64decode(text))
        case {"chunks": list(chunks)}:
            for chunk in chunks:
                yield Chunk(chunk["at_ms"], _read_bytes(chunk, "text"))
        case {"events": list(events)}:
            for at_ms, event in _timed(events):
                yield Chunk(at_ms, _write_event(event).encode())
        case {"lines": list(lines)}:
            for at_ms, line in _timed(lines):
                told_line = line
                if isinstance(line, dict):
                    told_line = {key: value for key, value in line.items() if key != "at_ms"}
                yield Chunk(at_ms, (json.dumps(told_line, ensure_ascii=False) + "\n").encode())


def _write_event(event: Any) -> str:
    """``"text"`` and ``{"data": …, "event": name}`` are written as server-sent events, anything else as their data."""
    name, data = None, event
    if isinstance(event, dict) and event.keys() <= {"event", "data", "at_ms"}:
        name, data = event.get("event"), event.get("data", "")
    elif isinstance(event, dict):
        data = {key: value for key, value in event.items() if key != "at_ms"}
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    return (f"event: {name}\n" if name else "") + f"data: {text}\n\n"


def _build_messages(messages: list[dict[str, Any]]) -> Iterator[Message]:
    for at_ms, message in _timed(messages):
        yield Message(at_ms, message["from"] == "client", _read_bytes(message, "data"))


def _read_bytes(told: dict[str, Any], name: str) -> bytes:
    """Return bytes that are told as text, as JSON or, binary ones, as base64."""
    if "base64" in told:
        return base64.b64decode(told["base64"])
    return (told[name] if isinstance(told[name], str) else json.dumps(told[name], ensure_ascii=False)).encode()


def _timed(items: list[Any]) -> Iterator[tuple[int, Any]]:
    at_ms = 0
    for item in items:
        at_ms = item.get("at_ms", at_ms + STEP_MS) if isinstance(item, dict) else at_ms + STEP_MS
        yield at_ms, item


def _content_type(told: dict[str, Any]) -> str:
    if "events" in told:
        return "text/event-stream; charset=utf-8"
    if "lines" in told:
        return "application/x-ndjson"
    return "application/json"


def accept(names: list[str]) -> None:
    """Rewrite what the examples expect (of these services, or of all), and say where nothing was read."""
    examples = load_examples()
    for name in sorted(set(names) - {example.service for example in examples}):
        print(f"no example: there is no {FOLDER.name}/{name}/*.json")
    for example in examples:
        if names and example.service not in names:
            continue
        reading = read_example(example)
        if names and not reading.records:
            why = ", ".join(unread.reason for unread in reading.unread) or "no service's hosts and path match its url"
            print(f"no record: {example.path.relative_to(FOLDER)} ({why})")
        content = dict(example.content)
        content["expected"] = [tell(record) for record in reading.records]
        content.pop("unread", None)
        if reading.unread:
            content["unread"] = tell_unread(reading)
        text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
        if text != example.path.read_text("utf-8"):
            example.path.write_text(text, "utf-8")
            print("rewritten:", example.path.relative_to(FOLDER))


def check() -> int:
    """Print the examples that do not hold; return how many."""
    failed = 0
    for example in load_examples():
        reading = read_example(example)
        if [tell(record) for record in reading.records] != example.expected:
            failed += 1
            print("differs:", example.path.relative_to(FOLDER))
    return failed


if __name__ == "__main__":
    if "--accept" in sys.argv:
        accept([argument for argument in sys.argv[1:] if not argument.startswith("-")])
    else:
        sys.exit(min(check(), 1))
