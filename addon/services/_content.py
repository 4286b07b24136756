"""What requests of API families have in common: text parts, uploads, tools, thinking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from addon.service import Turn

TOOL_FEATURES = {
    "function": "tool", "custom": "tool", "namespace": "tool", "tool_search": "tool", "apply_patch": "tool",
    "computer": "agent", "computer_use_preview": "agent", "computer_use": "agent",
    "web_search": "web_search", "web_search_preview": "web_search", "web_fetch": "web_search",
    "web_search_call": "web_search", "browser_search": "web_search",
    "live_search": "web_search", "x_search": "web_search", "web_search_premium": "web_search",
    "bash_code_execution": "code", "text_editor_code_execution": "code",
    "code_interpreter": "code", "code_execution": "code", "shell": "code", "local_shell": "code", "bash": "code",
    "text_editor": "code", "str_replace_based_edit_tool": "code",
    "image_generation": "image_output", "mcp": "connector", "mcp_toolset": "connector", "connector": "connector",
    "file_search": "file_input", "document_library": "file_input", "collections_search": "file_input",
    "memory": "memory", "advisor": "subagent", "tool_search_tool": "tool",
}  # fmt: skip
"""Kind of a tool, as the wire calls it (a date behind it taken off) → feature."""

_UPLOADS = {
    "image_url": "image", "input_image": "image", "image": "image", "computer_screenshot": "image",
    "input_audio": "audio", "audio": "audio", "audio_url": "audio", "file": "file", "input_file": "file",
    "document": "file", "document_url": "file", "container_upload": "file", "video_url": "video", "video": "video",
}  # fmt: skip


def tool_feature(kind: object) -> str:
    """Return the feature that a kind of tool stands for; an unknown kind is a tool."""
    if not isinstance(kind, str):
        return "tool"
    kind = kind.removeprefix("openrouter:")
    for name in (kind, kind.rsplit("_20", 1)[0].rstrip("_-"), kind.removesuffix("_call")):
        if name in TOOL_FEATURES:
            return TOOL_FEATURES[name]
    return "tool"


def ask_tools(turn: Turn, tools: object) -> None:
    """Note the tools that a request offers, once each feature, and their text as part of the prompt."""
    if not isinstance(tools, list):
        return
    features = {tool_feature(tool.get("type", "function")) for tool in tools if isinstance(tool, dict)}
    for feature in sorted(features):
        turn.asked(feature)
    for text in walk_text(tools):
        turn.prompt(text)


def ask_thinking(turn: Turn, body: Mapping[str, Any]) -> None:
    """Note effort and thinking, in the many ways there are to ask for them."""
    effort: Any = None
    match body:
        case {"reasoning_effort": str(effort)} | {"reasoning": {"effort": str(effort)}}:
            pass
        case {"output_config": {"effort": str(effort)}}:
            pass
        case {"thinking": {"type": str(effort)}} | {"think": str(effort)}:
            pass
        case {"enable_thinking": True} | {"think": True} | {"reasoning": {"enabled": True} | True}:
            turn.asked("reasoning")
    turn.effort = effort if effort is not None else turn.effort
    thinking = body.get("thinking")
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    if kind in ("enabled", "adaptive") or (effort is not None and effort not in {"none", "minimal", "disabled", "off"}):
        turn.asked("reasoning", None)


def read_parts(turn: Turn, content: object, *, is_new: bool) -> None:
    """Read a message's content, a text or a list of parts; uploads count only in what is new with this turn."""
    if isinstance(content, str):
        turn.prompt(content)
        return
    if not isinstance(content, list):
        return
    for part in content[:10_000]:
        match part:
            case str():
                turn.prompt(part)
            case {"type": "tool_result" | "function_call_output", **rest}:
                read_parts(turn, rest.get("content", rest.get("output")), is_new=is_new)
            case {"type": str(kind), **rest} if kind in _UPLOADS:
                if is_new:
                    turn.attach(_size_of(rest), _UPLOADS[kind])
            case {"text": str(text)}:
                turn.prompt(text)
            case {"type": "tool_use", "input": dict(arguments)}:
                for text in walk_text(arguments):
                    turn.prompt(text)
            case {"thinking": str(text)} | {"content": str(text)}:
                turn.prompt(text)


def walk_text(value: Any, depth: int = 12) -> Iterator[str]:
    """Yield keys and strings of nested JSON, as a model would be shown a tool's description or arguments."""
    match value:
        case str():
            yield value
        case dict() if depth:
            for key, inner in value.items():
                yield str(key)
                yield from walk_text(inner, depth - 1)
        case list() if depth:
            for inner in value:
                yield from walk_text(inner, depth - 1)


def base64_size(text: str) -> int:
    """Return how many bytes a base64 text, or a data URL, stands for."""
    data = text.partition(",")[2] if text.startswith("data:") else text
    return max(0, len(data) * 3 // 4 - data.count("=", -2))


def _size_of(part: Mapping[Any, Any]) -> int | None:
    match part:
        case {"image_url": {"url": str(text)}} | {"image_url": str(text)} if text.startswith("data:"):
            return base64_size(text)
        case {"source": {"data": str(text)}} | {"input_audio": {"data": str(text)}}:
            return base64_size(text)
        case {"file_data": str(text)} | {"file": {"file_data": str(text)}} | {"document_url": str(text)}:
            return base64_size(text) if text.startswith("data:") else None
    return None
