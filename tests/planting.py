"""Plants a person's words in every free string of an exchange, in all framings, and finds them in any disguise."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import unquote_plus

from addon.exchange import Exchange
from addon.reader import Reader
from addon.scrubbing import Fillers, Scrubber, scrub
from addon.scrubbing.kinds import json_in, key_of, kind_of
from addon.scrubbing.words import is_public
from tests.examples import KEY

WORDS = "KLIMASPORcanary7f3a blåbærsyltetøy"
SIGNS = ("klimasporcanary7f3a", "canary7f3a", "blåbær")
_FREE = frozenset({"text", "id", "link", "failure", "events", "file"})
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")


class Planter(Scrubber):
    """Goes where the scrubber goes, through every framing, and adds words instead of taking them away."""

    def value(self, value: Any, *path: str) -> Any:
        if isinstance(value, dict):
            planted = {name: self.value(inner, *path, name) for name, inner in value.items()}
            return planted | {WORDS: f"{WORDS} again", "unheard_of": [WORDS, 47110815]}
        match value:
            case [str(name), *rest] if any(isinstance(one, int) for one in rest):
                return [name, *super().value(rest, *path)]  # a frame's name and numbers: nobody's words
        return super().value(value, *path)

    def key(self, name: str) -> str:
        return name

    def number(self, number: float, key: str = "") -> float:
        return number

    def string(self, text: str, *path: str) -> str:
        prefix, inner = json_in(text)
        if isinstance(inner, dict | list):
            return prefix + json.dumps(self.value(inner, *path), ensure_ascii=False)
        kind = kind_of(text, key_of(path))
        if kind not in _FREE or is_public(text):
            return text
        if kind == "events":
            return self._events(text, path)
        if kind == "file":
            head, comma, body = text.rpartition(",")
            return head + comma + base64.b64encode(base64.b64decode(body) + WORDS.encode()).decode()
        return f"{text}-{WORDS.split(maxsplit=1)[0]}" if kind == "id" else f"{text} {WORDS}"

    def identifier(self, text: str) -> str:
        return text


class Replacer(Planter):
    """Puts one word alone in place of every text, where it could be taken for a name of the protocol's."""

    def value(self, value: Any, *path: str) -> Any:
        if isinstance(value, dict):
            return {name: self.value(inner, *path, name) for name, inner in value.items()}
        return super().value(value, *path)

    def string(self, text: str, *path: str) -> str:
        is_text = kind_of(text, key_of(path)) == "text" and not is_public(text)
        return WORDS.split()[len(text) % 2] if is_text else super().string(text, *path)


def plant(exchange: Exchange, kind: type[Planter] = Planter) -> Exchange:
    """Return the exchange with words planted in its headers, query, request, answer and messages."""
    service = Reader(KEY).find(exchange.method, exchange.host, exchange.path)
    planter = kind(Fillers("gpt-4o"), exchange.started_at, timedelta())
    planted = scrub(exchange, service.framing if service else "auto", planter)
    secret = {"cookie": f"session={WORDS}", "authorization": f"Bearer {WORDS}", "x-account": WORDS}
    return replace(
        planted,
        host=exchange.host,
        path=exchange.path,
        query="&".join(part for part in (exchange.query, f"name={WORDS}", f"q={WORDS}") if part),
        request_headers={**exchange.request_headers, **planted.request_headers, **secret, "content-encoding": ""},
        response_headers={**planted.response_headers, "set-cookie": WORDS, "x-request-id": WORDS},
    )


def signs_in(told: object) -> list[str]:
    """Return which of the planted words stand in the JSON, also escaped, percent-encoded or in base64."""
    said = " ".join(_unfold(json.dumps(told, ensure_ascii=False), 4)).lower()
    return [sign for sign in SIGNS if sign in said]


def _unfold(text: str, depth: int) -> Iterator[str]:
    """Yield the text, and what it becomes if every disguise in it is taken off, inside one another."""
    yield text
    if not depth:
        return
    plain = unquote_plus(re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text))
    if plain != text:
        yield from _unfold(plain, depth - 1)
    for found in _BASE64.findall(text):
        for shift in range(4):
            piece = found[shift:].rstrip("=").replace("-", "+").replace("_", "/")
            try:
                data = base64.b64decode(piece + "=" * (-len(piece) % 4))
            except (binascii.Error, ValueError):
                continue
            if len(data) >= 6:
                yield from _unfold(data.decode("utf-8", "ignore"), depth - 2 if depth > 1 else 0)
