"""What a string is, by its form and the key it stands under: a known word, an id, a moment, a file, or text."""

from __future__ import annotations

import re
from typing import Any, Literal

from addon.framing import parse_or_none
from addon.scrubbing.words import blank_parts, is_pointer, is_public, is_public_name, keep_parts, vocabulary
from tracker.naming import keep_model

type Kind = Literal[
    "public", "pointer", "measure", "link", "failure", "model", "name", "time", "json", "events", "file", "id", "text"
]

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
LINK = re.compile(r"([a-z][a-z-]{1,20}://)([^\s#]+?)(\.[a-z0-9]{2,5})?(#\S*)?")
BASE64 = re.compile(r"(data:[a-z]{2,20}/[a-z0-9.+-]{1,40};base64,)?([A-Za-z0-9+/_-]+)(={0,2})")
MIME = re.compile(
    r"((?:image|audio|video|text|application|font|multipart)/(?:png|jpe?g|webp|gif|heic|bmp|svg\+xml|mpeg|mp[34]|wav|ogg"
    r"|opus|webm|pcm|flac|plain|html|csv|markdown|json|pdf|xml|zip|octet-stream|proto|protobuf|x-protobuf|form-data|x-www-form-urlencoded"
    r"|event-stream|x-ndjson|jsonl|stream\+json|vnd\.amazon\.eventstream|(?:connect|grpc|grpc-web)\+(?:proto|json)|\*))"
    r"(;rate=\d{4,6})?"
)
"""Kinds of content that IANA or the makers of a protocol have named."""

_ID_KEY = re.compile(r"(?:^|[_-])(?:id|ids|uuid|token)$|[a-z](?:Id|ID|Ids|Uuid|Token)$")
_OPAQUE = re.compile(r"(?=[^\s]*\d)[A-Za-z0-9_\-.:=+/]{10,}")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?")
_TIME_KEY = re.compile(r"time|_at$|At$|date|stamp|created|updated|ended", re.IGNORECASE)
_MEASURE = re.compile(r"\d{1,5}([x:]\d{1,5}|p)?|\d{1,3}(\.\d{1,3})?|[a-z]{2,5}_\d{4,6}(_\d{1,3})?|v\d{1,2}")
_FILE_KEYS = frozenset({
    "data", "bytes", "image", "images", "audio", "audio_base64", "b64_json", "base64", "file_data", "url", "image_url",
    "delta", "imageBytes", "bytesBase64Encoded", "document_url", "result", "init_images",
})  # fmt: skip
_LONG_FILE = 400
"""Characters of base64 that are taken for a file wherever they stand."""
_POINTER_KEYS = frozenset({"p", "path"})
_TEXT_KEYS = frozenset({
    "prompt", "title", "query", "query_str", "q", "thinking", "thought", "reasoning_content", "snippet", "summary",
    "text", "content", "parts", "answer", "chunks", "token", "arguments", "partial_json", "markdown", "input", "inputs",
    "writeAtCursor", "completion", "generation", "outputText", "description", "instructions", "system",
    "message", "body", "question", "lyrics", "tags", "caption", "comment", "raw_content", "display_content", "reply",
})  # fmt: skip
"""Under these there is nothing but words, also where one is known to our readers."""
_ARGUMENT_KEYS = frozenset({"arguments", "partial_json"})
_NAME_KEYS = re.compile(
    r"(type|status|state|kind|role|mode|reason|event|action|command|name|object|operation|usage|phase|variant|source|tool"
    r"|target|recipient|author|channel|format|quality|style|effort|tier|tone|o|op|features?|sources|modalities)$",
    re.IGNORECASE,
)
"""Under these there are names of kinds, and text never, so that a word our readers know stays among unknown ones."""
_IDENTIFIER = re.compile(r"\[?[A-Za-z][A-Za-z0-9_.:-]{1,59}\]?")
_NUMBERED = re.compile(r"(\d{1,3})([\[{].*)", re.DOTALL)
_FAILURE_KEYS = frozenset({"error", "message", "code", "errorCode", "type", "detail", "reason", "value"})
FAILURES = ("limit", "quota", "too_many", "exceeded", "capacity", "throttl", "overloaded", "exhausted")
_FAILURE = re.compile(rf"[a-z_]*({'|'.join(FAILURES)})[a-z_]*", re.IGNORECASE)
"""What tells one failure from another; an error's text may hold these, and nothing else of it stays."""
_WEIGHTS = re.compile(r"\.(safetensors|ckpt|gguf|pt|bin)$")


def kind_of(text: str, key: str) -> Kind:
    """Return what the string under a key is. What no rule knows is text."""
    speaks = key in _TEXT_KEYS
    if text and key in _POINTER_KEYS and is_pointer(text):
        return "pointer"
    if not text or (not speaks and not is_id_key(key) and is_public(text)):
        return "public"
    if known := _kind_by_form(text, key):
        return known
    if keeps_model(text, key):
        return "model"
    if not speaks:
        if is_id_key(key) and not re.search(r"\s", text):
            return "id"
        if key in vocabulary() and _MEASURE.fullmatch(text):
            return "measure"
        if is_public_name(text) or (_names_kind(text, key) and keep_parts(text)):
            return "name"
    return "id" if UUID.fullmatch(text) or (not speaks and _OPAQUE.fullmatch(text)) else "text"


def _kind_by_form(text: str, key: str) -> Kind | None:
    """Return the kind of a string whose form says it, wherever it stands."""
    if MIME.fullmatch(text):
        return "measure"
    if _is_read(json_in(text)[1], key):
        return "json"
    if text.startswith(("event: ", "data: ")) and "data: " in text:
        return "events"
    if key in _FAILURE_KEYS and _FAILURE.search(text):
        return "failure"
    if _TIMESTAMP.fullmatch(text) and is_time_key(key):
        return "time"
    found = BASE64.fullmatch(text)
    if found and (found[1] or (len(text) % 4 == 0 and (len(text) >= _LONG_FILE or key in _FILE_KEYS))):
        return "id" if UUID.fullmatch(text) else "file"
    return "link" if LINK.fullmatch(text) else None


def key_of(path: tuple[str, ...]) -> str:
    """Return the name of what stands at a path; of a patch's value it is the last word of its pointer."""
    names = [part for part in path if not part.isdigit()]
    if len(names) > 1 and names[-1] in {"v", "value"} and names[-2].startswith("/"):
        pointed = [part for part in names[-2].split("/") if part and not part.lstrip("-").isdigit()]
        return pointed[-1] if pointed else names[-1]
    return names[-1] if names else ""


def aim_of(value: dict[Any, Any]) -> tuple[str, ...]:
    """Return where a patch puts its value, so that the pieces of a text are told from its states."""
    aim = value.get("p", value.get("path"))
    return ("/" + re.sub(r"\d+", "0", aim.strip("/")),) if isinstance(aim, str) else ()


def is_id_key(key: str) -> bool:
    """Whether ids stand under the key."""
    return _ID_KEY.search(key) is not None and key not in _TEXT_KEYS


def _names_kind(text: str, key: str) -> bool:
    """Whether the string may be a kind's or a tool's name that our readers know in part; a file's name is none."""
    is_file = "." in text and key.lower().endswith("name")
    return _NAME_KEYS.search(key) is not None and _IDENTIFIER.fullmatch(text) is not None and not is_file


def is_time_key(key: str) -> bool:
    """Whether moments stand under the key, and our readers know it."""
    return key in vocabulary() and _TIME_KEY.search(key) is not None


def may_hold_text(key: str) -> bool:
    """Whether text may stand under the key, beside words that our readers know."""
    return not is_id_key(key) and not _NAME_KEYS.search(key)


def keeps_model(text: str, key: str = "model") -> bool:
    """Whether a model's public name stands here: some of it where a model is told, all of it elsewhere."""
    name = keep_model(stem(text))
    if name in {None, "custom"}:
        return False
    return "model" in key.lower() or (name == stem(text) and key not in _TEXT_KEYS)


def model_in(text: str) -> str:
    """Return a model's name with its public words only: what may be stored, and what readers know around it."""
    name, bare = str(keep_model(stem(text))), stem(text)
    before, found, after = bare.partition(name)
    around = blank_parts(before) + name + blank_parts(after)
    return (around if found and keep_model(around) == name else name) + text[len(bare) :]


def stem(text: str) -> str:
    """Return a model's name without the ending of its file."""
    return _WEIGHTS.sub("", text)


def failure_in(text: str) -> str:
    """Return the words that tell a failure from others, whole if they are known ones."""
    found = dict.fromkeys(word[0] if is_public_name(word[0]) else word[1] for word in _FAILURE.finditer(text))
    return " ".join(found)


def json_in(text: str) -> tuple[str, Any]:
    """Return the JSON value in a string, behind the number that some sockets put in front of it."""
    if numbered := _NUMBERED.fullmatch(text):
        return numbered[1], parse_or_none(numbered[2])
    return "", parse_or_none(text) if text.startswith(("{", "[", '"')) else None


def _is_read(value: Any, key: str) -> bool:
    """Whether JSON inside a string is something that our readers open, and not a tool's arguments or a text."""
    if key in _ARGUMENT_KEYS or not isinstance(value, dict | list | str):
        return False
    if isinstance(value, dict) and key in _TEXT_KEYS:
        return bool(value) and 2 * sum(name in vocabulary() for name in value) >= len(value)
    return True
