"""Rewrites what stands around a body: host, path, query, headers, and the forms a request may have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import parse_qsl, quote, unquote, urlencode

from addon.client import name_client
from addon.exchange import Exchange
from addon.framing.choice import framing_of
from addon.framing.request import decode_request, read_request
from addon.scrubbing.framed import scrub_binary, to_json, write_envelope
from addon.scrubbing.kinds import MIME, keeps_model, model_in
from addon.scrubbing.scrubber import Scrubber
from addon.scrubbing.words import is_public, is_public_name, vocabulary
from addon.service import Event, discover

BOUNDARY = "example"
_VERSION = re.compile(r"v\d{1,2}((alpha|beta)\d{0,2})?|\w?|\d{2}|\w\d")
AGENTS = """
    claude-cli/1 claude/1 codex/1 gemini-cli/1 copilot/1 aider/1 opencode/1 cline/1 vscode/1 jetbrains/1 zed/1 cursor/1
    chatgpt/1 electron/1 openai/1 anthropic/1 google-genai-sdk/1 mistral-client/1 groq/1 cohere/1 ollama/1 boto3/1
    huggingface/1 litellm/1 langchain/1 curl/1 python/1 node/1 go-http-client/1 java/1 edg/1 opr/1 vivaldi/1 firefox/1
    chrome/1 safari/1 mozilla/1
    """.split()  # noqa: SIM905 - a line each would be a page
"""One user agent of every family of programs."""
_PROMISES = {
    "auto": "application/octet-stream", "sse": "text/event-stream", "ndjson": "application/x-ndjson",
    "json": "application/json",
}  # fmt: skip
_BUFFERS = ("application/proto", "application/protobuf", "application/x-protobuf")
_WORD_HEADERS = ("x-initiator", "x-stainless-lang", "originator", "accept")
_JSON_HEADERS = ("x-goog-ext-525001261-jspb",)
_COUNT_HEADER = re.compile(r"x-amzn-bedrock-[a-z-]+")


def scrub_host(host: str) -> str:
    """Return the host; where each customer has one of their own, the customer's name goes."""
    domain = host.partition(".")[2]
    return host if host in hosts() else f"customer.{domain}" if f"*.{domain}" in hosts() else "customer.example"


@lru_cache(maxsize=1)
def hosts() -> frozenset[str]:
    """Return the hosts of all services; ``*.`` stands for one that each customer has."""
    return frozenset(host for service in discover() for host in service.hosts)


def scrub_path(path: str, scrubber: Scrubber) -> str:
    """Return the path with every segment redrawn that our readers do not know by name, nor as a model's."""
    return "/".join(_segment(part, scrubber) for part in path.split("/"))


def _segment(segment: str, scrubber: Scrubber) -> str:
    if is_public(segment) or is_public_name(segment) or _VERSION.fullmatch(segment):
        return segment
    name, colon, verb = unquote(segment).rpartition(":")
    if colon and verb.isalpha() and is_public(verb):
        return f"{_segment(name, scrubber)}:{verb}"
    if keeps_model(unquote(segment)):
        return quote(model_in(unquote(segment)), safe="@:")
    return scrubber.identifier(segment)


def scrub_query(query: str, scrubber: Scrubber) -> str:
    """Return the query with the parameters that our readers know by name, and other values."""
    pairs = parse_qsl(query, keep_blank_values=True)
    known = [(key, value) for key, value in pairs if key in vocabulary()]
    scrubber.removed["query parameter"] += len(pairs) - len(known)
    return urlencode([(key, scrubber.string(value, "query", key)) for key, value in known])


def scrub_headers(headers: Mapping[str, str], scrubber: Scrubber) -> dict[str, str]:
    """Return the few headers that a reader may need, with known words or numbers only."""
    kept: dict[str, str] = {}
    for key, value in headers.items():
        name = key.lower()
        if name == "content-type":
            kept[name] = _content_type(value)
        elif name == "user-agent":
            client = name_client(headers)
            kept[name] = next((agent for agent in AGENTS if client and name_client({name: agent}) == client), "")
        elif name == "openai-model" and keeps_model(value):
            kept[name] = model_in(value)
        elif (name in _WORD_HEADERS and is_public(value)) or (_COUNT_HEADER.fullmatch(name) and value.isdigit()):
            kept[name] = value
        elif name in _JSON_HEADERS:
            kept[name] = scrubber.string(value, name)
        else:
            scrubber.removed["header"] += 1
    return kept


def _content_type(value: str) -> str:
    """Return the content type if it is a public one, else one that promises the same framing."""
    kind = value.partition(";")[0].strip().lower()
    if MIME.fullmatch(kind):
        return f"{kind}; boundary={BOUNDARY}" if kind.startswith("multipart/") else kind
    framing = framing_of(kind)
    if framing == "raw":
        return f"{kind.partition('/')[0]}/*"
    return _PROMISES.get(framing, f"application/connect+{'json' if 'json' in kind else 'proto'}")


def scrub_request(exchange: Exchange, scrubber: Scrubber) -> bytes:
    """Return the request's body with nothing of the person's in it, in the form it had."""
    told = read_request(exchange)
    kind = exchange.request_headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in _BUFFERS:
        return scrub_binary(decode_request(exchange), scrubber)
    if told is None:
        scrubber.removed["request"] += bool(exchange.request_body)
        return b""
    if kind == "multipart/form-data":
        return _write_multipart(told, scrubber)
    if kind.startswith(("application/connect+", "application/grpc")):
        frames = told if isinstance(told, list) else [told]
        return b"".join(write_envelope(Event(frame), scrubber) for frame in frames)
    if kind == "application/x-www-form-urlencoded" or not _is_json(exchange.request_body, kind):
        return urlencode({scrubber.key(key): scrubber.string(value, key) for key, value in told.items()}).encode()
    return to_json(scrubber.value(told)).encode()


def _is_json(body: bytes, kind: str) -> bool:
    return "json" in kind or kind != "" or body.lstrip()[:1] in {b"{", b"[", b'"'}


def _write_multipart(told: dict[str, dict[str, str] | list[dict[str, object]]], scrubber: Scrubber) -> bytes:
    """Return an upload's small fields, and its files as zeros without their names."""
    lines = []
    fields, uploads = told["fields"], told["files"]
    for key, value in fields.items() if isinstance(fields, dict) else ():
        lines.append(f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="{scrubber.key(key)}"\r\n\r\n')
        lines.append(scrubber.string(value, key) + "\r\n")
    for file in uploads if isinstance(uploads, list) else ():
        scrubber.removed["file"] += 1
        name = scrubber.key(str(file["field"]))
        lines.append(f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="{name}"; filename="file"\r\n')
        kind = f"content-type: {file['type']}\r\n" if MIME.fullmatch(str(file["type"])) else ""
        size = file["size"]
        lines.append(kind + "\r\n" + "0" * (size if isinstance(size, int) else 0) + "\r\n")
    return ("".join(lines) + f"--{BOUNDARY}--\r\n").encode()
