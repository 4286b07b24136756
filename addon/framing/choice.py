"""Which framing an exchange has: what its service and its header say, unless the bytes say otherwise."""

from __future__ import annotations

from addon.framing.aws import AwsSplitter, is_aws_prelude
from addon.framing.binary import ConnectSplitter, RawSplitter
from addon.framing.json_values import JsonSplitter
from addon.framing.lines import CodedSplitter, LengthSplitter, LineSplitter, SignalrSplitter
from addon.framing.splitter import Splitter
from addon.framing.sse import SseSplitter

FRAMINGS = (
    "auto", "sse", "sse_text", "ndjson", "json", "json_array", "length_prefixed", "connect", "signalr",
    "aws_event_stream", "coded_lines", "raw",
)  # fmt: skip

HEAD_BYTES = 16
"""How many bytes the choice may need."""

_SSE_STARTS = (b"data:", b"event:", b"id:", b"retry:", b":")
_TEXTUAL = frozenset({"auto", "sse", "sse_text", "ndjson", "json", "coded_lines"})


def framing_of(content_type: str) -> str:
    """Return the framing that a content type promises; ``auto`` if it promises none."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "text/event-stream":
        return "sse"
    if kind == "application/vnd.amazon.eventstream":
        return "aws_event_stream"
    if kind.startswith(("application/connect+", "application/grpc")):
        return "connect"
    if any(word in kind for word in ("ndjson", "jsonl", "json-lines", "stream+json", "jsonlines")):
        return "ndjson"
    if kind.endswith(("/json", "+json")):
        return "json"
    if kind.startswith(("image/", "audio/", "video/")):
        return "raw"
    return "auto"


def choose(framing: str, content_type: str, head: bytes, problems: list[str]) -> Splitter:
    """
    Return the splitter for a body that begins with ``head``.

    ``framing`` is the service's word; a framing of text is checked against the first bytes, for archives often
    lack content types and errors come as JSON where a stream was promised.
    """
    whole_array = framing == "json"
    if framing == "auto":
        framing = framing_of(content_type)
    if framing in _TEXTUAL:
        framing = _look(framing, head, whole_array=whole_array)
    match framing:
        case "sse":
            return SseSplitter(problems)
        case "sse_text":
            return SseSplitter(problems, decode_json=False)
        case "ndjson":
            return LineSplitter(problems)
        case "json":
            return JsonSplitter(problems)
        case "json_array":
            return JsonSplitter(problems, elements=True)
        case "length_prefixed":
            return LengthSplitter(problems)
        case "coded_lines":
            return CodedSplitter(problems)
        case "signalr":
            return SignalrSplitter(problems)
        case "connect":
            return ConnectSplitter(problems, as_json="json" in content_type.lower())
        case "aws_event_stream":
            return AwsSplitter(problems)
        case _:
            return RawSplitter(problems)


def _look(framing: str, head: bytes, *, whole_array: bool) -> str:
    if is_aws_prelude(head):
        return "aws_event_stream"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(_SSE_STARTS):
        return framing if framing == "sse_text" else "sse"
    if start.startswith(b")]}'"):
        return "length_prefixed" if start[4:].lstrip()[:1].isdigit() else "json"
    if start.startswith(b"["):
        return framing if framing == "ndjson" else "json" if whole_array else "json_array"
    if start.startswith(b"{"):
        return "ndjson" if framing == "ndjson" else "json"
    return "raw" if framing == "auto" else framing
