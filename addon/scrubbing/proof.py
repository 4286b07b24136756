"""Proves an example: every word in it, however it is written down, is a public one."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus

from addon.scrubbing.heads import AGENTS, hosts
from addon.scrubbing.kinds import FAILURES, MIME, keeps_model
from addon.scrubbing.pages import TAGS
from addon.scrubbing.words import FILLER, MARKS, STEM, is_public, parts, split_name
from addon.service import READ_HEADERS

LEAST_LETTERS = 3
"""Shorter runs of letters are in every id."""
LEAST_LETTERS_IN_BYTES = 5
"""Four letters may be a checksum."""
_SPACED = re.compile(r"[^\s\"'<>()\[\]{},;=&|]+")
_LETTERS = re.compile(r"[^\W\d_]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{16,}={0,2}")
_PRINTED = re.compile(rb"[\x20-\x7e\t\r\n]{5,}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_FOREIGN = re.compile(r"[^\W\d_a-zA-Z]{4,}")
_OURS = """
    id key data multipart form content disposition name file filename boundary example customer type message
    event exception header query code payload inside json proto part http https wss sediment service
    octet stream application vnd amazon eventstream connect grpc web text html span status
    method url request response headers body ended ending started chunks messages from client server get post put delete
    complete aborted null true false localhost iend
    safetensors ckpt gguf pdf png jpg jpeg webp gif wav mpeg pcm
    """.split()  # noqa: SIM905 - a word a line would be a page
"""Words of the protocols, and those that scrubbing itself puts in."""


def unknown_words(told: Any) -> set[str]:
    """Return the words in strings, keys, JSON in strings, base64 and addresses that are in no public vocabulary."""
    return set(_unknown(told))


def _unknown(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield from _unknown_in(value)
        case dict():
            for name, inner in value.items():
                yield from _unknown_in(name)
                data = _decoded(inner) if name.endswith("base64") and isinstance(inner, str) else None
                yield from _unknown(inner) if data is None else _unknown_bytes(data)
        case list():
            for inner in value:
                yield from _unknown(inner)


def _unknown_in(text: str) -> Iterator[str]:
    try:
        inner = json.loads(text)
    except (ValueError, RecursionError):
        inner = None
    if isinstance(inner, dict | list | str):
        yield from _unknown(inner)
        return
    rest = MARKS.sub(" ", text)
    for found in _BASE64.findall(rest):
        if any(_unknown_parts(found)) and (data := _decoded(found)) is not None:
            rest = rest.replace(found, " ")
            yield from _unknown_bytes(data)
    rest = unquote_plus(rest)
    for run in _SPACED.findall(rest):
        if not (MIME.fullmatch(run) or run in _names() or is_public(run) or keeps_model(run.strip(".:/#"))):
            yield from _unknown_parts(run)


def _unknown_parts(run: str) -> Iterator[str]:
    for letters in _LETTERS.findall(run):
        for part in split_name(letters) if letters.isascii() else [letters]:
            is_short = len(part) < LEAST_LETTERS and part.isascii()
            is_stem = not STEM.sub("", part.lower())
            if not (is_short or is_stem or part.lower() in _public_words() or not part.strip("AX")):
                yield part


def _unknown_bytes(data: bytes) -> Iterator[str]:
    """Look into what base64 stood for: text, or runs of letters between other bytes."""
    text = data.decode("utf-8", "ignore")
    if text.encode() == data and not _CONTROL.search(text):
        yield from _unknown_in(text)
        return
    for run in _PRINTED.findall(data):
        yield from (word for word in _unknown_in(run.decode()) if _is_word_in_bytes(word.lower()))
    yield from _FOREIGN.findall(text)


def _is_word_in_bytes(word: str) -> bool:
    """Whether letters between other bytes are a word, and no checksum, nor a public word that a length touches."""
    touched = {word[1:], word[:-1], word[1:-1]}
    return len(word) >= LEAST_LETTERS_IN_BYTES and not touched & _public_words()


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return None


@lru_cache(maxsize=1)
def _public_words() -> frozenset[str]:
    return parts() | TAGS | frozenset(FILLER) | frozenset(_OURS) | frozenset(FAILURES)


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    """Names that are public as a whole: hosts, kinds of programs, and headers."""
    return hosts() | frozenset(AGENTS) | READ_HEADERS
