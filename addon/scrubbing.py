"""Makes an exchange safe to share: every word becomes filler, every id another, and the reader still reads the same."""

from __future__ import annotations

import ast
import json
import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl, urlencode

from addon.coding import Budget, Decoder
from addon.exchange import Chunk, Exchange, Message
from tracker.naming import keep_model

FILLER = """
    time people way day man thing woman life child world school state family student group country
    problem hand part place case week company system program question work government number night point
    home water room mother area money story fact month lot right study book eye job word business issue
    side kind head house
""".split()  # noqa: SIM905 - a word a line would be a page
"""Common English words; each is one token of its own after a space."""

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*[A-Za-z0-9]")
_SHOWN_MODEL = re.compile(r"\d(\.\d)? (Flash|Pro|Ultra|Thinking|Deep Think)(-Lite| Lite| Thinking)?")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_POINTING = re.compile(r"(sediment://|file-service://|https?://)([^\s#]+)(#\S*)?")
_ID_KEY = re.compile(r"(?:^|_)(?:id|ids|uuid|token)$|[a-z](?:Id|ID|Ids|Uuid|Token)$")
_OPAQUE = re.compile(r"(?=[^\s]*\d)[A-Za-z0-9_\-.:=+/]{10,}")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)?")
_POINTER = re.compile(r"/?[a-z_]{1,30}(?:/(?:[a-z_]{1,30}|-?\d{1,4}))*")
_POINTER_KEYS = frozenset({"p", "path"})
_PREFIX = re.compile(r"(\w{1,3}:)([\[{].*)", re.DOTALL)
"""Some streams number their lines, or say their kind with one letter."""
_ERROR_KEYS = frozenset({"error", "message", "code", "errorCode", "type", "detail", "reason", "value"})
_ERROR_WORDS = ("limit", "quota", "too_many", "exceeded", "capacity", "throttl", "overloaded")
"""What tells one failure from another; an error's text may hold one of these, and nothing else of it stays."""
_LARGE = 10**8


@dataclass(slots=True)
class Scrubber:
    """One scrubbing: ids are drawn anew, the same one for the same one; ``removed`` counts what went, by kind."""

    scale: float = 1.0
    """How much longer the filler is than the text: pieces of a stream count otherwise alone than put together."""
    removed: Counter[str] = field(default_factory=Counter)
    _owed: float = 0.0
    _ids: dict[str, str] = field(default_factory=dict)
    _keys: dict[str, str] = field(default_factory=dict)
    _place: int = 0

    def value(self, value: Any, key: str = "") -> Any:
        """Return the JSON value with every string, key and large number made harmless."""
        match value:
            case dict():
                return {self.key(name): self.value(inner, name) for name, inner in value.items()}
            case list():
                return [self.value(inner, key) for inner in value]
            case str():
                return self.string(value, key)
            case bool() | None:
                return value
            case int() | float() if abs(value) >= _LARGE:
                self.removed["large number"] += 1
                return 1
            case _:
                return value

    def key(self, name: str) -> str:
        """Return a key as it is if our readers know it by name, else ``key1``, ``key2`` …"""
        if name in vocabulary() or re.fullmatch(r"\d{1,3}", name):
            return name
        self.removed["unknown key"] += name not in self._keys
        return self._keys.setdefault(name, f"key{len(self._keys) + 1}")

    def string(self, text: str, key: str = "") -> str:
        """Return a string that tells nothing: kept only if our readers look for that very string."""
        if not text or is_public(text) or (key in _POINTER_KEYS and _is_pointer(text)):
            return text
        if pointer := _POINTING.fullmatch(text):
            return pointer[1] + self.identifier(pointer[2]) + ("#part" if pointer[3] else "")
        if key in _ERROR_KEYS and (word := next((word for word in _ERROR_WORDS if word in text.lower()), None)):
            self.removed["text"] += 1
            return f"{word} {self.filler(text)}"
        if "model" in key.lower() and (name := keep_model(text)) not in {None, "custom"}:
            return str(name)
        if _TIMESTAMP.fullmatch(text):
            return text  # blocks' times are read; a moment tells no words
        if text[0] in '{["' and (inner := _json_or_none(text)) is not None:
            return json.dumps(self.value(inner), ensure_ascii=False)
        if _UUID.fullmatch(text) or _OPAQUE.fullmatch(text) or _ID_KEY.search(key):
            return self.identifier(text)
        self.removed["text"] += 1
        return self.filler(text)

    def identifier(self, text: str) -> str:
        """Return another id of the same form, the same one for the same one."""
        self.removed["id"] += text not in self._ids
        number = len(self._ids) + 1
        fresh = str(uuid.UUID(int=number, version=4)) if _UUID.fullmatch(text) else f"id-{number:08d}"
        return self._ids.setdefault(text, fresh)

    def filler(self, text: str) -> str:
        """Return public words that have as many tokens as the text, whatever its words and lengths were."""
        from tracker.tokens import count

        self._owed += self.scale * count(text, "gpt-3.5")  # a vocabulary with neither factor nor extra
        words = [FILLER[(self._place + step) % len(FILLER)] for step in range(max(1, round(self._owed)))]
        self._owed -= len(words)
        self._place += len(words)
        return " " + " ".join(words)

    def path(self, path: str) -> str:
        """Return the path with every segment redrawn that our readers do not know by name."""
        return "/".join(
            part if is_public(part) or re.fullmatch(r"\w{0,3}", part) else self.identifier(part)
            for part in path.split("/")
        )


@lru_cache(maxsize=1)
def vocabulary() -> frozenset[str]:
    """Every word in the string constants of our readers: what they look for is public, all else is treated as text."""
    words: set[str] = set()
    sources = [
        source
        for folder in (files("addon"), files("addon.services"))
        for source in folder.iterdir()
        if source.name.endswith(".py") and source.name != "scrubbing.py"
    ]
    for source in sources:
        tree = ast.parse(source.read_text(encoding="utf-8"))
        prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                # A regular expression, too, says which words are looked for.
                words.update(_WORD.findall(node.value), [node.value])
    return frozenset(word for word in words if re.fullmatch(r"[\w./:\- ]{1,60}", word))


def is_public(text: str) -> bool:
    """Whether the string is a word our readers look for, made of such words, or a model's name as a site shows it."""
    if text in vocabulary() or _SHOWN_MODEL.fullmatch(text):
        return True
    parts = re.split(r"[_.-]", text)
    return len(parts) > 1 and all(part in vocabulary() for part in parts)


def _is_pointer(text: str) -> bool:
    """Whether it is a path into the answer's own structure, made of words that readers look for."""
    return bool(_POINTER.fullmatch(text)) and all(
        part in vocabulary() or part.lstrip("-").isdigit() for part in text.strip("/").split("/")
    )


def scrub(exchange: Exchange, scrubber: Scrubber) -> Exchange:
    """
    Return an exchange that its reader reads alike, with nothing of the person's in it.

    Query, cookies, keys and all headers but the content types are dropped, content codings undone, times kept.
    Raises ``CodingError`` if a body's content coding cannot be undone.
    """
    scrubber.removed["header"] += len(exchange.request_headers) + len(exchange.response_headers)
    scrubber.removed["query"] += bool(exchange.query)
    body = _text(exchange.request_body, exchange.request_headers.get("content-encoding", ""))
    answer = _text(
        b"".join(chunk.data for chunk in exchange.chunks), exchange.response_headers.get("content-encoding", "")
    )
    request_body = _body(body, scrubber).encode()
    chunks = tuple(_spread(_answer(answer, scrubber), exchange.chunks))
    return replace(
        exchange,
        path=scrubber.path(exchange.path),
        query="",
        request_headers=_content_type(exchange.request_headers),
        request_body=request_body,
        request_bytes=len(request_body),
        response_headers=_content_type(exchange.response_headers),
        chunks=chunks,
        response_bytes=sum(len(chunk.data) for chunk in chunks),
        messages=tuple(scrub_message(message, scrubber) for message in exchange.messages),
    )


def scrub_message(message: Message, scrubber: Scrubber) -> Message:
    """Return a socket message with nothing of the person's in it; one that is not text becomes empty."""
    try:
        text = message.data.decode()
    except UnicodeDecodeError:
        scrubber.removed["binary message"] += 1
        return replace(message, data=b"")
    return replace(message, data=_structured(text, scrubber).encode())


def _spread(parts: Iterable[str], chunks: Sequence[Chunk]) -> Iterator[Chunk]:
    """Give the scrubbed parts the times of the chunks that they came in, by their share of the whole."""
    pieces = [part.encode() for part in parts if part]
    for place, piece in enumerate(pieces):
        yield Chunk(chunks[place * len(chunks) // len(pieces)].at_ms if chunks else None, piece)


def _answer(text: str, scrubber: Scrubber) -> Iterator[str]:
    """Rewrite an answer line by line (server-sent events, JSON lines), or whole where it is one JSON value."""
    if (whole := _json_or_none(text)) is not None:
        yield json.dumps(scrubber.value(whole), ensure_ascii=False)
        return
    for event in re.split(r"(?<=\n)(?=\r?\n)", text):
        yield "".join(_line(line, scrubber) for line in event.splitlines(keepends=True))


def _line(line: str, scrubber: Scrubber) -> str:
    content = line.rstrip("\r\n")
    end = line[len(content) :]
    name, colon, value = content.partition(":")
    if colon and name in {"data", "event", "id", "retry"}:
        space = " " if value.startswith(" ") else ""
        return f"{name}:{space}{_structured(value.strip(), scrubber)}{end}"
    if content.startswith(":"):
        return f":{end}"
    if prefixed := _PREFIX.fullmatch(content):
        return prefixed[1] + _structured(prefixed[2], scrubber) + end
    return _structured(content, scrubber) + end


def _structured(text: str, scrubber: Scrubber) -> str:
    """Scrub a piece that is JSON, several JSON values between record separators, a known marker, or text."""
    if "\x1e" in text:
        return "\x1e".join(_structured(part, scrubber) for part in text.split("\x1e"))
    value = _json_or_none(text)
    if isinstance(value, dict | list):
        return json.dumps(scrubber.value(value), ensure_ascii=False)
    if value is not None and not isinstance(value, str):
        return text  # a bare number, such as a frame's length
    if isinstance(value, str):
        return json.dumps(scrubber.string(value), ensure_ascii=False)
    return text if text in {"", "[DONE]", ")]}'"} else scrubber.string(text)


def _body(text: str, scrubber: Scrubber) -> str:
    value = _json_or_none(text)
    if value is not None:
        return json.dumps(scrubber.value(value), ensure_ascii=False)
    if "=" in text and "\n" not in text:
        fields = parse_qsl(text, keep_blank_values=True)
        return urlencode([(scrubber.key(name), scrubber.string(inner, name)) for name, inner in fields])
    if text:
        scrubber.removed["text"] += 1
    return ""


def _text(data: bytes, coding: str) -> str:
    if coding:
        budget = Budget()
        decoder = Decoder(coding, budget)
        data = decoder.feed(data) + decoder.finish()
    return data.decode("utf-8", "replace")


def _content_type(headers: Any) -> dict[str, str]:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return {"content-type": kind} if re.fullmatch(r"[a-z]+/[a-z0-9.+-]{1,60}", kind) else {}


def _json_or_none(text: str) -> Any:
    load: Callable[[str], Any] = json.loads
    try:
        return load(text)
    except (ValueError, RecursionError):
        return None
